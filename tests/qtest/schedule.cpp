#include "tests/qtest/subject.hpp"

#include <algorithm>

namespace fixpoint::qtest {

std::vector<Instant> schedule(const Subject& subject, const Steps& steps) {
    std::vector<Instant> instants;
    uint64_t now = 0;
    for (const Step& step : steps) {
        if (step.action == Action::wait || step.action == Action::disk_ready)
            now = std::max(now, step.value);
        instants.push_back(subject.instant(step, now));
        now = instants.back().end_ns;
    }
    return instants;
}

} // namespace fixpoint::qtest
