// The classes of cases. Each fills one case in; which one a case has follows from its number.
#pragma once

#include "tests/differential/builder.hpp"

#include <span>
#include <string>

namespace differential {

struct CaseClass {
    const char* name;
    void (*generate)(Builder&);
};
std::span<const CaseClass> case_classes();

// Segment registers, loaded in every way, and used afterwards.
void segment_loads(Builder& b);
// Far jumps, calls and returns, through call gates too.
void far_transfers(Builder& b);
// Software interrupts and exceptions through gates of every kind.
void interrupts(Builder& b);
// IRET with frames of every kind.
void interrupt_returns(Builder& b);
// LAR to INVLPG: about descriptors, system registers and privilege.
void system_instructions(Builder& b);
// Accesses of every kind to pages of every kind.
void paging(Builder& b);
// String instructions over limits, pages and 64 KiB.
void strings(Builder& b);
// Stack instructions on stacks of every kind.
void stacks(Builder& b);
// Task switches by every route.
void tasks(Builder& b);
// Single step, breakpoints, general detection.
void debug(Builder& b);
// What IOPL, the I/O map and virtual-8086 mode decide about.
void sensitive(Builder& b);
// SYSENTER and SYSEXIT.
void fast_calls(Builder& b);
// Alignment checking.
void alignment(Builder& b);
// LOCK, undefined opcodes and forms, prefixes, coprocessor availability.
void encodings(Builder& b);

// Case `number` of the campaign `seed`; `only`: of this class (empty: its turn's).
Case generate_case(uint64_t seed, uint64_t number, const std::string& only = {});

} // namespace differential
