#include "sim/run/process_pool.hpp"

#include "sim/run/systemc_entry.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <new>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace fixpoint::sim {
namespace {

constexpr int watch_interval_ms = 200;

volatile std::sig_atomic_t interrupted_by = 0;

// While it lives, SIGINT and SIGTERM only leave a note, so that unfinished results can be removed.
class SignalGuard {
public:
    SignalGuard() {
        struct sigaction note {};
        note.sa_handler = [](int number) { interrupted_by = number; };
        sigaction(SIGINT, &note, &old_interrupt_);
        sigaction(SIGTERM, &note, &old_terminate_);
    }
    ~SignalGuard() { restore(); }
    SignalGuard(const SignalGuard&) = delete;
    SignalGuard& operator=(const SignalGuard&) = delete;

    void restore() const {
        sigaction(SIGINT, &old_interrupt_, nullptr);
        sigaction(SIGTERM, &old_terminate_, nullptr);
    }

private:
    struct sigaction old_interrupt_ {
    }, old_terminate_{};
};

// An array of Progress that a forked child shares with its parent.
class SharedProgress {
public:
    explicit SharedProgress(size_t count) : count_(count) {
        void* memory = mmap(nullptr, std::max<size_t>(bytes(), 1), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            throw std::system_error(errno, std::generic_category(), "shared memory for the progress");
        progress_ = static_cast<Progress*>(memory);
        for (size_t i = 0; i < count_; ++i)
            new (&progress_[i]) Progress;
    }
    ~SharedProgress() { munmap(progress_, std::max<size_t>(bytes(), 1)); }
    SharedProgress(const SharedProgress&) = delete;
    SharedProgress& operator=(const SharedProgress&) = delete;

    Progress& operator[](size_t index) { return progress_[index]; }

private:
    [[nodiscard]] size_t bytes() const { return count_ * sizeof(Progress); }

    size_t count_;
    Progress* progress_ = nullptr;
};

void write_all(int file, const std::string& text) {
    for (size_t done = 0; done < text.size();) {
        const ssize_t count = write(file, text.data() + done, text.size() - done);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return; // the parent is gone
        done += static_cast<size_t>(count);
    }
}

[[noreturn]] void run_child(const Job& job, int result_file, Progress& progress) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); // an interrupted parent leaves no simulation behind
    nlohmann::json result;
    run_in_systemc([&] {
        try {
            result["value"] = job.work(progress);
        } catch (const std::exception& error) {
            result["error"] = error.what();
        }
    });
    // The console may hold any byte.
    write_all(result_file, result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    close(result_file);
    std::fflush(nullptr);
    _exit(0);
}

struct Child {
    pid_t process = -1;
    int result_file = -1;
    size_t job = 0;
    std::string text;
};

Child start(const Job& job, size_t index, Progress& progress, const SignalGuard& signals) {
    int ends[2];
    if (pipe(ends) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe");
    std::fflush(nullptr); // or the child would write the parent's buffered output again
    const pid_t process = fork();
    if (process < 0)
        throw std::system_error(errno, std::generic_category(), "fork");
    if (process == 0) {
        signals.restore();
        close(ends[0]);
        run_child(job, ends[1], progress);
    }
    close(ends[1]);
    progress.started = true;
    return {process, ends[0], index, {}};
}

JobResult result_of(const Child& child) {
    int status = 0;
    while (waitpid(child.process, &status, 0) < 0 && errno == EINTR) {
    }
    JobResult result;
    if (WIFSIGNALED(status)) {
        result.error = fmt::format("the simulating process was ended by signal {} ({})", WTERMSIG(status),
                                   strsignal(WTERMSIG(status)));
        return result;
    }
    const nlohmann::json message = nlohmann::json::parse(child.text, nullptr, false);
    if (message.is_discarded() || (!message.contains("value") && !message.contains("error")))
        result.error =
            fmt::format("the simulating process ended without a result, exit status {}", WEXITSTATUS(status));
    else if (message.contains("error"))
        result.error = message["error"].get<std::string>();
    else
        result.value = message["value"];
    return result;
}

[[noreturn]] void end_all(const std::vector<Child>& running) {
    for (const Child& child : running) {
        kill(child.process, SIGKILL);
        close(child.result_file);
        (void)waitpid(child.process, nullptr, 0);
    }
    throw Interrupted("interrupted; nothing was written");
}

// True when the child has closed its end.
bool take_output(Child& child) {
    char buffer[1 << 16];
    const ssize_t count = read(child.result_file, buffer, sizeof buffer);
    if (count < 0)
        return errno != EINTR;
    child.text.append(buffer, static_cast<size_t>(count));
    return count == 0;
}

} // namespace

std::vector<JobResult> run_jobs(const std::vector<Job>& jobs, unsigned parallel,
                                const std::function<void(ProgressView)>& watch) {
    SharedProgress shared(jobs.size());
    std::vector<const Progress*> view;
    for (size_t i = 0; i < jobs.size(); ++i)
        view.push_back(&shared[i]);

    interrupted_by = 0;
    const SignalGuard signals;
    std::vector<JobResult> results(jobs.size());
    std::vector<Child> running;
    size_t next = 0;
    while (next < jobs.size() || !running.empty()) {
        while (next < jobs.size() && running.size() < std::max(parallel, 1u)) {
            running.push_back(start(jobs[next], next, shared[next], signals));
            ++next;
        }
        std::vector<pollfd> ends;
        ends.reserve(running.size());
        for (const Child& child : running)
            ends.push_back({child.result_file, POLLIN, 0});
        const int ready = poll(ends.data(), ends.size(), watch_interval_ms);
        if (interrupted_by != 0)
            end_all(running);
        if (ready < 0)
            continue; // the entries say nothing
        for (size_t i = running.size(); i-- > 0;) {
            if (ends[i].revents == 0 || !take_output(running[i]))
                continue;
            close(running[i].result_file);
            shared[running[i].job].ended = true;
            results[running[i].job] = result_of(running[i]);
            running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
        }
        watch(view);
    }
    return results;
}

} // namespace fixpoint::sim
