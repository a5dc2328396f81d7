// I/O port rights of tasks, and how the processor sees them.
//
// Tasks below paged-tasks (servers and drivers) hold all ports from their start: IOPL 3, the processor asks no further.
// All other tasks start without any. They get ports by map items with an I/O fpage (abi/io_fpage.hpp); the processor
// then looks at the I/O map behind the task state segment. That map is a part of the address space:
//
//   0xF8000000  the page of task_state, the same for all (0xF8000000 + its offset is what TR points to)
//   0xF8001000  8 KB, a bit for each port, 1: denied
//   0xF8003000  a page of ones: the processor may look one byte further
//
// A task's first mapping gives it a page table of its own for these 4 MB, and a map of its own; until then it shares
// one that denies everything. So a switch of tasks switches the map without an instruction. The page of task_state is
// global in the TLB, the map is not.
//
// Like page tables these rights are soft state (I7): they vanish with a crash, and I/O page faults bring them back.
#pragma once

#include "kernel-model/abi/io_fpage.hpp"

#include <cstdint>

namespace kernel {

inline constexpr uint32_t port_space_base = 0xF8000000u;

void initialise_port_spaces(); // once TLB entries may be global

// Tasks that may use every port from their start on.
bool holds_all_ports(unsigned task);
bool may_use_ports(unsigned task, unsigned port, unsigned count);

// False: no memory.
bool map_ports(unsigned from_task, l4::IoFpage fpage, unsigned to_task);
void unmap_ports(unsigned task, l4::IoFpage fpage, bool own_too);

// The task is deleted: with its rights go those that were derived from them.
void destroy_port_space(unsigned task);
// All rights that faults can bring back.
void forget_port_rights();

} // namespace kernel
