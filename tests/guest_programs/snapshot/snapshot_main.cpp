// snapshot: threads of one class at a snapshot's instant, and what becomes of them after a recovery (I8).
//
// The observer brings the subjects into the class's state, looks, and asks for a checkpoint. Its request returns twice:
// durable, in the run that is cut off then; and with an error, in the one that was recovered. There it looks again.
// After `recoveries` of these the subjects go on to their ends, where each knows what it must find.
//
// Arguments: class (the tables in computing.cpp, messages.cpp, faults.cpp, waits.cpp, handlers.cpp), recoveries. Lines on
// the console: "snapshot N: CLASS I durable", "snapshot N: CLASS I recovered", "snapshot N: verified, ...".
#include "pager/protocol.hpp"
#include "tests/guest_programs/snapshot/stage.hpp"
#include "workloads/runtime/program.hpp"
#include "workloads/runtime/text_line.hpp"

namespace workloads {

WORKLOAD_PROGRAM_HEADER(1, 0, "");

namespace {

using snapshot_test::SnapshotClass;
using snapshot_test::stage;

constexpr uint64_t look_interval_us = 3000;   // no multiple of a time slice
constexpr uint64_t patience_us = 120'000'000; // for the ends of threads that have next to nothing left to do

const SnapshotClass* find(const SnapshotClass* table, unsigned count, TextView name) {
    for (unsigned i = 0; i < count; ++i)
        if (name.equals(table[i].name))
            return &table[i];
    return nullptr;
}

const SnapshotClass* find_class(TextView name) {
    using namespace snapshot_test;
    const SnapshotClass* const found[] = {find(computing_classes, computing_class_count, name),
                                          find(message_classes, message_class_count, name),
                                          find(fault_classes, fault_class_count, name),
                                          find(waiting_classes, waiting_class_count, name),
                                          find(exception_classes, exception_class_count, name)};
    for (const SnapshotClass* each : found)
        if (each)
            return each;
    return nullptr;
}

enum class Reply { durable, recovered, refused };

Reply ask_for_checkpoint() {
    l4::Message message{pager::request_word(pager::Request::checkpoint)};
    l4::ThreadId server = l4::pager_thread;
    const l4::MessageResult result = l4::call(server, message);
    if (result.error() == static_cast<unsigned>(l4::IpcError::receive_aborted))
        return Reply::recovered;
    return result.ok() && message.w0 != pager::refused ? Reply::durable : Reply::refused;
}

void say(const StartupPage& startup, const SnapshotClass& tested, uint32_t recovery, const char* what) {
    TextLine line;
    line.text("snapshot ").decimal(startup.instance).text(": ").text(tested.name).text(" ");
    line.decimal(recovery).text(" ").text(what).print();
}

void release(const SnapshotClass& tested) {
    stage.released = true;
    tested.release();
}

void snapshot_and_recover(const StartupPage& startup, const SnapshotClass& tested, uint32_t recovery) {
    for (;;) {
        const bool first_look = tested.reached(); // may have had page faults of its own
        if (first_look && tested.reached())
            break;
        l4::sleep_us(look_interval_us);
    }
    switch (ask_for_checkpoint()) {
    case Reply::refused:
        snapshot_test::expect(false, "a request for a checkpoint was refused");
        break;
    case Reply::durable:
        say(startup, tested, recovery, "durable");
        release(tested); // whatever happens now will not have happened
        rest();
    case Reply::recovered:
        snapshot_test::expect(!tested.kept || tested.kept(), "threads in other states than at the snapshot");
        say(startup, tested, recovery, "recovered");
    }
}

} // namespace

void program_main(const StartupPage& startup) {
    const char* const known[] = {"class", "recoveries", "instance", "tasks"};
    Arguments arguments(startup.arguments);
    const SnapshotClass* const tested = find_class(arguments.find("class"));
    stage.recoveries_wanted = static_cast<uint32_t>(arguments.number("recoveries", 1, 0, 1000));
    require_good_arguments(startup, "snapshot", arguments, known, sizeof known / sizeof known[0]);
    TextLine line;
    line.text("snapshot ").decimal(startup.instance);
    if (!tested) {
        line.text(": FAILED: no such class").print();
        finish(startup, false);
    }

    l4::thread_schedule(l4::my_id(), l4::schedule_param(snapshot_test::observer_priority));
    tested->start();
    for (uint32_t recovery = 1; recovery <= stage.recoveries_wanted && !stage.error; ++recovery)
        snapshot_and_recover(startup, *tested, recovery);
    release(*tested);
    for (uint64_t us = 0; us < patience_us && stage.ended < tested->subjects && !stage.error;
         us += look_interval_us)
        l4::sleep_us(look_interval_us);
    snapshot_test::expect(stage.ended == tested->subjects, "threads that came to no end", stage.ended);

    if (stage.error)
        line.text(": FAILED: ").text(stage.error).text(", ").decimal(stage.error_value).print();
    else
        line.text(": verified, subjects=")
            .decimal(stage.ended)
            .text(", class=")
            .text(tested->name)
            .text(", checksum=0")
            .print();
    finish(startup, !stage.error);
}

} // namespace workloads
