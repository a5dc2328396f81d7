#include "models/chipset/system_ports.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace fixpoint::models {
namespace {

class SystemPortsTest : public testing::Test {
protected:
    SystemPortsTest() {
        ports.on_reset = [this] { ++resets; };
        ports.on_a20 = [this](bool on) { a20.push_back(on); };
        ports.on_debug_exit = [this](uint32_t value) { exits.push_back(value); };
        ports.on_debug_output = [this](char c) { console += c; };
    }
    SystemPorts ports;
    int resets = 0;
    std::vector<bool> a20;
    std::vector<uint32_t> exits;
    std::string console;
};

TEST_F(SystemPortsTest, EveryWriteToPort92SetsTheA20Line) {
    EXPECT_EQ(ports.read(SystemPorts::fast_a20, 1), 2u);
    for (const uint32_t value : {2u, 0u, 0u, 2u})
        ports.write(SystemPorts::fast_a20, 1, value);
    EXPECT_EQ(a20, (std::vector<bool>{true, false, false, true}));
    EXPECT_EQ(ports.read(SystemPorts::fast_a20, 1), 2u);
}

TEST_F(SystemPortsTest, PowerOnOpensTheA20Line) {
    ports.write(SystemPorts::fast_a20, 1, 0);
    ports.power_cycle(0);
    EXPECT_EQ(a20, (std::vector<bool>{false, true}));
    EXPECT_EQ(ports.read(SystemPorts::fast_a20, 1), 2u);
}

TEST_F(SystemPortsTest, Port92ResetsOnItsRisingEdge) {
    ports.write(SystemPorts::fast_a20, 1, 0x02);
    EXPECT_EQ(resets, 0);
    ports.write(SystemPorts::fast_a20, 1, 0x03);
    ports.write(SystemPorts::fast_a20, 1, 0x03);
    EXPECT_EQ(resets, 1);
}

TEST_F(SystemPortsTest, ThePostCodeIsKept) {
    ports.write(SystemPorts::post_code, 1, 0x42);
    EXPECT_EQ(ports.last_post_code(), 0x42);
}

TEST_F(SystemPortsTest, DebugExitTakesAllWidths) {
    ports.write(SystemPorts::debug_exit, 1, 0x11);
    ports.write(SystemPorts::debug_exit, 2, 0x2222);
    ports.write(SystemPorts::debug_exit, 4, 0x33333333);
    EXPECT_EQ(exits, (std::vector<uint32_t>{0x11, 0x2222, 0x33333333}));
}

TEST_F(SystemPortsTest, EachPortOfTheDebugExitTakesWhatIsAlignedThere) {
    for (uint32_t port = 0; port < SystemPorts::debug_exit_end - SystemPorts::debug_exit; ++port)
        ports.write(SystemPorts::debug_exit + port, 1, 0x10 + port);
    ports.write(SystemPorts::debug_exit + 1, 2, 0x4444);
    ports.write(SystemPorts::debug_exit + 2, 2, 0x5555);
    EXPECT_EQ(exits, (std::vector<uint32_t>{0x10, 0x11, 0x12, 0x13, 0x5555}));
    EXPECT_EQ(ports.debug_exit_value(), 0x5555u);
}

TEST_F(SystemPortsTest, OnlyTheWholeWordShutsDown) {
    int shutdowns = 0;
    ports.on_shutdown = [&] { ++shutdowns; };
    const auto write = [&](std::string_view text) {
        for (const char letter : text)
            ports.write(SystemPorts::shutdown, 1, static_cast<uint8_t>(letter));
    };
    write("ShutdowShutdow");
    EXPECT_EQ(shutdowns, 0);
    write("nSSShutdown");
    EXPECT_EQ(shutdowns, 2) << "a word may begin anew in the middle of one";
}

TEST_F(SystemPortsTest, TheDebugConsoleIsThereAndPrints) {
    EXPECT_EQ(ports.read(SystemPorts::debug_console, 1), 0xE9u);
    ports.write(SystemPorts::debug_console, 1, 'x');
    EXPECT_EQ(console, "x");
}

// FERR#, IRQ 13 and IGNNE# (PIIX3 data sheet, coprocessor error register).
class CoprocessorError : public SystemPortsTest {
protected:
    CoprocessorError() {
        ports.coprocessor_interrupt.connect([this](bool level) { interrupt.push_back(level); });
        ports.on_ignore_numeric_error = [this](bool level) { ignore.push_back(level); };
    }
    std::vector<bool> interrupt, ignore;
};

TEST_F(CoprocessorError, RaisesTheInterruptUntilPortF0IsWritten) {
    ports.set_numeric_error(true);
    EXPECT_EQ(interrupt, (std::vector<bool>{true}));
    ports.set_numeric_error(false);
    EXPECT_EQ(interrupt, (std::vector<bool>{true})) << "the request is latched";
    ports.write(SystemPorts::coprocessor, 1, 0);
    EXPECT_EQ(interrupt, (std::vector<bool>{true, false}));
    EXPECT_TRUE(ignore.empty()) << "FERR# had gone already";
}
TEST_F(CoprocessorError, PortF0AssertsIgnneUntilFerrGoes) {
    ports.set_numeric_error(true);
    ports.write(SystemPorts::coprocessor, 1, 0);
    EXPECT_EQ(ignore, (std::vector<bool>{true}));
    ports.set_numeric_error(false);
    EXPECT_EQ(ignore, (std::vector<bool>{true, false}));
}
TEST_F(CoprocessorError, PortF0CannotBeRead) {
    EXPECT_EQ(ports.read(SystemPorts::coprocessor, 1), 0xFFu);
}

TEST_F(CoprocessorError, PortF0AloneDoesNothing) {
    ports.write(SystemPorts::coprocessor, 1, 0);
    ports.write(SystemPorts::coprocessor_reset, 1, 0);
    EXPECT_TRUE(interrupt.empty());
    EXPECT_TRUE(ignore.empty());
}

} // namespace
} // namespace fixpoint::models
