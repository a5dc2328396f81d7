#include "sim/debug/stop_points.hpp"

#include <algorithm>

namespace fixpoint::sim {

void StopPoints::insert(BreakpointKind kind, uint32_t linear) {
    (kind == BreakpointKind::software ? software_ : hardware_).insert(linear);
    rebuild_filter();
}

void StopPoints::remove(BreakpointKind kind, uint32_t linear) {
    (kind == BreakpointKind::software ? software_ : hardware_).erase(linear);
    rebuild_filter();
}

void StopPoints::insert(WatchKind kind, uint32_t linear, uint32_t bytes) {
    watches_.insert({kind, linear, bytes});
}

void StopPoints::remove(WatchKind kind, uint32_t linear, uint32_t bytes) {
    watches_.erase({kind, linear, bytes});
}

void StopPoints::clear() {
    *this = StopPoints{};
}

void StopPoints::step(uint32_t begin, uint32_t end) {
    step_ = Range{begin, end};
}

std::optional<BreakpointKind> StopPoints::breakpoint_at(uint32_t linear) const {
    if (software_.contains(linear))
        return BreakpointKind::software;
    if (hardware_.contains(linear))
        return BreakpointKind::hardware;
    return std::nullopt;
}

std::vector<models::Watchpoint> StopPoints::watchpoints() const {
    std::vector<models::Watchpoint> watched;
    for (const Watch& watch : watches_)
        watched.push_back({watch.linear, watch.bytes, watch.kind != WatchKind::write});
    return watched;
}

std::optional<StopPoints::Watch> StopPoints::watch_at(uint32_t linear) const {
    const auto found = std::ranges::find_if(
        watches_, [linear](const Watch& watch) { return linear - watch.linear < watch.bytes; });
    return found == watches_.end() ? std::nullopt : std::optional{*found};
}

void StopPoints::rebuild_filter() {
    filter_.reset();
    for (const uint32_t linear : software_)
        filter_.set(linear % filter_size);
    for (const uint32_t linear : hardware_)
        filter_.set(linear % filter_size);
}

} // namespace fixpoint::sim
