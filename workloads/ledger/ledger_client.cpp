#include "workloads/ledger/ledger_client.hpp"

namespace workloads {

namespace {

constexpr uint32_t amount_max = 65535;

} // namespace

LedgerClient::LedgerClient(const LedgerParameters& parameters, uint32_t client, TransferRecord* journal)
    : parameters_(parameters), journal_(journal, parameters.log_records, parameters.seed),
      random_(parameters.seed * 1000 + client + 1) {
    pending_.client = client;
}

LedgerMessage LedgerClient::request() {
    if (!has_pending_) {
        pending_.from = random_.below(parameters_.accounts);
        pending_.to = random_.below(parameters_.accounts - 1);
        if (pending_.to >= pending_.from)
            ++pending_.to; // never to the same account
        pending_.amount = 1 + random_.below(amount_max);
        has_pending_ = true;
    }
    const uint64_t count = journal_.length() & 0xFFFFu;
    return LedgerMessage::make(LedgerOperation::transfer, pending_.from,
                               (count << 16 | pending_.amount) << 32 | pending_.to);
}

bool LedgerClient::accept(const LedgerMessage& reply) {
    // Transfer numbers are not unique in their low 32 bits, so `rejected` is told apart by the chain below.
    const uint64_t number =
        last_number_ + static_cast<uint32_t>(reply.w0 - static_cast<uint32_t>(last_number_));
    if (!holds(number > last_number_, "a transfer number that is not newer than the last"))
        return false;
    journal_.append(number, pending_);
    if (!holds(journal_.chain() == reply.value(), "a reply that does not fit the client's chain"))
        return false;
    last_number_ = number;
    amount_sum_ += pending_.amount;
    has_pending_ = false;
    return true;
}

LedgerMessage LedgerClient::finish_request() const {
    return LedgerMessage::make(LedgerOperation::finish, static_cast<uint32_t>(journal_.length()),
                               journal_.chain());
}

LedgerMessage LedgerClient::tally_request() const {
    return LedgerMessage::make(LedgerOperation::tally, 0, amount_sum_);
}

bool LedgerClient::check() {
    return holds(journal_.holds(), "a journal that does not fit its hash chain");
}

} // namespace workloads
