// Boots any Multiboot kernel on the machine. Exit status: what the guest writes to isa-debug-exit, as QEMU
// has it, or one of the statuses below; each with a line on standard error.
#include "models/cpu/cpu.hpp"
#include "models/disk/disk_image.hpp"
#include "sim/command_line/commands.hpp"
#include "sim/command_line/machine_file.hpp"
#include "sim/command_line/standard_input.hpp"
#include "sim/config/configuration_error.hpp"
#include "sim/config/experiment.hpp"
#include "sim/config/machine_keys.hpp"
#include "sim/config/search_path.hpp"
#include "sim/config/toml_file.hpp"
#include "sim/debug/debugger.hpp"
#include "sim/machine/machine.hpp"
#include "sim/observe/callgrind_file.hpp"
#include "sim/observe/code_names.hpp"
#include "sim/observe/failure_report.hpp"
#include "sim/observe/profile.hpp"
#include "sim/run/systemc_entry.hpp"

#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <fmt/format.h>
#include <memory>
#include <unistd.h>

namespace fixpoint::sim {
namespace {

constexpr int exit_powered_off = 0, exit_halted_for_ever = 122, exit_time_limit = 124,
              exit_triple_fault = 126;
// How often standard input is looked at, in modelled time.
constexpr models::Picoseconds input_interval = 2 * models::ps_per_ms;
constexpr const char* default_disk_model = "disks/deskstar-75gxp.toml";

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    size_t from = 0;
    while (true) {
        const size_t end = text.find(separator, from);
        parts.push_back(text.substr(from, end - from));
        if (end == std::string::npos)
            return parts;
        from = end + 1;
    }
}

std::unique_ptr<models::DiskImage> read_disk(const std::string& description,
                                             models::DiskParameters& parameters) {
    const std::vector<std::string> parts = split(description, ',');
    Value disk = Value::make_text(default_disk_model);
    disk.place = {"--disk", 0, 0};
    auto access = models::DiskImage::Access::read_write;
    std::vector<Override> overrides;
    for (size_t i = 1; i < parts.size(); ++i) {
        const size_t equals = parts[i].find('=');
        const std::string key = parts[i].substr(0, equals);
        if (equals == std::string::npos)
            throw ConfigurationError(fmt::format("--disk: expected key=value, found \"{}\"", parts[i]));
        const std::string value = parts[i].substr(equals + 1);
        if (key == "model")
            disk.text = value;
        else if (key == "access" && (value == "read-write" || value == "overlay"))
            access = value == "overlay" ? models::DiskImage::Access::overlay : access;
        else if (key == "access")
            throw ConfigurationError(
                fmt::format("--disk: access: expected read-write or overlay, found \"{}\"", value));
        else
            overrides.push_back({key, parse_toml_value(value, {"--disk", 0, 0})});
    }
    disk.place.source = "--set"; // a file named on the command line: looked up from the current folder
    include_file(disk, "model");
    for (const Override& assignment : overrides)
        apply_override(disk, assignment);
    Section root(disk, "");
    read_disk_keys(root, parameters);
    if (!std::filesystem::is_regular_file(parts[0]))
        throw ConfigurationError(
            fmt::format("--disk: expected a raw disk image, found no file {}", parts[0]));
    return std::make_unique<models::DiskImage>(parts[0], access);
}

BootImage read_image(const BootOptions& options) {
    BootImage image;
    image.kernel = options.kernel;
    image.append = options.append;
    for (const std::string& text : options.modules) {
        const size_t space = text.find(' ');
        if (space == 0 || text.empty())
            throw ConfigurationError(
                fmt::format("--module: expected \"FILE ARGUMENTS\", found \"{}\"", text));
        image.modules.push_back(
            {text.substr(0, space), space == std::string::npos ? "" : text.substr(space + 1)});
    }
    return image;
}

// Where what the guest sends over the serial line goes.
class SerialLine {
public:
    explicit SerialLine(const std::string& where) {
        if (where == "stdio") {
            output_ = STDOUT_FILENO;
        } else if (where != "null") {
            output_ = open(where.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
            if (output_ < 0)
                throw ConfigurationError(
                    fmt::format("--serial: expected stdio, null or a file, cannot open {}: {}", where,
                                std::strerror(errno)));
        }
    }
    ~SerialLine() {
        if (output_ > STDERR_FILENO)
            close(output_);
    }
    SerialLine(const SerialLine&) = delete;
    SerialLine& operator=(const SerialLine&) = delete;

    void put(char c) const {
        if (output_ >= 0)
            while (write(output_, &c, 1) < 0 && errno == EINTR) {
            }
    }

private:
    int output_ = -1;
};

// Who gets standard input: the keyboard before the serial line.
class HostInput {
public:
    HostInput(const std::string& keyboard, const std::string& serial) {
        if (keyboard == "stdio") {
            to_keyboard_ = true;
            terminal_.emplace();
        } else if (!keyboard.empty()) {
            throw ConfigurationError(fmt::format("--keyboard: expected stdio, found \"{}\"", keyboard));
        }
        to_serial_ = !to_keyboard_ && serial == "stdio";
    }

    void forward(Machine& machine) {
        if (to_keyboard_)
            input_.forward([&](std::string_view bytes) { machine.feed_keyboard(bytes); });
        else if (to_serial_)
            input_.forward([&](std::string_view bytes) { machine.feed_serial_input(bytes); });
    }

private:
    bool to_keyboard_ = false, to_serial_ = false;
    StandardInput input_;
    std::optional<KeyByKeyTerminal> terminal_;
};

int end(int status, std::string_view reason) {
    fmt::print(stderr, "fixpoint: {}\n", reason);
    return status;
}

int run_to_end(Machine& machine, HostInput& input, const FailureReport& report, models::Picoseconds limit,
               const Debugger* debugger) {
    while (true) {
        input.forward(machine);
        switch (machine.run(std::min(limit, machine.now() + input_interval))) {
        case RunEnd::time_limit:
            if (machine.now() >= limit)
                return end(exit_time_limit, fmt::format("stopped at the limit of {} simulated s",
                                                        static_cast<double>(limit) / models::ps_per_second));
            break;
        case RunEnd::stop_requested:
            if (debugger != nullptr && debugger->has_killed())
                return end(exit_interrupted, "killed by the debugger");
            break;
        case RunEnd::debug_exit:
            return end(static_cast<int>((machine.debug_exit_value() << 1 | 1) & 0xFF),
                       fmt::format("debug exit, value {:#x}", machine.debug_exit_value()));
        case RunEnd::powered_off:
            return end(exit_powered_off, "powered off");
        case RunEnd::triple_fault:
            fmt::print(stderr, "{}", report.processor());
            return end(exit_triple_fault, fmt::format("triple fault at {}", report.place()));
        case RunEnd::halted_for_ever:
            return end(exit_halted_for_ever,
                       fmt::format("halted with interrupts off, last POST code {:#04x}, at {}",
                                   machine.last_post_code(), report.place()));
        }
    }
}

} // namespace

int boot_command(const BootOptions& options) {
    MachineParameters parameters = read_machine(options.machine, options.set, options.memory_mib);
    std::unique_ptr<models::DiskImage> disk;
    if (options.disks.size() > 1)
        throw ConfigurationError("--disk: expected at most one disk, found more");
    if (!options.disks.empty())
        disk = read_disk(options.disks.front(), parameters.disk);
    const BootImage image = read_image(options);
    SerialLine line(options.serial);
    HostInput input(options.keyboard, options.serial);
    const models::Picoseconds limit =
        options.max_seconds
            ? static_cast<models::Picoseconds>(std::llround(*options.max_seconds * 1e6)) * models::ps_per_us
            : models::never;
    std::optional<CallgrindFile> profile_file;
    if (!options.profile.empty())
        profile_file.emplace(options.profile);
    int status = exit_bad_usage;
    std::exception_ptr failure;
    std::optional<GdbConnection> gdb;
    if (options.gdb)
        listen_for_gdb(gdb, *options.gdb);
    signal(SIGPIPE, SIG_IGN); // whoever read the serial line may go
    run_in_systemc([&] {
        try {
            Machine machine(parameters, disk.get());
            machine.set_serial_output([&](char c) { line.put(c); });
            const FailureReport report(machine.cpu(), machine.memory(),
                                       CodeNames(image, machine.cpu(), machine.memory()));
            UnclaimedAccesses unclaimed(
                report, [](const std::string& told) { fmt::print(stderr, "fixpoint: {}\n", told); });
            machine.set_events(&unclaimed);
            std::optional<Debugger> debugger;
            if (gdb)
                debugger.emplace(machine, *gdb);
            machine.load(image);
            std::optional<Profile> profile;
            if (profile_file)
                profile.emplace(machine, image);
            status = run_to_end(machine, input, report, limit, debugger ? &*debugger : nullptr);
            if (const auto text = unclaimed.summary())
                fmt::print(stderr, "fixpoint: {}\n", *text);
            if (profile) {
                profile->end();
                profile_file->write(*profile);
            }
            if (debugger)
                debugger->report_exit(static_cast<uint8_t>(status));
        } catch (...) {
            failure = std::current_exception();
        }
    });
    if (failure)
        std::rethrow_exception(failure);
    return status;
}

} // namespace fixpoint::sim
