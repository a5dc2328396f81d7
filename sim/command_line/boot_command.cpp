// Boots any Multiboot kernel or BIOS ROM on the machine. Exit status: what the guest writes to isa-debug-exit, as QEMU
// has it, or one of the statuses below; each with a line on standard error.
#include "models/cpu/cpu.hpp"
#include "sim/command_line/boot_disks.hpp"
#include "sim/command_line/commands.hpp"
#include "sim/command_line/machine_file.hpp"
#include "sim/command_line/standard_input.hpp"
#include "sim/config/configuration_error.hpp"
#include "sim/debug/debugger.hpp"
#include "sim/machine/bios.hpp"
#include "sim/machine/machine.hpp"
#include "sim/observe/callgrind_file.hpp"
#include "sim/observe/code_names.hpp"
#include "sim/observe/failure_report.hpp"
#include "sim/observe/profile.hpp"
#include "sim/observe/screen_printer.hpp"
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

BootImage read_image(const BootOptions& options) {
    BootImage image;
    if (!options.bios.empty()) {
        image.bios = find_bios(options.bios);
        return image;
    }
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

void write_all(int file, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = write(file, text.data(), text.size());
        if (count < 0 && errno != EINTR)
            return; // nobody reads any more
        text.remove_prefix(count > 0 ? static_cast<size_t>(count) : 0);
    }
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

    [[nodiscard]] bool is_standard_output() const { return output_ == STDOUT_FILENO; }
    void put(char c) const {
        if (output_ >= 0)
            write_all(output_, {&c, 1});
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

// `screen` and `debugger` may be null.
int run_to_end(Machine& machine, HostInput& input, ScreenPrinter* screen, const FailureReport& report,
               models::Picoseconds limit, const Debugger* debugger) {
    const auto end = [&](int status, std::string_view reason) {
        if (screen != nullptr)
            screen->finish(machine.now());
        fmt::print(stderr, "fixpoint: {}\n", reason);
        return status;
    };
    while (true) {
        input.forward(machine);
        const RunEnd why = machine.run(std::min(limit, machine.now() + input_interval));
        if (screen != nullptr)
            screen->look(machine.now());
        switch (why) {
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
    if (!options.bios.empty())
        parameters.video_rom = read_video_bios();
    const BootDisks disks(options.disks);
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
            Machine machine(parameters, disks.attached());
            std::optional<ScreenPrinter> screen;
            if (options.vga)
                screen.emplace(machine.vga(), [](std::string_view text) { write_all(STDOUT_FILENO, text); });
            machine.set_debug_output([](char c) { write_all(STDERR_FILENO, {&c, 1}); });
            machine.set_serial_output([&](char c) {
                line.put(c);
                if (screen && line.is_standard_output())
                    screen->note_serial_output(c, machine.now());
            });
            const FailureReport report(machine.cpu(), CodeNames(image, machine.cpu(), machine.memory()));
            UnclaimedAccesses unclaimed(
                report, [](const std::string& told) { fmt::print(stderr, "fixpoint: {}\n", told); });
            machine.set_events(&unclaimed);
            std::optional<Debugger> debugger;
            if (gdb)
                debugger.emplace(machine, *gdb);
            machine.load(image);
            for (const std::string& warning : machine.boot_warnings())
                fmt::print(stderr, "fixpoint: {}\n", warning);
            std::optional<Profile> profile;
            if (profile_file)
                profile.emplace(machine, image);
            status = run_to_end(machine, input, screen ? &*screen : nullptr, report, limit,
                                debugger ? &*debugger : nullptr);
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
