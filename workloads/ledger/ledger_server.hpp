// The server's side of a ledger: the accounts, the log of all transfers, and a mirror of what every client
// knows. Portable; ledger_main.cpp gives it its memory and its messages.
#pragma once

#include "workloads/ledger/ledger_messages.hpp"
#include "workloads/ledger/ledger_records.hpp"

namespace workloads {

class LedgerServer {
public:
    static constexpr uint32_t max_clients = 64;

    LedgerServer() = default;
    // `accounts` and `log` have room for as many as the parameters say, all zero.
    LedgerServer(const LedgerParameters& parameters, Account* accounts, TransferRecord* log);

    // Executes a client's request. A reply of LedgerMessage::rejected means that the world is broken: see
    // error().
    LedgerMessage handle(uint32_t client, const LedgerMessage& request);

    // Examines everything: true if it holds, else error() says what does not.
    bool check();

    const char* error() const { return error_; }
    uint64_t transfers() const { return log_.length(); }
    bool all_finished() const { return clients_finished_ == parameters_.clients; }
    uint64_t chain() const { return log_.chain(); }
    // A hash of everything that does not depend on the order in which the clients' requests arrived: equal
    // for all runs of the same parameters.
    uint64_t checksum() const;

private:
    struct ClientMirror {
        uint64_t count, amount_sum, chain;
        bool finished;
    };

    LedgerMessage transfer(uint32_t client, const LedgerMessage& request);
    LedgerMessage finish(ClientMirror& mirror, const LedgerMessage& request);
    LedgerMessage tally(ClientMirror& mirror, const LedgerMessage& request);
    bool holds(bool condition, const char* error) {
        if (!condition && !error_)
            error_ = error;
        return condition;
    }

    LedgerParameters parameters_{};
    Account* accounts_ = nullptr;
    TransferLog log_;
    ClientMirror mirrors_[max_clients] = {};
    uint32_t clients_finished_ = 0;
    uint64_t order_independent_ = 0;
    const char* error_ = nullptr;
};

} // namespace workloads
