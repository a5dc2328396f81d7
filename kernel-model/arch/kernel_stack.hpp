// The one kernel stack (entries.S): a page, below it a page that is not mapped.
//
// Nothing in the kernel recurses, so its depth has a bound: tests/kernel/kernel_stack_test.py computes it from the
// image. The boot code paints the stack, at its beginning and its end, so that what was ever used can
// be told from what was not.
#pragma once

#include <cstdint>

namespace kernel {

// The most bytes that were in use at once since the first thread was started (in a panic before that: since the boot).
uint32_t kernel_stack_used();

} // namespace kernel
