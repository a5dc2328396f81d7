#include "kernel-model/devices/interrupt_controller.hpp"

#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/interrupt_table.hpp"

namespace kernel {

constinit InterruptController interrupt_controller;

namespace {

constexpr uint16_t master_command = 0x20, master_data = 0x21, slave_command = 0xA0, slave_data = 0xA1;
constexpr unsigned cascade_line = 2;
constexpr uint8_t initialise_with_icw4 = 0x11, mode_8086 = 0x01, end_of_interrupt = 0x20,
                  read_in_service = 0x0B;

} // namespace

void InterruptController::initialise() {
    cpu::out8(master_command, initialise_with_icw4);
    cpu::out8(master_data, vector_irq0);
    cpu::out8(master_data, 1u << cascade_line);
    cpu::out8(master_data, mode_8086);
    cpu::out8(slave_command, initialise_with_icw4);
    cpu::out8(slave_data, vector_irq0 + 8);
    cpu::out8(slave_data, cascade_line);
    cpu::out8(slave_data, mode_8086);
    masked_ = static_cast<uint16_t>(~(1u << cascade_line));
    cpu::out8(master_data, static_cast<uint8_t>(masked_));
    cpu::out8(slave_data, static_cast<uint8_t>(masked_ >> 8));
}

void InterruptController::mask(unsigned line) {
    masked_ = static_cast<uint16_t>(masked_ | 1u << line);
    if (line < 8)
        cpu::out8(master_data, static_cast<uint8_t>(masked_));
    else
        cpu::out8(slave_data, static_cast<uint8_t>(masked_ >> 8));
}

void InterruptController::unmask(unsigned line) {
    masked_ = static_cast<uint16_t>(masked_ & ~(1u << line));
    if (line < 8)
        cpu::out8(master_data, static_cast<uint8_t>(masked_));
    else
        cpu::out8(slave_data, static_cast<uint8_t>(masked_ >> 8));
}

void InterruptController::acknowledge(unsigned line) {
    if (line >= 8)
        cpu::out8(slave_command, end_of_interrupt);
    cpu::out8(master_command, end_of_interrupt);
}

bool InterruptController::is_spurious(unsigned line) {
    if (line != 7 && line != 15)
        return false;
    const uint16_t command = line == 7 ? master_command : slave_command;
    cpu::out8(command, read_in_service);
    if (cpu::in8(command) & 0x80)
        return false;
    if (line == 15)
        cpu::out8(master_command, end_of_interrupt); // the master has seen a real request of the cascade
    return true;
}

} // namespace kernel
