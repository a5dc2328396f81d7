// Messages between a client and the server of a ledger: three words each way.
//
//   request   w0: operation[31:28] | operand[27:0]
//     transfer  operand: account from   w1: account to   w2: client's count[31:16] | amount[15:0]
//     finish    operand: client's count                  w1, w2: client's chain, low and high
//     tally     operand: 0                               w1, w2: sum of the client's amounts, low and high
//   reply     to transfer          w0: number of the transfer (low 32 bits)   w1, w2: client's chain, low and high
//             to finish, tally     w0: accepted
//             to anything wrong    w0: rejected
#pragma once

#include <cstdint>

namespace workloads {

enum class LedgerOperation : uint32_t { transfer = 1, finish = 2, tally = 3 };

struct LedgerMessage {
    uint32_t w0 = 0, w1 = 0, w2 = 0;

    static constexpr uint32_t operand_mask = 0x0FFFFFFFu;
    static constexpr uint32_t accepted = 0xACCE97EDu, rejected = 0xFFFFFFFFu;

    static constexpr LedgerMessage make(LedgerOperation operation, uint32_t operand, uint64_t value) {
        return {static_cast<uint32_t>(operation) << 28 | (operand & operand_mask),
                static_cast<uint32_t>(value), static_cast<uint32_t>(value >> 32)};
    }
    constexpr LedgerOperation operation() const { return static_cast<LedgerOperation>(w0 >> 28); }
    constexpr uint32_t operand() const { return w0 & operand_mask; }
    constexpr uint64_t value() const { return static_cast<uint64_t>(w2) << 32 | w1; }
};

} // namespace workloads
