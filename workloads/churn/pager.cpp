#include "workloads/churn/pager.hpp"

#include "workloads/runtime/discard.hpp"
#include "workloads/runtime/startup.hpp"

extern "C" char program_text_end[]; // program.ld

namespace workloads {

namespace {

// w0 of a request; bit 0 tells it from a page fault.
//   slot[19:16] | child[15:8] | request[7:1] | 1
enum class Request : uint32_t { create, bind, note_mapped, note_dropped, unmap, unmap_text };
constexpr uint32_t request_bit = 1;
constexpr uint32_t request_word(Request request, unsigned child = 0, unsigned slot = 0) {
    return slot << 16 | child << 8 | static_cast<uint32_t>(request) << 1 | request_bit;
}

constexpr uint32_t writable_flag = 1, granted_flag = 2;
constexpr unsigned full_unmap = 1; // a form
constexpr unsigned mcp_max = 255;  // the kernel takes the manager's where that is lower

uint32_t ask(l4::ThreadId pager, l4::Message message) {
    l4::call(pager, message);
    return message.w0;
}

uint32_t text_end() {
    return (reinterpret_cast<uint32_t>(program_text_end) + l4::page_size - 1) & ~(l4::page_size - 1);
}

// The page has to be in the own space, with the right that is to be passed on. One instruction each: a child may be
// writing to the same word.
void touch(uint32_t address, bool write) {
    if (write)
        asm volatile("orb $0, %0" : "+m"(*reinterpret_cast<volatile char*>(address)) : : "cc");
    else
        (void)*reinterpret_cast<const volatile char*>(address);
}

} // namespace

void ChildPager::run() {
    l4::ThreadId client;
    l4::Message message;
    l4::MessageResult result = l4::wait(client, message);
    for (;;) {
        Reply reply;
        if (result.ok())
            reply = answer(client, message);
        message = reply.message;
        // A child may be deleted at any moment: a reply that finds nobody is none.
        result = l4::ipc(client, reply.descriptor, l4::open_wait,
                         l4::Timeouts::make(0, l4::Timeouts::infinite_us), message);
    }
}

ChildPager::Reply ChildPager::answer(l4::ThreadId client, const l4::Message& message) {
    if ((message.w0 & request_bit) == 0)
        return answer_fault(client, message.w0);
    return {{answer_request(client, message), 0, 0}, l4::send_registers};
}

ChildPager::Reply ChildPager::answer_fault(l4::ThreadId client, uint32_t address) {
    const unsigned child = client.task() - layout_.first_task;
    const uint32_t page_address = address & ~(l4::page_size - 1);
    const bool write = (address & 2) != 0;
    if (child < layout_.children && page_address - slots_address < slot_count * l4::page_size)
        return answer_slot_fault(child, page_address, write);
    if (child < layout_.children && page_address == child_stack_address) {
        touch(stack_page(child), write);
        return Reply::map(page_address, stack_page(child), write ? l4::Fpage::write_bit : 0);
    }
    if (child < layout_.children && !write && page_address >= program_base && page_address < text_end()) {
        touch(page_address, false);
        return Reply::map(page_address, page_address, 0);
    }
    if (stray_fault_ == 0)
        stray_fault_ = address | 1;
    return {};
}

ChildPager::Reply ChildPager::answer_slot_fault(unsigned child, uint32_t page_address, bool write) {
    Binding& binding = bindings_[child][(page_address - slots_address) / l4::page_size];
    if (write && !binding.writable) {
        if (stray_fault_ == 0)
            stray_fault_ = page_address | 1;
        return {};
    }
    const auto from = reinterpret_cast<uint32_t>(&page(binding.page));
    // A grant takes along what descends from the manager's mapping: nobody else's must.
    if (binding.granted)
        unmap_pages(binding.page, 0, full_unmap);
    touch(from, write);
    ++faults_;
    ++binding.faults;
    binding.must_fault = false;
    if (write) {
        ++binding.write_faults;
        binding.must_write_fault = false;
    }
    return Reply::map(page_address, from,
                      (write ? l4::Fpage::write_bit : 0) | (binding.granted ? l4::Fpage::grant_bit : 0));
}

uint32_t ChildPager::answer_request(l4::ThreadId client, const l4::Message& message) {
    const unsigned child = message.w0 >> 8 & 0xFF, slot = message.w0 >> 16 & 0xF;
    Binding& binding = bindings_[child][slot];
    switch (static_cast<Request>(message.w0 >> 1 & 0x7F)) {
    case Request::create:
        return create_child(client, child, message.w1);
    case Request::bind:
        bind_slot(child, slot, message.w1,
                  {(message.w2 & writable_flag) != 0, (message.w2 & granted_flag) != 0});
        break;
    case Request::note_mapped:
        binding.must_fault = binding.must_write_fault = false;
        binding.granted = binding.granted || (message.w2 & granted_flag) != 0;
        break;
    case Request::note_dropped:
        binding.granted = false;
        binding.must_fault = binding.must_write_fault = true;
        break;
    case Request::unmap:
        unmap_pages(message.w1, message.w2 & 0xFF, message.w2 >> 8);
        break;
    case Request::unmap_text:
        for (uint32_t page = program_base; page < text_end(); page += l4::page_size)
            l4::fpage_unmap(l4::Fpage::make(page, l4::page_bits), l4::unmap_fully);
        break;
    }
    return 0;
}

uint32_t ChildPager::create_child(l4::ThreadId conductor, unsigned child, uint32_t chain) {
    // A child that is to be replaced still runs on its stack: the new one gets the other page, which the one before had.
    ++lives_[child];
    auto* const stack = reinterpret_cast<uint8_t*>(stack_page(child));
    discard_pages(l4::Fpage::make(stack_page(child), l4::page_bits));
    constexpr uint32_t start_offset = l4::page_size - 16, frame_offset = start_offset - 20;
    auto& start = *reinterpret_cast<ChildStart*>(stack + start_offset);
    start = {conductor, chain};
    // A call frame: return address 0, then the argument. ESP + 4 is 16-byte aligned, as the System V ABI has it.
    *reinterpret_cast<uint32_t*>(stack + frame_offset + 4) = child_stack_address + start_offset;
    for (Binding& binding : bindings_[child])
        binding = {layout_.null_page, false, false, true, true, binding.faults, binding.write_faults};
    const l4::ThreadId self = l4::my_id();
    return l4::task_new(l4::ThreadId::make(layout_.first_task + child, 0, 0, self.task()), mcp_max,
                        reinterpret_cast<uint32_t>(&child_main), child_stack_address + frame_offset, self)
        .raw;
}

void ChildPager::bind_slot(unsigned child, unsigned slot, uint32_t page, Access access) {
    Binding& binding = bindings_[child][slot];
    unmap_pages(binding.page, 0, full_unmap);
    binding = {page, access.writable, access.granted, true, true, binding.faults, binding.write_faults};
}

void ChildPager::unmap_pages(uint32_t first_page, unsigned log2_pages, unsigned form) {
    l4::fpage_unmap(
        l4::Fpage::make(reinterpret_cast<uint32_t>(&page(first_page)), l4::page_bits + log2_pages),
        unmap_mask(form));
    const bool fully = (unmap_mask(form) & l4::unmap_fully) != 0;
    for (unsigned child = 0; child < layout_.children; ++child)
        for (Binding& binding : bindings_[child])
            if (!binding.granted && binding.page - first_page < 1u << log2_pages) {
                binding.must_fault = binding.must_fault || fully;
                binding.must_write_fault = true;
            }
}

l4::ThreadId ChildPager::create(l4::ThreadId pager, unsigned child, uint32_t chain) {
    return {ask(pager, {request_word(Request::create, child), chain, 0})};
}
void ChildPager::bind(l4::ThreadId pager, unsigned child, unsigned slot, uint32_t page, Access access) {
    ask(pager, {request_word(Request::bind, child, slot), page,
                (access.writable ? writable_flag : 0) | (access.granted ? granted_flag : 0)});
}
void ChildPager::note_mapped(l4::ThreadId pager, unsigned child, unsigned slot, bool granted) {
    ask(pager, {request_word(Request::note_mapped, child, slot), 0, granted ? granted_flag : 0});
}
void ChildPager::note_dropped(l4::ThreadId pager, unsigned child, unsigned slot) {
    ask(pager, {request_word(Request::note_dropped, child, slot), 0, 0});
}
void ChildPager::unmap(l4::ThreadId pager, uint32_t first_page, unsigned log2_pages, unsigned form) {
    ask(pager, {request_word(Request::unmap), first_page, log2_pages | form << 8});
}
void ChildPager::unmap_text(l4::ThreadId pager) {
    ask(pager, {request_word(Request::unmap_text), 0, 0});
}

} // namespace workloads
