// What the machine starts from: a Multiboot 1 kernel and its modules, or a firmware ROM.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace fixpoint::sim {

struct BootImage {
    struct Module {
        std::filesystem::path file;
        std::string arguments; // the module's string is "FILE ARGUMENTS", as QEMU passes it
    };
    std::filesystem::path kernel;
    std::string append; // the kernel's command line is "FILE APPEND"
    std::vector<Module> modules;

    std::filesystem::path bios{}; // if there is one, there is no kernel
};

// A kernel or module that cannot be loaded: the message names the file and what is wrong with it.
struct BootError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

} // namespace fixpoint::sim
