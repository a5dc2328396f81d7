// Starts the servers that live beside the root task: the disk driver, the checkpoint server and, if there is one, the
// console driver.
//
// They are linked at the physical addresses that they occupy, so that they know the physical addresses of
// their DMA buffers. The root task copies them there and is their pager: a thread of its own maps the pages
// of their images 1:1 as they fault, because the main thread may itself be waiting for the server that faults
// (I6).
//
// The page below each image is the server's start page: its arguments as text from the page's beginning, a
// small stack at its end with a C call frame for `_start(const char* arguments)`.
#pragma once

#include "workloads/root/boot_modules.hpp"

namespace workloads {

// Copies the images and starts the tasks. Ends by fail() when one is missing or does not fit.
void start_servers(const BootModules& modules);

} // namespace workloads
