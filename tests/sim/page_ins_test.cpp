#include "sim/observe/page_ins.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

constexpr models::Picoseconds ms = models::ps_per_ms;
constexpr l4::ThreadId worker = l4::ThreadId::make(17, 0, 1, 4), other = l4::ThreadId::make(18, 0, 1, 4);

Sample at(models::Picoseconds now) {
    return {now, now / 2'000, 0, 0};
}

TEST(PageIns, LastFromTheFaultToTheRepeatedInstruction) {
    PageIns page_ins;
    page_ins.fault_begin(at(10 * ms), worker, 0x00401234);
    page_ins.page_placed(17, 0x00401000, l4::PageSource::store);
    page_ins.page_placed(17, 0x00402000, l4::PageSource::store); // a neighbour
    page_ins.fault_end(at(22 * ms), worker);
    EXPECT_EQ(page_ins.latencies(), std::vector{12 * ms});
}

TEST(PageIns, FaultsThatReadNothingAreNone) {
    PageIns page_ins;
    page_ins.fault_begin(at(0), worker, 0x00401000);
    page_ins.fault_begin(at(0), other, 0x00401000); // the same address in another space
    page_ins.page_placed(17, 0x00401000, l4::PageSource::fresh);
    page_ins.page_placed(17, 0x00405000, l4::PageSource::store);
    page_ins.fault_end(at(1 * ms), worker);
    page_ins.page_placed(17, 0x00401000, l4::PageSource::store); // nobody waits any more
    page_ins.fault_end(at(2 * ms), other);
    EXPECT_TRUE(page_ins.latencies().empty());
}

TEST(PageIns, ThatAPowerCutInterruptedNeverEnd) {
    PageIns page_ins;
    page_ins.fault_begin(at(0), worker, 0x00401000);
    page_ins.page_placed(17, 0x00401000, l4::PageSource::store);
    page_ins.power_cycle();
    page_ins.fault_end(at(500 * ms), worker);
    EXPECT_TRUE(page_ins.latencies().empty());
}

} // namespace
} // namespace fixpoint::sim
