// Fpages: mapping those of a message, and fpage_unmap.
#pragma once

#include "kernel-model/abi/types.hpp"

#include <cstdint>

namespace kernel {

struct MapItem {
    uint32_t send_base;
    l4::Fpage fpage;
};

// Maps or grants what `item` names in `from_task` into the window of `to_task`; ports (an I/O fpage) whatever the
// window is. False: memory ran out on the
// way.
bool map_fpage(unsigned from_task, MapItem item, unsigned to_task, l4::Fpage window);

// The part of an fpage that lies in user space: [low, high).
struct PageRange {
    uint32_t low, high;
};
PageRange user_part(l4::Fpage fpage);

} // namespace kernel
