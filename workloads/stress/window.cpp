#include "workloads/stress/window.hpp"

#include "workloads/stress/calls.hpp"
#include "workloads/stress/pager.hpp"
#include "workloads/stress/verdict.hpp"

namespace stress {

// What is not as the policies of the pages have it begins with "window:", since a mapping that should be gone shows by
// whichever check comes first.
namespace {

volatile uint32_t* words_at(uint32_t address) {
    return reinterpret_cast<volatile uint32_t*>(address);
}
volatile uint32_t* words_of(unsigned slot, unsigned page) {
    return words_at(window_address(slot, page));
}

void check_frame(const volatile uint32_t* words, unsigned frame) {
    check_equal(words[identity], identity_of(frame), "window: the frame behind a page");
    check_equal(words[identity_complement], ~identity_of(frame),
                "window: the frame behind a page, second word");
    if (frame < first_hole)
        check_equal(words[forbidden], 0, "window: what was written through a mapping that is read only");
}

// Some of the window's pages go: fpage_unmap in the own space.
void flush_some(workloads::Random& random, unsigned slot, unsigned page) {
    const bool fully = random.below(2) != 0;
    const unsigned size = l4::page_bits + random.below(3);
    const uint32_t mask = l4::unmap_own_too | (fully ? l4::unmap_fully : 0);
    const uint32_t before = world.windows[slot].faults;
    l4::fpage_unmap(l4::Fpage::make(window_address(slot, page), size), mask);
    check_page(slot, page);
    if (fully)
        check(world.windows[slot].faults != before, "window: a flushed page faults");
    if (world.windows[slot].pages[page].writable && world.windows[slot].pages[page].frame == slot)
        write_own_frame(slot, page);
}

// All pages of the task, code and stacks among them.
void flush_everything() {
    l4::fpage_unmap(l4::Fpage::whole_space(), l4::unmap_own_too | l4::unmap_fully);
}

// Takes write access to the own frame away, in one of the ways that leave it readable.
void make_read_only(workloads::Random& random, unsigned slot, unsigned page) {
    const PagePolicy& policy = world.windows[slot].pages[page];
    uint32_t flags = random.below(2) != 0 ? change::own_too : 0;
    if (policy.grant)
        flags |= change::grant;
    change_pages(random, slot, page, 1, policy.frame, flags);
    check_page(slot, page);
}

uint32_t draw_revocation(workloads::Random& random) {
    const uint32_t draw = random.next();
    return change::fully | (draw & 1 ? change::own_too : 0) | (draw & 2 ? change::from_root : 0) |
           (draw & 4 ? change::grant : 0);
}

void change_page(workloads::Random& random, unsigned slot, unsigned page) {
    const uint32_t revocation = draw_revocation(random);
    switch (random.below(4)) {
    case 0:
        change_pages(random, slot, page, 1, slot, revocation | change::writable);
        break;
    case 1:
        change_pages(random, slot, page, 1, hole_of(slot), (revocation & ~change::grant) | change::writable);
        break;
    case 2:
        change_pages(random, slot, page, 1, random.below(slots), revocation);
        break;
    default: {
        const unsigned row = random.below(slots / requested_pages) * requested_pages;
        change_pages(random, slot, 0, requested_pages, row, revocation);
    }
    }
}

} // namespace

void check_page(unsigned slot, unsigned page) {
    const volatile uint32_t* const words = words_of(slot, page);
    const unsigned frame = world.windows[slot].pages[page].frame;
    check_frame(words, frame);
    if (frame == slot)
        check_equal(words[owner_count], world.windows[slot].owner_count, "window: what the owner wrote last");
}

void write_own_frame(unsigned slot, unsigned page) {
    const uint32_t count = ++world.windows[slot].owner_count;
    words_of(slot, page)[owner_count] = count;
    check_page(slot, page);
}

void try_forbidden_write(unsigned slot, unsigned page) {
    const uint32_t before = world.windows[slot].denied;
    words_of(slot, page)[forbidden] = slot + 1;
    check_equal(world.windows[slot].denied, before + 1, "window: writes that were denied");
    check_equal(words_of(slot, page)[identity], identity_of(hole_of(slot)),
                "window: the frame behind a denied page");
    check_equal(words_of(slot, page)[forbidden], slot + 1, "window: what was written to the hole");
}

void change_pages(workloads::Random& random, unsigned slot, unsigned page, unsigned pages, unsigned frame,
                  uint32_t flags) {
    const uint32_t before = world.windows[slot].faults;
    l4::Message message{request_word(PagerRequest::change, pages), slot << 8 | page, frame | flags};
    const uint32_t entry = random.next();
    check(call(entry, pager_id(pager_of(slot)), message).ok(), "a pager changes a page");
    check_equal(message.w0, request_word(PagerRequest::change, pages), "a pager's reply");
    for (unsigned index = 0; index < pages; ++index)
        check_page(slot, page + index);
    if ((flags & change::fully) != 0)
        check(world.windows[slot].faults != before, "window: a revoked page faults");
}

void require_own_frame(workloads::Random& random, unsigned slot) {
    const PagePolicy& policy = world.windows[slot].pages[0];
    if (policy.frame != slot || !policy.writable)
        change_pages(random, slot, 0, 1, slot, draw_revocation(random) | change::writable);
}

void flush_page(unsigned slot, unsigned page) {
    l4::fpage_unmap(l4::Fpage::make(window_address(slot, page), l4::page_bits),
                    l4::unmap_own_too | l4::unmap_fully);
    check_page(slot, page);
}

void settle_with_pager(workloads::Random& random, unsigned slot) {
    l4::Message message{request_word(PagerRequest::ping), 0, 0};
    const uint32_t entry = random.next();
    check_equal(call(entry, pager_id(pager_of(slot)), message).raw, 0, "a pager answers");
    check_equal(message.w0, request_word(PagerRequest::ping), "a pager's answer");
}

uint32_t use_window(workloads::Random& random, unsigned slot) {
    const unsigned page = random.below(requested_pages);
    const PagePolicy& policy = world.windows[slot].pages[page];
    const bool own = policy.frame == slot, hole = policy.frame == hole_of(slot);
    const uint32_t draw = random.below(256);
    if (draw < 64)
        change_page(random, slot, page);
    else if (draw < 96)
        flush_some(random, slot, page);
    else if (draw == 96)
        flush_everything();
    else if (own && policy.writable && draw < 128)
        make_read_only(random, slot, page);
    else if (own && policy.writable)
        write_own_frame(slot, page);
    else if (!hole && draw < 128)
        try_forbidden_write(slot, page);
    else
        check_page(slot, page);
    return identity_of(policy.frame) + policy.writable;
}

uint32_t look_at_gallery(workloads::Random& random) {
    const unsigned frame = random.below(2) * first_hole + random.below(slots);
    const uint32_t address = gallery_base + frame * l4::page_size;
    if (random.below(8) == 0) {
        const unsigned size = l4::page_bits + random.below(l4::superpage_bits - l4::page_bits + 1);
        const uint32_t mask = l4::unmap_own_too | (random.below(2) != 0 ? l4::unmap_fully : 0);
        l4::fpage_unmap(l4::Fpage::make(address, size), mask);
    }
    check_frame(words_at(address), frame);
    return identity_of(frame);
}

} // namespace stress
