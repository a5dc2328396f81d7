// What the machine's programs have printed and when it left the machine, from the console's probes.
//
// Lines with a number are held for a checkpoint (output commit). After a power cut a number comes again if its line had left
// after the snapshot that is recovered: the same line a second time. Lines without a number pass at once.
#pragma once

#include "models/time.hpp"

#include <cstdint>
#include <map>
#include <vector>

namespace fixpoint::sim {

struct OutputFigures {
    std::vector<models::Picoseconds> held; // of every line, from its printing to its release
    uint64_t repeated = 0;                 // lines that left a second time; not in `held`
};

class OutputLog {
public:
    void received(models::Picoseconds now, uint32_t number);
    void released(models::Picoseconds now, uint32_t number);

    [[nodiscard]] const OutputFigures& figures() const { return figures_; }

private:
    // A number that was printed again, after a rollback, counts from then on.
    std::map<uint32_t, models::Picoseconds> received_at_;
    uint32_t newest_released_ = 0;
    OutputFigures figures_;
};

} // namespace fixpoint::sim
