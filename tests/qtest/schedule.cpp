#include "tests/qtest/subject.hpp"

#include <algorithm>

namespace fixpoint::qtest {

std::vector<Instant> schedule(const Subject& subject, const Steps& steps) {
    std::vector<Instant> instants;
    uint64_t now = 0, settled = 0;
    for (const Step& step : steps) {
        if (const Delay delay = subject.delay(step, now); delay.delayed) {
            instants.push_back({now, delay.emulator_ns});
            settled = delay.both_ns;
            continue;
        }
        now = std::max(now, settled);
        if (step.action == Action::wait || step.action == Action::disk_ready)
            now = std::max(now, step.value);
        instants.push_back({now, now});
    }
    return instants;
}

} // namespace fixpoint::qtest
