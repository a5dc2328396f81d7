#include "pager/ide/driver.hpp"

#include "kernel-model/abi/system_layout.hpp"

namespace pager {
namespace {

// A client that no longer waits gets nothing.
void reply(l4::ThreadId client, DiskStatus status, uint32_t w1 = 0) {
    l4::send(client, {static_cast<uint32_t>(status), w1, 0}, l4::Timeouts::zero());
}

} // namespace

void Driver::message(l4::ThreadId client, const l4::Message& message, bool mapped) {
    const auto operation = static_cast<DiskOperation>(message.w0);
    if (operation == DiskOperation::connect)
        return reply(client, connect(client, mapped));
    if (client.task() != client_task_)
        return reply(client, DiskStatus::bad_request);
    if (disk_ != DiskStatus::ok)
        return reply(client, disk_);
    using enum DiskRequest::Kind;
    DiskStatus status = DiskStatus::bad_request;
    switch (operation) {
    case DiskOperation::read:
    case DiskOperation::write:
        status = accept(client, message, operation == DiskOperation::read ? read : write, Stage::called);
        break;
    case DiskOperation::flush:
        status = accept(client, message, flush, Stage::called);
        break;
    case DiskOperation::submit_write:
        return reply(client, accept(client, message, write, Stage::submitted));
    case DiskOperation::collect:
        return collect(client);
    case DiskOperation::identify:
        return reply(client, DiskStatus::ok, channel_.sectors());
    case DiskOperation::connect:
        break;
    }
    if (status != DiskStatus::ok)
        reply(client, status);
}

// The first to connect keeps the disk: the root task starts the checkpoint server before anything else.
DiskStatus Driver::connect(l4::ThreadId client, bool mapped) {
    if (!mapped || client_task_ != 0 || client.task() >= l4::first_persistent_task)
        return DiskStatus::bad_request;
    client_task_ = client.task();
    return disk_;
}

DiskStatus Driver::accept(l4::ThreadId client, const l4::Message& message, DiskRequest::Kind kind,
                          Stage stage) {
    const uint32_t area = disk_request_area(message.w2), segments = disk_request_segments(message.w2);
    const bool is_transfer = kind != DiskRequest::Kind::flush;
    if (area >= disk_request_areas || areas_[area].stage != Stage::free || segments > disk_segments_max ||
        is_transfer != (segments != 0))
        return DiskStatus::bad_request;
    areas_[area] = {stage, DiskStatus::ok, client, {kind, area, message.w1, segments}};
    if (kind == DiskRequest::Kind::read)
        queue_.add_read(area);
    else
        queue_.add_write_or_flush(area);
    return DiskStatus::ok;
}

void Driver::collect(l4::ThreadId client) {
    bool any = false;
    for (uint32_t i = 0; i < disk_request_areas; ++i) {
        Area& area = areas_[i];
        if (area.client != client)
            continue;
        if (area.stage == Stage::ended) {
            area.stage = Stage::free;
            return reply(client, area.status, i);
        }
        any = any || area.stage == Stage::submitted;
    }
    if (!any || !collector_.is_nil())
        return reply(client, DiskStatus::bad_request);
    collector_ = client;
}

void Driver::interrupt(uint64_t now_us) {
    if (runner_.is_idle())
        channel_.lower_interrupt();
    else
        look(now_us);
}

void Driver::go_on(uint64_t now_us) {
    if (runner_.is_idle())
        begin_next(now_us);
    else if (now_us >= runner_.deadline_us())
        look(now_us);
}

void Driver::look(uint64_t now_us) {
    DiskStatus status = DiskStatus::ok;
    if (!runner_.poll(now_us, status))
        return;
    const uint32_t area = runner_.request().area;
    begin_next(now_us); // the disk first: who gets the reply may run for a while
    request_over(area, status);
}

void Driver::begin_next(uint64_t now_us) {
    if (const uint32_t area = queue_.take(); area != RequestQueue::none)
        runner_.begin(areas_[area].request, now_us);
}

void Driver::request_over(uint32_t number, DiskStatus status) {
    Area& area = areas_[number];
    if (area.stage == Stage::called) {
        area.stage = Stage::free;
        reply(area.client, status);
    } else if (area.client == collector_) {
        area.stage = Stage::free;
        collector_ = {};
        reply(area.client, status, number);
    } else {
        area.stage = Stage::ended;
        area.status = status;
    }
}

} // namespace pager
