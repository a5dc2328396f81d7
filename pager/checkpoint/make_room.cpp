// Room in the store, between checkpoints: what the log store calls moves. A store that never runs short does
// nothing here.
#include "pager/checkpoint/checkpoint.hpp"

namespace pager {

bool Checkpoint::move_some(store::Moving how) {
    for (;;) {
        platform_.phase(l4::Phase::drain);
        const store::MoveStatus status = store_.move_some(how);
        platform_.phase(l4::Phase::normal);
        if (status != store::MoveStatus::device_failed)
            return status == store::MoveStatus::moved;
        listener_.disk_failed("moved pages");
    }
}

bool Checkpoint::make_room(store::Moving how) {
    constexpr uint32_t moves_per_commit = 2; // of up to 32 pages each: writers wait for the first
    uint32_t moves = 0;
    while (moves < moves_per_commit && move_some(how))
        ++moves;
    if (moves == 0 && !store_.has_moved())
        return false;
    platform_.phase(l4::Phase::commit);
    while (store_.commit_moves() != store::CommitStatus::ok)
        listener_.disk_failed("directory or root");
    platform_.phase(l4::Phase::normal);
    return true;
}

bool Checkpoint::make_room_for_writers() {
    return make_room(store::Moving::for_writers);
}

void Checkpoint::make_room_for_stop() {
    while (!store_.can_begin())
        check(make_room(store::Moving::for_stop), "stop: the store cannot hold what is reserved in it");
}

} // namespace pager
