// Tells WriteFaultCosts what the processor does, from its instructions: which are the kernel's, by their addresses, and
// which of its entries and functions begin where, by the symbols of its file. Modelled time does not depend on it.
#pragma once

#include "models/cpu/instruction_observer.hpp"
#include "sim/machine/boot_image.hpp"
#include "sim/machine/machine.hpp"
#include "sim/observe/write_fault_cost.hpp"

#include <cstdint>

namespace fixpoint::sim {

class WriteFaultObserver final : public models::InstructionObserver {
public:
    // Observes from now on. Machine and costs outlive it. Throws BootError if the kernel's file lacks a symbol.
    WriteFaultObserver(Machine& machine, const BootImage& image, WriteFaultCosts& costs);
    ~WriteFaultObserver() override;
    WriteFaultObserver(const WriteFaultObserver&) = delete;
    WriteFaultObserver& operator=(const WriteFaultObserver&) = delete;

    bool before_instruction(uint32_t linear) override;

private:
    [[nodiscard]] WriteFaultCosts::KernelEntry entry_at(uint32_t linear) const;
    [[nodiscard]] bool is_interrupt_entry(uint32_t linear) const {
        return linear >= first_interrupt_ && linear <= last_interrupt_;
    }
    [[nodiscard]] uint32_t top_of_stack() const;

    Machine& machine_;
    WriteFaultCosts& costs_;
    uint32_t page_fault_ = 0, ipc_ = 0, first_interrupt_ = 0, last_interrupt_ = 0, map_fpage_ = 0;
    uint32_t after_mapping_ = 0; // where map_fpage() returns to
    bool in_kernel_ = false;
};

} // namespace fixpoint::sim
