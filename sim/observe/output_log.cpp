#include "sim/observe/output_log.hpp"

namespace fixpoint::sim {

void OutputLog::received(models::Picoseconds now, uint32_t number) {
    received_at_[number] = now;
}

void OutputLog::released(models::Picoseconds now, uint32_t number) {
    if (number != 0 && number <= newest_released_) {
        ++figures_.repeated;
        return;
    }
    if (number != 0)
        newest_released_ = number;
    const auto found = received_at_.find(number);
    if (found == received_at_.end())
        return; // printed in an earlier simulation, whose disk goes on here
    figures_.held.push_back(now - found->second);
    received_at_.erase(found);
}

} // namespace fixpoint::sim
