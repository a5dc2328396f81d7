// The PIIX's two IDE channels with their bus masters and up to four drives; the models follow QEMU's habits
// (AtaErrors::qemu).
//
// Both sides get time to finish after each command and each block (Action::disk_ready), then registers and the interrupt
// lines are looked at.
//
// Not asked for: looks at drives that are at work, or in a reset (QEMU's ends by itself); commands that QEMU has beyond
// the model's (TRIM, WRITE VERIFY, SMART's data); SMART's switches without its key; a geometry without sectors, which
// QEMU divides by; bus masters that run against the command's direction, are written other than bytewise, or are stopped
// while a transfer waits for them.
#include "tests/qtest/subjects/ide_follower.hpp"
#include "tests/qtest/subjects/ide_generator.hpp"
#include "tests/qtest/subjects/subjects.hpp"

namespace fixpoint::qtest {
namespace {

using namespace ide;

void pci_put(Steps& steps, uint32_t field, uint32_t value, uint8_t bytes) {
    steps.push_back(out(0xCF8, 0x8000'0900 | field, 4));
    steps.push_back(out(0xCFC, value, bytes));
}

class Ide final : public Subject {
public:
    explicit Ide(unsigned drives) : drives_{drives} {}

    std::string_view name() const override { return "ide"; }
    uint32_t lines() const override { return 1u << 14 | 1u << 15; }
    unsigned drives() const override { return drives_; }
    bool shows_lines(const Step& step) const override {
        return step.action == Action::disk_ready ||
               (step.action == Action::read &&
                (step.address == port_of(0, command) || step.address == port_of(1, command)));
    }
    Steps prologue() const override { return start().steps; }
    Steps generate(Random& random) const override { return Generator{random, start(), drives_}.run(); }

    // Nobody looks at a channel that is still at work, and a reset ends.
    bool legal(const Steps& steps) const override {
        std::array<bool, channel_count> works{}, in_reset{};
        for (const Step& step : steps) {
            if (step.action == Action::disk_ready) {
                for (unsigned channel = 0; channel < channel_count; ++channel)
                    if (step.address >> channel & 1) {
                        works[channel] = false;
                        if (in_reset[channel])
                            return false;
                    } else if (works[channel]) {
                        return false; // its line would change at any time
                    }
                continue;
            }
            const bool is_write = step.action == Action::write;
            const auto place = place_of(step.address);
            if (!place || (!is_write && step.action != Action::read))
                continue;
            const auto [channel, reg] = *place;
            const bool starts_bus_master = is_write && reg == bm_command && step.value & 1;
            if (is_write && reg == control) {
                works[channel] = works[channel] || in_reset[channel];
                in_reset[channel] = step.value & software_reset;
            } else if (works[channel]) {
                return false;
            } else if (is_write && (reg == command || starts_bus_master)) {
                works[channel] = true;
            }
        }
        return works == std::array<bool, channel_count>{} && in_reset == works;
    }

    std::vector<Features> features(const Steps& steps) const override {
        Follower follower{drives_};
        std::vector<Features> all;
        for (const Step& step : steps)
            all.push_back(follower.follow(step));
        return all;
    }

private:
    Writer start() const {
        Writer writer;
        pci_put(writer.steps, 0x20, ide_bus_master_base, 4);
        pci_put(writer.steps, 0x40, 0x8000'8000, 4);
        pci_put(writer.steps, 0x04, 5, 2);
        for (unsigned channel = 0; channel < channel_count; ++channel) {
            writer.put(channel, device, lba_mode);
            writer.reset(channel);
            for (const unsigned number : {0u, 1u})
                if (has_drive(drives_, channel, number))
                    set_up(writer, channel, number != 0 ? slave : 0);
            writer.put(channel, device, lba_mode);
            writer.put(channel, bm_command, 0);
            writer.put(channel, bm_status, bm_clear);
            writer.get(channel, command);
            writer.steps.push_back({Action::fill_memory, 0, buffer_of(channel), buffer_bytes});
        }
        return writer;
    }
    // Neither a reset of the drive nor of the machine brings QEMU's geometry, transfer mode, blocks and SMART back.
    static void set_up(Writer& writer, unsigned channel, uint32_t selection) {
        constexpr uint32_t ultra_dma_5 = 0x45, most_sectors = 16;
        const auto issue = [&](uint32_t code) {
            writer.put(channel, command, code);
            writer.ready(channel);
        };
        writer.put(channel, device, chs_mode | selection | (heads - 1));
        writer.put(channel, count, sectors_per_track);
        issue(0x91);
        writer.put(channel, device, lba_mode | selection);
        writer.put(channel, feature, 0x03);
        writer.put(channel, count, ultra_dma_5);
        issue(0xEF);
        writer.put(channel, count, most_sectors);
        issue(0xC6);
        writer.put(channel, feature, 0xD8);
        writer.put(channel, lba_mid, 0x4F);
        writer.put(channel, lba_high, 0xC2);
        issue(0xB0);
        writer.put(channel, feature, 0);
    }

    unsigned drives_;
};

} // namespace

// Each channel with both drives, with either, and without any.
std::vector<std::unique_ptr<Subject>> make_ide() {
    std::vector<std::unique_ptr<Subject>> all;
    for (const unsigned drives : {0b0001u, 0b0111u, 0b1000u, 0b1110u, 0b1111u})
        all.push_back(std::make_unique<Ide>(drives));
    return all;
}

} // namespace fixpoint::qtest
