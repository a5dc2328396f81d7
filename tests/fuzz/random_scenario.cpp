#include "tests/fuzz/random_scenario.hpp"

#include "tests/cpu/cpu_bench.hpp"
#include "tests/cpu/small_caches.hpp"

#include <Zydis/Zydis.h>

#include <cstring>

namespace fixpoint::fuzz {
namespace {

using models::CpuBench;
using models::CpuState;
using models::SegmentState;

// Where things are: CpuBench's tables, code both below 1 MiB (for 16-bit addresses) and above, data, page
// tables.
constexpr uint32_t low_code = 0x8000, low_code_bytes = 0x1000, code_bytes = 0x2000, data_address = 0x20'0000,
                   data_bytes = 0x8000, directory = 0x30'0000, first_table = 0x30'1000, tables = 8;
constexpr uint32_t cr0_numeric = 0x2E; // MP, EM, TS, NE
constexpr uint32_t cr4_pse = 0x10, cr4_pae = 0x20, cr4_pge = 0x80,
                   cr4_rest = 0x34F; // VME PVI TSD DE MCE PCE OSFXSR
constexpr uint32_t present = 1, writable = 2, user = 4, large = 0x80, global = 0x100;

class Drawing {
public:
    Drawing(const ScenarioKind& kind, Random& random, Scenario& scenario)
        : kind_{kind}, random_{random}, scenario_{scenario} {}

    void draw() {
        scenario_.parameters = parameters();
        scenario_.memory.assign(memory_bytes, 0);
        draw_tables();
        fill_code(code_address(), code_size());
        for (uint32_t i = 0; i < data_bytes; i += 4)
            put32(data_address + i, below(4) == 0 ? pointer() : word());
        scenario_.state = state();
        if (kind_.paging != Paging::off && kind_.environment != Environment::real) {
            scenario_.state.cr0 |= 0x8000'0000u;
            scenario_.state.cr3 = directory;
            if (kind_.paging == Paging::random_pae)
                draw_pae_pages();
            else
                draw_pages();
        }
    }

private:
    uint32_t word() { return static_cast<uint32_t>(random_()); }
    uint32_t below(uint32_t limit) { return word() % limit; }
    bool one_in(uint32_t count) { return below(count) == 0; }

    void put32(uint32_t address, uint32_t value) { std::memcpy(&scenario_.memory[address], &value, 4); }

    [[nodiscard]] bool small_addresses() const {
        return kind_.environment == Environment::real || kind_.environment == Environment::virtual_8086 ||
               kind_.environment == Environment::code16;
    }
    [[nodiscard]] uint32_t code_address() const {
        return small_addresses() ? low_code : CpuBench::code_address;
    }
    [[nodiscard]] uint32_t code_size() const { return small_addresses() ? low_code_bytes : code_bytes; }

    models::CpuParameters parameters() {
        return models::with_small_caches([this](uint32_t limit) { return below(limit); });
    }

    // An address that something may be at: code, data, tables, the ends of memory and of the address space.
    uint32_t pointer() {
        switch (below(12)) {
        case 0:
            return code_address() + below(code_size());
        case 1:
            return CpuBench::stack_top - below(64);
        case 2:
            return CpuBench::gdt_address + below(0x3000);
        case 3:
            return directory + below((1 + tables) * 4096);
        case 4:
            return memory_bytes - 8 + below(16);
        case 5:
            return 0xA'0000 - 8 + below(0x2'0010);
        case 6:
            return 0u - below(16);
        case 7:
            return small_addresses() ? below(0x1'0000) : word();
        default:
            return small_addresses() ? below(0x9000) : data_address + below(data_bytes);
        }
    }

    // ---- Code

    void fill_code(uint32_t address, uint32_t bytes) {
        uint32_t at = 0;
        while (at + ZYDIS_MAX_INSTRUCTION_LENGTH < bytes) {
            uint8_t* const place = &scenario_.memory[address + at];
            for (unsigned i = 0; i < ZYDIS_MAX_INSTRUCTION_LENGTH; ++i)
                place[i] = static_cast<uint8_t>(word());
            at += kind_.code == CodeKind::valid_instructions ? keep_instruction(place) : 1;
        }
    }

    // Random bytes that are an instruction: its length, with the displacement often made a pointer.
    // Something else: 0, so that others are drawn.
    uint32_t keep_instruction(uint8_t* place) {
        if (one_in(2)) // two in three opcodes of the first page are short and harmless: more of the others
            place[0] = one_in(2) ? 0x0F : one_in(2) ? static_cast<uint8_t>(0xD8 + below(8)) : place[0];
        const bool wide = !small_addresses();
        ZydisDecoder decoder;
        ZydisDecoderInit(&decoder, wide ? ZYDIS_MACHINE_MODE_LEGACY_32 : ZYDIS_MACHINE_MODE_LEGACY_16,
                         wide ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16);
        ZydisDecodedInstruction instruction;
        if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, nullptr, place,
                                                        ZYDIS_MAX_INSTRUCTION_LENGTH, &instruction)))
            return 0;
        if (instruction.mnemonic == ZYDIS_MNEMONIC_HLT && !one_in(8))
            return 0;
        if (instruction.raw.disp.size == 32 && !one_in(4)) {
            const uint32_t value = pointer();
            std::memcpy(place + instruction.raw.disp.offset, &value, 4);
        }
        return instruction.length;
    }

    // ---- Tables

    uint32_t handler() { return one_in(4) ? pointer() : CpuBench::handlers_address + below(64) * 4; }

    void sound_tables() {
        const auto descriptor = [this](uint16_t selector, uint32_t low, uint32_t high) {
            put32(CpuBench::gdt_address + (selector & ~7u), low);
            put32(CpuBench::gdt_address + (selector & ~7u) + 4, high);
        };
        descriptor(CpuBench::kernel_code, 0x0000'FFFF, 0x00CF'9B00);
        descriptor(CpuBench::kernel_data, 0x0000'FFFF, 0x00CF'9300);
        descriptor(CpuBench::user_code, 0x0000'FFFF, 0x00CF'FB00);
        descriptor(CpuBench::user_data, 0x0000'FFFF, 0x00CF'F300);
        descriptor(CpuBench::tss, CpuBench::tss_address << 16 | 0x2067, 0x0000'8B00);
        descriptor(CpuBench::small_data, 0x0000'0FFF, 0x0040'F300);
        descriptor(CpuBench::call_gate, uint32_t{CpuBench::kernel_code} << 16 | low_code, 0x0000'EC02);
        descriptor(CpuBench::expand_down, 0x0000'0FFF, 0x0040'F700);
        descriptor(CpuBench::code16, 0x0000'FFFF, 0x0000'9B00);
        descriptor(CpuBench::data16, 0x0000'FFFF, 0x0000'9300);
        descriptor(0x60, uint32_t{0x5000} << 16 | 0x67, 0x0000'8900); // another task
        descriptor(0x68, uint32_t{0x60} << 16, 0x0000'E500);          // a task gate
        for (uint32_t vector = 0; vector < 256; ++vector) {
            static constexpr uint32_t types[] = {0x8E, 0x8F, 0xEE, 0xEF, 0x86, 0xE7, 0xE5};
            const uint32_t target = handler(), type = types[below(7)];
            const uint32_t selector = type == 0xE5 ? 0x60 : CpuBench::kernel_code;
            put32(CpuBench::idt_address + vector * 8, selector << 16 | (target & 0xFFFF));
            put32(CpuBench::idt_address + vector * 8 + 4, (target & 0xFFFF'0000) | type << 8);
        }
        for (const uint32_t tss : {uint32_t{CpuBench::tss_address}, 0x5000u}) {
            for (uint32_t i = 0; i < 0x68; i += 4)
                put32(tss + i, pointer());
            for (uint32_t level = 0; level < 3; ++level) {
                put32(tss + 4 + level * 8, CpuBench::stack_top - 0x1000 * (1 + level));
                put32(tss + 8 + level * 8, CpuBench::kernel_data + level);
            }
            for (const uint32_t segment : {0x48u, 0x50u, 0x54u, 0x58u, 0x5Cu})
                put32(tss + segment, CpuBench::kernel_data);
            put32(tss + 0x4C, CpuBench::kernel_code);
            put32(tss + 0x60, 0);
            put32(tss + 0x1C, directory);
            if (one_in(2)) { // the bitmap of interrupts that V86 mode redirects, then that of ports
                put32(tss + 0x64, 0x88u << 16);
                for (uint32_t i = 0x68; i < 0x98; i += 4)
                    put32(tss + i, one_in(2) ? word() : 0);
            }
        }
        // What handlers do: return, go on elsewhere, stop.
        static constexpr uint8_t handlers[][4] = {{0xCF, 0xCF, 0xCF, 0xCF},
                                                  {0x58, 0xCF, 0x90, 0x90},
                                                  {0xFF, 0x04, 0x24, 0xCF},
                                                  {0xF4, 0xCF, 0x90, 0x90}};
        for (uint32_t i = 0; i < 64; ++i)
            std::memcpy(&scenario_.memory[CpuBench::handlers_address + i * 4], handlers[below(4)], 4);
    }

    void draw_tables() {
        sound_tables();
        if (kind_.environment == Environment::real)
            for (uint32_t vector = 0; vector < 256; ++vector)
                put32(vector * 4, one_in(4) ? word() : low_code + below(low_code_bytes));
        if (kind_.tables == Tables::sound)
            return;
        constexpr uint32_t begin = CpuBench::gdt_address, end = CpuBench::handlers_address;
        const uint32_t changes = kind_.tables == Tables::damaged ? 1 + below(64) : (end - begin) / 4;
        for (uint32_t i = 0; i < changes; ++i)
            put32(begin + below((end - begin) / 4) * 4, one_in(2) ? word() : pointer());
    }

    // Frames anywhere: memory, its end and beyond, the video window, the tables themselves.
    uint32_t frame(uint32_t otherwise) {
        if (kind_.paging == Paging::one_to_one || !one_in(4))
            return otherwise;
        switch (below(6)) {
        case 0:
            return directory + below(1 + tables) * 4096;
        case 1:
            return 0xA'0000 + below(32) * 4096;
        case 2:
            return memory_bytes + below(4) * 4096;
        case 3:
            return word() & 0xFFFF'F000;
        default:
            return below(memory_bytes / 4096) * 4096;
        }
    }
    uint32_t rights() {
        if (kind_.paging == Paging::one_to_one)
            return present | writable | user;
        return (one_in(16) ? 0 : present) | (one_in(4) ? 0 : writable) | (one_in(4) ? 0 : user) |
               (one_in(4) ? global : 0) | (one_in(16) ? large : 0) | (one_in(16) ? word() & 0xFFF : 0);
    }
    void draw_pages() {
        for (uint32_t i = 0; i < 1024; ++i) {
            const bool from_table = i < tables || one_in(8);
            const uint32_t entry = first_table + i % tables * 4096;
            put32(directory + i * 4,
                  from_table ? frame(entry) | rights() : frame(i << 22) | large | rights());
        }
        for (uint32_t i = 0; i < tables * 1024; ++i)
            put32(first_table + i * 4, frame(i % (memory_bytes / 4096) * 4096) | rights());
        if (kind_.paging == Paging::random) // enough for the first instruction to be there
            put32(directory, first_table | present | writable | user);
    }
    // Page-directory pointers in the directory's page, then four directories, then tables.
    void draw_pae_pages() {
        constexpr uint32_t pointers = 4, entries = 512, small_tables = tables - pointers,
                           large_bytes = 2u << 20;
        const auto put_entry = [this](uint32_t place, uint32_t low) {
            put32(place, low);
            put32(place + 4, one_in(32) ? word() >> below(32) : 0); // above 4 GB, or reserved bits
        };
        const auto table = [](uint32_t number) {
            return first_table + (pointers + number % small_tables) * 4096;
        };
        for (uint32_t i = 0; i < pointers; ++i)
            put_entry(directory + i * 8, one_in(16) ? word() : (first_table + i * 4096) | present);
        for (uint32_t i = 0; i < pointers * entries; ++i) {
            const bool from_table = i < small_tables || one_in(8);
            put_entry(first_table + i * 8,
                      from_table ? frame(table(i)) | rights() : frame(i * large_bytes) | large | rights());
        }
        for (uint32_t i = 0; i < small_tables * entries; ++i)
            put_entry(table(0) + i * 8, frame(i % (memory_bytes / 4096) * 4096) | rights());
        for (const uint32_t place :
             {directory, first_table}) { // enough for the first instruction to be there
            put32(place, place == directory ? first_table | present : table(0) | present | writable | user);
            put32(place + 4, 0);
        }
        scenario_.state.cr4 |= cr4_pae;
    }

    // ---- Registers

    models::Float80 number() {
        static constexpr uint16_t exponents[] = {0, 1, 0x3FFE, 0x3FFF, 0x4000, 0x403D, 0x7FFE, 0x7FFF};
        static constexpr uint64_t significands[] = {0, 1, uint64_t{1} << 63, uint64_t{3} << 62, ~uint64_t{0}};
        const uint32_t exponent = one_in(2) ? word() & 0x7FFF : exponents[below(8)];
        return {one_in(2) ? random_() : significands[below(5)],
                static_cast<uint16_t>(exponent | (one_in(2) ? 0x8000 : 0))};
    }
    models::X87State x87() {
        models::X87State unit;
        for (models::Float80& value : unit.registers)
            value = number();
        unit.occupied = static_cast<uint8_t>(word());
        unit.set_status_word(static_cast<uint16_t>(word()));
        unit.set_control(static_cast<uint16_t>(one_in(4) ? word() : word() | 0x3F));
        unit.opcode = static_cast<uint16_t>(word() & 0x7FF);
        unit.code_selector = static_cast<uint16_t>(word());
        unit.data_selector = static_cast<uint16_t>(word());
        unit.instruction_pointer = word();
        unit.operand_pointer = word();
        return unit;
    }

    static SegmentState paragraph(uint16_t selector, uint16_t attributes) {
        return {selector, attributes, uint32_t{selector} << 4, 0xFFFF};
    }
    CpuState state() {
        constexpr uint32_t arithmetic = 0x8D5, direction = 0x400, interrupts = 0x200, trap = 0x100,
                           alignment = 0x4'0000, iopl3 = 0x3000, v86 = 0x2'0000;
        CpuState s = CpuBench::flat_state();
        s.gdtr.limit = 0x7F;
        s.cr0 |= (one_in(2) ? 0x4'0000u : 0) | (one_in(2) ? 0x1'0000u : 0); // AM, WP
        s.cr0 |= one_in(4) ? word() & cr0_numeric : 0;
        s.cr4 = (one_in(4) ? 0u : cr4_pse) | (one_in(4) ? 0u : cr4_pge) | (word() & cr4_rest);
        if (one_in(2))
            s.x87 = x87();
        s.eip = code_address() + below(256);
        for (uint32_t& value : s.general)
            value = one_in(4) ? word() : pointer();
        s.general[models::reg_esp] = CpuBench::stack_top - 0x800 + below(1024) * (one_in(8) ? 1 : 4);
        s.eflags = 2 | (word() & arithmetic) | (one_in(4) ? direction : 0) | (one_in(2) ? interrupts : 0) |
                   (one_in(8) ? trap : 0) | (one_in(16) ? alignment : 0) | (one_in(4) ? iopl3 : 0);
        if (one_in(4)) {
            s.debug[0] = pointer();
            s.debug[1] = code_address() + below(256);
            s.debug[2] = one_in(2) ? below(0x400) : pointer(); // a port
            s.debug[3] = CpuBench::handlers_address + below(64) * 4;
            s.debug[7] = 0x400 | (word() & 0xFFFF'23FF);
        }
        s.sysenter_cs = CpuBench::kernel_code;
        s.sysenter_esp = CpuBench::stack_top - 0x4000;
        s.sysenter_eip = code_address() + below(256);
        switch (kind_.environment) {
        case Environment::level0:
            break;
        case Environment::level3: {
            const SegmentState data{CpuBench::user_data, 0xC0F3, 0, 0xFFFF'FFFF};
            s.segment = {data, SegmentState{CpuBench::user_code, 0xC0FB, 0, 0xFFFF'FFFF}, data, data, data,
                         data};
            break;
        }
        case Environment::code16: {
            const SegmentState data{CpuBench::data16, 0x0093, 0, 0xFFFF};
            s.segment = {data, SegmentState{CpuBench::code16, 0x009B, 0, 0xFFFF}, data, data, data, data};
            s.general[models::reg_esp] = 0x7000;
            break;
        }
        case Environment::real:
            s.cr0 &= ~1u;
            s.idtr = {0, 0x3FF};
            for (SegmentState& segment : s.segment)
                segment = paragraph(static_cast<uint16_t>(below(0x900)), 0x0093);
            s.segment[models::seg_cs] = paragraph(low_code >> 4, 0x009B);
            s.eip -= low_code;
            s.general[models::reg_esp] &= 0xFFFF;
            break;
        case Environment::virtual_8086:
            for (SegmentState& segment : s.segment)
                segment = paragraph(static_cast<uint16_t>(below(0x900)), 0x00F3);
            s.segment[models::seg_cs] = paragraph(low_code >> 4, 0x00F3);
            s.eflags = (s.eflags & ~alignment) | v86;
            s.eip -= low_code;
            s.general[models::reg_esp] &= 0xFFFF;
            break;
        }
        return s;
    }

    const ScenarioKind& kind_;
    Random& random_;
    Scenario& scenario_;
};

} // namespace

Scenario draw_scenario(const ScenarioKind& kind, Random& random) {
    Scenario scenario;
    Drawing{kind, random, scenario}.draw();
    return scenario;
}

} // namespace fixpoint::fuzz
