// A local APIC alone, its outputs noted, and its registers by name.
#pragma once

#include "models/chipset/local_apic.hpp"
#include "sim/machine/virtual_wire.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace fixpoint::models {

class LocalApicTest : public testing::Test {
protected:
    enum : uint32_t {
        id = 0x020,
        version = 0x030,
        task_priority = 0x080,
        arbitration_priority = 0x090,
        processor_priority = 0x0A0,
        eoi = 0x0B0,
        remote_read = 0x0C0,
        logical_destination = 0x0D0,
        destination_format = 0x0E0,
        spurious = 0x0F0,
        in_service = 0x100,
        trigger_mode = 0x180,
        request = 0x200,
        error_status = 0x280,
        command_low = 0x300,
        command_high = 0x310,
        lvt_timer = 0x320,
        lvt_thermal = 0x330,
        lvt_performance = 0x340,
        lvt_lint0 = 0x350,
        lvt_lint1 = 0x360,
        lvt_error = 0x370,
        initial_count = 0x380,
        current_count = 0x390,
        divide = 0x3E0,
    };
    static constexpr uint32_t masked = 0x10000;
    static constexpr uint64_t bus_hz = 100'000'000;
    static constexpr Rate bus{bus_hz};

    LocalApicTest() {
        apic.on_nmi = [this] { ++nmis; };
        apic.on_init = [this] { ++inits; };
        apic.on_end_of_interrupt = [this](uint8_t vector) { ends.push_back(vector); };
    }
    uint32_t read(uint32_t offset) { return apic.read(offset, 4); }
    void write(uint32_t offset, uint32_t value) { apic.write(offset, 4, value); }
    void enable() { write(spurious, 0x1FF); }
    bool has(uint32_t set, uint8_t vector) {
        return (read(set + vector / 32u * 0x10) >> vector % 32u & 1) != 0;
    }
    uint32_t errors() {
        write(error_status, 0);
        return read(error_status);
    }
    bool asks() const { return apic.interrupt.level(); }

    LocalApic apic{bus_hz};
    int nmis = 0, inits = 0;
    std::vector<uint8_t> ends;
};

} // namespace fixpoint::models
