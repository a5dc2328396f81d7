#include "sim/observe/write_fault_cost.hpp"

#include "kernel-model/abi/system_layout.hpp"

#include <gtest/gtest.h>

namespace fixpoint::sim {
namespace {

using Entry = WriteFaultCosts::KernelEntry;
using Part = WriteFaultPart;

constexpr uint32_t writing_instruction = 0x400100, server_code = 0xF00100, written_address = 0x20001234;
constexpr uint32_t protected_write = 7, absent_write = 6; // error codes

class WriteFaultCostsTest : public testing::Test {
protected:
    static constexpr l4::ThreadId writer{l4::ThreadId::make(l4::first_persistent_task, 0, 1, l4::root_task)};
    static constexpr l4::ThreadId driver = l4::disk_driver_thread;

    void fault(uint32_t error_code = protected_write) {
        costs.thread_switch(900, writer);
        costs.user_instruction(950, writing_instruction - 3);
        costs.user_instruction(1000, writing_instruction);
        costs.kernel_entered(1100, Entry::page_fault);
        costs.fault_begin(1150, written_address, error_code);
        costs.thread_switch(1250, l4::pager_thread);
        costs.user_instruction(1300, server_code);
        costs.phase(1310, l4::Phase::read_fault);
    }
    void copy() {
        costs.phase(1400, l4::Phase::copy);
        costs.phase(9400, l4::Phase::write_fault);
        costs.page_copied(writer.task(), written_address & ~(l4::page_size - 1));
    }
    void reply() {
        costs.user_instruction(9450, server_code + 0x100);
        costs.kernel_entered(9500, Entry::ipc);
        costs.mapping_begins(9600);
        costs.mapping_ends(9900);
        costs.thread_switch(9950, writer);
        costs.user_instruction(10'000, writing_instruction);
    }
    [[nodiscard]] uint64_t sum_of_parts() const {
        uint64_t sum = 0;
        for (const uint64_t cycles : costs.faults().front().cycles)
            sum += cycles;
        return sum;
    }

    WriteFaultCosts costs;
};

TEST_F(WriteFaultCostsTest, EveryCycleFromTheWriteToItsRepetitionIsInOnePart) {
    fault();
    copy();
    reply();
    ASSERT_EQ(costs.faults().size(), 1u);
    const WriteFaultCost& cost = costs.faults().front();
    EXPECT_EQ(cost.task, writer.task());
    EXPECT_EQ(cost.address, written_address);
    EXPECT_EQ(cost.of(Part::exception), 100u);
    EXPECT_EQ(cost.of(Part::kernel_fault), 50u);
    EXPECT_EQ(cost.of(Part::ipc), 150u + 100u + 50u);
    EXPECT_EQ(cost.of(Part::server), 100u + 100u);
    EXPECT_EQ(cost.of(Part::copy), 8000u);
    EXPECT_EQ(cost.of(Part::map), 300u);
    EXPECT_EQ(cost.of(Part::way_back), 50u);
    EXPECT_EQ(cost.of(Part::interrupts), 0u);
    EXPECT_EQ(cost.begin_cycle, 1000u);
    EXPECT_EQ(cost.total_cycles, 9000u);
    EXPECT_EQ(sum_of_parts(), 9000u);
}

TEST_F(WriteFaultCostsTest, FaultsWithoutACopyDoNotCount) {
    fault();
    reply(); // clean: it only becomes dirty
    fault(absent_write);
    copy();
    reply();
    EXPECT_TRUE(costs.faults().empty());
}

TEST_F(WriteFaultCostsTest, InterruptsAreAPartOfTheirOwn) {
    fault();
    costs.phase(1400, l4::Phase::copy);
    costs.kernel_entered(2000, Entry::interrupt);
    costs.user_instruction(2700, server_code + 0x80); // the copy goes on
    costs.phase(9400, l4::Phase::write_fault);
    costs.page_copied(writer.task(), written_address & ~(l4::page_size - 1));
    reply();
    ASSERT_EQ(costs.faults().size(), 1u);
    EXPECT_EQ(costs.faults().front().of(Part::interrupts), 700u);
    EXPECT_EQ(costs.faults().front().of(Part::copy), 7300u);
    EXPECT_EQ(sum_of_parts(), 9000u);
}

TEST_F(WriteFaultCostsTest, AnInterruptOnTheWayIntoTheServerIsNotTheServersWork) {
    costs.thread_switch(900, writer);
    costs.user_instruction(1000, writing_instruction);
    costs.kernel_entered(1100, Entry::page_fault);
    costs.fault_begin(1150, written_address, protected_write);
    costs.thread_switch(1200, l4::pager_thread);
    costs.kernel_entered(1210, Entry::interrupt);
    costs.thread_switch(1220, driver);
    costs.user_instruction(1230, 0xE00100);
    costs.kernel_entered(1250, Entry::ipc);
    costs.thread_switch(1280, l4::pager_thread);
    costs.user_instruction(1300, server_code);
    copy();
    reply();
    ASSERT_EQ(costs.faults().size(), 1u);
    EXPECT_EQ(costs.faults().front().of(Part::interrupts), 90u);
    EXPECT_EQ(costs.faults().front().of(Part::server), 100u + 100u);
    EXPECT_EQ(costs.faults().front().of(Part::copy), 8000u);
    EXPECT_EQ(sum_of_parts(), 9000u);
}

TEST_F(WriteFaultCostsTest, AThreadThatComesBetweenReplyAndRepetitionIsNotTheFaults) {
    fault();
    copy();
    costs.kernel_entered(9500, Entry::ipc);
    costs.thread_switch(9600, driver);
    costs.user_instruction(9700, 0xE00100);
    costs.kernel_entered(9800, Entry::ipc);
    costs.thread_switch(9900, writer);
    costs.user_instruction(10'000, writing_instruction);
    ASSERT_EQ(costs.faults().size(), 1u);
    EXPECT_EQ(costs.faults().front().of(Part::interrupts), 300u);
    EXPECT_EQ(costs.faults().front().of(Part::way_back), 100u);
    EXPECT_EQ(sum_of_parts(), 9000u);
}

TEST_F(WriteFaultCostsTest, CallsOfTheServersAreItsWork) {
    fault();
    copy();
    costs.kernel_entered(9410, Entry::other);
    costs.user_instruction(9440, server_code + 0x90);
    reply();
    ASSERT_EQ(costs.faults().size(), 1u);
    EXPECT_EQ(costs.faults().front().of(Part::server), 200u);
    EXPECT_EQ(sum_of_parts(), 9000u);
}

TEST_F(WriteFaultCostsTest, ACopyForSomebodyElseDoesNotCount) {
    fault();
    costs.page_copied(writer.task() + 1, written_address & ~(l4::page_size - 1));
    reply();
    EXPECT_TRUE(costs.faults().empty());
}

TEST_F(WriteFaultCostsTest, APowerCutEndsIt) {
    fault();
    copy();
    costs.power_cycle();
    reply();
    EXPECT_TRUE(costs.faults().empty());
}

TEST_F(WriteFaultCostsTest, TheTableHasARowAFault) {
    fault();
    copy();
    reply();
    EXPECT_EQ(to_csv(costs.faults()),
              "task,address,begin_cycle,exception,kernel_fault,ipc,server,copy,map,return,interrupts,total\n"
              "16,0x20001234,1000,100,50,300,200,8000,300,50,0,9000\n");
}

} // namespace
} // namespace fixpoint::sim
