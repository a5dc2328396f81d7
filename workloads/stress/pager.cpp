#include "workloads/stress/pager.hpp"

#include "workloads/stress/calls.hpp"
#include "workloads/stress/verdict.hpp"

extern "C" char stress_start[], stress_text_end[], stress_end[]; // stress.ld

namespace stress {

namespace {

constinit uint32_t granted[pagers][frame_count / 32] = {};

bool has_granted(unsigned pager, unsigned frame) {
    return granted[pager][frame / 32] >> frame % 32 & 1;
}

bool within(uint32_t address, const char* low, const char* high) {
    return address >= reinterpret_cast<uint32_t>(low) && address < reinterpret_cast<uint32_t>(high);
}

// In the own space first. The locked OR is a write that changes nothing, whoever else writes.
void touch(uint32_t page, bool writable) {
    auto* const word = reinterpret_cast<volatile uint32_t*>(page);
    if (writable)
        asm volatile("lock orl $0, %0" : "+m"(*word) : : "cc");
    else
        (void)*word;
}

// The fpage that answers a fault, and the page of it that is needed.
struct Answer {
    uint32_t page, source, target;
    unsigned log2_size;
    bool writable, grant;
};

constexpr unsigned touched_bits_max = 16; // larger fpages have holes: what the pager has not got itself

class Pager {
public:
    explicit Pager(unsigned number)
        : number_(number), random_(stream(world.seed, Stream::pager, number, world.round)) {}

    [[noreturn]] void serve() {
        // A client may have given up its fault and now receive a message in memory, whose pages this pager would have
        // to bring while it waited for them: a reply has no time for page faults.
        l4::ThreadId client;
        l4::Message message;
        for (;;) {
            l4::MessageResult result = wait(client, message);
            while (result.ok()) {
                const uint32_t descriptor = answer(client, message);
                result =
                    ipc(random_.next(), client, descriptor, l4::open_wait, l4::Timeouts::reply(), message);
            }
        }
    }

private:
    l4::MessageResult wait(l4::ThreadId& client, l4::Message& message) {
        return ipc(random_.next(), client, l4::no_send, l4::open_wait, l4::Timeouts::infinite(), message);
    }

    uint32_t answer(l4::ThreadId client, l4::Message& message) {
        if ((message.w0 & 1) != 0) {
            message.w0 = serve_request(message);
            return l4::send_registers;
        }
        const Answer found = page_for(client, message.w0 & ~(l4::page_size - 1), (message.w0 & 2) != 0);
        touch(found.page, found.writable);
        if (found.log2_size <= touched_bits_max)
            for (uint32_t offset = 0; offset < 1u << found.log2_size; offset += l4::page_size)
                touch(found.source + offset, found.writable);
        const uint32_t flags =
            (found.writable ? l4::Fpage::write_bit : 0) | (found.grant ? l4::Fpage::grant_bit : 0);
        message = {found.target, l4::Fpage::make(found.source, found.log2_size, flags).raw, 0};
        return l4::send_map;
    }

    Answer page_for(l4::ThreadId client, uint32_t address, bool write) {
        if (within(address, stress_start, stress_end))
            return program_page(address);
        if (address - frames_base < l4::superpage_size && !is_worker_task(client.task()))
            return of_size(12 + random_.below(3), address, address, true);
        if (address - gallery_base < l4::superpage_size) {
            const unsigned size = random_.below(64) == 0 ? l4::superpage_bits : 12 + random_.below(4);
            return of_size(size, frames_base + (address - gallery_base), address, false);
        }
        return window_page(client, address, write);
    }
    static bool is_worker_task(unsigned task) {
        return task >= first_worker_task && task < first_worker_task + worker_tasks;
    }
    // Both lie at the same place in an fpage of that size.
    static Answer of_size(unsigned log2_size, uint32_t source, uint32_t target, bool writable) {
        const uint32_t mask = ~((1u << log2_size) - 1);
        return {source, source & mask, target & mask, log2_size, writable, false};
    }

    // Text is read only: a write to it, even one that changes nothing, would be costly to processors that cache code.
    Answer program_page(uint32_t address) {
        constexpr unsigned block_bits = 15;
        const uint32_t first = address & ~((1u << block_bits) - 1), last = address | ((1u << block_bits) - 1);
        const bool text = within(address, stress_start, stress_text_end);
        const bool alike = within(first, stress_start, stress_end) &&
                           within(last, stress_start, stress_end) &&
                           within(first, stress_start, stress_text_end) == text &&
                           within(last, stress_start, stress_text_end) == text;
        return of_size(alike && random_.below(2) == 0 ? block_bits : l4::page_bits, address, address, !text);
    }

    Answer window_page(l4::ThreadId client, uint32_t address, bool write) {
        const uint32_t offset = address - windows_base;
        const unsigned slot = offset / window_stride, page = offset % window_stride / l4::page_size;
        if (slot >= slots || page >= pages_per_window || client.task() != task_of(slot))
            fail("a page fault where nothing is", address, client.raw);
        Window& window = world.windows[slot];
        PagePolicy& policy = window.pages[page];
        window.faults += 1;
        if (write && !policy.writable) {
            window.denied += 1;
            policy = {static_cast<uint16_t>(hole_of(slot)), true, false};
        }
        constexpr unsigned row_bits = 14;
        const bool row = page < requested_pages && are_in_a_row(window) && random_.below(2) == 0;
        Answer answer =
            of_size(row ? row_bits : l4::page_bits, frame_address(policy.frame), address, policy.writable);
        answer.grant = policy.grant;
        if (answer.grant)
            note_grant(answer);
        return answer;
    }
    // Four pages with frames and rights alike can be mapped as one fpage.
    static bool are_in_a_row(const Window& window) {
        const PagePolicy& first = window.pages[0];
        if (first.frame % requested_pages != 0)
            return false;
        for (unsigned page = 1; page < requested_pages; ++page) {
            const PagePolicy& policy = window.pages[page];
            if (policy.frame != first.frame + page || policy.writable != first.writable ||
                policy.grant != first.grant)
                return false;
        }
        return true;
    }
    void note_grant(const Answer& answer) {
        const unsigned first = (answer.source - frames_base) / l4::page_size;
        const unsigned count = 1u << (answer.log2_size - l4::page_bits);
        for (unsigned frame = first; frame < first + count; ++frame)
            granted[number_][frame / 32] |= 1u << frame % 32;
    }

    uint32_t serve_request(const l4::Message& request) {
        const unsigned pages = request.w0 >> 8 & 0xF;
        switch (PagerRequest{request.w0 >> 4 & 0xF}) {
        case PagerRequest::change:
            for (unsigned page = 0; page < pages; ++page)
                change_page(world.windows[request.w1 >> 8].pages[(request.w1 & 0xFF) + page],
                            request.w2 + page);
            break;
        case PagerRequest::revoke:
            l4::fpage_unmap(l4::Fpage::make(frame_address(request.w2), l4::page_bits), request.w1);
            break;
        case PagerRequest::ping:
            break;
        }
        return request.w0;
    }

    void change_page(PagePolicy& policy, uint32_t wish) {
        const uint32_t mapmask =
            (wish & change::fully ? l4::unmap_fully : 0) | (wish & change::own_too ? l4::unmap_own_too : 0);
        const bool plant = world.plant == plant_stale_mapping && ++changes_ % 128 == 0;
        if (!plant)
            revoke(policy.frame, mapmask, (wish & change::from_root) != 0);
        const bool may_grant = number_ >= root_pagers; // root's could not be revoked
        policy = {static_cast<uint16_t>(wish & change::frame_mask), (wish & change::writable) != 0,
                  may_grant && (wish & change::grant) != 0};
    }
    void revoke(unsigned frame, uint32_t mapmask, bool from_root) {
        if (number_ < root_pagers || !(from_root || has_granted(number_, frame))) {
            l4::fpage_unmap(l4::Fpage::make(frame_address(frame), l4::page_bits), mapmask);
            return;
        }
        l4::Message message{request_word(PagerRequest::revoke), mapmask, frame};
        check(call(random_.next(), pager_id(0), message).ok(), "a pager asks root to revoke");
    }

    unsigned number_;
    workloads::Random random_;
    uint32_t changes_ = 0;
};

} // namespace

void pager_main(unsigned number) {
    Pager(number).serve();
}

} // namespace stress
