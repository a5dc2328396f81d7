// Random IA-32 user-level instruction sequences with random state.
//
// The generator knows some registers (it never writes them without forgetting them), so that it can aim memory
// operands of every addressing form at a chosen place: mostly within the areas, often across a line's, page's or
// segment's end, sometimes at what is read-only or absent. Branches go forward, to places that the
// generator chooses, so that nothing but generated instructions ever runs.
//
// Left out, because the host's processor is no P6 there: CPUID, RDTSC, RDPMC, SYSENTER and SYSCALL, INT 80h, the
// store-table-register instructions (UMIP), INT1 (a hypervisor may get it wrong), encodings of later
// extensions (VEX, EVEX, XOP, F2 and F3 before 0F B8-BD, C7 and AE), 16-bit BSWAP and double shifts by more than
// 16 (undefined results), and access beyond 4 GB. A 32-bit push of a segment register writes two bytes on a P6 and
// four on others: it is put where the other two hold zeros already.
#pragma once

#include "models/cpu/flags.hpp"
#include "tests/native/test_case.hpp"

#include <random>

namespace fixpoint::native {

class InstructionGenerator {
public:
    // Without `wild` no register that holds just anything is used as an address.
    InstructionGenerator(const LocalTable& table, uint64_t seed, bool wild)
        : table_{table}, random_{seed}, wild_{wild} {}

    // Of about `length` instructions.
    TestCase make(unsigned length);

private:
    static constexpr uint32_t all = models::eflags::arithmetic;
    static constexpr std::array<uint8_t, 6> segment_prefixes{0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65};
    enum : unsigned { byte_size, word_size, dword_size };

    // ---- Random numbers
    uint32_t word() { return static_cast<uint32_t>(random_()); }
    uint32_t below(uint32_t limit) { return word() % limit; }
    bool chance(uint32_t one_in) { return below(one_in) == 0; }
    uint32_t interesting(); // values at the edges of the operand sizes are as likely as any other

    // ---- The state of the sequence so far
    struct State {
        std::array<bool, 8> known{};
        std::array<uint32_t, 8> value{};
        std::array<uint16_t, 6> selector{};
        uint8_t code = 0;
        uint32_t undefined = 0;
        bool checks_alignment = false; // AC may be set
        bool steps = false;            // TF may be set
    };
    [[nodiscard]] bool code32() const { return table_[state_.code].big; }
    void forget(unsigned reg) { state_.known[reg] = false; }
    void forget_written(unsigned reg, unsigned size) { forget(size == byte_size ? reg & 3 : reg); }
    unsigned destination(unsigned size); // a register that may be written
    [[nodiscard]] uint32_t pick_offset(const Descriptor* segment, uint32_t bytes, bool write);
    void initial_registers(TestCase& made);
    uint32_t initial_stack(const Descriptor& stack);

    // ---- One instruction: prefixes are collected and written in any order before it
    struct Encoding {
        std::vector<uint8_t> prefixes, rest;
    };
    void begin(unsigned size = dword_size, bool sized = true);
    void byte(uint32_t value) { now_.rest.push_back(static_cast<uint8_t>(value)); }
    void immediate(unsigned bytes, uint32_t value) {
        for (unsigned i = 0; i < bytes; ++i)
            byte(value >> (8 * i));
    }
    void prefix(uint8_t value) { now_.prefixes.push_back(value); }
    void idle_prefixes();
    void end(); // writes it
    void opcode(std::initializer_list<uint32_t> bytes) {
        for (const uint32_t value : bytes)
            byte(value);
    }
    // ModRM (and what follows) for a register or memory operand.
    enum class Access : uint8_t { read, write, none };
    bool operand(unsigned reg, unsigned size, Access access); // true: memory
    void register_operand(unsigned reg, unsigned rm) { byte(0xC0 | reg << 3 | rm); }
    void memory_operand(unsigned reg, uint32_t bytes, Access access);
    void wide_memory(unsigned reg, uint32_t bytes, Access access);
    void narrow_memory(unsigned reg, uint32_t bytes, Access access);
    uint8_t pick_segment(uint8_t usual);
    void lock(bool memory_destination);
    void effect(uint32_t reads, uint32_t defines, uint32_t undefines = 0);
    unsigned any_size() { return below(3); }
    unsigned wide_size() { return 1 + below(2); }
    static uint32_t wide_bit(unsigned size) { return size == byte_size ? 0u : 1u; }
    static unsigned bytes_of(unsigned size) { return 1u << size; }
    // A place in this chunk, as an immediate of the current instruction; filled in by fixed().
    struct Place {
        uint16_t at, bytes;
    };
    Place place_holder(unsigned size); // the next bytes of the instruction, counted when it has ended
    void point(Place from, uint32_t base);
    void move_immediate(unsigned reg, uint32_t value);
    void push_immediate(unsigned size, uint32_t value);
    uint16_t push_place(unsigned size);
    void zero_below_stack();

    // ---- The instructions
    void instruction();
    void plain_instruction();
    void alu();
    void test();
    void unary();
    void shift();
    void double_shift();
    void multiply_divide();
    void imul();
    void bit_scan();
    void bit_test();
    void byte_swap();
    void decimal();
    void exchange_and_add();
    void compare_exchange();
    void compare_exchange8();

    void move();
    void move_offset();
    void extend();
    void conditional_move();
    void set_condition();
    void load_effective_address();
    void exchange();
    void translate_byte();
    void convert();
    void flag_instruction();
    void hint();
    void push_pop();
    void push_pop_all();
    void push_flags();
    void pop_flags();
    void frame();
    void string();

    void jump_over();
    void call_near();
    void jump_indirect();
    void far_transfer();
    void far_transfer_fault();
    void push_segment();
    void load_segment();
    void load_far_pointer();
    void store_segment();
    void query_segment();
    void bound();
    void trap();
    void privileged();
    void undefined_opcode();
    void long_instruction();
    void modify_code();
    uint16_t any_selector();

    void x87();
    void x87_memory(uint32_t opcode_byte, unsigned field, uint32_t bytes, Access access);
    void x87_load();
    void x87_operation();
    void mmx();

    const LocalTable& table_;
    std::mt19937_64 random_;
    bool wild_;
    State state_;
    Chunk chunk_;
    Encoding now_;
    bool skipped_ = false, skippable_ = false;
    bool modifies_ = false; // stores into code are allowed
    bool steady_ = false;   // the instruction's length is relied on
};

} // namespace fixpoint::native
