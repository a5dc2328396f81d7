// The commit: the store's directory and root. Until its root sector is written the checkpoint before is the
// valid one.
#include "pager/checkpoint/checkpoint.hpp"

namespace pager {

void Checkpoint::commit() {
    platform_.phase(l4::Phase::commit);
    if (policy_.prefetch)
        note_working_set();
    while (store_.commit(snapshot_) != store::CommitStatus::ok)
        listener_.disk_failed("directory or root");
    pages_.committed();
    platform_.committed(store_.epoch()); // I9: durable in both root copies
    platform_.phase(l4::Phase::normal);
}

// No matter whether it arrives: it names pages, not what is in them.
void Checkpoint::note_working_set() {
    (void)store_.write_working_set(list_, pages_.collect_working_set(list_, store::working_set_max));
}

} // namespace pager
