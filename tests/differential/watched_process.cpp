#include "tests/differential/watched_process.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <stdexcept>

#include <poll.h>
#include <pty.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace differential {
namespace {

constexpr int poll_ms = 20;
// Until something has been reported, an emulator may be starting. One that does nothing at all for so many polls waits
// for somebody.
constexpr double start_seconds = 10, idle_seconds = 0.01;
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

void keep_last(std::string& kept, std::string_view more) {
    constexpr size_t most = 4096;
    kept += more;
    if (kept.size() > most)
        kept.erase(0, kept.size() - most);
}

} // namespace

Watched run_watched(const std::vector<std::string>& command, const std::filesystem::path& progress,
                    double patience_seconds) {
    int terminal = -1;
    const pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
    if (child < 0)
        throw std::runtime_error("cannot start " + command[0]);
    if (child == 0)
        become(command);
    unsigned silent = 0;
    uintmax_t seen = 0;
    double cpu_at_progress = 0, cpu_seen = 0;
    int status = 0;
    rusage used{};
    std::string last;
    while (wait4(child, &status, WNOHANG, &used) == 0) {
        pollfd readable{terminal, POLLIN, 0};
        if (poll(&readable, 1, poll_ms) > 0) {
            char bytes[4096];
            const ssize_t count = read(terminal, bytes, sizeof bytes);
            if (count <= 0)
                usleep(poll_ms * 1000);
            else
                keep_last(last, {bytes, static_cast<size_t>(count)});
        }
        const uintmax_t size = size_of(progress);
        const double now = cpu_seconds(child);
        if (now - cpu_seen > idle_seconds) {
            cpu_seen = now;
            silent = 0;
        }
        if (size != seen) {
            seen = size;
            cpu_at_progress = now;
        }
        if (++silent > patience_polls ||
            now - cpu_at_progress > (seen == 0 ? start_seconds : patience_seconds))
            kill(child, SIGKILL);
    }
    close(terminal);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        throw std::runtime_error("cannot run " + command[0]);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    return {seconds(used.ru_utime) + seconds(used.ru_stime), !killed, std::move(last)};
}

} // namespace differential
