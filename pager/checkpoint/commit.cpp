// The commit: the store's directory and root. Until its root sector is written the checkpoint before is the
// valid one.
#include "pager/checkpoint/checkpoint.hpp"

namespace pager {

void Checkpoint::commit() {
    platform_.phase(l4::Phase::commit);
    while (store_.commit(snapshot_) != store::CommitStatus::ok)
        listener_.disk_failed("directory or root");
    pages_.committed();
    platform_.committed(store_.epoch()); // I9: durable in both root copies
    platform_.phase(l4::Phase::normal);
}

} // namespace pager
