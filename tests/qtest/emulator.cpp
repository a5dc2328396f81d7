#include "tests/qtest/emulator.hpp"

#include "models/chipset/io_apic.hpp"
#include "tests/qtest/key_names.hpp"

#include <array>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fixpoint::qtest {
namespace {

constexpr uint64_t ns_per_second = 1'000'000'000;
constexpr std::string_view no_access = "endianness\n"; // a command that touches no device

// 64 KB that end at 4 GB. The processor begins 16 bytes before the end: CLI; HLT, and again after any wake-up.
void write_halting_rom(const std::filesystem::path& file) {
    constexpr size_t rom_bytes = 65'536, entry = rom_bytes - 16;
    std::string rom(rom_bytes, '\xF4');
    rom.replace(entry, 4, "\xFA\xF4\xEB\xFC");
    std::ofstream{file, std::ios::binary} << rom;
}

char width_letter(unsigned bytes) {
    return bytes == 1 ? 'b' : bytes == 2 ? 'w' : 'l';
}

} // namespace

Emulator::Emulator(const std::filesystem::path& program, const std::filesystem::path& clock_library,
                   const Subject& subject, const std::vector<std::filesystem::path>& images) {
    try {
        start(program, clock_library, subject.emulator_options(), images);
        intercept(subject.watch());
    } catch (...) {
        stop();
        throw;
    }
}

Emulator::~Emulator() {
    stop();
    munmap(static_cast<void*>(clock_), virtual_clock_bytes);
}

void Emulator::start(const std::filesystem::path& program, const std::filesystem::path& clock_library,
                     const std::vector<std::string>& options,
                     const std::vector<std::filesystem::path>& images) {
    const std::filesystem::path clock_file = folder_ / "clock", rom = folder_ / "rom";
    write_halting_rom(rom);
    std::ofstream{clock_file, std::ios::binary} << std::string(virtual_clock_bytes, '\0');
    const int file = open(clock_file.c_str(), O_RDWR | O_CLOEXEC);
    void* place = mmap(nullptr, virtual_clock_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (place == MAP_FAILED)
        throw std::runtime_error("cannot map " + clock_file.string());
    clock_ = static_cast<VirtualClock*>(place);

    std::vector<std::string> command{program.string(),
                                     "-M",
                                     "pc,hpet=off",
                                     "-accel",
                                     "tcg",
                                     "-m",
                                     "64",
                                     "-bios",
                                     rom.string(),
                                     "-nodefaults",
                                     "-vga",
                                     "none",
                                     "-display",
                                     "none",
                                     "-serial",
                                     "null",
                                     "-rtc",
                                     "base=2000-01-01T00:00:00,clock=vm",
                                     "-qtest-log",
                                     "none",
                                     "-qtest",
                                     "unix:" + (folder_ / "qtest").string(),
                                     "-qmp",
                                     "unix:" + (folder_ / "qmp").string()};
    command.insert(command.end(), options.begin(), options.end());
    for (size_t unit = 0; unit < images.size(); ++unit) {
        if (images[unit].empty())
            continue;
        command.push_back("-drive");
        command.push_back(fmt::format("if=ide,index={},format=raw,cache=unsafe,file.locking=off,file={}",
                                      unit, images[unit].string()));
    }
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (std::string& argument : command)
        arguments.push_back(argument.data());
    arguments.push_back(nullptr);

    child_ = fork();
    if (child_ < 0)
        throw std::runtime_error("cannot start " + program.string());
    if (child_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setenv("LD_PRELOAD", clock_library.c_str(), 1);
        setenv(virtual_clock_variable, clock_file.c_str(), 1);
        execv(arguments[0], arguments.data());
        _exit(127);
    }
    qtest_.accept();
    qmp_.accept();
    (void)qmp_.receive(); // its greeting
    qmp("qmp_capabilities", "{}");
}

void Emulator::stop() {
    if (child_ <= 0)
        return;
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    child_ = -1;
}

std::string Emulator::qmp(const std::string& command, const std::string& arguments) {
    qmp_.send(fmt::format("{{\"execute\":\"{}\",\"arguments\":{}}}\n", command, arguments));
    while (true) {
        const auto answer = nlohmann::json::parse(qmp_.receive());
        if (answer.contains("return"))
            return answer["return"].dump();
        if (answer.contains("error"))
            throw std::runtime_error("QMP: " + answer["error"].dump());
    }
}

void Emulator::intercept(Watch watch) {
    const std::string parent = "/machine/unattached";
    for (const auto& child : nlohmann::json::parse(qmp("qom-list", R"({"path":")" + parent + "\"}"))) {
        if (child["type"] != "child<isa-i8259>")
            continue;
        const std::string path = parent + "/" + child["name"].get<std::string>();
        const bool master = qmp("qom-get", R"({"path":")" + path + R"(","property":"master"})") == "true";
        pics_[master ? 0 : 1] = path;
    }
    qtest_.send(watch == Watch::device_lines ? "irq_intercept_in ioapic\n"
                                             : fmt::format("irq_intercept_out {}\n", pics_[0]));
    std::vector<Observation::Change> ignored;
    reply(ignored);
}

// The rest of a command's answer after "OK". Changes of lines come before it.
std::string Emulator::reply(std::vector<Observation::Change>& changes) {
    while (true) {
        std::string text = qtest_.receive();
        if (text.starts_with("OK"))
            return text.substr(2);
        if (!text.starts_with("IRQ "))
            throw std::runtime_error("qtest: " + text);
        const bool raise = text[4] == 'r';
        const auto line = static_cast<unsigned>(std::strtoul(text.c_str() + text.rfind(' '), nullptr, 10));
        changes.push_back({line, raise});
        levels_ = raise ? levels_ | 1u << line : levels_ & ~(1u << line);
    }
}

// Returns when QEMU is at the clock's target, with all that has come until then.
void Emulator::synchronise(std::vector<Observation::Change>& changes) {
    qtest_.send(no_access);
    reply(changes);
}

uint64_t Emulator::reset() {
    qmp_.send("{\"execute\":\"system_reset\"}\n");
    for (bool answered = false, over = false; !answered || !over;) { // in either order
        const auto message = nlohmann::json::parse(qmp_.receive());
        answered = answered || message.contains("return");
        over = over || message.value("event", "") == "RESET";
    }
    start_ns_ = (clock_->now_ns.load() / ns_per_second + 1) * ns_per_second;
    clock_->target_ns.store(start_ns_);
    std::vector<Observation::Change> ignored;
    synchronise(ignored);
    if (clock_->now_ns.load() != start_ns_)
        throw std::runtime_error("QEMU does not run in virtual time: is it linked statically?");
    return start_ns_;
}

std::string Emulator::command_of(const Step& step) const {
    switch (step.action) {
    case Action::read:
        return fmt::format("in{} {:#x}\n", width_letter(step.bytes), step.address);
    case Action::write:
        return fmt::format("out{} {:#x} {:#x}\n", width_letter(step.bytes), step.address, step.value);
    case Action::line:
        return fmt::format("set_irq_in {} unnamed-gpio-in {} {}\n", pics_[step.address / 8], step.address % 8,
                           step.value);
    case Action::pin:
        return fmt::format("set_irq_in ioapic unnamed-gpio-in {} {}\n", step.address, step.value);
    case Action::read_memory:
        return fmt::format("read{} {:#x}\n", width_letter(step.bytes), step.address);
    case Action::write_memory:
        return fmt::format("write{} {:#x} {:#x}\n", width_letter(step.bytes), step.address, step.value);
    case Action::end_of_interrupt: // its I/O APIC, version 0x20, has a register that does the same
        return fmt::format("writel {:#x} {:#x}\n", models::IoApic::base + 0x40, step.value);
    case Action::fill_memory:
        return fmt::format("memset {:#x} {:#x} {:#x}\n", step.address, step.value, step.bytes);
    case Action::sum_memory:
        return fmt::format("read {:#x} {:#x}\n", step.address, step.value);
    case Action::wait:
    case Action::disk_ready:
    case Action::key:
        break;
    }
    return std::string{no_access};
}

// The event is with the keyboard when the answer comes: unlike send-key, which has a queue, input-send-event hands it
// over at once.
void Emulator::send_key(const Step& step) {
    qmp("input-send-event",
        fmt::format(
            R"({{"events":[{{"type":"key","data":{{"down":{},"key":{{"type":"qcode","data":"{}"}}}}}}]}})",
            step.value != 0, key_name(step.address)));
}

// The host's disk takes host time, not virtual time. A bus master that nobody feeds stays active: not for ever.
void Emulator::wait_for_disk(unsigned channel, std::vector<Observation::Change>& changes) {
    constexpr uint32_t controls[] = {0x3F6, 0x376};
    constexpr uint32_t busy = 0x80, active = 0x01, interrupt = 0x04;
    constexpr unsigned attempts = 2'000;
    const uint32_t bus_master_status = ide_bus_master_base + 8 * channel + 2;
    const auto ask = [&](uint32_t port) {
        qtest_.send(fmt::format("inb {:#x}\n", port));
        return static_cast<uint32_t>(std::strtoul(reply(changes).c_str(), nullptr, 16));
    };
    for (unsigned i = 0; i < attempts; ++i) {
        const bool bus_master_works = (ask(bus_master_status) & (active | interrupt)) == active;
        if (!(ask(controls[channel]) & busy) && !bus_master_works)
            return;
    }
}

Observations Emulator::run(const Steps& steps, const std::vector<Instant>& instants) {
    Observations observations(steps.size());
    const auto collect = [&](size_t begin, size_t end) {
        for (size_t i = begin; i < end; ++i) {
            Observation& seen = observations[i];
            const std::string text = reply(seen.changes);
            seen.levels = levels_;
            if (shows_value(steps[i]))
                seen.value = static_cast<uint32_t>(std::strtoul(text.c_str(), nullptr, 16));
            if (steps[i].action == Action::sum_memory) {
                seen.value = checksum_start;
                for (size_t at = text.find('x') + 1; at + 1 < text.size(); at += 2)
                    seen.value = add_to_checksum(seen.value, static_cast<uint8_t>(std::strtoul(
                                                                 text.substr(at, 2).c_str(), nullptr, 16)));
            }
        }
    };
    // Commands of one instant go out together.
    for (size_t begin = 0; begin < steps.size();) {
        const uint64_t instant = start_ns_ + instants[begin].emulator_ns;
        std::string commands;
        size_t end = begin;
        do
            commands += command_of(steps[end++]);
        while (end < steps.size() && start_ns_ + instants[end].emulator_ns == instant &&
               start_ns_ + instants[end - 1].end_ns == instant && steps[end].action != Action::disk_ready &&
               steps[end].action != Action::key);
        if (steps[begin].action == Action::disk_ready)
            for (const unsigned channel : {0u, 1u})
                if (steps[begin].address >> channel & 1)
                    wait_for_disk(channel, observations[begin].changes);
        clock_->target_ns.store(instant);
        if (steps[begin].action == Action::key) {
            synchronise(observations[begin].changes);
            send_key(steps[begin]);
        }
        qtest_.send(commands);
        collect(begin, end);
        if (const uint64_t end_ns = start_ns_ + instants[end - 1].end_ns; end_ns != instant) {
            clock_->target_ns.store(end_ns);
            synchronise(observations[end - 1].changes);
            observations[end - 1].levels = levels_;
        }
        begin = end;
    }
    return observations;
}

} // namespace fixpoint::qtest
