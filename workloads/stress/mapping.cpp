// A page is mapped or granted to the partner, who uses it; then it is revoked.
//
// The partner's pager knows of it beforehand: if the mapping is dropped, it comes back by a page fault, with the same
// frame and the same right. In the end the partner has its pager revoke the frame from root on, above both.
#include "workloads/stress/calls.hpp"
#include "workloads/stress/pager.hpp"
#include "workloads/stress/verdict.hpp"
#include "workloads/stress/window.hpp"
#include "workloads/stress/worker.hpp"

namespace stress {

namespace {

bool is_writable(const PairStep& step) {
    return step.variant & 1;
}

// The sender has the page read only itself, and offers it writable: that gives no right to write.
bool offers_too_much(const PairStep& step) {
    return !is_writable(step) && (step.variant & 128) != 0;
}

volatile uint32_t& word_at(unsigned slot, unsigned page, FrameWord word) {
    return reinterpret_cast<volatile uint32_t*>(window_address(slot, page))[word];
}

void give(const PairTurn& turn) {
    const PairStep& step = turn.step;
    require_own_frame(turn.self.random, turn.slot);
    write_own_frame(turn.slot, 0);
    if (offers_too_much(step))
        change_pages(turn.self.random, turn.slot, 0, 1, turn.slot, change::fully);
    check_page(turn.slot, 0);
    const uint32_t flags = (is_writable(step) || offers_too_much(step) ? l4::Fpage::write_bit : 0) |
                           (step.variant & 2 ? l4::Fpage::grant_bit : 0);
    const uint32_t page = window_address(turn.slot, 0);
    l4::Message item{0, l4::Fpage::make(page, l4::page_bits, flags).raw, step.words[2]};
    l4::ThreadId to = turn.partner_id();
    check_equal(
        ipc(turn.entry(), to, l4::send_map, l4::receive_registers, l4::Timeouts::infinite(), item).raw, 0,
        "result of a map message and its reply");
    if (is_writable(step))
        check_equal(word_at(turn.slot, 0, guest_word), step.words[0], "what the partner wrote");
    const uint32_t mask =
        (step.variant & 4 ? l4::unmap_own_too : 0) | (step.variant & 8 ? l4::unmap_fully : 0);
    l4::fpage_unmap(l4::Fpage::make(page, l4::page_bits), mask);
    require_own_frame(turn.self.random, turn.slot);
    write_own_frame(turn.slot, 0);
    turn.note(item.w0);
}

void take(const PairTurn& turn) {
    const PairStep& step = turn.step;
    const uint32_t right = is_writable(step) ? change::writable : 0;
    change_pages(turn.self.random, turn.slot, received_page, 1, turn.partner, change::fully | right);
    if (step.variant & 16) // else the item meets the mapping that the page fault has made
        l4::fpage_unmap(l4::Fpage::make(window_address(turn.slot, received_page), l4::page_bits),
                        l4::unmap_own_too | l4::unmap_fully);
    const unsigned window_bits = step.variant & 32 ? l4::page_bits : l4::page_bits + 2;
    const l4::Fpage window = l4::Fpage::make(window_address(turn.slot, received_page), window_bits);
    l4::ThreadId from = turn.partner_id();
    l4::Message item;
    const l4::MessageResult result = ipc(turn.entry(), from, l4::no_send, l4::receive_window(window, false),
                                         l4::Timeouts::infinite(), item);
    check_equal(result.raw, l4::MessageResult::mapped_bit, "result of a receive with a window");
    check_equal(item.w2, step.words[2], "third word of a map message");
    check_page(turn.slot, received_page);
    if (is_writable(step))
        word_at(turn.slot, received_page, guest_word) = step.words[0];
    check_equal(send(turn.entry(), turn.partner_id(), {step.words[1], 0, 0}).raw, 0, "result of a reply");
    if (!is_writable(step) && (step.variant & 64) != 0)
        try_forbidden_write(turn.slot, received_page);
    change_pages(turn.self.random, turn.slot, received_page, 1, hole_of(turn.slot),
                 change::writable | change::fully | change::from_root);
    turn.note(item.w2);
}

} // namespace

void map_to_partner(const PairTurn& turn) {
    if (turn.begins)
        give(turn);
    else
        take(turn);
}

} // namespace stress
