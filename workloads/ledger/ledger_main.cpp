// ledger: client tasks move money between accounts that a server task holds, by IPC. See ledger_records.hpp
// for what is checked, which is why a recovery that mixes instants cannot pass unnoticed (I1, I8).
//
// Arguments: accounts, clients (tasks: one more, the server), transfers (of each client), seed, log (records
// kept), check_every (transfers between complete checks), pause_us (a client sleeps that long after every 100
// transfers).
#include "kernel-model/abi/probes.hpp"
#include "kernel-model/abi/syscalls.hpp"
#include "workloads/ledger/ledger_client.hpp"
#include "workloads/ledger/ledger_server.hpp"
#include "workloads/runtime/program.hpp"
#include "workloads/runtime/text_line.hpp"

namespace workloads {

WORKLOAD_PROGRAM_HEADER(1, 4, "clients");

namespace {

constexpr unsigned server_index = 0;
constexpr uint32_t work_probe_transfers = 100;
constexpr uint32_t accounts_max = 1u << 20, log_records_max = 1u << 20;
constexpr uint32_t accounts_address = heap_base, log_address = heap_base + 0x04000000u;
static_assert(accounts_max * sizeof(Account) <= log_address - accounts_address);

struct Options {
    LedgerParameters parameters;
    uint32_t check_every;
    uint32_t pause_us;
};

Options read_options(const StartupPage& startup) {
    const char* const known[] = {"accounts",    "clients",  "transfers", "seed", "log",
                                 "check_every", "pause_us", "instance",  "tasks"};
    Arguments arguments(startup.arguments);
    Options options;
    options.parameters.accounts =
        static_cast<uint32_t>(arguments.number("accounts", 20'000, 2, accounts_max));
    options.parameters.clients = startup.task_count - 1;
    arguments.number("clients", 4, 1, LedgerServer::max_clients);
    options.parameters.transfers =
        static_cast<uint32_t>(arguments.number("transfers", 40'000, 1, LedgerMessage::operand_mask));
    options.parameters.seed = arguments.number("seed", 1, 0, ~uint64_t{0});
    options.parameters.log_records = static_cast<uint32_t>(arguments.number("log", 8192, 1, log_records_max));
    options.check_every = static_cast<uint32_t>(arguments.number("check_every", 10'000, 1, 1u << 30));
    options.pause_us = static_cast<uint32_t>(arguments.number("pause_us", 0, 0, 60'000'000));
    require_good_arguments(startup, "ledger", arguments, known, sizeof known / sizeof known[0]);
    return options;
}

TextLine& begin_line(TextLine& line, const StartupPage& startup) {
    return line.text("ledger ").decimal(startup.instance).text(": ");
}

[[noreturn]] void fail(const StartupPage& startup, const char* who, const char* error, uint64_t transfers) {
    TextLine line;
    begin_line(line, startup).text("FAILED: ").text(who).text(" found ").text(error);
    line.text(" after transfer ").decimal(transfers).print();
    l4::probe<l4::Probe::workload_check>(startup.instance, 0);
    finish(startup, false);
}

constinit LedgerServer server;
constinit LedgerClient client;

// The index of the client that sent a message, or max_clients for any other thread.
uint32_t client_of(const StartupPage& startup, l4::ThreadId sender) {
    const uint32_t index = sender.task() - startup.threads[server_index].task();
    if (index == 0 || index >= startup.task_count || !(startup.threads[index] == sender))
        return LedgerServer::max_clients;
    return index - 1;
}

[[noreturn]] void run_server(const StartupPage& startup, const Options& options) {
    server = LedgerServer(options.parameters, reinterpret_cast<Account*>(accounts_address),
                          reinterpret_cast<TransferRecord*>(log_address));
    uint64_t next_check = options.check_every, next_probe = work_probe_transfers;
    l4::ThreadId sender;
    l4::Message message;
    l4::MessageResult result = l4::wait(sender, message);
    while (!server.all_finished()) {
        const uint32_t from = client_of(startup, sender);
        if (!result.ok() || from == LedgerServer::max_clients) {
            result = l4::wait(sender, message);
            continue;
        }
        const LedgerMessage reply = server.handle(from, {message.w0, message.w1, message.w2});
        if (server.error())
            fail(startup, "the server", server.error(), server.transfers());
        if (server.transfers() >= next_probe) {
            l4::probe<l4::Probe::work>(startup.instance, work_probe_transfers);
            next_probe += work_probe_transfers;
        }
        if (server.transfers() >= next_check) {
            if (!server.check())
                fail(startup, "the server", server.error(), server.transfers());
            l4::probe<l4::Probe::workload_check>(startup.instance, 1);
            next_check += options.check_every;
        }
        message = {reply.w0, reply.w1, reply.w2};
        if (server.all_finished())
            result = l4::send(sender, message, l4::Timeouts::zero());
        else
            result = l4::reply_and_wait(sender, message);
    }
    const auto rest = static_cast<uint32_t>(server.transfers() % work_probe_transfers);
    if (rest)
        l4::probe<l4::Probe::work>(startup.instance, rest);
    if (!server.check())
        fail(startup, "the server", server.error(), server.transfers());
    TextLine line;
    begin_line(line, startup).text("verified, transfers=").decimal(server.transfers());
    line.text(", chain=").hex(server.chain(), 16).text(", checksum=").hex(server.checksum(), 16).print();
    finish(startup, true);
}

LedgerMessage call_server(const StartupPage& startup, const LedgerMessage& request) {
    constexpr uint32_t retry_us = 1000;
    for (;;) {
        l4::ThreadId partner = startup.threads[server_index];
        l4::Message message = {request.w0, request.w1, request.w2};
        const l4::MessageResult result = l4::call(partner, message);
        if (result.ok())
            return {message.w0, message.w1, message.w2};
        // The server's task is created before its clients' requests can arrive only by luck of the schedule.
        if (client.transfers() != 0 ||
            result.error() != static_cast<unsigned>(l4::IpcError::no_such_thread)) {
            TextLine line;
            begin_line(line, startup).text("IPC error ").decimal(result.error()).print();
            fail(startup, "a client", "an IPC error", client.transfers());
        }
        l4::sleep_us(retry_us);
    }
}

[[noreturn]] void run_client(const StartupPage& startup, const Options& options) {
    client = LedgerClient(options.parameters, startup.task_index - 1,
                          reinterpret_cast<TransferRecord*>(log_address));
    while (client.has_transfers_left()) {
        if (!client.accept(call_server(startup, client.request())))
            fail(startup, "a client", client.error(), client.transfers());
        if (options.pause_us && client.transfers() % 100 == 0)
            l4::sleep_us(options.pause_us);
    }
    if (!client.check())
        fail(startup, "a client", client.error(), client.transfers());
    if (call_server(startup, client.finish_request()).w0 != LedgerMessage::accepted ||
        call_server(startup, client.tally_request()).w0 != LedgerMessage::accepted)
        fail(startup, "a client", "a server that rejects its tally", client.transfers());
    rest();
}

} // namespace

void program_main(const StartupPage& startup) {
    const Options options = read_options(startup);
    if (startup.task_index == server_index)
        run_server(startup, options);
    run_client(startup, options);
}

} // namespace workloads
