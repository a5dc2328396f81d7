#include "sim/machine/boot_file.hpp"

#include <cerrno>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

namespace fixpoint::sim {

BootFile::BootFile(std::filesystem::path path, uint64_t limit_bytes) : path_{std::move(path)} {
    std::error_code error;
    if (std::filesystem::is_directory(path_, error))
        refuse({"the file", "a folder", "a file to boot", "name the file in it"});
    std::ifstream in{path_, std::ios::binary};
    if (!in)
        refuse(
            {"cannot open", std::strerror(errno), "a readable file", "check the path and its permissions"});
    if (!std::filesystem::is_regular_file(path_, error)) { // a pipe: its end is known when it comes
        content_.assign(std::istreambuf_iterator<char>{in}, {});
    } else if (const uint64_t bytes = std::filesystem::file_size(path_, error); bytes <= limit_bytes) {
        content_.resize(bytes);
        in.read(reinterpret_cast<char*>(content_.data()), static_cast<std::streamsize>(bytes));
        if (in.bad() || static_cast<uint64_t>(in.gcount()) != bytes)
            refuse({fmt::format("offset {:#x}", in.gcount()), "a read error",
                    fmt::format("a file of {} bytes", bytes), "check the disk it is on"});
    } else {
        refuse({"the file", fmt::format("{} bytes", bytes), fmt::format("at most {} bytes", limit_bytes),
                more_memory(bytes)});
    }
}

std::string more_memory(uint64_t end) {
    constexpr uint64_t mib = 1 << 20, largest_machine_mib = 3072;
    const uint64_t needed_mib = (end + mib - 1) / mib;
    return needed_mib <= largest_machine_mib
               ? fmt::format("give the machine at least {} MiB (--memory {})", needed_mib, needed_mib)
               : fmt::format("no machine has more than {} MiB: make it smaller, or link it lower",
                             largest_machine_mib);
}

} // namespace fixpoint::sim
