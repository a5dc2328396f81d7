// The ledger's own checks are what the end-to-end tests rely on, so here every kind of broken world is made
// on purpose.
#include "workloads/ledger/ledger_client.hpp"
#include "workloads/ledger/ledger_server.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace {

using workloads::Account;
using workloads::LedgerClient;
using workloads::LedgerMessage;
using workloads::LedgerParameters;
using workloads::LedgerServer;
using workloads::Random;
using workloads::TransferRecord;

// The memory of one task: copying it is a checkpoint of that task alone.
struct ServerTask {
    std::vector<Account> accounts;
    std::vector<TransferRecord> log;
    LedgerServer server;
};
struct ClientTask {
    std::vector<TransferRecord> journal;
    LedgerClient client;
};

class Ledger : public ::testing::Test {
protected:
    static constexpr LedgerParameters parameters{100, 3, 2000, 64, 5};

    Ledger() {
        server_.accounts.resize(parameters.accounts);
        server_.log.resize(parameters.log_records);
        server_.server = LedgerServer(parameters, server_.accounts.data(), server_.log.data());
        clients_.resize(parameters.clients);
        for (uint32_t i = 0; i < parameters.clients; ++i) {
            clients_[i].journal.resize(parameters.log_records);
            clients_[i].client = LedgerClient(parameters, i, clients_[i].journal.data());
        }
    }

    // Lets a client make one transfer; false when either side finds something wrong.
    bool step(uint32_t i) {
        LedgerClient& client = clients_[i].client;
        const LedgerMessage reply = server_.server.handle(i, client.request());
        return client.accept(reply) && !server_.server.error();
    }
    bool run(unsigned transfers, uint64_t seed) {
        Random random(seed);
        while (transfers > 0) {
            const uint32_t i = random.below(parameters.clients);
            if (!clients_[i].client.has_transfers_left())
                continue;
            if (!step(i))
                return false;
            --transfers;
        }
        return true;
    }
    bool finish() {
        for (uint32_t i = 0; i < parameters.clients; ++i) {
            const LedgerClient& client = clients_[i].client;
            if (server_.server.handle(i, client.finish_request()).w0 != LedgerMessage::accepted ||
                server_.server.handle(i, client.tally_request()).w0 != LedgerMessage::accepted)
                return false;
        }
        return true;
    }
    std::string error() { return server_.server.error() ? server_.server.error() : ""; }

    static constexpr unsigned all = parameters.clients * parameters.transfers;
    ServerTask server_;
    std::vector<ClientTask> clients_;
};

// Copies only the memory, as the objects point to it.
void restore(ServerTask& task, const ServerTask& from) {
    std::copy(from.accounts.begin(), from.accounts.end(), task.accounts.begin());
    std::copy(from.log.begin(), from.log.end(), task.log.begin());
    task.server = from.server;
}
void restore(ClientTask& task, const ClientTask& from) {
    std::copy(from.journal.begin(), from.journal.end(), task.journal.begin());
    task.client = from.client;
}

TEST_F(Ledger, VerifiesAnUndisturbedRun) {
    ASSERT_TRUE(run(all, 1));
    EXPECT_TRUE(server_.server.check());
    for (ClientTask& task : clients_)
        EXPECT_TRUE(task.client.check());
    EXPECT_FALSE(server_.server.all_finished());
    EXPECT_TRUE(finish());
    EXPECT_TRUE(server_.server.all_finished());
    EXPECT_EQ(server_.server.transfers(), all);
}

TEST_F(Ledger, ChecksumDoesNotDependOnTheOrderOfArrivalButTheChainDoes) {
    ASSERT_TRUE(run(all, 1));
    const uint64_t checksum = server_.server.checksum(), chain = server_.server.chain();
    Ledger::server_ = {};
    struct Other : Ledger {
        void TestBody() override {}
        using Ledger::run;
        using Ledger::server_;
    } other;
    ASSERT_TRUE(other.run(all, 2));
    EXPECT_EQ(other.server_.server.checksum(), checksum);
    EXPECT_NE(other.server_.server.chain(), chain);
}

TEST_F(Ledger, ChecksHoldAfterEveryTransfer) {
    for (unsigned i = 0; i < 500; ++i) {
        ASSERT_TRUE(run(1, i));
        ASSERT_TRUE(server_.server.check());
        for (ClientTask& task : clients_)
            ASSERT_TRUE(task.client.check());
    }
}

TEST_F(Ledger, GoesOnWhenAllTasksAreRolledBackTogether) {
    ASSERT_TRUE(run(1000, 1));
    const auto server = std::make_unique<ServerTask>(server_);
    const std::vector<ClientTask> clients = clients_;
    ASSERT_TRUE(run(1500, 2));
    restore(server_, *server);
    for (size_t i = 0; i < clients.size(); ++i)
        restore(clients_[i], clients[i]);
    ASSERT_TRUE(run(all - 1000, 3));
    EXPECT_TRUE(server_.server.check());
    EXPECT_TRUE(finish());
}

TEST_F(Ledger, FindsAServerRolledBackAlone) {
    ASSERT_TRUE(run(1000, 1));
    const auto server = std::make_unique<ServerTask>(server_);
    ASSERT_TRUE(run(1, 2));
    restore(server_, *server);
    EXPECT_FALSE(run(100, 3));
    EXPECT_EQ(error(), "a client that is not of the server's instant");
}

TEST_F(Ledger, FindsAClientRolledBackAlone) {
    ASSERT_TRUE(run(1000, 1));
    const ClientTask client = clients_[1];
    ASSERT_TRUE(step(1));
    restore(clients_[1], client);
    EXPECT_FALSE(step(1));
}

TEST_F(Ledger, FindsAClientRolledBackByExactlyTheRangeOfItsCount) {
    // The request carries 16 bits of the count only; the chain finds what they miss.
    LedgerParameters many = parameters;
    many.transfers = 1u << 20;
    many.clients = 1;
    server_.server = LedgerServer(many, server_.accounts.data(), server_.log.data());
    clients_[0].client = LedgerClient(many, 0, clients_[0].journal.data());
    for (unsigned i = 0; i < 100; ++i)
        ASSERT_TRUE(step(0));
    const ClientTask client = clients_[0];
    for (unsigned i = 0; i < 65536; ++i)
        ASSERT_TRUE(step(0));
    restore(clients_[0], client);
    EXPECT_FALSE(step(0));
    EXPECT_STREQ(clients_[0].client.error(), "a reply that does not fit the client's chain");
}

TEST_F(Ledger, FindsAnOldPageOfAccounts) {
    ASSERT_TRUE(run(1000, 1));
    const std::vector<Account> before(server_.accounts.begin(), server_.accounts.begin() + 50);
    ASSERT_TRUE(run(500, 2));
    std::copy(before.begin(), before.end(), server_.accounts.begin());
    EXPECT_FALSE(server_.server.check());
    EXPECT_EQ(error(), "money that came from or went to nowhere");
}

TEST_F(Ledger, FindsAnOldPageOfTheLog) {
    ASSERT_TRUE(run(1000, 1));
    const std::vector<TransferRecord> before(server_.log.begin(), server_.log.begin() + 16);
    ASSERT_TRUE(run(500, 2));
    std::copy(before.begin(), before.end(), server_.log.begin());
    EXPECT_FALSE(server_.server.check());
    EXPECT_EQ(error(), "a log that does not fit its hash chain");
}

TEST_F(Ledger, FindsAnOldPageOfAJournal) {
    ASSERT_TRUE(run(1000, 1));
    const std::vector<TransferRecord> before(clients_[0].journal.begin(), clients_[0].journal.begin() + 8);
    ASSERT_TRUE(run(600, 2));
    std::copy(before.begin(), before.end(), clients_[0].journal.begin());
    EXPECT_FALSE(clients_[0].client.check());
}

TEST_F(Ledger, FindsAnySingleBitThatChangedInAnAccountOrTheLog) {
    ASSERT_TRUE(run(1000, 1));
    Random random(8);
    const auto flip = [&](auto& memory) {
        auto* bytes = reinterpret_cast<uint8_t*>(memory.data());
        const uint32_t at = random.below(static_cast<uint32_t>(memory.size() * sizeof memory[0]));
        const auto bit = static_cast<uint8_t>(1u << random.below(8));
        const LedgerServer sound = server_.server;
        bytes[at] = static_cast<uint8_t>(bytes[at] ^ bit);
        EXPECT_FALSE(server_.server.check()) << at;
        bytes[at] = static_cast<uint8_t>(bytes[at] ^ bit);
        server_.server = sound;
        EXPECT_TRUE(server_.server.check());
    };
    for (int i = 0; i < 300; ++i) {
        flip(server_.accounts);
        flip(server_.log);
    }
}

TEST_F(Ledger, RejectsImpossibleRequests) {
    const uint32_t accounts = parameters.accounts;
    const auto transfer = [](uint64_t from, uint64_t to, uint64_t amount) {
        return LedgerMessage::make(workloads::LedgerOperation::transfer, static_cast<uint32_t>(from),
                                   amount << 32 | to);
    };
    for (const LedgerMessage& request : {transfer(accounts, 0, 5), transfer(0, accounts, 5),
                                         transfer(3, 3, 5), transfer(0, 1, 0), LedgerMessage{0, 0, 0}}) {
        const LedgerServer sound = server_.server;
        EXPECT_EQ(server_.server.handle(0, request).w0, LedgerMessage::rejected);
        EXPECT_NE(server_.server.error(), nullptr);
        EXPECT_FALSE(server_.server.check());
        server_.server = sound;
    }
    EXPECT_EQ(server_.server.handle(parameters.clients, transfer(0, 1, 5)).w0, LedgerMessage::rejected);
}

// The value is what "ledger.elf accounts=1000 clients=2 transfers=20000" printed as a guest: both are the
// same code, and a change of it shows here before old disks and published runs disagree.
TEST(LedgerChecksum, IsTheSameOnHostAndGuest) {
    constexpr LedgerParameters parameters{1000, 2, 20'000, 8192, 1};
    std::vector<Account> accounts(parameters.accounts);
    std::vector<TransferRecord> log(parameters.log_records);
    LedgerServer server(parameters, accounts.data(), log.data());
    for (uint32_t i = 0; i < parameters.clients; ++i) {
        std::vector<TransferRecord> journal(parameters.log_records);
        LedgerClient client(parameters, i, journal.data());
        while (client.has_transfers_left())
            ASSERT_TRUE(client.accept(server.handle(i, client.request())));
    }
    EXPECT_EQ(server.checksum(), 0xdbde4cfc122c72a5u);
}

TEST_F(Ledger, RejectsAClientThatFinishesTooEarly) {
    ASSERT_TRUE(run(all - 1, 1));
    EXPECT_FALSE(finish());
}

} // namespace
