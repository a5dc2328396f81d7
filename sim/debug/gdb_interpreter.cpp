#include "sim/debug/gdb_interpreter.hpp"

#include "sim/debug/gdb_registers.hpp"
#include "sim/debug/monitor.hpp"
#include "sim/debug/packet.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace fixpoint::sim {
namespace {

// Signals as gdb numbers them, whatever the host's numbers are.
constexpr unsigned signal_interrupt = 2, signal_trap = 5, signal_abort = 6;
// Error answers: gdb shows the number only. 14 is what a POSIX EFAULT would be.
constexpr std::string_view bad_request = "E01", bad_address = "E14", bad_register = "E02";

std::span<const uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

} // namespace

// The first prefix that fits wins: longer ones come first.
const GdbInterpreter::Command GdbInterpreter::commands[] = {
    {"qSupported", &GdbInterpreter::supported},
    {"qXfer:features:read:", &GdbInterpreter::read_features},
    {"QStartNoAckMode", &GdbInterpreter::start_no_acknowledgements},
    {"qfThreadInfo", &GdbInterpreter::thread_info},
    {"qsThreadInfo", &GdbInterpreter::more_thread_info},
    {"qThreadExtraInfo,", &GdbInterpreter::thread_extra_info},
    {"qAttached", &GdbInterpreter::attached},
    {"qSymbol:", &GdbInterpreter::symbols},
    {"qRcmd,", &GdbInterpreter::monitor},
    {"qC", &GdbInterpreter::current_thread},
    {"vCont?", &GdbInterpreter::resume_actions},
    {"vCont;", &GdbInterpreter::resume_by_action},
    {"vKill", &GdbInterpreter::kill_process},
    {"?", &GdbInterpreter::last_stop},
    {"H", &GdbInterpreter::select_thread},
    {"T", &GdbInterpreter::thread_alive},
    {"g", &GdbInterpreter::read_registers},
    {"G", &GdbInterpreter::write_registers},
    {"p", &GdbInterpreter::read_register},
    {"P", &GdbInterpreter::write_register},
    {"m", &GdbInterpreter::read_memory},
    {"M", &GdbInterpreter::write_memory},
    {"X", &GdbInterpreter::write_binary},
    {"c", &GdbInterpreter::go_on},
    {"C", &GdbInterpreter::go_on_with_signal},
    {"s", &GdbInterpreter::step},
    {"S", &GdbInterpreter::step_with_signal},
    {"Z", &GdbInterpreter::insert_point},
    {"z", &GdbInterpreter::remove_point},
    {"D", &GdbInterpreter::detach},
    {"k", &GdbInterpreter::kill},
};

GdbAction GdbInterpreter::handle(std::string_view packet) {
    acknowledges_ = next_acknowledges_;
    for (const Command& command : commands)
        if (packet.starts_with(command.prefix))
            return (this->*command.handle)(PacketText{packet.substr(command.prefix.size())});
    return answer("");
}

void GdbInterpreter::reset() {
    acknowledges_ = next_acknowledges_ = true;
}

// --- Queries -----------------------------------------------------------------------------------------------

GdbAction GdbInterpreter::supported(PacketText) {
    return answer(fmt::format("PacketSize={:x};qXfer:features:read+;swbreak+;hwbreak+;vContSupported+;"
                              "QStartNoAckMode+",
                              PacketReader::longest_packet));
}

// ANNEX:OFFSET,LENGTH
GdbAction GdbInterpreter::read_features(PacketText text) {
    const std::string& document = gdb_target_description();
    if (text.until(':') != "target.xml")
        return answer("E00");
    const auto offset = text.number();
    if (!offset || !text.skip(","))
        return answer(bad_request);
    const auto length = text.number();
    if (!length || *offset > document.size())
        return answer(bad_request);
    // An escaped byte is two: half a packet is safe.
    const size_t most = std::min<size_t>(*length, PacketReader::longest_packet / 2);
    const std::string_view part = std::string_view(document).substr(*offset, most);
    const bool last = *offset + part.size() == document.size();
    return answer(fmt::format("{}{}", last ? 'l' : 'm', escape_binary(part)));
}

GdbAction GdbInterpreter::start_no_acknowledgements(PacketText) {
    next_acknowledges_ = false; // this packet's answer still belongs to the old mode
    return answer_ok();
}

GdbAction GdbInterpreter::thread_info(PacketText) {
    return answer("m1");
}
GdbAction GdbInterpreter::more_thread_info(PacketText) {
    return answer("l");
}
GdbAction GdbInterpreter::thread_extra_info(PacketText) {
    const models::CpuState state = target_.state();
    return answer(to_hex(
        fmt::format("CPU, ring {}, {}", state.privilege_level(), state.halted ? "halted" : "running")));
}
GdbAction GdbInterpreter::current_thread(PacketText text) {
    return answer(text.at_end() ? "QC1" : "");
}
GdbAction GdbInterpreter::attached(PacketText) {
    return answer("1"); // "quit" detaches
}
GdbAction GdbInterpreter::symbols(PacketText) {
    return answer_ok();
}

GdbAction GdbInterpreter::monitor(PacketText text) {
    constexpr size_t most = PacketReader::longest_packet / 2 - 16;
    const auto line = from_hex(text.rest());
    if (!line)
        return answer(bad_request);
    const std::string output =
        run_monitor_command(target_, {reinterpret_cast<const char*>(line->data()), line->size()});
    for (size_t done = 0; done < output.size(); done += most)
        send_(fmt::format("O{}", to_hex(std::string_view(output).substr(done, most))));
    return answer_ok();
}

GdbAction GdbInterpreter::last_stop(PacketText) {
    return answer(stop_reply_);
}

// "Hg0", "Hc-1": one of them, or any; there is but one.
GdbAction GdbInterpreter::select_thread(PacketText text) {
    if (!text.skip("g") && !text.skip("c"))
        return answer(bad_request);
    if (text.skip("-1"))
        return answer_ok();
    return answer(text.number().value_or(2) <= 1 ? "OK" : bad_request);
}
GdbAction GdbInterpreter::thread_alive(PacketText text) {
    return answer(text.number() == 1u ? "OK" : bad_request);
}

// --- Registers ---------------------------------------------------------------------------------------------

GdbAction GdbInterpreter::read_registers(PacketText) {
    const models::CpuState state = target_.state();
    std::string all;
    for (unsigned number = 0; number < gdb_register_count(); ++number)
        all += *read_gdb_register(state, number);
    return answer(all);
}

// Registers that keep their value are left alone, so that those which cannot be written do no harm.
GdbAction GdbInterpreter::write_registers(PacketText text) {
    const std::string_view all = text.rest();
    const models::CpuState old = target_.state();
    models::CpuState state = old;
    size_t at = 0;
    for (unsigned number = 0; number < gdb_register_count() && at < all.size(); ++number) {
        const size_t digits = gdb_register_bytes(number) * 2;
        const std::string_view value = all.substr(at, digits);
        at += digits;
        if (value == *read_gdb_register(old, number) || value.starts_with('x')) // 'x': gdb does not know it
            continue;
        const auto bytes = from_hex(value);
        if (!bytes || !write_gdb_register(target_, state, number, *bytes))
            return answer(bad_register);
    }
    if (!(state == old))
        target_.set_state(state);
    return answer_ok();
}

GdbAction GdbInterpreter::read_register(PacketText text) {
    const auto number = text.number();
    const auto value = number ? read_gdb_register(target_.state(), *number) : std::nullopt;
    return answer(value ? *value : bad_register);
}

GdbAction GdbInterpreter::write_register(PacketText text) {
    const auto number = text.number();
    if (!number || !text.skip("="))
        return answer(bad_request);
    const auto bytes = from_hex(text.rest());
    models::CpuState state = target_.state();
    if (!bytes || !write_gdb_register(target_, state, *number, *bytes))
        return answer(bad_register);
    target_.set_state(state);
    return answer_ok();
}

// --- Memory ------------------------------------------------------------------------------------------------

// ADDRESS,LENGTH. Less than was asked for is a valid answer, nothing at all is not.
GdbAction GdbInterpreter::read_memory(PacketText text) {
    constexpr uint32_t page_bytes = 4096;
    const auto range = text.range();
    if (!range)
        return answer(bad_request);
    std::vector<uint8_t> bytes(std::min<size_t>(range->length, PacketReader::longest_packet / 2 - 8));
    size_t done = 0;
    while (done < bytes.size()) {
        const uint32_t at = range->address + static_cast<uint32_t>(done);
        const size_t part = std::min<size_t>(bytes.size() - done, page_bytes - at % page_bytes);
        if (!read_linear(target_, at, std::span{bytes}.subspan(done, part)))
            break;
        done += part;
    }
    if (done == 0 && !bytes.empty())
        return answer(bad_address);
    return answer(to_hex(std::span{bytes}.first(done)));
}

GdbAction GdbInterpreter::store(uint32_t address, std::span<const uint8_t> bytes) {
    return answer(write_linear(target_, address, bytes) ? "OK" : bad_address);
}

// ADDRESS,LENGTH:HEX
GdbAction GdbInterpreter::write_memory(PacketText text) {
    const auto range = text.range();
    if (!range || !text.skip(":"))
        return answer(bad_request);
    const auto bytes = from_hex(text.rest());
    return bytes && bytes->size() == range->length ? store(range->address, *bytes) : answer(bad_request);
}

// ADDRESS,LENGTH:BINARY
GdbAction GdbInterpreter::write_binary(PacketText text) {
    const auto range = text.range();
    if (!range || !text.skip(":") || text.rest().size() != range->length)
        return answer(bad_request);
    return store(range->address, bytes_of(text.rest()));
}

// --- Running -----------------------------------------------------------------------------------------------

GdbAction GdbInterpreter::resume_at(PacketText text, bool stepping) {
    if (const auto address = text.number()) {
        models::CpuState state = target_.state();
        state.eip = *address;
        state.halted = false;
        target_.set_state(state);
    }
    if (stepping)
        points_.step(0, 0);
    return GdbAction::resume;
}

GdbAction GdbInterpreter::go_on(PacketText text) {
    return resume_at(text, false);
}
GdbAction GdbInterpreter::step(PacketText text) {
    return resume_at(text, true);
}
// SIGNAL[;ADDRESS]: a processor takes no signals.
GdbAction GdbInterpreter::go_on_with_signal(PacketText text) {
    (void)text.until(';');
    return resume_at(text, false);
}
GdbAction GdbInterpreter::step_with_signal(PacketText text) {
    (void)text.until(';');
    return resume_at(text, true);
}

GdbAction GdbInterpreter::resume_actions(PacketText) {
    return answer("vCont;c;C;s;S;r");
}

// ACTION[:THREAD][;ACTION...]: the first action that is meant for our thread, or for any.
GdbAction GdbInterpreter::resume_by_action(PacketText text) {
    while (!text.at_end()) {
        PacketText one{text.until(';')};
        PacketText action{one.until(':')};
        const std::string_view thread = one.rest();
        if (!thread.empty() && thread != "1" && thread != "-1" && thread != "0")
            continue;
        if (action.skip("c") || action.skip("C"))
            return GdbAction::resume;
        if (action.skip("s") || action.skip("S")) {
            points_.step(0, 0);
            return GdbAction::resume;
        }
        if (action.skip("r")) {
            const auto begin = action.number();
            const auto end = action.skip(",") ? action.number() : std::nullopt;
            if (!begin || !end)
                return answer(bad_request);
            const uint32_t code_base = target_.state().segment[models::seg_cs].base; // gdb counts by EIP
            points_.step(code_base + *begin, code_base + *end);
            return GdbAction::resume;
        }
        return answer(bad_request);
    }
    return answer(bad_request);
}

// TYPE,ADDRESS,KIND; for watchpoints KIND is the length.
GdbAction GdbInterpreter::change_point(PacketText text, bool insert) {
    const auto type = text.number();
    if (!type || !text.skip(","))
        return answer(bad_request);
    const auto range = text.range();
    if (!range)
        return answer(bad_request);
    const auto [address, length] = *range;
    if (*type <= 1) {
        const auto kind = *type == 0 ? BreakpointKind::software : BreakpointKind::hardware;
        insert ? points_.insert(kind, address) : points_.remove(kind, address);
        return answer_ok();
    }
    if (*type > 4)
        return answer("");
    if (length == 0 || address + (length - 1) < address)
        return answer(bad_address);
    const auto kind = *type == 2 ? WatchKind::write : *type == 3 ? WatchKind::read : WatchKind::access;
    insert ? points_.insert(kind, address, length) : points_.remove(kind, address, length);
    target_.set_watchpoints(points_.watchpoints());
    return answer_ok();
}

GdbAction GdbInterpreter::insert_point(PacketText text) {
    return change_point(text, true);
}
GdbAction GdbInterpreter::remove_point(PacketText text) {
    return change_point(text, false);
}

GdbAction GdbInterpreter::detach(PacketText) {
    send_("OK");
    return GdbAction::detach;
}
GdbAction GdbInterpreter::kill(PacketText) {
    return GdbAction::kill;
}
GdbAction GdbInterpreter::kill_process(PacketText) {
    send_("OK");
    return GdbAction::kill;
}

// --- Stops -------------------------------------------------------------------------------------------------

void GdbInterpreter::stopped(StopCause cause, uint32_t hit) {
    const models::CpuState state = target_.state();
    const uint32_t code_base = state.segment[models::seg_cs].base;
    unsigned signal = signal_trap;
    std::string reason;
    switch (cause) {
    case StopCause::attached:
        break;
    case StopCause::interrupted:
        signal = signal_interrupt;
        break;
    case StopCause::before_instruction:
        // gdb looks for its breakpoint at EIP and takes the stop for a late one when there is none: with a
        // code segment that does not begin at 0 it has to see a plain trap.
        if (const auto kind = points_.breakpoint_at(code_base + state.eip); kind && code_base == 0)
            reason = *kind == BreakpointKind::software ? "swbreak:;" : "hwbreak:;";
        break;
    case StopCause::watchpoint:
        if (const auto watch = points_.watch_at(hit)) {
            reason = watch->kind == WatchKind::write  ? "watch"
                     : watch->kind == WatchKind::read ? "rwatch"
                                                      : "awatch";
            reason += fmt::format(":{:x};", watch->linear);
        }
        break;
    case StopCause::triple_fault:
    case StopCause::halted_for_ever:
        signal = signal_abort;
        break;
    }
    stop_reply_ = fmt::format("T{:02x}{}", signal, reason);
    for (const unsigned number : {gdb_ebp, gdb_esp, gdb_eip})
        stop_reply_ += fmt::format("{:02x}:{};", number, *read_gdb_register(state, number));
    stop_reply_ += "thread:1;";
}

void GdbInterpreter::report_exit(uint8_t status) {
    send_(fmt::format("W{:02x}", status));
}

} // namespace fixpoint::sim
