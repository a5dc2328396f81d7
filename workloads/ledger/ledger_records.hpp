// What a ledger remembers, and how it can tell that a memory is not of one instant.
//
// Every transfer has a number and is hashed onto two chains: the server's (all transfers in the order of
// execution) and its client's (that client's only). The client computes its chain as well, in its own memory.
// Both sides keep the last records in a ring; as every record holds the chain after it, the ring can be
// recomputed at any time. A page of either task that is older or newer than the rest breaks a seal, a sum or
// a chain; a whole task that is older or newer than its partner breaks the first request or reply between
// them.
#pragma once

#include "workloads/runtime/random.hpp"

#include <cstdint>

namespace workloads {

struct LedgerParameters {
    uint32_t accounts;
    uint32_t clients;
    uint32_t transfers;   // of each client
    uint32_t log_records; // kept by the server and by every client
    uint64_t seed;
};

struct Account {
    static constexpr int64_t opening_balance = 1'000'000;

    int64_t balance; // may become negative: then the final balances do not depend on the order of transfers
    uint32_t sent, received; // number of transfers
    uint64_t last_transfer;
    uint64_t seal; // hash of the above and of the account's number

    uint64_t expected_seal(uint32_t number) const {
        const uint64_t counts = static_cast<uint64_t>(received) << 32 | sent;
        const uint64_t last = last_transfer << 20 | last_transfer >> 44;
        return mix64(static_cast<uint64_t>(balance) + counts * 0x9E3779B97F4A7C15u + (last ^ number));
    }
};
static_assert(sizeof(Account) == 32);

struct Transfer {
    uint32_t client;
    uint32_t from, to; // account numbers
    uint32_t amount;   // 1 to 65535
};

struct TransferRecord {
    uint64_t number; // of all transfers of the server, from 1
    Transfer transfer;
    uint64_t chain; // after this record
};
static_assert(sizeof(TransferRecord) == 32);

constexpr uint64_t extend_chain(uint64_t chain, uint64_t number, const Transfer& t) {
    chain = mix64(chain ^ number);
    chain = mix64(chain + (static_cast<uint64_t>(t.to) << 32 | t.from));
    return mix64(chain ^ (static_cast<uint64_t>(t.client) << 32 | t.amount));
}

// A ring of the last records in the caller's memory, and the chain over all that there ever were.
class TransferLog {
public:
    TransferLog() = default;
    TransferLog(TransferRecord* ring, uint32_t capacity, uint64_t seed)
        : ring_(ring), capacity_(capacity), chain_(mix64(seed)), chain_before_ring_(chain_) {}

    void append(uint64_t number, const Transfer& transfer) {
        TransferRecord& slot = ring_[next_slot_];
        if (length_ >= capacity_)
            chain_before_ring_ = slot.chain;
        chain_ = extend_chain(chain_, number, transfer);
        slot = {number, transfer, chain_};
        next_slot_ = next_slot_ + 1 == capacity_ ? 0 : next_slot_ + 1;
        ++length_;
    }
    uint64_t chain() const { return chain_; }
    uint64_t length() const { return length_; } // of the whole history

    // Recomputes the chain from the records that are left: true if it holds.
    bool holds() const {
        const uint32_t kept = length_ < capacity_ ? static_cast<uint32_t>(length_) : capacity_;
        uint32_t slot = length_ < capacity_ ? 0 : next_slot_;
        uint64_t chain = chain_before_ring_, number = 0;
        for (uint32_t i = 0; i < kept; ++i) {
            const TransferRecord& record = ring_[slot];
            chain = extend_chain(chain, record.number, record.transfer);
            if (record.chain != chain || record.number <= number)
                return false;
            number = record.number;
            slot = slot + 1 == capacity_ ? 0 : slot + 1;
        }
        return chain == chain_;
    }

private:
    TransferRecord* ring_ = nullptr;
    uint32_t capacity_ = 0, next_slot_ = 0;
    uint64_t length_ = 0, chain_ = 0, chain_before_ring_ = 0;
};

} // namespace workloads
