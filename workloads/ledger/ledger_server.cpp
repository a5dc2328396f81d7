#include "workloads/ledger/ledger_server.hpp"

namespace workloads {

LedgerServer::LedgerServer(const LedgerParameters& parameters, Account* accounts, TransferRecord* log)
    : parameters_(parameters), accounts_(accounts), log_(log, parameters.log_records, parameters.seed) {
    for (uint32_t number = 0; number < parameters.accounts; ++number) {
        accounts[number].balance = Account::opening_balance;
        accounts[number].seal = accounts[number].expected_seal(number);
    }
    for (uint32_t client = 0; client < parameters.clients; ++client)
        mirrors_[client].chain = mix64(parameters.seed);
}

LedgerMessage LedgerServer::handle(uint32_t client, const LedgerMessage& request) {
    const LedgerMessage rejection{LedgerMessage::rejected, 0, 0};
    if (!holds(client < parameters_.clients, "a request of a stranger"))
        return rejection;
    switch (request.operation()) {
    case LedgerOperation::transfer:
        return transfer(client, request);
    case LedgerOperation::finish:
        return finish(mirrors_[client], request);
    case LedgerOperation::tally:
        return tally(mirrors_[client], request);
    }
    holds(false, "an unknown request");
    return rejection;
}

LedgerMessage LedgerServer::transfer(uint32_t client, const LedgerMessage& request) {
    ClientMirror& mirror = mirrors_[client];
    const Transfer t = {client, request.operand(), request.w1, request.w2 & 0xFFFFu};
    if (!holds(t.from < parameters_.accounts && t.to < parameters_.accounts && t.from != t.to &&
                   t.amount != 0,
               "a request for an impossible transfer") ||
        !holds(request.w2 >> 16 == (mirror.count & 0xFFFFu), "a client that is not of the server's instant"))
        return {LedgerMessage::rejected, 0, 0};

    Account& from = accounts_[t.from];
    Account& to = accounts_[t.to];
    if (!holds(from.seal == from.expected_seal(t.from) && to.seal == to.expected_seal(t.to),
               "an account with a broken seal"))
        return {LedgerMessage::rejected, 0, 0};
    const uint64_t number = log_.length() + 1;
    from.balance -= t.amount;
    to.balance += t.amount;
    ++from.sent;
    ++to.received;
    from.last_transfer = to.last_transfer = number;
    from.seal = from.expected_seal(t.from);
    to.seal = to.expected_seal(t.to);
    log_.append(number, t);

    order_independent_ += extend_chain(parameters_.seed, mirror.count, t);
    mirror.chain = extend_chain(mirror.chain, number, t);
    mirror.amount_sum += t.amount;
    ++mirror.count;
    return {static_cast<uint32_t>(number), static_cast<uint32_t>(mirror.chain),
            static_cast<uint32_t>(mirror.chain >> 32)};
}

LedgerMessage LedgerServer::finish(ClientMirror& mirror, const LedgerMessage& request) {
    const bool good = holds(request.operand() == mirror.count && mirror.count == parameters_.transfers,
                            "a client with another count of transfers") &&
                      holds(request.value() == mirror.chain, "a client with another chain");
    return {good ? LedgerMessage::accepted : LedgerMessage::rejected, 0, 0};
}

LedgerMessage LedgerServer::tally(ClientMirror& mirror, const LedgerMessage& request) {
    const bool good = holds(request.value() == mirror.amount_sum, "a client with another sum of amounts");
    if (good && !mirror.finished) {
        mirror.finished = true;
        ++clients_finished_;
    }
    return {good ? LedgerMessage::accepted : LedgerMessage::rejected, 0, 0};
}

bool LedgerServer::check() {
    int64_t total = 0;
    uint64_t sent = 0, received = 0;
    for (uint32_t number = 0; number < parameters_.accounts; ++number) {
        const Account& account = accounts_[number];
        if (!holds(account.seal == account.expected_seal(number), "an account with a broken seal"))
            return false;
        total += account.balance;
        sent += account.sent;
        received += account.received;
    }
    uint64_t of_clients = 0;
    for (uint32_t client = 0; client < parameters_.clients; ++client)
        of_clients += mirrors_[client].count;
    return holds(total == Account::opening_balance * static_cast<int64_t>(parameters_.accounts),
                 "money that came from or went to nowhere") &&
           holds(sent == transfers() && received == transfers(), "accounts that miss transfers") &&
           holds(of_clients == transfers(), "clients' counts that do not add up") &&
           holds(log_.holds(), "a log that does not fit its hash chain") && error_ == nullptr;
}

uint64_t LedgerServer::checksum() const {
    uint64_t sum = order_independent_;
    for (uint32_t number = 0; number < parameters_.accounts; ++number) {
        const Account& account = accounts_[number];
        sum += mix64(mix64(static_cast<uint64_t>(account.balance) ^ static_cast<uint64_t>(number) << 40) +
                     (static_cast<uint64_t>(account.received) << 32 | account.sent));
    }
    return sum;
}

} // namespace workloads
