// The log store, after EROS (Shapiro, Hardy 2002) and KeyKOS: a checkpoint's pages lie one behind the other in a
// circular log, whatever their slots, and are moved to their slots' home blocks later, if they are still current
// then.
//
//        tail                          committed             head
//         v                                v                   v
//   ------[ m  .  L  .  L  L  .  L  .  L  L [ R  R  R  R  R  R ]------------      the log, circular
//           dead . and moved m; live L       of the running
//           of the newest checkpoint         checkpoint
//
// A block of the log is live if its owner's directory entry names it. Steps, and why they keep the invariants:
//
//   reserve      I5: a page may become dirty only while
//                    used + reserved + standing < blocks of the log,
//                where `used` counts the blocks from tail to head, `reserved` the dirty or frozen pages that are not
//                written yet, and `standing` the TCB pages, which may be in every one. Writing a page turns its
//                reservation into a used block, so a drain always finds room. Written TCB pages keep their standing
//                reserve: a snapshot may be taken only when that holds too (can_begin()).
//   place        a page goes to the head, which is never a block between tail and head: I4. A zero page takes none.
//   committed    everything from tail to head is of the newest checkpoint or dead. Only here the tail moves, over
//                blocks that are dead: no root that counts names them any more (I4).
//   move_some    between checkpoints: live blocks at the tail are copied to their home blocks. The newest
//                checkpoint has the page in the log, so it does not use the home block (I4); until the next commit
//                it still has (I3: a power cut leaves the log's block as it was). Pages whose content is about to
//                change are passed over: the next checkpoint makes their block dead by itself. Where that does not
//                help, they are moved too (Moving).
//                The commit's first flush makes the copies durable before a directory names them.
//   commit_moves when there is no room: makes the moves count without a checkpoint. All that is live can be moved,
//                down to used = 0, and reserved + standing never exceed the log: with moves or with a checkpoint
//                there is always a way on (I5: writers wait, never the server).
//
// I2 is the server's: a frame is given back when its write is done; place() has noted all that a later load needs.
// The two alternating headers of EROS are the roots; the directory is not in the log but in its two areas, so that
// an old directory block never stands in the tail's way.
#pragma once

#include "pager/store/store.hpp"

namespace store {

class LogStore final : public Store {
public:
    LogStore() : Store{StoreKind::log} {}

    uint32_t memory_bytes(uint32_t disk_sectors) const override;

    uint32_t log_blocks() const { return geometry().blocks - slots(); }
    uint32_t used_blocks() const { return used_; } // from tail to head
    uint32_t tail() const;

    uint32_t slot_of(uint32_t block) const override;
    bool reserve(uint32_t slot) override;
    void release(uint32_t slot) override;
    bool can_reserve() const override { return spoken_for() < log_blocks(); }
    bool is_short() const override { return spoken_for() > log_blocks() / 4 * 3; }
    bool can_begin() const override { return spoken_for() <= log_blocks(); }

    // By home block: neighbours stay neighbours, when they are read and when they are moved.
    uint32_t target_sector(uint32_t slot) const override { return geometry().block_sector(slot); }
    uint32_t batch_length(const uint32_t* slots, uint32_t count) const override;

    MoveStatus move_some(Moving how) override;
    bool has_moved() const override { return moved_; }
    // Half of the log must stay free for the next checkpoints.
    bool should_move() const override { return used_ - looked_at_ > log_blocks() / 2; }

private:
    struct Move {
        uint32_t slot = no_slot;
        const uint8_t* content = nullptr; // nullptr: the log's block cannot be read
    };

    uint32_t spoken_for() const { return used_ + reserved_ + standing_; }
    bool is_standing(uint32_t slot) const { return key_task(entry(slot).key()) == 0; }
    uint32_t collect(Moving how, Move* moves, uint32_t* blocks);
    bool read_for_moves(Move* moves, const uint32_t* blocks, uint32_t count);
    bool write_home(const Move* moves, uint32_t count);

    void take_memory(uint8_t* memory) override { owner_ = reinterpret_cast<uint32_t*>(memory); }
    void opened() override;
    void learned(const SlotRange& range) override;
    void completed() override { committed(); }
    uint32_t place(const PageWrite& page) override;
    void describe(RootSector& root) const override {
        root.log_head = head_;
        root.log_used = used_;
    }
    void committed() override;

    // Per log block: the slot last written to it. It counts only if that slot's entry says the same, so it need not be
    // initialised.
    uint32_t* owner_ = nullptr;
    uint32_t head_ = 0, used_ = 0;
    uint32_t looked_at_ = 0;   // blocks behind the tail that were moved or passed over since the last commit
    bool passed_over_ = false; // some of them were
    bool moved_ = false;       // and some moved
    uint32_t reserved_ = 0, standing_ = 0;
    bool writing_ = false; // pages of a running checkpoint are in the log
};

} // namespace store
