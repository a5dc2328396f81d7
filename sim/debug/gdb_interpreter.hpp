// The commands of the GDB remote serial protocol, apart from their transport and from how the machine runs
// (GDB manual, appendix E).
//
// One processor, seen as one thread. A packet that is not understood is answered by an empty one, which is
// how gdb learns what there is.
#pragma once

#include "sim/debug/debug_target.hpp"
#include "sim/debug/packet_text.hpp"
#include "sim/debug/stop_points.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace fixpoint::sim {

// What the machine is to do after a command.
enum class GdbAction { stay, resume, detach, kill };

// Why it has stopped.
enum class StopCause {
    attached,    // a debugger has come
    interrupted, // a debugger's wish
    before_instruction,
    watchpoint,
    triple_fault,    // going on ends the run
    halted_for_ever, // likewise
};

class GdbInterpreter {
public:
    // Sends one packet's content to gdb.
    using Send = std::function<void(std::string_view)>;

    GdbInterpreter(DebugTarget& target, StopPoints& points, Send send)
        : target_(target), points_(points), send_(std::move(send)) {}

    GdbAction handle(std::string_view packet);

    // The machine has stopped; `hit` is the address of a watchpoint's access. report_stop() sends the stop
    // reply that gdb waits for after it has let the machine run.
    void stopped(StopCause cause, uint32_t hit = 0);
    void report_stop() { send_(stop_reply_); }
    // The run is over.
    void report_exit(uint8_t status);

    [[nodiscard]] bool acknowledges() const { return acknowledges_; }
    // A new connection: nothing of the last one holds.
    void reset();

private:
    struct Command {
        std::string_view prefix;
        GdbAction (GdbInterpreter::*handle)(PacketText);
    };
    static const Command commands[];

    GdbAction answer(std::string_view content) {
        send_(content);
        return GdbAction::stay;
    }
    GdbAction answer_ok() { return answer("OK"); }

    GdbAction supported(PacketText text);
    GdbAction read_features(PacketText text);
    GdbAction start_no_acknowledgements(PacketText text);
    GdbAction thread_info(PacketText text);
    GdbAction more_thread_info(PacketText text);
    GdbAction thread_extra_info(PacketText text);
    GdbAction current_thread(PacketText text);
    GdbAction attached(PacketText text);
    GdbAction symbols(PacketText text);
    GdbAction monitor(PacketText text);
    GdbAction resume_actions(PacketText text);
    GdbAction resume_by_action(PacketText text);
    GdbAction kill_process(PacketText text);
    GdbAction last_stop(PacketText text);
    GdbAction select_thread(PacketText text);
    GdbAction thread_alive(PacketText text);
    GdbAction read_registers(PacketText text);
    GdbAction write_registers(PacketText text);
    GdbAction read_register(PacketText text);
    GdbAction write_register(PacketText text);
    GdbAction read_memory(PacketText text);
    GdbAction write_memory(PacketText text);
    GdbAction write_binary(PacketText text);
    GdbAction go_on(PacketText text);
    GdbAction go_on_with_signal(PacketText text);
    GdbAction step(PacketText text);
    GdbAction step_with_signal(PacketText text);
    GdbAction insert_point(PacketText text);
    GdbAction remove_point(PacketText text);
    GdbAction detach(PacketText text);
    GdbAction kill(PacketText text);

    GdbAction resume_at(PacketText text, bool stepping);
    GdbAction change_point(PacketText text, bool insert);
    GdbAction store(uint32_t address, std::span<const uint8_t> bytes);

    DebugTarget& target_;
    StopPoints& points_;
    Send send_;
    std::string stop_reply_;
    bool acknowledges_ = true, next_acknowledges_ = true;
};

} // namespace fixpoint::sim
