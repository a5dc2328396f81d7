// A drive on the PIIX's first IDE channel, as device 0, with the bus master; the models follow QEMU's habits
// (AtaErrors::qemu).
//
// Both sides get time to finish after each command and each block (Action::disk_ready), then registers and the interrupt
// line are looked at.
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
    std::string_view name() const override { return "ide"; }
    uint32_t lines() const override { return 1u << 14 | 1u << 15; }
    bool needs_disk() const override { return true; }
    bool shows_lines(const Step& step) const override {
        return step.action == Action::disk_ready || (step.action == Action::read && step.address == command);
    }
    Steps prologue() const override { return start().steps; }
    Steps generate(Random& random) const override { return Generator{random, start()}.run(); }

    // Nobody looks at a drive that is still at work, and a reset ends.
    bool legal(const Steps& steps) const override {
        bool works = false, in_reset = false;
        for (const Step& step : steps) {
            const bool is_write = step.action == Action::write;
            if (step.action == Action::disk_ready) {
                works = false;
                if (in_reset)
                    return false;
            } else if (is_write && step.address == control) {
                works |= in_reset;
                in_reset = step.value & software_reset;
            } else if (works && (is_write || step.action == Action::read)) {
                return false;
            } else if (is_write && step.address == command) {
                works = true;
            } else if (is_write && step.address == bm_command) {
                works = step.value & 1;
            }
        }
        return !works && !in_reset;
    }

    std::vector<Features> features(const Steps& steps) const override {
        Follower follower;
        std::vector<Features> all;
        for (const Step& step : steps)
            all.push_back(follower.follow(step));
        return all;
    }

private:
    static Writer start() {
        Writer writer;
        pci_put(writer.steps, 0x20, ide_bus_master_base, 4);
        pci_put(writer.steps, 0x40, 0x8000'8000, 4);
        pci_put(writer.steps, 0x04, 5, 2);
        writer.steps.push_back(out(device, lba_mode));
        writer.reset();
        // Neither a reset of the drive nor of the machine brings QEMU's geometry, transfer mode and blocks back.
        writer.steps.push_back(out(device, chs_mode | (heads - 1)));
        writer.steps.push_back(out(count, sectors_per_track));
        writer.steps.push_back(out(command, 0x91));
        writer.ready();
        writer.steps.push_back(out(device, lba_mode));
        writer.steps.push_back(out(feature, 0x03));
        writer.steps.push_back(out(count, 0x45)); // Ultra DMA 5
        writer.steps.push_back(out(command, 0xEF));
        writer.ready();
        writer.steps.push_back(out(count, 16));
        writer.steps.push_back(out(command, 0xC6));
        writer.ready();
        writer.steps.push_back(out(bm_command, 0));
        writer.steps.push_back(out(bm_status, 0x66));
        writer.steps.push_back(in(command));
        writer.steps.push_back({Action::fill_memory, 0, buffer, buffer_bytes});
        return writer;
    }
};

} // namespace

std::unique_ptr<Subject> make_ide() {
    return std::make_unique<Ide>();
}

} // namespace fixpoint::qtest
