#include "models/cpu/decoder.hpp"

#include "models/cpu/core.hpp"
#include "models/cpu/instruction_fields.hpp"

#include "kernel-model/abi/probes.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>

namespace fixpoint::models {

namespace {

struct Prefixes {
    bool operand_size = false, address_size = false, lock = false;
    Repeat repeat = Repeat::none;
    uint8_t segment = segment_count; // none
};

Prefixes prefixes_of(const ZydisDecodedInstruction& instruction) {
    Prefixes p;
    for (unsigned i = 0; i < instruction.raw.prefix_count; ++i)
        switch (instruction.raw.prefixes[i].value) {
        case 0x66:
            p.operand_size = true;
            break;
        case 0x67:
            p.address_size = true;
            break;
        case 0xF0:
            p.lock = true;
            break;
        case 0xF2:
            p.repeat = Repeat::while_not_equal;
            break;
        case 0xF3:
            p.repeat = Repeat::while_equal;
            break;
        case 0x26:
            p.segment = seg_es;
            break;
        case 0x2E:
            p.segment = seg_cs;
            break;
        case 0x36:
            p.segment = seg_ss;
            break;
        case 0x3E:
            p.segment = seg_ds;
            break;
        case 0x64:
            p.segment = seg_fs;
            break;
        case 0x65:
            p.segment = seg_gs;
            break;
        default:
            break;
        }
    return p;
}

// SDM vol. 2, tables 2-1 to 2-3. Returns the default segment.
uint8_t address_operand(const ZydisDecodedInstruction& instruction, bool wide, Op& op) {
    const auto& modrm = instruction.raw.modrm;
    op.base = op.index = Core::no_register;
    op.scale = 0;
    op.displacement = static_cast<uint32_t>(instruction.raw.disp.value);
    if (!wide) {
        constexpr uint8_t bases[] = {reg_ebx, reg_ebx, reg_ebp, reg_ebp, reg_esi, reg_edi, reg_ebp, reg_ebx};
        constexpr uint8_t indexes[] = {reg_esi, reg_edi, reg_esi, reg_edi};
        if (modrm.mod == 0 && modrm.rm == 6)
            return seg_ds;
        op.base = bases[modrm.rm];
        if (modrm.rm < 4)
            op.index = indexes[modrm.rm];
        return op.base == reg_ebp ? seg_ss : seg_ds;
    }
    uint8_t base = modrm.rm;
    if (modrm.rm == 4) {
        base = instruction.raw.sib.base;
        if (instruction.raw.sib.index != 4) {
            op.index = instruction.raw.sib.index;
            op.scale = instruction.raw.sib.scale;
        }
    }
    if (modrm.mod == 0 && base == 5)
        return seg_ds;
    op.base = base;
    return base == reg_esp || base == reg_ebp ? seg_ss : seg_ds;
}

constexpr size_t longest = ZYDIS_MAX_INSTRUCTION_LENGTH;

size_t count_prefixes(const uint8_t* bytes, size_t available) {
    const auto is_prefix = [](uint8_t byte) {
        return (byte & 0xE7) == 0x26 || (byte >= 0x64 && byte <= 0x67) || byte == 0xF0 || byte == 0xF2 ||
               byte == 0xF3;
    };
    size_t count = 0;
    while (count < available && is_prefix(bytes[count]))
        ++count;
    return count;
}

// What a P6 finds undefined at the ModRM byte, and later processors begin VEX, EVEX and XOP encodings with: LES, LDS and
// BOUND with a register, POP with a register field that is not 0.
bool begins_later_encoding(uint8_t opcode, uint8_t modrm) {
    constexpr uint8_t bound = 0x62, pop = 0x8F, les = 0xC4, lds = 0xC5;
    if (opcode == pop)
        return (modrm & 0x38) != 0;
    return (opcode == bound || opcode == les || opcode == lds) && modrm >= 0xC0;
}

// How many bytes of an instruction that does not exist show it: prefixes, opcode, and ModRM where that can decide
// (SDM vol. 2, tables ).
size_t bytes_that_show(const uint8_t* bytes, size_t available, size_t opcode_at) {
    const uint8_t opcode = bytes[opcode_at];
    const bool two_byte = opcode == 0x0F && opcode_at + 1 < available;
    bool has_modrm;
    if (two_byte) {
        constexpr uint8_t groups[] = {0x00, 0x01, 0x20, 0x21, 0x22, 0x23, 0x71, 0x72, 0x73, 0xAE, 0xBA, 0xC7};
        has_modrm = std::find(std::begin(groups), std::end(groups), bytes[opcode_at + 1]) != std::end(groups);
    } else {
        constexpr uint8_t others[] = {0x62, 0x63, 0x69, 0x6B, 0xC0, 0xC1, 0xC4,
                                      0xC5, 0xC6, 0xC7, 0xF6, 0xF7, 0xFE, 0xFF};
        has_modrm = (opcode & 0xC4) == 0x00 || (opcode & 0xF0) == 0x80 || (opcode & 0xFC) == 0xD0 ||
                    (opcode & 0xF8) == 0xD8 ||
                    std::find(std::begin(others), std::end(others), opcode) != std::end(others);
    }
    return std::min(available, opcode_at + (two_byte ? 2 : 1) + (has_modrm ? 1 : 0));
}

// `length`: the bytes that had to be fetched to know; CS's limit and the next page matter to them first.
Decoded raising(uint8_t number, size_t length = 1) {
    Decoded decoded;
    decoded.op.handler = raise_handler();
    decoded.op.detail = number;
    decoded.length = static_cast<uint8_t>(length);
    decoded.provisional = true;
    decoded.ends_block = true;
    return decoded;
}

} // namespace

Handler InstructionFields::undefined() const {
    op->detail = vector::invalid_opcode;
    ends();
    return raise_handler();
}

Decoder::Decoder(const CpuParameters& parameters) : parameters_{parameters} {
    bool ready = true;
    for (ZydisDecoder* decoder : {&decoder16_, &decoder32_}) {
        const bool wide = decoder == &decoder32_;
        ready = ready && ZYAN_SUCCESS(ZydisDecoderInit(
                             decoder, wide ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
                             wide ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16));
        // What later processors made of encodings that a P6 reads otherwise.
        for (const ZydisDecoderMode later :
             {ZYDIS_DECODER_MODE_MPX, ZYDIS_DECODER_MODE_CET, ZYDIS_DECODER_MODE_LZCNT,
              ZYDIS_DECODER_MODE_TZCNT, ZYDIS_DECODER_MODE_CLDEMOTE})
            ready = ready && ZYAN_SUCCESS(ZydisDecoderEnableMode(decoder, later, ZYAN_FALSE));
    }
    if (!ready)
        throw std::runtime_error("the instruction decoder cannot be set up");
}

Decoded Decoder::decode(const uint8_t* bytes, size_t available, uint32_t mode) const {
    const bool code32 = (mode & block_mode::code32) != 0;
    const size_t opcode_at = count_prefixes(bytes, available);
    if (opcode_at + 1 < available && begins_later_encoding(bytes[opcode_at], bytes[opcode_at + 1]))
        return raising(vector::invalid_opcode, opcode_at + 2);
    ZydisDecodedInstruction instruction;
    const ZyanStatus status = ZydisDecoderDecodeInstruction(code32 ? &decoder32_ : &decoder16_, nullptr,
                                                            bytes, available, &instruction);
    if (status == ZYDIS_STATUS_NO_MORE_DATA) {
        if (available >= longest)
            return raising(vector::general_protection);
        Decoded decoded;
        decoded.incomplete = true;
        return decoded;
    }
    if (status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG)
        return raising(vector::general_protection);
    if (!ZYAN_SUCCESS(status) || instruction.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
        return raising(vector::invalid_opcode, bytes_that_show(bytes, available, opcode_at));

    Decoded decoded;
    decoded.length = instruction.length;
    const Prefixes prefixes = prefixes_of(instruction);
    Op& op = decoded.op;
    InstructionFields f{};
    f.op = &op;
    f.cost = &decoded.cost;
    f.decoded = &decoded;
    f.parameters = &parameters_;
    f.opcode = instruction.opcode;
    f.has_modrm = (instruction.attributes & ZYDIS_ATTRIB_HAS_MODRM) != 0;
    f.reg = instruction.raw.modrm.reg;
    f.rm = instruction.raw.modrm.rm;
    f.memory = f.has_modrm && instruction.raw.modrm.mod != 3;
    f.modrm = static_cast<uint8_t>(instruction.raw.modrm.mod << 6 | f.reg << 3 | f.rm);
    f.prefixed = prefixes.operand_size || prefixes.repeat != Repeat::none;
    f.wide = code32 != prefixes.operand_size ? 2 : 1;
    f.wide_address = code32 != prefixes.address_size;
    f.lock = prefixes.lock;
    f.immediate = static_cast<uint32_t>(instruction.raw.imm[0].value.u);
    f.immediate_bytes = instruction.raw.imm[0].size / 8u;
    f.second_immediate = static_cast<uint32_t>(instruction.raw.imm[1].value.u);
    f.displacement = static_cast<uint32_t>(instruction.raw.disp.value);

    op.base = op.index = Core::no_register;
    op.address_mask = f.wide_address ? 0xFFFF'FFFFu : 0xFFFFu;
    op.segment = seg_ds;
    if (f.memory)
        op.segment = address_operand(instruction, f.wide_address, op);
    if (prefixes.segment != segment_count)
        op.segment = prefixes.segment;
    op.immediate = f.immediate;
    op.repeat = prefixes.repeat;
    const bool flat_data = (mode & block_mode::flat_data) != 0;
    const bool flat_segment = op.segment == seg_ds || op.segment == seg_es || op.segment == seg_ss;
    f.flat_stack = flat_data;
    f.flat = f.flat_string = flat_data && f.wide_address && flat_segment;

    const bool two_byte = instruction.opcode_map == ZYDIS_OPCODE_MAP_0F;
    if (!two_byte && instruction.opcode_map != ZYDIS_OPCODE_MAP_DEFAULT)
        op.handler = f.undefined();
    else
        op.handler = two_byte ? decode_two_byte(f) : decode_one_byte(f);
    if (f.lock)
        decoded.cost.extra_cycles += parameters_.locked_cycles;

    // A probe is free and no instruction (kernel-model/abi/probes.hpp).
    const bool long_nop =
        two_byte && f.opcode == 0x1F && f.memory && instruction.length == 7 && bytes[2] == 0x80;
    if (long_nop && (f.displacement & l4::probe_marker_mask) == l4::probe_marker &&
        (f.displacement & ~l4::probe_marker_mask) != 0) {
        op.handler = probe_handler();
        op.immediate = f.displacement & ~l4::probe_marker_mask;
        decoded.cost = {0, 0};
        decoded.counts = false;
        decoded.ends_block = true;
    }
    return decoded;
}

} // namespace fixpoint::models
