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

// Why a file cannot be booted.
struct Refusal {
    std::string place; // where in the file: offset, header field
    std::string found, expected;
    std::string remedy; // what the user can do
};

// A kernel or module that cannot be loaded: "FILE: PLACE: found FOUND, expected EXPECTED; REMEDY".
struct BootError : std::runtime_error {
    using std::runtime_error::runtime_error;
    BootError(const std::filesystem::path& file, const Refusal& refusal)
        : runtime_error(file.string() + ": " + refusal.place + ": found " + refusal.found + ", expected " +
                        refusal.expected + "; " + refusal.remedy) {}
};

} // namespace fixpoint::sim
