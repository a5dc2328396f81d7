// A client's side of a ledger: draws transfers, keeps its own journal of them and holds the server's answers
// against it. Portable, like the server's side.
#pragma once

#include "workloads/ledger/ledger_messages.hpp"
#include "workloads/ledger/ledger_records.hpp"

namespace workloads {

class LedgerClient {
public:
    LedgerClient() = default;
    // `journal` has room for parameters.log_records.
    LedgerClient(const LedgerParameters& parameters, uint32_t client, TransferRecord* journal);

    bool has_transfers_left() const { return journal_.length() < parameters_.transfers; }
    // The next transfer; the same one again until accept() has been called.
    LedgerMessage request();
    // The server's reply to it: false if it contradicts what the client knows, see error().
    bool accept(const LedgerMessage& reply);

    LedgerMessage finish_request() const;
    LedgerMessage tally_request() const;
    // Recomputes the journal: false if it does not hold.
    bool check();

    const char* error() const { return error_; }
    uint64_t transfers() const { return journal_.length(); }

private:
    bool holds(bool condition, const char* error) {
        if (!condition && !error_)
            error_ = error;
        return condition;
    }

    LedgerParameters parameters_{};
    TransferLog journal_;
    Random random_;
    Transfer pending_{};
    bool has_pending_ = false;
    uint64_t amount_sum_ = 0;
    uint64_t last_number_ = 0;
    const char* error_ = nullptr;
};

} // namespace workloads
