// The few instructions that the kernel must understand when user level gets a general-protection exception for them.
//
// User code is flat 32-bit code; prefixes may change operand and address size. Lengths and addresses are those of the
// manual's opcode map (Intel SDM volume 2, appendix A). A template over the source of bytes: host tests give it an
// array, the kernel user memory.
#pragma once

#include <cstdint>

namespace kernel {

struct Instruction {
    enum class Kind : uint8_t {
        other,        // nothing of the kernel's business
        load_idt,     // LIDT m: `address` of its operand
        halt,         // HLT
        flush_caches, // WBINVD
        load_segment, // MOV or POP to a segment register: `segment`, and `popped` bytes leave the stack
        port,         // IN, OUT, INS, OUTS: 2^log2_bytes ports from `port` on
    };
    Kind kind = Kind::other;
    uint8_t length = 0;
    uint8_t segment = 0; // ES, CS, SS, DS, FS, GS
    uint8_t popped = 0;
    uint8_t log2_bytes = 0;
    bool short_operands = false; // prefix 66h
    uint16_t port = 0;
    uint32_t address = 0;
};

// The general registers by their numbers in instructions: EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI.
struct GeneralRegisters {
    uint32_t value[8];
};

// Bytes: bool next(uint8_t& byte); false: the byte cannot be had, and decoding ends.
template<class Bytes>
class InstructionDecoder {
public:
    InstructionDecoder(Bytes& bytes, const GeneralRegisters& registers)
        : bytes_(bytes), registers_(registers) {}

    // False: a byte could not be had.
    bool decode(Instruction& instruction) {
        instruction = {};
        uint8_t opcode = 0;
        do {
            if (!next(opcode))
                return !failed_;
        } while (is_prefix(opcode));
        decode_opcode(opcode, instruction);
        instruction.short_operands = short_operands_;
        instruction.length = length_;
        return !failed_;
    }

private:
    using Kind = Instruction::Kind;

    static constexpr uint8_t length_max = 15; // longer ones raise #GP themselves

    bool next(uint8_t& byte) {
        if (length_ == length_max || failed_)
            return false;
        failed_ = !bytes_.next(byte);
        ++length_;
        return !failed_;
    }

    bool is_prefix(uint8_t byte) {
        switch (byte) {
        case 0x66:
            short_operands_ = true;
            return true;
        case 0x67:
            short_addresses_ = true;
            return true;
        case 0x26: // segments: all that can be loaded are flat
        case 0x2E:
        case 0x36:
        case 0x3E:
        case 0x64:
        case 0x65:
        case 0xF0: // LOCK
        case 0xF2: // REP
        case 0xF3:
            return true;
        default:
            return false;
        }
    }

    void decode_opcode(uint8_t opcode, Instruction& out) {
        constexpr uint8_t es = 0, ss = 2, ds = 3;
        switch (opcode) {
        case 0x0F:
            decode_two_byte(out);
            break;
        case 0x07:
            pop_segment(es, out);
            break;
        case 0x17:
            pop_segment(ss, out);
            break;
        case 0x1F:
            pop_segment(ds, out);
            break;
        case 0x8E:
            move_to_segment(out);
            break;
        case 0xF4:
            out.kind = Kind::halt;
            break;
        case 0xE4: // IN and OUT with the port in the instruction
        case 0xE5:
        case 0xE6:
        case 0xE7: {
            uint8_t number = 0;
            if (next(number))
                access_port(opcode, number, out);
            break;
        }
        case 0x6C: // INS, OUTS
        case 0x6D:
        case 0x6E:
        case 0x6F:
        case 0xEC: // IN and OUT with the port in DX
        case 0xED:
        case 0xEE:
        case 0xEF:
            access_port(opcode, static_cast<uint16_t>(registers_.value[register_edx]), out);
            break;
        default:
            break;
        }
    }

    void decode_two_byte(Instruction& out) {
        constexpr uint8_t fs = 4, gs = 5;
        uint8_t opcode = 0;
        if (!next(opcode))
            return;
        switch (opcode) {
        case 0x01: {
            constexpr unsigned lidt = 3;
            const ModRm modrm = read_modrm();
            if (modrm.complete && modrm.in_memory && modrm.reg == lidt) {
                out.kind = Kind::load_idt;
                out.address = modrm.address;
            }
            break;
        }
        case 0x09:
            out.kind = Kind::flush_caches;
            break;
        case 0xA1:
            pop_segment(fs, out);
            break;
        case 0xA9:
            pop_segment(gs, out);
            break;
        default:
            break;
        }
    }

    void pop_segment(uint8_t segment, Instruction& out) {
        out.kind = Kind::load_segment;
        out.segment = segment;
        out.popped = short_operands_ ? 2 : 4;
    }

    void move_to_segment(Instruction& out) {
        constexpr uint8_t segments = 6, cs = 1;
        const ModRm modrm = read_modrm();
        if (!modrm.complete || modrm.reg >= segments || modrm.reg == cs)
            return;
        out.kind = Kind::load_segment;
        out.segment = modrm.reg;
    }

    void access_port(uint8_t opcode, uint16_t number, Instruction& out) {
        const bool single_byte = (opcode & 1) == 0;
        out.kind = Kind::port;
        out.port = number;
        out.log2_bytes = single_byte ? 0 : short_operands_ ? 1 : 2;
    }

    struct ModRm {
        bool complete = false; // all of its bytes could be had
        bool in_memory = false;
        uint8_t reg = 0;
        uint32_t address = 0;
    };

    ModRm read_modrm() {
        uint8_t byte = 0;
        ModRm modrm;
        if (!next(byte))
            return modrm;
        const uint8_t mod = byte >> 6, rm = byte & 7;
        modrm.reg = byte >> 3 & 7;
        modrm.in_memory = mod != 3;
        if (!modrm.in_memory)
            modrm.complete = true;
        else
            modrm.complete =
                short_addresses_ ? address_16(mod, rm, modrm.address) : address_32(mod, rm, modrm.address);
        return modrm;
    }

    bool address_32(uint8_t mod, uint8_t rm, uint32_t& address) {
        constexpr uint8_t has_sib = 4, none = 4, absolute = 5;
        address = 0;
        uint8_t base = rm;
        if (rm == has_sib) {
            uint8_t sib = 0;
            if (!next(sib))
                return false;
            const uint8_t index = sib >> 3 & 7;
            base = sib & 7;
            if (index != none)
                address = registers_.value[index] << (sib >> 6);
        }
        if (mod == 0 && base == absolute)
            return add_displacement(4, address);
        address += registers_.value[base];
        return add_displacement(mod == 0 ? 0 : mod == 1 ? 1 : 4, address);
    }

    bool address_16(uint8_t mod, uint8_t rm, uint32_t& address) {
        constexpr uint8_t absolute = 6;
        constexpr uint8_t ebx = 3, ebp = 5, esi = 6, edi = 7;
        constexpr uint8_t first[8] = {ebx, ebx, ebp, ebp, esi, edi, ebp, ebx};
        const auto& value = registers_.value;
        address = 0;
        bool complete = false;
        if (mod == 0 && rm == absolute) {
            complete = add_displacement(2, address);
        } else {
            address = value[first[rm]];
            if (rm < 4)
                address += value[(rm & 1) != 0 ? edi : esi];
            complete = add_displacement(mod, address);
        }
        address &= 0xFFFF;
        return complete;
    }

    // Little endian; one byte alone is signed.
    bool add_displacement(unsigned bytes, uint32_t& address) {
        uint32_t displacement = 0;
        for (unsigned index = 0; index < bytes; ++index) {
            uint8_t byte = 0;
            if (!next(byte))
                return false;
            displacement |= uint32_t{byte} << 8 * index;
        }
        address += bytes == 1 ? static_cast<uint32_t>(static_cast<int8_t>(displacement)) : displacement;
        return true;
    }

    static constexpr unsigned register_edx = 2;

    Bytes& bytes_;
    const GeneralRegisters& registers_;
    uint8_t length_ = 0;
    bool short_operands_ = false, short_addresses_ = false, failed_ = false;
};

} // namespace kernel
