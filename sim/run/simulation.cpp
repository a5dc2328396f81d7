#include "sim/run/simulation.hpp"

#include "models/cpu/cpu.hpp"
#include "models/disk/disk_image.hpp"
#include "models/disk/seeded_random.hpp"
#include "sim/debug/debugger.hpp"
#include "sim/machine/machine.hpp"
#include "sim/observe/callgrind_file.hpp"
#include "sim/observe/code_names.hpp"
#include "sim/observe/failure_report.hpp"
#include "sim/observe/output_log.hpp"
#include "sim/observe/page_ins.hpp"
#include "sim/observe/profile.hpp"
#include "sim/observe/recovery_times.hpp"
#include "sim/observe/snapshots.hpp"
#include "sim/observe/store_reader.hpp"
#include "sim/observe/workload_progress.hpp"
#include "sim/observe/write_fault_observer.hpp"
#include "sim/run/summary.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <span>
#include <utility>

namespace fixpoint::sim {
namespace {

using l4::Probe;
using models::Picoseconds;

// run() is called for slices of this length, so that progress can be shown; always the same, whoever looks.
constexpr Picoseconds slice = 20 * models::ps_per_ms;
// An image that has given up or a workload that has failed may say more on the console before the run is
// ended.
constexpr Picoseconds last_words = 200 * models::ps_per_ms;

// A new seed from `seed` for the `number`-th use: the generator's value after that many others.
uint64_t derive_seed(uint64_t seed, uint64_t number) {
    models::SeededRandom random{seed};
    while (number-- > 0)
        random.next();
    return random.next();
}

constexpr double to_ms(Picoseconds time) {
    return static_cast<double>(time) / models::ps_per_ms;
}

std::unique_ptr<models::DiskImage> make_image(const DiskConfiguration& disk) {
    if (disk.image)
        return std::make_unique<models::DiskImage>(*disk.image, models::DiskImage::Access::overlay);
    constexpr uint64_t sectors_per_mib = (1 << 20) / models::sector_bytes;
    return std::make_unique<models::DiskImage>(disk.size_mib * sectors_per_mib);
}

class Simulation final : public models::ProbeSink {
public:
    Simulation(const Experiment& experiment, const Instruments& instruments, Progress& progress)
        : experiment_(experiment), progress_(progress), image_(make_image(experiment.disk)),
          machine_(experiment.machine, image_.get()), snapshots_(machine_.memory()),
          read_store_(make_store_reader(*image_)), workloads_(experiment.workloads.size()) {
        machine_.cpu().set_probe_sink(this);
        if (instruments.gdb != nullptr)
            debugger_.emplace(machine_, *instruments.gdb);
        if (!instruments.profile.empty())
            profile_file_.emplace(instruments.profile);
        follows_write_faults_ = instruments.write_faults;
        machine_.set_serial_output([this](char c) {
            if (c != '\r')
                outcome_.console += c;
        });
    }

    Outcome run(const BootImage& image, const std::filesystem::path& disk_file) {
        const auto host_begin = std::chrono::steady_clock::now();
        report_.emplace(machine_.cpu(), CodeNames(image, machine_.cpu(), machine_.memory()));
        unclaimed_.emplace(*report_, [this](const std::string& line) {
            outcome_.console += fmt::format("-- {} --\n", line);
        });
        machine_.set_events(&*unclaimed_);
        machine_.load(image);
        if (profile_file_)
            profile_.emplace(machine_, image);
        if (follows_write_faults_)
            write_fault_observer_.emplace(machine_, image, write_faults_);
        size_t next_crash = 0;
        while (!is_over()) {
            const bool crash_ahead = next_crash < experiment_.crashes.size();
            const Picoseconds stop_at =
                crash_ahead ? experiment_.crashes[next_crash].at : std::min(experiment_.run.end, give_up_at_);
            run_until(stop_at);
            if (is_off_) {
                start_again();
                continue;
            }
            if (is_over() || !crash_ahead || machine_.now() < stop_at)
                continue;
            const CrashPlan& crash = experiment_.crashes[next_crash];
            if (crash.disk)
                cut_power(*crash.disk, derive_seed(experiment_.seed, next_crash));
            else
                press_power_button();
            ++next_crash;
        }
        if (pressed_ && outcome_.trouble.empty() && !workloads_.finished())
            outcome_.violations.push_back(fmt::format(
                "the machine had not switched itself off {} ms after the power button was pressed",
                to_ms(machine_.now() - *pressed_)));
        if (!is_up_ && outcome_.trouble.empty())
            outcome_.violations.push_back(
                fmt::format("the run ended {} ms after power-on and the checkpoint server was not up yet",
                            to_ms(machine_.now() - crash_.value_or(0))));
        end_recovery();
        conclude();
        if (ended_ && outcome_.trouble.empty())
            report_missed(std::span(experiment_.crashes).subspan(pressed_ ? next_crash - 1 : next_crash));
        if (profile_)
            profile_file_->write(*profile_);
        if (!disk_file.empty()) {
            // As if the plug were pulled at the end: what the drive still caches is not on the media.
            image_->save(disk_file);
        }
        if (debugger_)
            debugger_->report_exit(failures(experiment_, outcome_).empty() ? 0 : 1);
        outcome_.host_seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - host_begin).count();
        return std::move(outcome_);
    }

    void on_probe(Probe event, const models::ProbeArguments& arguments) override;

private:
    [[nodiscard]] Sample sample() {
        const models::Cpu& cpu = machine_.cpu();
        return {machine_.now(), cpu.cycles(), cpu.stall_cycles(),
                machine_.disk()->counters().sectors_written};
    }

    [[nodiscard]] bool is_over() {
        return ended_ || machine_.now() >= experiment_.run.end || machine_.now() >= give_up_at_;
    }

    void run_until(Picoseconds stop_at) {
        while (machine_.now() < stop_at && !ended_ && !is_off_) {
            const RunEnd end = machine_.run(std::min(stop_at, (machine_.now() / slice + 1) * slice));
            progress_.simulated_ps = machine_.now();
            progress_.instructions = machine_.cpu().instructions();
            progress_.checkpoints = checkpoints_.committed_count();
            progress_.work = workloads_.units();
            switch (end) {
            case RunEnd::time_limit:
                break;
            case RunEnd::stop_requested:
                if (debugger_ && debugger_->has_killed())
                    return give_up("killed by the debugger");
                break;
            case RunEnd::debug_exit:
                return give_up(
                    fmt::format("the image left by the debug exit, value {}", machine_.debug_exit_value()));
            case RunEnd::powered_off:
                if (!pressed_)
                    return give_up("the image switched the machine off");
                is_off_ = true;
                break;
            case RunEnd::triple_fault:
                return give_up(fmt::format("triple fault at {}\n{}", report_->place(), report_->processor()));
            case RunEnd::halted_for_ever:
                return give_up(fmt::format("the processor halted for ever at {}", report_->place()));
            }
            if (give_up_at_ <= machine_.now())
                return;
        }
    }

    void give_up(std::string reason) {
        if (outcome_.trouble.empty())
            outcome_.trouble = std::move(reason);
        ended_ = true;
    }

    void report_missed(std::span<const CrashPlan> crashes) {
        for (const CrashPlan& crash : crashes)
            outcome_.violations.push_back(fmt::format(
                "crash[{}].at_ms: the workload ended at {} ms, before {}", crash.number,
                to_ms(outcome_.simulated), crash.disk ? "this power cut" : "the end of this shutdown"));
    }

    void press_power_button() {
        outcome_.console += fmt::format("-- power button at {} ms --\n", to_ms(machine_.now()));
        machine_.press_power_button();
        pressed_ = machine_.now();
    }

    void cut_power(models::PowerLoss mode, uint64_t seed) {
        outcome_.console +=
            fmt::format("-- power cut at {} ms, disk {} --\n", to_ms(machine_.now()), to_string(mode));
        restart(mode, seed);
    }

    // After it has switched itself off. What it left in the drive's cache, contrary to its duty, is lost.
    void start_again() {
        snapshots_.switched_off();
        outcome_.console += fmt::format("-- switched off at {} ms --\n", to_ms(machine_.now()));
        restart(models::PowerLoss::lose_cache, experiment_.seed);
        was_shut_down_ = true;
    }

    void restart(models::PowerLoss mode, uint64_t seed) {
        end_recovery();
        const Sample at = sample();
        // A start that did not get so far as to count itself leaves the disk as it was.
        was_asked_to_shut_down_ = pressed_.has_value() || (was_asked_to_shut_down_ && !is_up_);
        was_shut_down_ = is_off_ = false;
        pressed_.reset();
        machine_.power_cycle(mode, seed);
        if (profile_)
            profile_->power_cycle();
        write_faults_.power_cycle();
        accountant_.power_cycle(at);
        checkpoints_.power_cycle();
        page_ins_.power_cycle();
        snapshots_.power_cycle();
        times_.power_cycle(at);
        recovery_ = RecoveryOutcome{};
        recovery_->crash_ms = to_ms(at.now);
        crash_ = at.now;
        is_up_ = false;
    }

    // A cut during a shutdown may come before or after the commit that makes it clean, a cut during the start that follows
    // before or after that is counted.
    void check_clean(bool clean) {
        if (clean && !was_asked_to_shut_down_)
            outcome_.violations.push_back("a crash was taken for a controlled shutdown");
        if (!clean && was_shut_down_)
            outcome_.violations.push_back("a controlled shutdown was taken for a crash");
    }

    void server_recovered(const Sample& at, uint32_t epoch, bool clean) {
        is_up_ = true;
        times_.recovered(at, epoch);
        if (crash_ || epoch != 0) {
            if (!recovery_)
                recovery_ = RecoveryOutcome{};
            recovery_->epoch = epoch;
            recovery_->clean = clean;
            // After a clean checkpoint the world stood still.
            if (const auto snapshot = checkpoints_.snapshot_instant(epoch); crash_ && snapshot)
                recovery_->lost_ms = clean ? 0 : to_ms(*crash_ - *snapshot);
            if (crash_)
                check_clean(clean);
        }
        snapshots_.recovered(epoch, read_store_);
        workloads_.recovered(epoch);
    }

    // The start that followed a power cut or shutdown is over: by the next cut, or by the run's end.
    void end_recovery() {
        if (!recovery_)
            return;
        const RecoveryTiming timing = times_.timing();
        if (timing.disk_found)
            recovery_->disk_found_ms = to_ms(*timing.disk_found - timing.kernel_entry);
        if (timing.threads_ready)
            recovery_->threads_ready_ms = to_ms(*timing.threads_ready - timing.kernel_entry);
        if (timing.first_user_instruction)
            recovery_->restart_ms = to_ms(*timing.first_user_instruction - timing.kernel_entry);
        if (timing.full_speed && *timing.full_speed >= timing.kernel_entry)
            recovery_->full_speed_ms = to_ms(*timing.full_speed - timing.kernel_entry);
        recovery_->identical = snapshots_.identical();
        outcome_.recoveries.push_back(*std::exchange(recovery_, std::nullopt));
    }

    void end_at(const Sample& at) {
        outcome_.simulated = at.now;
        outcome_.cycles = at.cycles;
        outcome_.instructions = machine_.cpu().instructions();
        if (profile_)
            profile_->end();
        if (follows_write_faults_)
            outcome_.write_faults = write_faults_.faults();
        accountant_.settle(at);
        outcome_.accounts = accountant_.accounts();
        is_measured_ = true;
    }

    void conclude() {
        if (!is_measured_)
            end_at(sample());
        outcome_.finished = workloads_.finished();
        outcome_.verified = workloads_.verified();
        outcome_.checkpoints = checkpoints_.rows();
        outcome_.delayed = checkpoints_.delayed_count();
        outcome_.page_ins = page_ins_.latencies();
        outcome_.output = output_.figures();
        for (const std::string& violation : snapshots_.violations())
            outcome_.violations.push_back(violation);
        if (workloads_.failed_checks() != 0)
            outcome_.violations.push_back(
                fmt::format("{} checks of the workloads failed on the way", workloads_.failed_checks()));
        if (outcome_.trouble.empty() && experiment_.run.until_workload && !outcome_.finished)
            outcome_.trouble = fmt::format(
                "the workloads had not ended after {} simulated s{}", to_ms(outcome_.simulated) / 1e3,
                waits_for_space() ? "; the disk was full: disk.size_mib is too small" : "");
    }

    // By what the checkpoint server has said last about that.
    [[nodiscard]] bool waits_for_space() const {
        const size_t full = outcome_.console.rfind("checkpoint: the disk is full");
        return full != std::string::npos &&
               outcome_.console.find("checkpoint: nobody waits for space", full) == std::string::npos;
    }

    void workload_done(const Sample& at, uint32_t instance, bool verified) {
        const bool was_finished = workloads_.finished();
        workloads_.done(instance, verified);
        if (!experiment_.run.until_workload || was_finished || !workloads_.finished())
            return;
        end_at(at); // the probe's instant, not that of the stop
        ended_ = true;
        machine_.request_stop();
    }

    void image_gave_up() {
        if (outcome_.trouble.empty())
            outcome_.trouble = "the image gave up; the reason is in console.log";
        give_up_at_ = std::min(give_up_at_, machine_.now() + last_words);
        machine_.request_stop();
    }

    const Experiment& experiment_;
    Progress& progress_;
    std::unique_ptr<models::DiskImage> image_;
    Machine machine_;
    std::optional<FailureReport> report_; // of the image that runs
    std::optional<UnclaimedAccesses> unclaimed_;
    std::optional<Debugger> debugger_;
    std::optional<CallgrindFile> profile_file_;
    std::optional<Profile> profile_;
    WriteFaultCosts write_faults_;
    bool follows_write_faults_ = false;
    std::optional<WriteFaultObserver> write_fault_observer_;

    CycleAccountant accountant_;
    CheckpointLog checkpoints_;
    PageIns page_ins_;
    Snapshots snapshots_;
    StoreReader read_store_;
    RecoveryTimes times_;
    WorkloadProgress workloads_;
    OutputLog output_;

    std::optional<RecoveryOutcome> recovery_;                     // of the present start
    std::optional<Picoseconds> crash_;                            // the last time that power was off
    std::optional<Picoseconds> pressed_;                          // the power button, since power-on
    bool is_off_ = false;                                         // the machine has switched itself off
    bool was_asked_to_shut_down_ = false, was_shut_down_ = false; // before the present power-on
    bool is_up_ = false; // the checkpoint server has recovered or formatted its disk since power-on
    bool ended_ = false, is_measured_ = false;
    Picoseconds give_up_at_ = models::never;
    Outcome outcome_;
};

void Simulation::on_probe(Probe event, const models::ProbeArguments& arguments) {
    const Sample at = sample();
    const auto [eax, edx, ecx, ebx] = arguments;
    switch (event) {
    case Probe::kernel_entry:
        times_.kernel_entry(at);
        break;
    case Probe::thread_switch:
        accountant_.thread_switch(at, l4::ThreadId{eax});
        write_faults_.thread_switch(at.cycles, l4::ThreadId{eax});
        times_.thread_switch(at, l4::ThreadId{eax});
        break;
    case Probe::fault_begin:
        accountant_.fault_begin(at, edx);
        write_faults_.fault_begin(at.cycles, eax, edx);
        times_.fault_begin(at, accountant_.running());
        page_ins_.fault_begin(at, accountant_.running(), eax);
        break;
    case Probe::fault_end:
        accountant_.fault_end(at);
        times_.fault_end(at, accountant_.running());
        page_ins_.fault_end(at, accountant_.running());
        break;
    case Probe::panic:
        image_gave_up();
        break;
    case Probe::task_space:
        snapshots_.task_space(eax, edx);
        break;
    case Probe::stop_begin:
        checkpoints_.stop_begin(at, eax);
        break;
    case Probe::snapshot:
        checkpoints_.snapshot(at, eax, workloads_.units());
        snapshots_.snapshot(eax);
        workloads_.snapshot(eax);
        break;
    case Probe::snapshot_tables:
        checkpoints_.snapshot_tables(at, eax);
        break;
    case Probe::stop_end:
        checkpoints_.stop_end(at, eax, edx, ecx);
        break;
    case Probe::committed:
        checkpoints_.committed(at, eax);
        snapshots_.committed(eax);
        break;
    case Probe::phase:
        accountant_.phase(at, static_cast<l4::Phase>(std::min<uint32_t>(eax, phases - 1)));
        write_faults_.phase(at.cycles, static_cast<l4::Phase>(eax));
        if (eax == static_cast<uint32_t>(l4::Phase::commit))
            checkpoints_.commit_begin(at, workloads_.units());
        break;
    case Probe::page_placed:
        snapshots_.page_placed({eax, edx}, ecx, static_cast<l4::PageSource>(ebx));
        page_ins_.page_placed(eax, edx, static_cast<l4::PageSource>(ebx));
        break;
    case Probe::page_evicted:
        snapshots_.page_evicted({eax, edx});
        break;
    case Probe::page_released:
        snapshots_.page_released({eax, edx});
        break;
    case Probe::page_copied:
        checkpoints_.page_copied();
        write_faults_.page_copied(eax, edx);
        break;
    case Probe::delayed:
        checkpoints_.delayed(eax);
        break;
    case Probe::recovery_begin:
        times_.disk_found(at);
        break;
    case Probe::recovery_end:
        server_recovered(at, eax, edx != 0);
        break;
    case Probe::line_received:
        output_.received(at.now, eax);
        break;
    case Probe::line_released:
        output_.released(at.now, eax);
        break;
    case Probe::work:
        workloads_.work(eax, edx);
        times_.work(at, edx);
        break;
    case Probe::workload_done:
        workload_done(at, eax, edx != 0);
        break;
    case Probe::workload_check:
        workloads_.check(eax, edx != 0);
        break;
    }
}

} // namespace

BootImage boot_image(const Experiment& experiment, const std::filesystem::path& folder) {
    const auto file = [&](std::string_view name) {
        std::filesystem::path path = folder / name;
        if (folder.empty() || !std::filesystem::is_regular_file(path))
            throw BootError(
                fmt::format("{}: expected a file of the guest's image, found none; build the image first",
                            folder.empty() ? std::string(name) : path.string()));
        return path;
    };
    const PagerConfiguration& pager = experiment.pager;
    BootImage image;
    image.kernel = file("kernel.elf");
    image.append = "tcb-pager=6 paged-tasks=16";
    image.modules = {
        {file("sigma0.elf"), ""},
        {file("root.elf"), ""},
        {file("ide.elf"), ""},
        {file("checkpoint.elf"),
         fmt::format("interval_us={} copy={} tracking={} store={} drain_order={} hot_intervals={} "
                     "drain_depth={} drain_throttle={:d} prefetch={:d} seed={}",
                     pager.interval_us, pager.copy, pager.tracking, pager.store, pager.drain_order,
                     pager.hot_intervals, pager.drain_depth, pager.drain_throttle, pager.prefetch,
                     experiment.seed & 0xFFFF'FFFF)},
        {file("console.elf"), ""}};
    if (pager.output_commit)
        image.modules.push_back({file("console_log.elf"), ""});
    for (size_t instance = 0; instance < experiment.workloads.size(); ++instance) {
        const Workload& workload = experiment.workloads[instance];
        image.modules.push_back(
            {file(workload.program + ".elf"), fmt::format("{} instance={}", workload.arguments, instance)});
    }
    return image;
}

Outcome simulate(const Experiment& experiment, const BootImage& image, const std::filesystem::path& disk_file,
                 const Instruments& instruments, Progress& progress) {
    return std::make_unique<Simulation>(experiment, instruments, progress)->run(image, disk_file);
}

} // namespace fixpoint::sim
