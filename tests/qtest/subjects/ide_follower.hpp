// What the table of known differences may say of a step: what is known of drives and bus masters from the accesses.
#pragma once

#include "tests/qtest/subjects/ide_accesses.hpp"

#include <fmt/format.h>

namespace fixpoint::qtest::ide {

class Follower {
public:
    explicit Follower(unsigned drives) : drives_{drives} {}

    Features follow(const Step& step) {
        if (step.action == Action::disk_ready)
            return features_of_wait(step.address);
        if (step.action != Action::write && step.action != Action::read)
            return {};
        const auto place = place_of(step.address);
        if (!place)
            return {};
        Channel& channel = channels_[place->channel];
        if (step.action == Action::write)
            write(channel, place->reg, static_cast<uint32_t>(step.value));
        Features here = features_of(place->channel);
        here.insert(register_name(place->reg));
        if (place->reg >= bm_command)
            here.insert("bus_master");
        if (channel.shows_high_order)
            here.insert("high_order");
        if (channel.code == identify && step.action == Action::read && place->reg == data)
            here.insert(fmt::format("word:{}", channel.words++));
        return here;
    }

private:
    static constexpr uint32_t identify = 0xEC, smart = 0xB0, smart_enable = 0xD8, smart_disable = 0xD9;

    struct Channel {
        uint32_t code = 0, feature = 0;
        unsigned words = 0, selected = 0;
        bool shows_high_order = false;
        std::array<bool, 2> smart_off{}; // of each device
    };

    static std::string register_name(uint32_t reg) {
        constexpr std::array<const char*, control + 1> names{
            "data", "error", "count", "lba_low", "lba_mid", "lba_high", "device", "status", "control"};
        return reg < names.size() ? names[reg] : fmt::format("bus_master+{}", reg - bm_command);
    }
    Features features_of(unsigned number) const {
        const Channel& channel = channels_[number];
        Features here{fmt::format("command:{:#04x}", channel.code)};
        const bool present = has_drive(drives_, number, channel.selected);
        if (!present && channel.selected == 0)
            here.insert("absent_master");
        if (!present && channel.selected == 1 && has_drive(drives_, number, 0))
            here.insert("absent_slave");
        if (channel.smart_off[channel.selected])
            here.insert("smart_off");
        return here;
    }
    Features features_of_wait(uint32_t channels) const {
        Features here;
        for (unsigned number = 0; number < channel_count; ++number)
            if (channels >> number & 1)
                here.merge(features_of(number));
        return here;
    }
    static void write(Channel& channel, uint32_t reg, uint32_t value) {
        if (reg < control)
            channel.shows_high_order = false;
        switch (reg) {
        case feature:
            channel.feature = value;
            break;
        case device:
            channel.selected = value & slave ? 1 : 0;
            break;
        case command:
            channel.code = value;
            channel.words = 0;
            if (value == smart && (channel.feature == smart_enable || channel.feature == smart_disable))
                channel.smart_off[channel.selected] = channel.feature == smart_disable;
            break;
        case control:
            channel.shows_high_order = value & high_order_byte;
            break;
        default:
            break;
        }
    }

    unsigned drives_;
    std::array<Channel, channel_count> channels_;
};

} // namespace fixpoint::qtest::ide
