#include "sim/debug/debugger.hpp"

#include <utility>

namespace fixpoint::sim {
namespace {

// How many observed instructions may pass before gdb's wish to interrupt is heard.
constexpr uint32_t poll_interval = 1 << 16;

} // namespace

Debugger::Debugger(Machine& machine, GdbConnection& connection)
    : machine_(machine), connection_(connection), target_(machine),
      interpreter_(target_, points_, [this](std::string_view content) { send_packet(content); }) {
    machine_.set_debugger(this);
    machine_.request_break();
}

Debugger::~Debugger() {
    machine_.set_debugger(nullptr);
    machine_.remove_observer(*this);
}

// --- While the machine runs --------------------------------------------------------------------------------

void Debugger::poll() {
    if (wants_stop())
        machine_.request_break();
}

// gdb has sent an interrupt, has come, or is gone.
bool Debugger::wants_stop() {
    if (!connection_.is_open())
        return connection_.take_peer();
    while (const auto event = connection_.receive(false))
        interrupted_ |= event->kind == PacketEvent::Kind::interrupt;
    return interrupted_ || !connection_.is_open();
}

bool Debugger::before_instruction(uint32_t linear) {
    if (--until_poll_ == 0) {
        until_poll_ = poll_interval;
        if (wants_stop())
            return false;
    }
    if (!points_.stops_before(linear)) [[likely]]
        return true;
    // Going on from a stop begins with the instruction it stopped before.
    return resumed_ == Instant{target_.cycles(), target_.instructions(), linear};
}

// --- While it stands still ---------------------------------------------------------------------------------

bool Debugger::stopped(std::optional<models::Cpu::Stop> stop) {
    if (!connection_.is_open() && !was_attached_)
        connection_.wait_for_peer();
    note_stop(stop);
    points_.end_step();
    switch (connection_.is_open() ? serve() : GdbAction::stay) {
    case GdbAction::kill:
        killed_ = true;
        return false;
    case GdbAction::resume:
        gdb_waits_ = true;
        break;
    case GdbAction::stay: // the connection is lost: as if detached
    case GdbAction::detach:
        disconnect();
        break;
    }
    prepare_to_run();
    return true;
}

void Debugger::note_stop(std::optional<models::Cpu::Stop> stop) {
    using Stop = models::Cpu::Stop;
    const uint32_t hit = target_.take_watch_hit().value_or(0); // or the processor would stop again
    if (std::exchange(interrupted_, false))
        return interpreter_.stopped(StopCause::interrupted);
    if (!stop)
        return interpreter_.stopped(StopCause::attached);
    switch (*stop) {
    case Stop::watchpoint:
        return interpreter_.stopped(StopCause::watchpoint, hit);
    case Stop::triple_fault:
        return interpreter_.stopped(StopCause::triple_fault);
    case Stop::halted_for_ever:
        return interpreter_.stopped(StopCause::halted_for_ever);
    default:
        return interpreter_.stopped(StopCause::before_instruction);
    }
}

// `stay`: the connection is gone.
GdbAction Debugger::serve() {
    was_attached_ = true;
    if (std::exchange(gdb_waits_, false))
        interpreter_.report_stop();
    while (connection_.is_open()) {
        const auto event = connection_.receive(true);
        if (!event)
            break;
        switch (event->kind) {
        case PacketEvent::Kind::interrupt: // it stands still already
            break;
        case PacketEvent::Kind::refused:
            connection_.send(last_packet_);
            break;
        case PacketEvent::Kind::damaged:
            if (interpreter_.acknowledges())
                connection_.send("-");
            break;
        case PacketEvent::Kind::packet:
            if (interpreter_.acknowledges())
                connection_.send("+");
            if (const GdbAction action = interpreter_.handle(event->content); action != GdbAction::stay)
                return action;
            break;
        }
    }
    return GdbAction::stay;
}

void Debugger::disconnect() {
    connection_.close_peer();
    interpreter_.reset();
    gdb_waits_ = false;
    points_.clear();
    target_.set_watchpoints({});
}

void Debugger::prepare_to_run() {
    const models::CpuState state = target_.state();
    resumed_ = {target_.cycles(), target_.instructions(), state.segment[models::seg_cs].base + state.eip};
    until_poll_ = poll_interval;
    if (points_.any_before_instructions())
        machine_.add_observer(*this);
    else
        machine_.remove_observer(*this);
}

void Debugger::report_exit(uint8_t status) {
    if (connection_.is_open() && gdb_waits_)
        interpreter_.report_exit(status);
    connection_.close_peer();
}

void Debugger::send_packet(std::string_view content) {
    last_packet_ = frame_packet(content);
    connection_.send(last_packet_);
}

} // namespace fixpoint::sim
