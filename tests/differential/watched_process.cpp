#include "tests/differential/watched_process.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <stdexcept>

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

namespace differential {
namespace {

constexpr int poll_ms = 20;
// An image that reports nothing for so much of the emulator's processor time hangs: a case takes a millisecond. An
// emulator that does nothing at all for so long waits for somebody.
constexpr double patience_cpu_seconds = 2;
constexpr unsigned patience_polls = 30'000 / poll_ms;

[[noreturn]] void become(const std::vector<std::string>& command) {
    std::vector<char*> arguments;
    arguments.reserve(command.size() + 1);
    for (const std::string& argument : command)
        arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    setenv("TERM", "xterm", 1);
    execv(arguments[0], arguments.data());
    _exit(127);
}

// Processor time of a child so far, from its clock (clock_getcpuclockid).
double cpu_seconds(pid_t child) {
    clockid_t clock{};
    timespec time{};
    if (clock_getcpuclockid(child, &clock) != 0 || clock_gettime(clock, &time) != 0)
        return 0;
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

uintmax_t size_of(const std::filesystem::path& file) {
    std::error_code missing;
    const uintmax_t size = std::filesystem::file_size(file, missing);
    return missing ? 0 : size;
}

} // namespace

void run_watched(const std::vector<std::string>& command, const std::filesystem::path& progress) {
    int terminal = -1;
    const pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
    if (child < 0)
        throw std::runtime_error("cannot start " + command[0]);
    if (child == 0)
        become(command);
    unsigned silent = 0;
    uintmax_t seen = 0;
    double cpu_at_progress = 0;
    int status = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        pollfd readable{terminal, POLLIN, 0};
        if (poll(&readable, 1, poll_ms) > 0) {
            char ignored[4096];
            if (read(terminal, ignored, sizeof ignored) <= 0)
                usleep(poll_ms * 1000);
        }
        const uintmax_t size = size_of(progress);
        const double now = cpu_seconds(child);
        if (size != seen) {
            seen = size;
            silent = 0;
            cpu_at_progress = now;
        }
        if (++silent > patience_polls || now - cpu_at_progress > patience_cpu_seconds)
            kill(child, SIGKILL);
    }
    close(terminal);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        throw std::runtime_error("cannot run " + command[0]);
}

} // namespace differential
