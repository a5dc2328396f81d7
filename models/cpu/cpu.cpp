#include "models/cpu/cpu.hpp"

#include "models/cpu/core.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace fixpoint::models {

Cpu::Cpu(const CpuParameters& parameters, PhysicalMemory& memory, CpuBus& bus)
    : core_{std::make_unique<Core>(parameters, memory, bus)} {}
Cpu::~Cpu() = default;

void Cpu::set_probe_sink(ProbeSink* sink) {
    core_->probe_sink = sink;
}
void Cpu::power_cycle() {
    reset();
}
void Cpu::reset() {
    if (!core_->running)
        return core_->reset();
    core_->reset_requested = true;
    core_->request_attention();
}
bool Cpu::is_running() const {
    return core_->running;
}
CpuState Cpu::state() const {
    return core_->state();
}
void Cpu::set_state(const CpuState& state) {
    core_->set_state(state);
}
bool Cpu::read_msr(uint32_t number, uint64_t& value) {
    return core_->read_msr(number, value);
}
bool Cpu::write_msr(uint32_t number, uint64_t value) {
    return core_->write_msr(number, value);
}
void Cpu::set_a20(bool open) {
    core_->mmu.set_a20(open);
}
void Cpu::set_rom(std::span<const uint8_t> rom) {
    core_->map.set_rom(rom);
}
void Cpu::steer(uint32_t begin, uint32_t bytes, bool reads, bool writes) {
    core_->map.steer(begin, bytes, reads, writes);
    core_->blocks.written(begin, bytes); // other code is there now
    core_->data_path.drop_all();
    core_->fetch_path.drop_all();
}
Cpu::Stop Cpu::run(uint64_t until_cycle) {
    return core_->run(until_cycle);
}
void Cpu::set_limit(uint64_t until_cycle) {
    core_->set_limit(until_cycle);
}

void Cpu::request_stop() {
    core_->stop_requested = true;
    core_->request_attention();
}
void Cpu::set_interrupt_line(bool level) {
    core_->interrupt_line = level;
    core_->request_attention();
}
void Cpu::raise_nmi() {
    core_->nmi_pending = true;
    core_->request_attention();
}
bool Cpu::nmi_pending() const {
    return core_->nmi_pending && !core_->nmi_blocked;
}
void Cpu::set_ignore_numeric_error(bool level) {
    core_->ignore_numeric_error = level;
}
bool Cpu::halted() const {
    return core_->halted;
}

void Cpu::skip_to(uint64_t cycle) {
    Clock& clock = core_->clock;
    if (cycle <= clock.cycles)
        return;
    clock.idle += cycle - clock.cycles;
    clock.cycles = cycle;
}

uint64_t Cpu::cycles() const {
    return core_->cycles_now();
}
uint64_t Cpu::instructions() const {
    return core_->instructions_now();
}
uint64_t Cpu::stall_cycles() const {
    return core_->clock.stall;
}
uint64_t Cpu::idle_cycles() const {
    return core_->clock.idle;
}
CpuCounters Cpu::counters() const {
    return core_->counters;
}

void Cpu::snoop_write(uint32_t physical, uint32_t bytes) {
    if (bytes == 0)
        return;
    core_->caches.snoop(physical, bytes);
    core_->blocks.written(physical, bytes);
}

bool Cpu::translate(uint32_t linear, uint32_t& physical) const {
    return core_->mmu.peek(linear, physical);
}

bool Cpu::peek(uint32_t physical, std::span<uint8_t> bytes) const {
    return core_->map.peek(physical, bytes);
}
bool Cpu::is_memory(uint32_t physical, size_t bytes) const {
    return core_->map.is_memory(physical, bytes);
}
bool Cpu::poke(uint32_t physical, std::span<const uint8_t> bytes) {
    if (!core_->map.poke(physical, bytes))
        return false;
    snoop_write(physical, static_cast<uint32_t>(bytes.size()));
    return true;
}

std::vector<CachedTranslation> Cpu::tlb_entries() const {
    return core_->mmu.cached_translations();
}
uint32_t Cpu::cr3() const {
    return core_->mmu.cr3;
}
uint32_t Cpu::general(RegisterIndex index) const {
    return core_->registers[index];
}

void Cpu::set_observer(InstructionObserver* observer) {
    core_->set_observer(observer);
}
void Cpu::set_watchpoints(std::vector<Watchpoint> watchpoints) {
    core_->set_watchpoints(std::move(watchpoints));
}
std::optional<uint32_t> Cpu::take_watch_hit() {
    return std::exchange(core_->watch_hit, std::nullopt);
}
std::array<uint32_t, Core::trail_length> Cpu::last_branches() const {
    std::array<uint32_t, Core::trail_length> newest_first{};
    for (uint32_t i = 0; i < Core::trail_length; ++i)
        newest_first[i] = core_->trail[(core_->trail_end - 1 - i) % Core::trail_length];
    return newest_first;
}
std::vector<ExceptionRecord> Cpu::last_exceptions() const {
    return core_->exception_log.newest_first();
}

void Cpu::set_fast_path(bool enabled) {
    core_->data_path.enable(enabled);
    core_->fetch_path.enable(enabled);
}

uint64_t Cpu::timing_state_digest() const {
    uint64_t digest = 0xCBF2'9CE4'8422'2325u; // FNV-1a
    const auto visit = [&digest](uint32_t value) { digest = (digest ^ value) * 0x0000'0100'0000'01B3u; };
    core_->caches.visit_state(visit);
    core_->mmu.visit_state(visit);
    core_->predictor.visit_state(visit);
    return digest;
}

} // namespace fixpoint::models
