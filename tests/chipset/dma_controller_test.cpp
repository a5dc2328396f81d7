#include "models/chipset/dma_controller.hpp"

#include <gtest/gtest.h>

namespace fixpoint::models {
namespace {

constexpr uint32_t command = 8, status = 8, request = 9, single_mask = 10, mode = 11, clear_byte_pointer = 12,
                   master_clear = 13, temporary = 13, clear_masks = 14, all_masks = 15;
constexpr uint32_t cascade = 0xC0, block = 0x80, decrement = 0x20, automatic = 0x10, single_mode = 0x40,
                   write_memory = 0x04;
constexpr uint32_t disable = 0x04, set = 0x04;

class DmaControllerTest : public testing::Test {
protected:
    uint32_t read(uint32_t address) { return dma.read(DmaControllers::first + address, 1); }
    void write(uint32_t address, uint32_t value) { dma.write(DmaControllers::first + address, 1, value); }
    uint32_t read_second(uint32_t address) { return dma.read(DmaControllers::second + 2 * address, 1); }
    void write_second(uint32_t address, uint32_t value) {
        dma.write(DmaControllers::second + 2 * address, 1, value);
    }
    uint32_t read_word(uint32_t address) {
        const uint32_t low = read(address);
        return low | read(address) << 8;
    }
    void write_word(uint32_t address, uint32_t value) {
        write(address, value & 0xFF);
        write(address, value >> 8);
    }
    void open_cascade() {
        write_second(mode, cascade);
        write_second(single_mask, 0);
    }
    void program(uint32_t channel, uint32_t channel_mode, uint32_t address, uint32_t count) {
        write(clear_byte_pointer, 0);
        write(mode, channel_mode | channel);
        write_word(2 * channel, address);
        write_word(2 * channel + 1, count);
    }
    DmaControllers dma;
};

TEST_F(DmaControllerTest, AddressAndCountAreAccessedByteByByte) {
    write_word(0, 0x1234);
    write_word(1, 0x5678);
    write_word(6, 0x9ABC);
    EXPECT_EQ(read_word(0), 0x1234u);
    EXPECT_EQ(read_word(1), 0x5678u);
    EXPECT_EQ(read_word(6), 0x9ABCu);
}

TEST_F(DmaControllerTest, AllChannelsOfAControllerShareTheBytePointer) {
    write_word(0, 0x1234);
    write_word(3, 0x5678);
    EXPECT_EQ(read(0), 0x34u);
    EXPECT_EQ(read(3), 0x56u);
    EXPECT_EQ(read_second(0), 0u) << "the second controller has its own";
    EXPECT_EQ(read(0), 0x34u);
    write(clear_byte_pointer, 0xFF);
    EXPECT_EQ(read(0), 0x34u);
}

TEST_F(DmaControllerTest, AByteWrittenIsSeenAtOnce) {
    write_word(4, 0x1234);
    write(4, 0x99);
    write(clear_byte_pointer, 0);
    EXPECT_EQ(read_word(4), 0x1299u);
}

TEST_F(DmaControllerTest, MasksAreSetAfterPowerOnAndChangedOneByOneOrTogether) {
    EXPECT_EQ(read(all_masks), 0x0Fu);
    write(single_mask, 2);
    EXPECT_EQ(read(all_masks), 0x0Bu);
    write(single_mask, set | 2);
    EXPECT_EQ(read(all_masks), 0x0Fu);
    write(clear_masks, 0);
    EXPECT_EQ(read(all_masks), 0x00u);
    write(all_masks, 0xF6);
    EXPECT_EQ(read(all_masks), 0x06u) << "there are four";
}

TEST_F(DmaControllerTest, MasterClearLeavesAddressesCountsAndModes) {
    program(1, block, 0x1234, 0x0002);
    write(command, disable);
    write(clear_masks, 0);
    write(request, set | 1);
    write(0, 0);
    write(master_clear, 0);
    EXPECT_EQ(read(status), 0u);
    EXPECT_EQ(read(all_masks), 0x0Fu);
    EXPECT_EQ(read_word(2), 0x1234u);
    open_cascade();
    write(request, set | 1);
    EXPECT_EQ(read(status), 0x02u) << "still in block mode, and not disabled any more";
}

TEST_F(DmaControllerTest, ASoftwareRequestDoesAWholeBlock) {
    open_cascade();
    program(1, block | write_memory, 0x1000, 0x00FF);
    write(request, set | 1);
    EXPECT_EQ(read(status), 0x02u) << "terminal count, and nothing is requested any more";
    EXPECT_EQ(read(status), 0x00u) << "reading clears it";
    EXPECT_EQ(read_word(2), 0x1100u);
    EXPECT_EQ(read_word(3), 0xFFFFu);
    EXPECT_EQ(read(temporary), 0u);
}

TEST_F(DmaControllerTest, AddressesCanDescendAndWrapAround) {
    open_cascade();
    program(2, block | decrement, 0x0010, 0x001F);
    write(request, set | 2);
    EXPECT_EQ(read_word(4), 0xFFF0u);
}

TEST_F(DmaControllerTest, TerminalCountMasksTheChannel) {
    open_cascade();
    program(3, block, 0, 0);
    write(clear_masks, 0);
    write(request, set | 3);
    EXPECT_EQ(read(all_masks), 0x08u);
}

TEST_F(DmaControllerTest, AutomaticInitialisationLoadsAddressAndCountAgain) {
    open_cascade();
    program(3, block | automatic, 0x2000, 0x0010);
    write(clear_masks, 0);
    write(request, set | 3);
    EXPECT_EQ(read(status), 0x08u) << "the block is done once";
    EXPECT_EQ(read_word(6), 0x2000u);
    EXPECT_EQ(read_word(7), 0x0010u);
    EXPECT_EQ(read(all_masks), 0x00u);
}

TEST_F(DmaControllerTest, ASoftwareRequestIsNotMasked) {
    open_cascade();
    program(1, block, 0, 0);
    write(all_masks, 0x0F);
    write(request, set | 1);
    EXPECT_EQ(read(status), 0x02u);
}

TEST_F(DmaControllerTest, ARequestWaitsForBlockMode) {
    open_cascade();
    program(1, single_mode, 0x1000, 0x0003);
    write(request, set | 1);
    EXPECT_EQ(read(status), 0x20u);
    write(mode, block | 1);
    EXPECT_EQ(read(status), 0x02u);
}

TEST_F(DmaControllerTest, ARequestWaitsForItsController) {
    open_cascade();
    write(command, disable);
    program(1, block, 0x1000, 0x0003);
    write(request, set | 1);
    EXPECT_EQ(read(status), 0x20u);
    write(command, 0);
    EXPECT_EQ(read(status), 0x02u);
}

TEST_F(DmaControllerTest, ARequestCanBeWithdrawn) {
    program(1, block, 0x1000, 0x0003);
    write(request, set | 1);
    write(request, 1);
    open_cascade();
    EXPECT_EQ(read(status), 0u);
    EXPECT_EQ(read_word(2), 0x1000u);
}

TEST_F(DmaControllerTest, TheFirstControllerNeedsTheCascade) {
    program(1, block, 0x1000, 0x0003);
    write(request, set | 1);
    EXPECT_EQ(read(status), 0x20u) << "channel 4 is masked, and not in cascade mode";
    write_second(mode, cascade);
    EXPECT_EQ(read(status), 0x20u);
    write_second(single_mask, 0);
    EXPECT_EQ(read(status), 0x02u);
}

TEST_F(DmaControllerTest, TheSecondControllerServesItself) {
    write_second(mode, block | 1); // channel 5
    write_second(2, 0x00);
    write_second(2, 0x40);
    write_second(3, 0x07);
    write_second(3, 0x00);
    write_second(request, set | 1);
    EXPECT_EQ(read_second(status), 0x02u);
    EXPECT_EQ(read_second(2), 0x08u) << "the address is one of words";
    EXPECT_EQ(read_second(2), 0x40u);
    EXPECT_EQ(read(status), 0u);
}

TEST_F(DmaControllerTest, TheSecondControllerDoesNotDecodeA0) {
    dma.write(DmaControllers::second + 0x1F, 1, 0x05);
    EXPECT_EQ(dma.read(DmaControllers::second + 0x1E, 1), 0x05u);
    dma.write(DmaControllers::second + 0x00, 1, 0x34); // OUT 0C0h, AX
    dma.write(DmaControllers::second + 0x01, 1, 0x12);
    EXPECT_EQ(read_second(0), 0x34u);
    EXPECT_EQ(read_second(0), 0x12u);
}

TEST_F(DmaControllerTest, PageRegistersKeepWhatIsWrittenAlsoThoseOfNoChannel) {
    for (uint32_t i = 0; i < 16; ++i)
        dma.write(DmaControllers::pages + i, 1, 0xA0 + i);
    for (uint32_t i = 0; i < 16; ++i)
        EXPECT_EQ(dma.read(DmaControllers::pages + i, 1), 0xA0 + i);
    dma.power_cycle(0);
    EXPECT_EQ(dma.read(DmaControllers::pages + 7, 1), 0u);
}

TEST_F(DmaControllerTest, WhatCannotBeReadGives0) {
    for (const uint32_t address : {request, single_mask, mode, clear_byte_pointer, temporary, clear_masks})
        EXPECT_EQ(read(address), 0u);
}

} // namespace
} // namespace fixpoint::models
