// The drain: the frozen content goes to disk, in the order that the policy says (drain_order.cpp); what then lies side by
// side, in one request. Several requests are on their way at once, as many as the throttle allows. Discarded pages leave
// the directory.
#include "pager/checkpoint/checkpoint.hpp"

namespace pager {

void Checkpoint::drain() {
    platform_.phase(l4::Phase::drain);
    if (policy_.copy == CopyPolicy::eager)
        copy_aside_eagerly();
    put_in_order();
    for (uint32_t next = 0; next < list_count_ || flying_ > 0;) {
        if (next < list_count_ && may_begin())
            next += begin_batch(next);
        else if (flying_ > 0)
            end_batch();
        else
            platform_.pause();
    }
    list_count_ = 0;
    remove_discarded();
    platform_.phase(l4::Phase::normal);
}

void Checkpoint::copy_aside_eagerly() {
    constexpr uint32_t pages_at_once = 16; // half a millisecond's work, then the others' turn
    for (uint32_t i = 0; i < list_count_; ++i) {
        if (i % pages_at_once == pages_at_once - 1) {
            platform_.phase(l4::Phase::drain);
            platform_.pause();
        }
        if (!pages_.copy_aside(list_[i]))
            break; // no frame: the rest is copied on write
    }
    platform_.phase(l4::Phase::drain);
}

void Checkpoint::remove_discarded() {
    while (pages_.remove_some()) {
        platform_.pause();
        platform_.phase(l4::Phase::drain);
    }
}

bool Checkpoint::may_begin() {
    const uint64_t now_us = platform_.clock_us();
    if (flying_ >= throttle_.depth(now_us, listener_.page_ins()))
        return false;
    if (flying_ > 0 || !throttle_.flush_is_due(now_us)) {
        throttle_.begun(now_us);
        return true;
    }
    while (queue_.flush() != store::DeviceStatus::ok)
        listener_.disk_failed("pages");
    throttle_.flushed(platform_.clock_us());
    return false;
}

// Writes the pages from list_[first] on that one request can take; returns how many.
uint32_t Checkpoint::begin_batch(uint32_t first) {
    uint32_t place = 0;
    while (flights_[place].pages != 0)
        ++place;
    Flight& flight = flights_[place];
    store::PageWrite writes[store::transfer_segments_max];
    const uint32_t count = store_.batch_length(list_ + first, list_count_ - first);
    for (uint32_t i = 0; i < count; ++i) {
        const uint32_t slot = list_[first + i];
        writes[i] = {slot, pages_.content_to_write(slot), pages_.page(slot).state() == PageState::dirty,
                     pages_.known_checksum(slot)};
    }
    flight.pages = store_.prepare(writes, count, flight.request);
    for (uint32_t i = 0; i < flight.pages; ++i) {
        flight.slot[i] = list_[first + i];
        pages_.begin_write(flight.slot[i]);
    }
    const uint32_t pages = flight.pages;
    ++flying_;
    if (flight.request.segments != 0)
        submit(place);
    else
        land(flight); // zero pages, which take no block
    return pages;
}

void Checkpoint::submit(uint32_t place) {
    Flight& flight = flights_[place];
    while (queue_.submit(place, flight.request.sector, flight.request.segment, flight.request.segments) !=
           store::DeviceStatus::ok)
        listener_.disk_failed("pages");
    ++figures_.write_requests;
}

void Checkpoint::end_batch() {
    const WriteQueue::End end = queue_.wait();
    Flight& flight = flights_[end.place];
    if (end.status == store::DeviceStatus::ok) {
        land(flight);
    } else {
        listener_.disk_failed("pages");
        submit(end.place);
    }
}

void Checkpoint::land(Flight& flight) {
    for (uint32_t i = 0; i < flight.pages; ++i)
        pages_.end_write(flight.slot[i]);
    flight.pages = 0;
    --flying_;
    listener_.frame_freed();
}

} // namespace pager
