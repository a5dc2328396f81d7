// sigma0 and the root task: loading them and making them the first threads.
#pragma once

#include "kernel-model/abi/kernel_info.hpp"
#include "kernel-model/boot/boot_information.hpp"

namespace kernel {

// Fills the boot servers' fields of the kernel info page, unless a booter has done that.
void load_servers(const BootInformation& boot);

// Makes both ready and root or sigma0 current. sigma0 starts with the physical address of the kernel info page in EAX (as
// Hazelnut has it), in EBX and in the word at ESP (as Liedtke's kernels have it), the root task as a Multiboot kernel
// does: EAX = 2BADB002h, EBX = physical address of the Multiboot information.
void start_servers(const BootInformation& boot);

} // namespace kernel
