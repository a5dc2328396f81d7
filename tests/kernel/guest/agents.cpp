#include "tests/kernel/guest/agents.hpp"

namespace kernel_test {

Job jobs[agent_count];
volatile Paging paging = Paging::answer;
volatile unsigned area_faults = 0;
Fault last_fault;

namespace {

constexpr unsigned pager_lthread = 1;
constexpr uint32_t area_end = area + pages_per_agent * l4::page_size;
l4::ThreadId ids[agent_count];
alignas(l4::page_size) uint8_t pool[agent_count][pages_per_agent][l4::page_size];

l4::Message mapping(const Fault& fault) {
    const uint32_t address = fault.address_and_write & ~(l4::page_size - 1);
    const uint32_t write = paging == Paging::read_only ? 0 : l4::Fpage::write_bit;
    if (address < area || address >= area_end)
        return {address, l4::Fpage::make(address, l4::page_bits, l4::Fpage::write_bit).raw, 0};
    uint8_t* const page = pool_page(fault.client.task() - first_agent_task, (address - area) / l4::page_size);
    *static_cast<volatile uint8_t*>(page) = *page; // in the own space first
    return {address, l4::Fpage::make(reinterpret_cast<uint32_t>(page), l4::page_bits, write).raw, 0};
}

bool is_in_area(const Fault& fault) {
    return fault.address_and_write >= area && fault.address_and_write < area_end;
}

void reply(const Fault& fault) {
    l4::Message message = mapping(fault);
    l4::ThreadId to = fault.client;
    l4::ipc(to, l4::send_map, l4::no_receive, l4::Timeouts::zero(), message);
}

[[noreturn]] void pager_main() {
    for (;;) {
        Fault fault;
        l4::Message message;
        l4::wait(fault.client, message);
        if (fault.client == l4::root_thread) { // answer_ignored_fault()
            reply(last_fault);
            continue;
        }
        fault.address_and_write = message.w0;
        fault.eip = message.w1;
        if (is_in_area(fault)) {
            area_faults = area_faults + 1;
            last_fault = fault;
            if (paging == Paging::ignore)
                continue;
        } else {
            auto* page = reinterpret_cast<volatile uint8_t*>(message.w0 & ~(l4::page_size - 1));
            *page = *page;
        }
        reply(fault);
    }
}

template<unsigned Number>
[[noreturn]] void agent_main() {
    Job& job = jobs[Number];
    for (;;) {
        l4::Message start;
        l4::receive(l4::root_thread, start);
        for (unsigned page = 0; page < pages_per_agent && job.touches_area; ++page) {
            auto* const byte = reinterpret_cast<volatile uint8_t*>(area_address(page));
            *byte = *byte;
        }
        l4::ThreadId partner = job.partner;
        l4::Message message = job.message;
        const l4::MessageResult result = l4::ipc(partner, job.send, job.receive, job.timeouts, message);
        job.message = message;
        job.partner = partner;
        job.result = result;
        job.done = true;
    }
}

} // namespace

void restart(unsigned number) {
    ids[number] = start_task(first_agent_task + number, number == 0 ? agent_main<0> : agent_main<1>,
                             l4::root_thread.with_lthread(pager_lthread));
}

void start_agents() {
    start_thread(pager_lthread, pager_main);
    for (unsigned number = 0; number < agent_count; ++number)
        restart(number);
}

l4::ThreadId agent(unsigned number) {
    return ids[number];
}

uint8_t* pool_page(unsigned agent_number, unsigned page) {
    return pool[agent_number][page];
}

uint32_t area_address(unsigned page, unsigned offset) {
    return area + page * l4::page_size + offset;
}

void go(unsigned number) {
    jobs[number].done = false;
    l4::send(agent(number), {});
}

bool wait_until_done(unsigned number) {
    for (unsigned tries = 0; tries < 500 && !jobs[number].done; ++tries)
        l4::sleep_us(2'000);
    return jobs[number].done;
}

void answer_ignored_fault() {
    l4::send(l4::root_thread.with_lthread(pager_lthread), {});
}

void take_area_away(unsigned number) {
    for (unsigned page = 0; page < pages_per_agent; ++page)
        l4::fpage_unmap(l4::Fpage::make(reinterpret_cast<uint32_t>(pool_page(number, page)), l4::page_bits),
                        l4::unmap_fully);
}

} // namespace kernel_test
