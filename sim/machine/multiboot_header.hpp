// The Multiboot 1 header in a kernel's file, and kernels that say in it where they are to be loaded.
//
// Source: Multiboot Specification 0.6.96, section 3.1. Bit 0 (modules on page boundaries) is always obeyed.
// Bit 2 (a video mode) is taken as a wish: section 3.1.4 calls the mode recommended, although 3.1.2 lets a
// loader refuse what it cannot do; QEMU warns and goes on, and so does this one.
#pragma once

#include "sim/machine/kernel_layout.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace fixpoint::sim {

struct MultibootHeader {
    struct AddressFields {
        uint32_t header, load, load_end, bss_end, entry;
    };
    size_t offset; // in the file
    std::optional<AddressFields> addresses;
    std::optional<std::string> video_mode; // wanted: "graphics 1024x768x32"
};

// Throws BootError: there is none, or it demands what does not exist.
[[nodiscard]] MultibootHeader read_multiboot_header(const BootFile& file);

// The kernel as the header's address fields have it. Throws BootError.
[[nodiscard]] KernelLayout layout_by_addresses(const BootFile& file, const MultibootHeader& header);

} // namespace fixpoint::sim
