// What the table of known differences may say of a step: what is known of drive and bus master from the accesses.
#pragma once

#include "tests/qtest/subjects/ide_accesses.hpp"

#include <fmt/format.h>

namespace fixpoint::qtest::ide {

class Follower {
public:
    Features follow(const Step& step) {
        if (step.action == Action::write)
            write(step.address, static_cast<uint32_t>(step.value));
        else if (step.action == Action::write_memory)
            region_bytes(step);
        Features here{fmt::format("command:{:#04x}", code_)};
        const auto add = [&](bool holds, const char* name) {
            if (holds)
                here.insert(name);
        };
        add(feature_ == 0x05 && code_ == 0xEF, "power_level");
        add(pio_mode_, "pio_mode");
        add(freeze_lock_, "freeze_lock");
        add(keeps_settings_, "keeps_settings");
        add(was_slave_, "was_slave");
        add(was_reset_, "was_reset");
        add(was_off_, "was_off");
        add(short_table_, "short_table");
        if (code_ == 0xEC && step.action == Action::read && step.address == data)
            here.insert(fmt::format("word:{}", words_++));
        // A command, or a read of the status, ends the interrupt.
        if ((step.action == Action::write || step.action == Action::read) && step.address == command) {
            was_reset_ = false;
            was_slave_ = of_slave_;
            was_off_ = off_;
        }
        return here;
    }

private:
    void write(uint32_t port, uint32_t value) {
        constexpr uint32_t first_dma_mode = 0x10;
        switch (port) {
        case feature:
            feature_ = value;
            break;
        case count:
            sectors_ = value;
            freeze_lock_ = false;
            break;
        case device:
            of_slave_ = value & slave;
            was_slave_ |= of_slave_;
            break;
        case command:
            code_ = value;
            words_ = 0;
            short_table_ = false;
            freeze_lock_ |= code_ == 0xF5;
            if (code_ == 0xEF && (feature_ == 0x66 || feature_ == 0xCC))
                keeps_settings_ = feature_ == 0x66;
            if (code_ == 0xEF && feature_ == 0x03)
                pio_mode_ = sectors_ < first_dma_mode;
            break;
        case control:
            was_reset_ |= value & software_reset;
            short_table_ &= !(value & software_reset);
            off_ = value & interrupt_off;
            was_off_ |= off_;
            break;
        case bm_command:
            if (value & 1)
                short_table_ = table_bytes_ < uint64_t{sectors_} * sector;
            break;
        default:
            break;
        }
    }
    // The second word of a descriptor; a table's first one begins it anew.
    void region_bytes(const Step& step) {
        constexpr uint64_t bytes_mask = 0xFFFE;
        if (step.address == table)
            table_bytes_ = 0;
        if (step.address & 4)
            table_bytes_ += step.value & bytes_mask;
    }

    uint32_t code_ = 0, feature_ = 0, sectors_ = 0;
    unsigned words_ = 0;
    bool of_slave_ = false, was_slave_ = false, was_reset_ = false, off_ = false, was_off_ = false,
         short_table_ = false, pio_mode_ = false, freeze_lock_ = false, keeps_settings_ = false;
    uint64_t table_bytes_ = 0;
};

} // namespace fixpoint::qtest::ide
