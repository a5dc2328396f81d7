// A checkpoint's way to the disk, in the order of the protocol: pages, flush, directory twice, flush, root
// twice, flush.
#include "pager/store/page_checksum.hpp"
#include "pager/store/sector.hpp"
#include "pager/store/store.hpp"

namespace store {
namespace {

uint32_t checksum_of(const PageWrite& page) {
    return page.checksum != 0 ? page.checksum : page_checksum(page.content);
}

} // namespace

uint32_t Store::prepare(const PageWrite* pages, uint32_t count, WriteRequest& request) {
    request.segments = 0;
    uint32_t taken = 0;
    for (; taken < count && request.segments < transfer_segments_max; ++taken) {
        const PageWrite& page = pages[taken];
        const bool again = entry(page.slot).is_pending();
        const uint32_t block = place(page);
        if (!again)
            directory_.note_recent(page.slot);
        directory_.content(page.slot, block, block == no_block ? 0 : checksum_of(page));
        directory_.set(page.slot, DirectoryEntry::pending);
        if (block == no_block)
            continue;
        const uint32_t sector = geometry_.block_sector(block);
        if (request.segments == 0)
            request.sector = sector;
        else if (sector != request.sector + request.segments * sectors_per_block)
            break; // asked again, it gets the same block
        request.segment[request.segments++] = {page.content, block_bytes};
    }
    return taken;
}

CommitStatus Store::commit(const Snapshot& snapshot) {
    RootSector root = {};
    root.epoch = root_.epoch + 1;
    root.clock_us = snapshot.clock_us;
    root.session = snapshot.session;
    root.tcb_pages = snapshot.tcb_pages;
    root.tcb_bytes = snapshot.tcb_bytes;
    for (uint32_t i = 0; i < sizeof root.build_id; ++i)
        root.build_id[i] = snapshot.build_id[i];
    root.geometry = geometry_;
    root.flags = snapshot.last_of_session ? RootSector::last_of_session : 0;
    const CommitStatus status = write_generation(root);
    if (status == CommitStatus::ok)
        directory_.end_recent();
    return status;
}

CommitStatus Store::commit_moves() {
    return write_generation(root_);
}

CommitStatus Store::write_generation(RootSector root) {
    root.generation = root_.generation + 1;
    describe(root);
    // The data before the directory that names it.
    if (device_->flush() != DeviceStatus::ok)
        return CommitStatus::device_failed;
    // The directory area of this parity belongs to the generation before the newest: I4.
    if (directory_.write(*device_, root) != DeviceStatus::ok)
        return CommitStatus::device_failed;
    // The directory before the root that names it.
    if (device_->flush() != DeviceStatus::ok)
        return CommitStatus::device_failed;
    // I3: from the first of these two sector writes on, open() finds this generation.
    for (const uint32_t sector : root_sector[root.generation & 1])
        if (!write_sector(*device_, sector, root_magic, kind_, root))
            return CommitStatus::device_failed;
    // I9: reported committed only when both copies are durable.
    if (device_->flush() != DeviceStatus::ok)
        return CommitStatus::device_failed;

    root_ = root;
    directory_.committed(root.generation);
    committed();
    return CommitStatus::ok;
}

} // namespace store
