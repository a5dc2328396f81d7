#include "models/chipset/dma_controller.hpp"

namespace fixpoint::models {
namespace {

// Addresses of an 8237A behind its channels' registers (0 to 7: address and count in turn).
enum : unsigned {
    status_or_command = 8,
    request = 9,
    single_mask = 10,
    mode = 11,
    clear_byte_pointer = 12,
    clear_all = 13,
    clear_masks = 14,
    all_masks = 15
};

// Registers for a single channel: its number, and a bit that sets or clears.
constexpr uint8_t channel_number = 0x03, sets = 0x04;
constexpr uint8_t controller_disable = 0x04; // of the command
// Of the mode.
constexpr uint8_t automatic_initialisation = 0x10, address_decrement = 0x20;
constexpr uint8_t transfer_mode = 0xC0, block_mode = 0x80, cascade_mode = 0xC0;

constexpr uint8_t with_bit(uint8_t bits, uint8_t value) {
    const auto bit = static_cast<uint8_t>(1u << (value & channel_number));
    return static_cast<uint8_t>(value & sets ? bits | bit : bits & ~bit);
}

} // namespace

bool DmaController::take_byte_pointer() {
    high_byte_next_ = !high_byte_next_;
    return !high_byte_next_;
}

uint8_t DmaController::read(unsigned address) {
    if (address < status_or_command) {
        const uint16_t current = channels_[address / 2].current[address % 2];
        return static_cast<uint8_t>(take_byte_pointer() ? current >> 8 : current);
    }
    if (address == all_masks)
        return masks_;
    if (address != status_or_command)
        return 0;
    const auto status = static_cast<uint8_t>(requests_ << 4 | terminal_counts_);
    terminal_counts_ = 0;
    return status;
}

void DmaController::write(unsigned address, uint8_t value) {
    if (address >= status_or_command)
        return write_command_or_masks(address, value);
    Channel& channel = channels_[address / 2];
    const bool high = take_byte_pointer();
    for (uint16_t* word : {&channel.base[address % 2], &channel.current[address % 2]})
        *word = static_cast<uint16_t>(high ? (*word & 0x00FF) | value << 8 : (*word & 0xFF00) | value);
}

void DmaController::write_command_or_masks(unsigned address, uint8_t value) {
    switch (address) {
    case status_or_command:
        disabled_ = value & controller_disable;
        break;
    case request:
        requests_ = with_bit(requests_, value);
        break;
    case single_mask:
        masks_ = with_bit(masks_, value);
        break;
    case mode:
        channels_[value & channel_number].mode = value;
        break;
    case clear_byte_pointer:
        high_byte_next_ = false;
        break;
    case clear_all:
        master_clear();
        break;
    case clear_masks:
        masks_ = 0;
        break;
    default:
        masks_ = value & all_channels;
        break;
    }
}

void DmaController::master_clear() {
    disabled_ = high_byte_next_ = false;
    requests_ = terminal_counts_ = 0;
    masks_ = all_channels;
}

bool DmaController::passes_on_bus() const {
    return !disabled_ && !(masks_ & 1) && (channels_[0].mode & transfer_mode) == cascade_mode;
}

void DmaController::serve_requests() {
    for (unsigned number = 0; number < channels_.size() && !disabled_; ++number)
        if (requests_ >> number & 1 && (channels_[number].mode & transfer_mode) == block_mode)
            transfer_block(number);
}

void DmaController::transfer_block(unsigned number) {
    Channel& channel = channels_[number];
    auto& [address, count] = channel.current;
    const unsigned transfers = count + 1u;
    address =
        static_cast<uint16_t>(channel.mode & address_decrement ? address - transfers : address + transfers);
    count = 0xFFFF;
    const auto bit = static_cast<uint8_t>(1u << number);
    terminal_counts_ |= bit;
    requests_ &= static_cast<uint8_t>(~bit);
    if (channel.mode & automatic_initialisation)
        channel.current = channel.base;
    else
        masks_ |= bit;
}

uint32_t DmaControllers::read(uint32_t offset, unsigned) {
    if (offset < second)
        return first_.read(offset);
    if (offset < pages)
        return second_.read((offset - second) / 2);
    return pages_[offset - pages];
}

void DmaControllers::write(uint32_t offset, unsigned, uint32_t value) {
    const auto byte = static_cast<uint8_t>(value);
    if (offset < second)
        first_.write(offset, byte);
    else if (offset < pages)
        second_.write((offset - second) / 2, byte);
    else
        pages_[offset - pages] = byte;
    second_.serve_requests();
    if (second_.passes_on_bus())
        first_.serve_requests();
}

void DmaControllers::power_cycle(Picoseconds) {
    first_.power_cycle();
    second_.power_cycle();
    pages_ = {};
}

} // namespace fixpoint::models
