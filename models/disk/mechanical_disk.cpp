#include "models/disk/mechanical_disk.hpp"

#include <algorithm>
#include <cassert>
#include <stdexcept>

namespace fixpoint::models {

MechanicalDisk::MechanicalDisk(const DiskParameters& parameters, DiskImage& image)
    : image_{image}, parameters_{parameters.mechanical},
      mechanics_{parameters.mechanical}, overhead_{parameters.command_overhead_us * ps_per_us},
      destage_delay_{parameters.mechanical.destage_delay_us * ps_per_us} {
    if (image.sector_count() > mechanics_.geometry().sector_count())
        throw std::invalid_argument("the disk image is larger than the drive");
    if (parameters_.read_segments == 0 || parameters_.read_segment_sectors == 0)
        throw std::invalid_argument("mechanical.read_segments and read_segment_sectors must be at least 1");
    if (parameters_.write_cache_sectors == 0)
        throw std::invalid_argument("mechanical.write_cache_sectors must be at least 1");
    segments_.resize(parameters_.read_segments);
    reset_state(0);
}

void MechanicalDisk::reset_state(Picoseconds now) {
    now_ = media_free_ = command_start_ = now;
    command_ = Command::none;
    run_ = Run::none;
    run_segment_ = nullptr;
    // The arm comes back from its landing zone to the outermost track.
    position_ = mechanics_.geometry().locate(0);
    head_lba_ = 0;
    std::fill(segments_.begin(), segments_.end(), Segment{});
    uses_ = 0;
    dirty_.clear();
    write_error_.reset();
    destage_from_ = never;
    write_cache_enabled_ = parameters_.write_cache_enabled;
    read_ahead_enabled_ = true;
}

// --- The host's side ---------------------------------------------------------------------------------------

void MechanicalDisk::begin(Command command, uint64_t lba, uint64_t sectors, Picoseconds now) {
    assert(command_done() && now == now_);
    assert(sectors == 0 || image_.contains(lba, sectors));
    command_ = command;
    first_ = lba_ = lba;
    end_ = lba + sectors;
    command_start_ = now + overhead_;
    if (command_start_ == now)
        request_media(now);
}

void MechanicalDisk::begin_read(uint64_t lba, uint64_t sectors, Picoseconds now) {
    ++counters_.read_commands;
    begin(Command::read, lba, sectors, now);
}

void MechanicalDisk::begin_write(uint64_t lba, uint64_t sectors, Picoseconds now) {
    ++counters_.write_commands;
    begin(Command::write, lba, sectors, now);
}

void MechanicalDisk::begin_flush(Picoseconds now) {
    ++counters_.flushes;
    begin(Command::flush, 0, 0, now);
}

bool MechanicalDisk::sector_ready() const {
    if (lba_ == end_ || now_ < command_start_)
        return false;
    switch (command_) {
    case Command::read:
        return segment_of(lba_) != nullptr || dirty_.contains(lba_);
    case Command::write:
        return dirty_.size() < parameters_.write_cache_sectors || dirty_.contains(lba_);
    case Command::flush:
    case Command::none:
        break;
    }
    return false;
}

bool MechanicalDisk::take_sector(Sector data, Picoseconds now) {
    assert(command_ == Command::read && sector_ready() && now == now_);
    if (const auto cached = dirty_.find(lba_); cached != dirty_.end()) {
        std::copy(cached->second.begin(), cached->second.end(), data.begin());
    } else if (image_.is_unreadable(lba_)) {
        command_ = Command::none;
        lba_ = end_;
        return false;
    } else {
        image_.read(lba_, data);
    }
    ++counters_.sectors_read;
    ++lba_;
    if (lba_ != end_)
        request_media(now);
    return true;
}

void MechanicalDisk::put_sector(ConstSector data, Picoseconds now) {
    assert(command_ == Command::write && sector_ready() && now == now_);
    if (dirty_.empty())
        destage_from_ = now + destage_delay_;
    std::copy(data.begin(), data.end(), dirty_[lba_].begin());
    ++counters_.sectors_written;
    ++lba_;
    request_media(now);
}

bool MechanicalDisk::command_done() const {
    switch (command_) {
    case Command::none:
        return true;
    case Command::read:
        return lba_ == end_;
    case Command::write: {
        if (lba_ != end_)
            return false;
        if (write_cache_enabled_)
            return true;
        const auto waiting = dirty_.lower_bound(first_);
        return waiting == dirty_.end() || waiting->first >= end_;
    }
    case Command::flush:
        return now_ >= command_start_ && dirty_.empty();
    }
    return true;
}

void MechanicalDisk::abort_command(Picoseconds now) {
    assert(now == now_);
    command_ = Command::none;
    lba_ = end_;
    command_start_ = now;
}

void MechanicalDisk::enable_write_cache(bool enabled, Picoseconds) {
    if (command_done()) // a write that was done with the cache stays done without it
        command_ = Command::none;
    write_cache_enabled_ = enabled;
}

Picoseconds MechanicalDisk::next_event() const {
    if (command_done())
        return never;
    if (now_ < command_start_)
        return command_start_;
    if (sector_ready())
        return never; // the host's turn
    assert(run_ != Run::none);
    return run_timing_.done;
}

// --- The passing of time -----------------------------------------------------------------------------------

void MechanicalDisk::advance(Picoseconds now) {
    assert(now >= now_);
    if (command_ != Command::none && now_ < command_start_ && command_start_ <= now) {
        catch_up(command_start_);
        now_ = command_start_;
        request_media(now_);
    }
    catch_up(now);
    now_ = now;
}

void MechanicalDisk::catch_up(Picoseconds now) {
    for (;;) {
        if (run_ == Run::none && !start_destage(now))
            return;
        if (run_timing_.done > now)
            return;
        finish_sector();
        if (run_ == Run::none && command_ != Command::none && command_start_ <= media_free_)
            request_media(media_free_);
    }
}

// The sector has passed under the head.
void MechanicalDisk::finish_sector() {
    media_free_ = run_timing_.done;
    position_ = mechanics_.geometry().locate(run_lba_);
    const uint64_t next = head_lba_ = run_lba_ + 1;
    bool go_on = !run_stopping_ && next < image_.sector_count();
    if (run_ == Run::read) {
        ++counters_.media_sectors_read;
        Segment& segment = *run_segment_;
        segment.end = next;
        if (segment.end - segment.first > parameters_.read_segment_sectors)
            segment.first = segment.end - parameters_.read_segment_sectors;
        const bool host_waits = command_ == Command::read && next < end_;
        // The segment is full of what the host has not fetched yet: the media has to wait.
        const bool full = command_ == Command::read && lba_ < end_ && segment.holds(lba_) &&
                          segment.end - lba_ >= parameters_.read_segment_sectors;
        const bool destage_due = !dirty_.empty() && destage_from_ <= media_free_;
        go_on = go_on && next < run_end_ && !full && (host_waits || !destage_due);
    } else {
        ++counters_.media_sectors_written;
        const auto written = dirty_.find(run_lba_);
        if (!image_.write(run_lba_, written->second) && !write_error_)
            write_error_ = run_lba_;
        const auto following = dirty_.erase(written);
        if (dirty_.empty())
            destage_from_ = never;
        go_on = go_on && following != dirty_.end() && following->first == next;
    }
    if (!go_on) {
        run_ = Run::none;
        return;
    }
    run_lba_ = next;
    run_timing_ =
        mechanics_.access(position_, mechanics_.geometry().locate(next), run_ == Run::write, media_free_);
}

// --- What the media does next ------------------------------------------------------------------------------

// The command cannot go on, or its stream could be read ahead: starts what is needed at `now`.
void MechanicalDisk::request_media(Picoseconds now) {
    switch (command_) {
    case Command::none:
        return;
    case Command::read:
        request_read(now);
        return;
    case Command::write:
        // Room, or the media itself when there is no write cache.
        if (lba_ == end_ ? write_cache_enabled_ : sector_ready())
            return;
        break;
    case Command::flush:
        break;
    }
    if (dirty_.empty())
        return;
    destage_from_ = std::min(destage_from_, now);
    if (run_ == Run::read)
        stop_run(now);
    if (run_ == Run::none)
        start_destage(now);
}

void MechanicalDisk::request_read(Picoseconds now) {
    uint64_t missing = lba_;
    while (missing < end_) {
        if (const Segment* segment = segment_of(missing))
            missing = segment->end;
        else if (dirty_.contains(missing))
            ++missing;
        else
            break;
    }
    const uint64_t limit = read_ahead_end();
    if (missing >= end_) {
        // All there: keep the stream going while nothing else is due.
        const Segment* stream = segment_of(end_ - 1);
        if (stream == nullptr)
            return;
        if (run_ == Run::read && run_segment_ == stream)
            run_end_ = std::max(run_end_, limit);
        else if (run_ == Run::none && dirty_.empty() && stream->end < limit)
            start_run(Run::read, stream->end, limit, now);
        return;
    }
    if (missing - lba_ >= parameters_.read_segment_sectors)
        return; // the buffer is full: the host fetches first
    if (run_ == Run::read && !run_stopping_ && run_lba_ <= missing &&
        missing - run_lba_ < mechanics_.geometry().locate(run_lba_).sectors_per_track) {
        run_end_ = std::max(run_end_, limit); // the run will come by within a revolution
        return;
    }
    stop_run(now);
    if (run_ == Run::none)
        start_run(Run::read, missing, limit, now);
}

uint64_t MechanicalDisk::read_ahead_end() const {
    const uint64_t beyond = read_ahead_enabled_ ? parameters_.read_ahead_sectors : 0;
    return std::min(end_ + beyond, image_.sector_count());
}

void MechanicalDisk::start_run(Run kind, uint64_t lba, uint64_t end, Picoseconds from) {
    run_ = kind;
    run_lba_ = lba;
    run_end_ = end;
    run_stopping_ = false;
    run_segment_ = kind == Run::read ? &segment_for_read(lba) : nullptr;
    run_timing_ = mechanics_.access(position_, mechanics_.geometry().locate(lba), kind == Run::write,
                                    std::max(from, media_free_));
}

bool MechanicalDisk::start_destage(Picoseconds now) {
    if (dirty_.empty() || destage_from_ > now)
        return false;
    start_run(Run::write, next_dirty(), 0, destage_from_);
    return true;
}

void MechanicalDisk::stop_run(Picoseconds now) {
    if (run_ == Run::none)
        return;
    if (now >= run_timing_.begin) { // the sector is passing: it is finished first
        run_stopping_ = true;
        return;
    }
    position_ = mechanics_.geometry().locate(run_lba_);
    media_free_ = std::max(now, run_timing_.on_track);
    head_lba_ = run_lba_;
    run_ = Run::none;
}

uint64_t MechanicalDisk::next_dirty() const {
    const auto ahead = dirty_.lower_bound(head_lba_);
    return ahead != dirty_.end() ? ahead->first : dirty_.begin()->first;
}

const MechanicalDisk::Segment* MechanicalDisk::segment_of(uint64_t lba) const {
    for (const Segment& segment : segments_)
        if (segment.holds(lba))
            return &segment;
    return nullptr;
}

// The segment that ends where the read begins goes on; else the least recently used one starts anew.
MechanicalDisk::Segment& MechanicalDisk::segment_for_read(uint64_t lba) {
    Segment* chosen = &segments_.front();
    for (Segment& segment : segments_) {
        if (segment.last_use != 0 && segment.end == lba) {
            chosen = &segment;
            chosen->last_use = ++uses_;
            return *chosen;
        }
        if (segment.last_use < chosen->last_use)
            chosen = &segment;
    }
    *chosen = {lba, lba, ++uses_};
    return *chosen;
}

// --- Power -------------------------------------------------------------------------------------------------

void MechanicalDisk::power_loss(PowerLoss mode, uint64_t seed, Picoseconds now) {
    advance(now);
    UnflushedWrites writes;
    if (run_ == Run::write) {
        writes.next = run_lba_;
        if (run_timing_.begin <= now)
            writes.in_flight = run_lba_;
    } else if (!dirty_.empty()) {
        writes.next = next_dirty();
    }
    writes.sectors = std::move(dirty_);
    apply_power_loss(image_, writes, mode, seed);
    reset_state(now);
}

} // namespace fixpoint::models
