// Watched calls: a piece of code runs at level 0 or 3 until it returns or an exception ends it, and what
// happened is there to be printed.
//
// An exception first goes to the program's handler, if it set one for the vector: that may change the frame
// and go on. Otherwise it ends the call. Vector 0x30 is how code at level 3 returns.
#pragma once

#include "tests/guest/runtime/descriptors.hpp"
#include "workloads/bare_pc/console.hpp"

#include <cstdint>
#include <initializer_list>

namespace guest {

// What an entry in start.S leaves on the stack. The last fields are there if the processor pushed them: ESP
// and SS with a change of level, the data segments when it left virtual-8086 mode.
struct Frame {
    uint32_t gs, fs, es, ds;
    uint32_t edi, esi, ebp, unused_esp, ebx, edx, ecx, eax;
    uint32_t vector, error, eip, cs, eflags, esp, ss;
    uint32_t v86_es, v86_ds, v86_fs, v86_gs;
};

namespace vector {
enum : uint32_t {
    divide_error = 0,
    debug = 1,
    nmi = 2,
    breakpoint = 3,
    overflow = 4,
    bound = 5,
    invalid_opcode = 6,
    device_not_available = 7,
    double_fault = 8,
    invalid_tss = 10,
    segment_not_present = 11,
    stack_fault = 12,
    general_protection = 13,
    page_fault = 14,
    floating_point = 16,
    alignment_check = 17,
    end = 0x30, // of a watched call at level 3
};
} // namespace vector

namespace flag {
enum : uint32_t {
    always = 1 << 1,
    trap = 1 << 8,
    interrupt = 1 << 9,
    direction = 1 << 10,
    iopl = 3 << 12,
    nested = 1 << 14,
    resume = 1 << 16,
    v86 = 1 << 17,
    alignment = 1 << 18,
};
} // namespace flag

using Code = void (*)();
enum class Level : uint32_t { kernel, user };

struct Outcome {
    bool ended_by_exception;
    Code code;
    uint32_t cr2;
    Frame frame; // of the exception, or of the end of a call at level 3
};

// The code gets `argument` in EAX; at level 3 it gets `user_flags` as EFLAGS.
Outcome watch(Code code, uint32_t argument = 0, Level level = Level::kernel,
              uint32_t user_flags = flag::always);

// From the state that the frame describes, at level 3 or in virtual-8086 mode.
Outcome watch_frame(const Frame& frame);

// Where gate `number` leads.
uint32_t vector_entry(unsigned number);

// True: go on with the frame as it is now.
using Handler = bool (*)(Frame&);
void set_handler(uint32_t number, Handler handler); // nullptr: none

// "label: #GP(0010) at +3", the place relative to the code's beginning; "label: done" without exception.
void print_outcome(const char* label, const Outcome& outcome);
void print_exception(const Frame& frame);

// A function of assembly text: returns at its end if nothing ends it before. Usable at both levels.
#define SNIPPET(name, text)                                                                                  \
    extern "C" void name();                                                                                  \
    asm(".pushsection .text\n" #name ":\n\t" text "\n\tret\n\t.popsection")

} // namespace guest

extern "C" {
void run(); // the program
void* memcpy(void* to, const void* from, unsigned bytes);
void* memset(void* to, int value, unsigned bytes);
}
