#include "sim/machine/bios.hpp"

#include "sim/machine/boot_image.hpp"

#include <fmt/format.h>
#include <fstream>
#include <iterator>

namespace fixpoint::sim {
namespace {

constexpr std::array seabios_places{"/usr/share/seabios/bios-256k.bin", "/usr/share/seabios/bios.bin",
                                    "/usr/share/qemu/bios-256k.bin"};
constexpr std::array video_bios_places{"/usr/share/seabios/vgabios-stdvga.bin",
                                       "/usr/share/qemu/vgabios-stdvga.bin"};

std::vector<uint8_t> read_file(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in || !std::filesystem::is_regular_file(file))
        throw BootError(fmt::format("{}: cannot be read: expected a ROM image", file.string()));
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

template<size_t Count>
std::filesystem::path first_existing(const std::array<const char*, Count>& places) {
    for (const char* place : places)
        if (std::filesystem::is_regular_file(place))
            return place;
    return {};
}

} // namespace

Bios::Bios(const std::filesystem::path& file) : rom_{read_file(file)} {
    if (rom_.empty() || rom_.size() % unit_bytes != 0 || rom_.size() > largest_bytes)
        throw BootError(fmt::format("{}: a BIOS ROM has a multiple of 64 KiB, 8 MiB at most, this file {} "
                                    "bytes; pad it at its beginning",
                                    file.string(), rom_.size()));
}

std::filesystem::path find_bios(const std::string& name) {
    if (name != "seabios")
        return name;
    std::filesystem::path found = first_existing(seabios_places);
    if (found.empty())
        throw BootError(
            fmt::format("--bios: seabios is not installed: expected one of {}; install the package seabios",
                        fmt::join(seabios_places, ", ")));
    return found;
}

std::vector<uint8_t> read_video_bios() {
    const std::filesystem::path found = first_existing(video_bios_places);
    return found.empty() ? std::vector<uint8_t>{} : read_file(found);
}

} // namespace fixpoint::sim
