// fixpoint disk: looks at checkpoint disks, of either store, by the store's own code. Nothing is written.
#include "sim/command_line/commands.hpp"
#include "sim/observe/disk_check.hpp"
#include "sim/observe/image_device.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace fixpoint::sim {
namespace {

constexpr size_t lines_max = 20;

struct Disk {
    explicit Disk(const std::string& name)
        : file(name), image(file, models::DiskImage::Access::read_only), device(image), opened(device) {}

    [[nodiscard]] bool is_ours() const {
        return opened.kind() && opened.status() != store::OpenStatus::wrong_version &&
               opened.status() != store::OpenStatus::other_kind &&
               opened.status() != store::OpenStatus::too_small;
    }
    int not_ours() const {
        fmt::print(stderr, "{}: {}\n", file, opened.explanation());
        return exit_bad_usage;
    }

    std::string file;
    models::DiskImage image;
    ImageDevice device;
    OpenedStore opened;
};

void print_lines(const std::vector<std::string>& lines) {
    for (size_t i = 0; i < std::min(lines.size(), lines_max); ++i)
        fmt::print("  {}\n", lines[i]);
    if (lines.size() > lines_max)
        fmt::print("  and {} more\n", lines.size() - lines_max);
}

void line(const char* name, const std::string& value) {
    fmt::print("{:<18} {}\n", name, value);
}

struct PageCounts {
    uint32_t pages = 0, tcb_pages = 0, zero_pages = 0, in_second_area = 0; // block b, or in the log
};

PageCounts count_pages(OpenedStore& disk) {
    PageCounts counts;
    for (uint32_t slot = 0; slot < disk->slots(); ++slot) {
        const store::DirectoryEntry& entry = disk->entry(slot);
        if (!entry.is_used())
            continue;
        ++counts.pages;
        counts.tcb_pages += store::key_task(entry.key()) == 0 ? 1 : 0;
        counts.zero_pages += entry.is_zero() ? 1 : 0;
        counts.in_second_area += entry.has_block() && entry.block >= disk->slots() ? 1 : 0;
    }
    return counts;
}

void print_places(OpenedStore& disk, const PageCounts& counts) {
    const uint32_t in_first_area = counts.pages - counts.zero_pages - counts.in_second_area;
    if (disk->kind() == store::StoreKind::ab) {
        line("places", fmt::format("{} in block a, {} in block b", in_first_area, counts.in_second_area));
        return;
    }
    const auto& log = static_cast<const store::LogStore&>(*disk);
    line("places", fmt::format("{} at home, {} in the log, {} zero pages without a block", in_first_area,
                               counts.in_second_area, counts.zero_pages));
    line("log", fmt::format("{} of {} blocks in use, from block {} on", log.used_blocks(), log.log_blocks(),
                            log.tail()));
}

void print_checkpoint(OpenedStore& disk) {
    const store::RootSector& root = disk->root();
    const PageCounts counts = count_pages(disk);
    line("epoch", fmt::format("{}", root.epoch));
    line("generation", fmt::format("{}", root.generation));
    line("session", fmt::format("{}", root.session));
    line("clock", fmt::format("{} us", root.clock_us));
    line("ended by", disk->find_clean() ? "a controlled shutdown" : "a power cut, or not at all");
    line("pages", fmt::format("{}, {} of them TCB pages", counts.pages, counts.tcb_pages));
    print_places(disk, counts);
    std::string build_id;
    for (const uint8_t byte : root.build_id)
        build_id += fmt::format("{:02x}", byte);
    line("kernel build", build_id);
    line("TCB", fmt::format("{} bytes", root.tcb_bytes));
}

} // namespace

int disk_info_command(const std::string& file) {
    Disk disk(file);
    if (!disk.is_ours())
        return disk.not_ours();
    const store::Geometry& geometry = disk.opened->geometry();
    line("store", fmt::format("{}, format version {}", name_of(*disk.opened.kind()), store::format_version));
    line("status", disk.opened.explanation());
    line("disk", fmt::format("{} sectors", geometry.disk_sectors));
    line("slots", fmt::format("{}, {} free", geometry.slots, disk.opened->free_slots()));
    line("directory", fmt::format("{} blocks in 4 areas from sector {} on", geometry.directory_blocks(),
                                  geometry.directory_area[0][0]));
    line("page area", fmt::format("{} blocks from sector {} on", geometry.blocks, geometry.page_area));
    if (disk.opened.status() == store::OpenStatus::checkpoint)
        print_checkpoint(disk.opened);
    const bool usable = disk.opened.status() == store::OpenStatus::checkpoint ||
                        disk.opened.status() == store::OpenStatus::empty;
    return usable ? exit_fine : exit_did_not_hold;
}

int disk_verify_command(const std::string& file) {
    Disk disk(file);
    if (!disk.is_ours())
        return disk.not_ours();
    const std::vector<std::string> problems = check_disk(disk.opened, disk.device);
    fmt::print("{}: {}, {}\n", file, problems.empty() ? "sound" : "damaged", disk.opened.explanation());
    print_lines(problems);
    return problems.empty() ? exit_fine : exit_did_not_hold;
}

int disk_diff_command(const std::string& first_file, const std::string& second_file) {
    Disk first(first_file), second(second_file);
    for (const Disk* disk : {&first, &second})
        if (disk->opened.status() != store::OpenStatus::checkpoint)
            return disk->not_ours();
    const DiskDifference difference = compare_disks(first.opened, second.opened);
    if (!difference.unreadable.empty()) {
        fmt::print("{} pages cannot be read on one of the disks\n", difference.unreadable.size());
        print_lines(difference.unreadable);
    }
    fmt::print("{} of epoch {}, {} of epoch {}: {} pages differ\n", first_file, first.opened->epoch(),
               second_file, second.opened->epoch(), difference.pages.size());
    print_lines(difference.pages);
    if (!difference.unreadable.empty())
        return exit_bad_usage;
    return difference.pages.empty() ? exit_fine : exit_did_not_hold;
}

} // namespace fixpoint::sim
