// The VGA: registers, palette, and its memory through the window, with the registers of Bochs's extension. What depends on
// the beam is not compared: QEMU's changes with every look.
#include "tests/qtest/subjects/display_adapter.hpp"
#include "tests/qtest/subjects/subjects.hpp"
#include "tests/qtest/subjects/vga_follower.hpp"
#include "tests/qtest/subjects/vga_generator.hpp"

namespace fixpoint::qtest {
namespace {

using namespace vga;

class VgaSubject final : public Subject {
public:
    std::string_view name() const override { return "vga"; }
    uint32_t lines() const override { return 0; }
    std::vector<std::string> emulator_options() const override { return display_adapter(); }
    Steps prologue() const override {
        // A reset leaves QEMU's memory and latches as they were.
        constexpr uint32_t display_memory = 0xE000'0000, bytes_of_planes = 256 << 10;
        constexpr uint32_t colour_and_memory = 0x63, running = 0x03;
        Steps steps = map_display_memory(display_memory);
        steps.push_back({Action::fill_memory, 0, display_memory, bytes_of_planes});
        steps.push_back(out(miscellaneous_write, colour_and_memory));
        steps.push_back(out(sequencer, running << 8 | bits::sequencer_reset, 2));
        steps.push_back(peek(windows_begin)); // the latches
        return steps;
    }
    Steps generate(Random& random) const override { return Generator{random}.run(); }

    std::vector<Features> features(const Steps& steps) const override {
        return follow_steps<Follower>(steps);
    }
};

} // namespace

std::unique_ptr<Subject> make_vga() {
    return std::make_unique<VgaSubject>();
}

} // namespace fixpoint::qtest
