// Builds one case: an environment (mode, level, code size, paging), then instructions and patches of memory.
#pragma once

#include "tests/differential/case.hpp"
#include "tests/differential/descriptors.hpp"
#include "tests/differential/random.hpp"

#include <initializer_list>
#include <span>

namespace differential {

enum class Mode { protected32, protected16, virtual_8086, real };
enum class Paging { off, normal, pae };

enum Register : uint32_t { eax, ecx, edx, ebx, esp, ebp, esi, edi };
enum SegmentRegister : uint32_t { es, cs, ss, ds, fs, gs };

namespace eflags {
inline constexpr uint32_t always = 2, carry = 1, zero = 0x40, trap = 0x100, interrupt = 0x200,
                          direction = 0x400, iopl = 0x3000, nested_task = 0x4000, resume = 0x1'0000,
                          virtual_8086 = 0x2'0000, alignment_check = 0x4'0000, arithmetic = 0x8D5;
} // namespace eflags
namespace cr0 {
inline constexpr uint32_t protection = 1, monitor = 2, emulation = 4, task_switched = 8, extension = 0x10,
                          numeric_error = 0x20, write_protect = 0x1'0000, alignment_mask = 0x4'0000,
                          not_write_through = 0x2000'0000, cache_disable = 0x4000'0000, paging = 0x8000'0000;
} // namespace cr0
namespace cr4 {
inline constexpr uint32_t virtual_8086 = 1, protected_virtual = 2, time_stamp = 4, debugging = 8,
                          big_pages = 0x10, pae = 0x20, global = 0x80;
} // namespace cr4

class Builder {
public:
    Builder(uint64_t seed, uint64_t number) : random{seed, number} {}

    Random random;
    Case result;

    // The state that instructions start in: registers random, everything else the template's.
    void begin(Mode mode, unsigned level, Paging paging);
    void begin_anywhere(); // any of them
    [[nodiscard]] Mode mode() const { return mode_; }
    [[nodiscard]] unsigned level() const { return level_; }
    [[nodiscard]] Paging paging() const { return paging_; }
    [[nodiscard]] bool code32() const { return mode_ == Mode::protected32; }
    [[nodiscard]] bool protected_mode() const {
        return mode_ == Mode::protected32 || mode_ == Mode::protected16;
    }

    // Code. An instruction is what is emitted between two calls of instruction().
    void instruction(const std::string& name); // adds the feature "instr:name"
    void byte(uint32_t value) { result.code.back().bytes.push_back(static_cast<uint8_t>(value)); }
    void bytes(std::initializer_list<uint32_t> values) {
        for (const uint32_t value : values)
            byte(value);
    }
    void immediate(unsigned width, uint32_t value) {
        for (unsigned i = 0; i < width; ++i)
            byte(value >> (8 * i));
    }
    void operand_size(
        unsigned width) { // 2 or 4: with the prefix where the code segment's default is the other one
        if ((width == 4) != code32())
            byte(0x66);
    }
    // ModRM for [offset] with DS as the segment unless a prefix says otherwise.
    void memory(uint32_t reg, uint32_t offset) {
        byte(reg << 3 | (code32() ? 5 : 6));
        immediate(code32() ? 4 : 2, offset);
    }
    void registers(uint32_t reg, uint32_t rm) { byte(0xC0 | reg << 3 | rm); }
    // MOV to a 32-bit (width 4) or 16-bit register.
    void move(Register to, uint32_t value, unsigned width = 4) {
        instruction("mov_imm");
        operand_size(width);
        byte(0xB8 + to);
        immediate(width, value);
    }
    void invalid_opcode() { // a case's orderly end
        instruction("ud2");
        bytes({0x0F, 0x0B});
    }

    // Memory, as it is before the case.
    void poke(uint32_t offset, uint32_t value, unsigned width = 4);
    void poke_descriptor(uint16_t selector, uint64_t value); // in GDT or LDT by its table indicator
    void poke_gate(unsigned vector, uint64_t value) { poke_quad(at::idt + 8 * vector, value); }
    void poke_page(uint32_t arena_page, uint32_t entry_flags_clear, uint32_t entry_flags_set);

    // Makes the stack of one of the inner levels unusual: another segment, or one with little room on a stack segment
    // of the case's own.
    void vary_inner_stack();
    // A data segment whose offset 0 is the beginning of the stacks, so that the ends of a stack are not the GDT.
    uint64_t small_stack_segment(unsigned level, uint32_t limit, bool big);

    void feature(const std::string& text) { result.add_feature(text); }

    // Values.
    uint32_t any_value(); // edges are as likely as any other
    // In the data pages, near a page boundary, with room for so many bytes.
    uint32_t data_offset(uint32_t room = 16);
    uint32_t unused_data_offset(uint32_t room); // the same where no patch is yet
    uint64_t random_segment();                  // a descriptor, mostly sensible
    // A selector of anything: present or not, of any kind, beyond the tables, null.
    uint16_t any_selector();

    void poke_quad(uint32_t offset, uint64_t value);

private:
    Mode mode_ = Mode::protected32;
    unsigned level_ = 0;
    Paging paging_ = Paging::off;
};

} // namespace differential
