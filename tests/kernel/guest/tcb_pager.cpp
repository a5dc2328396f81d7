#include "tests/kernel/guest/tcb_pager.hpp"

#include "kernel-model/arch/selectors.h"

#include <initializer_list>

namespace tcb_pager {

using kernel::Tcb;
using kernel::ThreadState;
using l4::IpcError;

bool is_refused(Manner manner) {
    return manner >= Manner::read_only && manner < Manner::refused_end;
}

volatile Manner manner = Manner::serves;
volatile unsigned misdeeds_left = 0, offers_refused = 0, tcb_faults = 0;
volatile unsigned faults_spared = 0; // that are answered as usual, before the first misdeed
volatile uint32_t frame_of_page[kernel::tcb_page_count]; // 0: never used
volatile bool another_frame_each = false;                // late answers name different frames

volatile unsigned waiting_count = 0;

uint32_t page_of_tcbs(uint32_t address) {
    return (address - l4::tcb_array_base) / l4::page_size;
}

namespace {

volatile uint32_t frames_used = 0;

struct Waiting {
    l4::ThreadId client;
    uint32_t address;
};
constexpr unsigned waiting_max = 8;
Waiting waiting_clients[waiting_max];

uint32_t new_frame() {
    const uint32_t frame = tcb_frames + frames_used * l4::page_size;
    frames_used = frames_used + 1;
    __builtin_memset(reinterpret_cast<void*>(frame), 0, l4::page_size);
    return frame;
}

// A pager can map only what is mapped to itself.
void touch_own_page(uint32_t page) {
    auto* word = reinterpret_cast<volatile uint32_t*>(page);
    *word = *word;
}

struct Answer {
    uint32_t descriptor;
    l4::Message item;
    uint32_t unmap_afterwards; // a frame, or 0
};
Answer map_item(uint32_t source, unsigned log2_size, uint32_t flags) {
    return {l4::send_map, {source, l4::Fpage::make(source, log2_size, flags).raw, 0}, 0};
}

Answer misbehave(uint32_t frame) {
    constexpr uint32_t write = l4::Fpage::write_bit, grant = l4::Fpage::grant_bit;
    switch (manner) {
    case Manner::read_only:
        return map_item(frame, l4::page_bits, 0);
    case Manner::taken_frame:
        return map_item(tcb_frames, l4::page_bits, write);
    case Manner::device:
        return map_item(device_page, l4::page_bits, write);
    case Manner::absent:
        return map_item(nowhere, l4::page_bits, write);
    case Manner::outside:
        return map_item(outside_user_space, l4::page_bits, write);
    case Manner::no_fpage:
        return map_item(frame, 0, write);
    case Manner::grants:
        return map_item(frame, l4::page_bits, write | grant);
    case Manner::larger_fpage: {
        Answer answer = map_item(tcb_frames, tcb_frames_log2, write);
        answer.item.w0 = frame;
        return answer;
    }
    case Manner::unmaps_at_once: {
        Answer answer = map_item(frame, l4::page_bits, write);
        answer.unmap_afterwards = frame;
        return answer;
    }
    case Manner::serves:
    case Manner::later:
    case Manner::count:
        break;
    }
    return map_item(frame, l4::page_bits, write);
}

Answer answer_tcb_fault(uint32_t address) {
    tcb_faults = tcb_faults + 1;
    volatile uint32_t& frame = frame_of_page[page_of_tcbs(address)];
    constexpr uint32_t write_flag = 2;
    if (frame == 0 && (address & write_flag) == 0)
        return {l4::send_registers, {}, 0};
    if (frame == 0)
        frame = new_frame();
    touch_own_page(frame);
    if (misdeeds_left > 0 && faults_spared > 0) {
        faults_spared = faults_spared - 1;
    } else if (misdeeds_left > 0) {
        misdeeds_left = misdeeds_left - 1;
        return misbehave(frame);
    }
    return map_item(frame, l4::page_bits, l4::Fpage::write_bit);
}

Answer answer_page_fault(uint32_t address) {
    const uint32_t page = address & ~(l4::page_size - 1);
    touch_own_page(page);
    return map_item(page, l4::page_bits, l4::Fpage::write_bit);
}

void unmap_frames(uint32_t mask) {
    l4::fpage_unmap(l4::Fpage::make(tcb_frames, tcb_frames_log2), mask);
}

void reply_late() {
    misdeeds_left = 0;
    for (unsigned index = 0; index < waiting_count; ++index) {
        Answer answer = answer_tcb_fault(waiting_clients[index].address);
        l4::ThreadId client = waiting_clients[index].client;
        l4::ipc(client, answer.descriptor, l4::no_receive, l4::Timeouts::zero(), answer.item);
        if (another_frame_each)
            frame_of_page[page_of_tcbs(waiting_clients[index].address)] = new_frame();
    }
    waiting_count = 0;
}

Answer answer_request(const l4::Message& message) {
    switch (message.w0) {
    case answer_now:
        reply_late();
        break;
    case block: { // until the driver says something
        l4::Message from_driver;
        l4::receive(l4::root_thread.with_lthread(driver), from_driver);
        break;
    }
    case send_to:
        return {l4::send_registers, {l4::send({message.w1}, {}, l4::Timeouts::zero()).raw, 0, 0}, 0};
    case revoke_write:
        unmap_frames(l4::unmap_own_too);
        break;
    case unmap_all:
        unmap_frames(l4::unmap_own_too | l4::unmap_fully);
        break;
    case touch_frame:
        touch_own_page(message.w1);
        break;
    default:
        break;
    }
    return {l4::send_registers, message, 0};
}

[[noreturn]] void pager_thread_main() {
    l4::ThreadId client;
    l4::Message message;
    l4::MessageResult result = l4::wait(client, message);
    for (;;) {
        if (result.is_tcb_fault() && manner == Manner::later && misdeeds_left > 0 && faults_spared == 0) {
            waiting_clients[waiting_count] = {client, message.w0};
            waiting_count = waiting_count + 1;
            result = l4::wait(client, message);
            continue;
        }
        Answer answer = result.is_tcb_fault()        ? answer_tcb_fault(message.w0)
                        : message.w0 < l4::page_size ? answer_request(message)
                                                     : answer_page_fault(message.w0);
        message = answer.item;
        if (answer.unmap_afterwards != 0) {
            l4::ipc(client, answer.descriptor, l4::no_receive, l4::Timeouts::zero(), message);
            l4::fpage_unmap(l4::Fpage::make(answer.unmap_afterwards, l4::page_bits),
                            l4::unmap_own_too | l4::unmap_fully);
            result = l4::wait(client, message);
            continue;
        }
        result = l4::ipc(client, answer.descriptor, l4::open_wait, l4::Timeouts::reply(), message);
        if (has_error(result, IpcError::send_map_failed))
            offers_refused = offers_refused + 1;
        if (!result.ok())
            result = l4::wait(client, message);
    }
}

// lthread 1 of the TCB pager's task: recovers the page that it is told, or asks which pages were written.
[[noreturn]] void recovery_thread_main() {
    l4::ThreadId client;
    l4::Message message;
    l4::wait(client, message);
    for (;;) {
        if (message.w1 == static_cast<uint32_t>(l4::RecoveryOperation::take_written)) {
            const l4::WrittenTcbs written = l4::take_written_tcbs(message.w0);
            message = {static_cast<uint32_t>(written.result), written.pages, 0};
        } else {
            message = {static_cast<uint32_t>(l4::recovery(l4::RecoveryOperation::adopt, message.w0)), 0, 0};
        }
        l4::reply_and_wait(client, message);
    }
}

void pager_task_main() {
    for (uint32_t frame = 0; frame < tcb_frames_max; ++frame)
        *reinterpret_cast<volatile uint32_t*>(tcb_frames + frame * l4::page_size) = 0;
    *reinterpret_cast<volatile uint16_t*>(device_page) = 0x0720;
    l4::lthread_ex_regs(1, code(recovery_thread_main), stack_of(l4::checkpoint_task, 1));
    pager_thread_main();
}

} // namespace

void start_pager_task() {
    l4::task_new(l4::pager_thread, 255, code(pager_task_main), stack_of(l4::checkpoint_task),
                 own_thread(fault_server));
    for (const unsigned lthread : {0u, 1u}) {
        const l4::ThreadId id = l4::pager_thread.with_lthread(lthread);
        while (l4::thread_schedule(id, keep) == keep)
            l4::sleep_us(1'000);
        l4::thread_schedule(id, l4::schedule_param(l4::priority_max));
    }
}

uint32_t ask_pager(Request request, uint32_t argument) {
    l4::Message message{request, argument, 0};
    l4::call(l4::pager_thread, message);
    return message.w0;
}

namespace {

l4::Message ask_recovery_thread(l4::RecoveryOperation operation, uint32_t tcb_page) {
    l4::Message message{tcb_page, static_cast<uint32_t>(operation), 0};
    l4::call(l4::pager_thread.with_lthread(1), message);
    return message;
}

} // namespace

uint32_t adopt(l4::ThreadId id) {
    return ask_recovery_thread(l4::RecoveryOperation::adopt, l4::tcb_address(id) & ~(l4::page_size - 1)).w0;
}

l4::WrittenTcbs take_written(uint32_t first_tcb_page) {
    const l4::Message answer = ask_recovery_thread(l4::RecoveryOperation::take_written, first_tcb_page);
    return {l4::RecoveryResult{answer.w0}, answer.w1};
}

Tcb& store(l4::ThreadId id, void (*entry)(), unsigned chief) {
    volatile uint32_t& frame = frame_of_page[page_of_tcbs(l4::tcb_address(id))];
    if (frame == 0)
        frame = new_frame();
    Tcb& tcb = reinterpret_cast<Tcb*>(frame)[id.lthread() % kernel::tcbs_per_page];
    tcb.id = id.raw;
    tcb.magic = kernel::tcb_magic;
    tcb.state = ThreadState::running;
    tcb.priority = stored_priority;
    tcb.pager = l4::pager_thread.raw;
    tcb.wakeup_us = kernel::no_wakeup;
    tcb.frame.cs = SELECTOR_USER_CODE;
    tcb.frame.ss = SELECTOR_USER_DATA;
    tcb.frame.eflags = 0x202;
    tcb.frame.eip = code(entry);
    tcb.frame.esp = stack_of(id.task(), id.lthread() != 0);
    if (id.lthread() == 0)
        tcb.task = {.recorded = 1,
                    .active = 1,
                    .chief = static_cast<uint8_t>(chief),
                    .mcp = 100,
                    .version = static_cast<uint16_t>(id.version()),
                    .chief_in_id = static_cast<uint8_t>(id.chief()),
                    .reserved = 0};
    return tcb;
}

} // namespace tcb_pager
