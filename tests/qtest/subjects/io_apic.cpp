// The I/O APIC: its registers, its pins, and the messages that it sends (message_memory.hpp says how they are seen).
// Pins 0 and 2 stay as they are: in QEMU the first is the second's line.
#include "models/chipset/io_apic.hpp"
#include "tests/qtest/message_memory.hpp"
#include "tests/qtest/subjects/display_adapter.hpp"
#include "tests/qtest/subjects/subjects.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace fixpoint::qtest {
namespace {

using models::ApicDelivery, models::IoApic;

constexpr uint32_t index_register = IoApic::base, window = IoApic::base + 0x10, image_bytes = 0x100;
constexpr uint32_t reg_id = 0, reg_entries = 0x10;
constexpr uint32_t logical = 0x800, active_low = 0x2000, level = 0x8000, masked = 0x1'0000;
constexpr unsigned delivery_shift = 8, destination_shift = 24;

constexpr bool may_be_level(uint32_t entry) {
    const auto delivery = static_cast<ApicDelivery>(entry >> delivery_shift & 7);
    return delivery == ApicDelivery::fixed || delivery == ApicDelivery::lowest_priority;
}
constexpr bool is_sent_by_model(uint32_t entry) {
    const auto delivery = static_cast<ApicDelivery>(entry >> delivery_shift & 7);
    return delivery != ApicDelivery::system_management && delivery != ApicDelivery::reserved &&
           delivery != ApicDelivery::start_up;
}

constexpr uint8_t destinations[] = {0x00, 0x01, 0x0F, 0xA5, 0xFF};
constexpr uint32_t display_memory = 0xFE00'0000; // with the place of the messages in it
static_assert(MessageMemory::base - display_memory < 16 << 20);

constexpr bool is_used(unsigned pin) {
    return pin != 0 && pin != 2;
}

struct Pin {
    uint32_t low = masked, high = 0;
    bool raised = false;
};

class Generator {
public:
    explicit Generator(Random& random) : random_{random}, careful_{!random.one_in(6)} {}

    Steps run() {
        while (in_use_.empty() || random_.one_in(2))
            choose_pin();
        const unsigned count = 5 + random_.below(40);
        for (unsigned i = 0; i < count; ++i)
            act();
        for (const unsigned number : in_use_)
            read_entry(number);
        return steps_;
    }

private:
    void choose_pin() {
        const unsigned number = random_.below(IoApic::pins);
        if (!is_used(number) || std::find(in_use_.begin(), in_use_.end(), number) != in_use_.end())
            return;
        in_use_.push_back(number);
        program(number);
    }
    void act() {
        const unsigned number = random_.pick_from(in_use_);
        Pin& at = pins_[number];
        switch (random_.below(12)) {
        case 0:
        case 1:
        case 2:
        case 3:
            at.raised = !at.raised;
            steps_.push_back(pin(number, at.raised));
            collect();
            break;
        case 4:
            program(number);
            break;
        case 5:
            set_low(number, at.low ^ masked);
            break;
        case 6:
        case 7:
            steps_.push_back(
                end_of_interrupt(static_cast<uint8_t>(random_.one_in(8) ? random_.below(256) : at.low)));
            collect();
            break;
        case 8:
            if (at.low & level && random_.one_in(2))
                end_by_hand(number);
            else
                set_high(number);
            break;
        case 9:
            other_registers();
            break;
        default:
            read_entry(number);
            break;
        }
    }
    void program(unsigned number) {
        set_low(number, pins_[number].low | masked);
        set_high(number);
        static constexpr uint32_t deliveries[] = {0, 0, 0, 1, 1, 4, 5, 7};
        const uint32_t delivery = careful_ ? random_.pick_from(deliveries) : random_.below(8);
        uint32_t low = delivery << delivery_shift | random_.pick({0x31u, 0x51u, 0x52u, random_.below(256)});
        if (random_.one_in(3))
            low |= logical;
        if (random_.one_in(2) && (may_be_level(low) || !careful_))
            low |= level;
        if (!careful_ && random_.one_in(4))
            low |= active_low;
        if (!careful_ && random_.one_in(4))
            low |= random_.below(0x1000) << 20; // reserved bits
        if (careful_ && pins_[number].raised && (low ^ pins_[number].low) & level) {
            pins_[number].raised = false; // a device that changes its manners is quiet
            steps_.push_back(pin(number, false));
            collect();
        }
        if (random_.one_in(2)) // as drivers do it: masked, then open
            set_low(number, low | masked);
        if (!random_.one_in(6))
            set_low(number, low);
    }
    // What drivers of this version do where no end of interrupt arrives: for a moment the pin is edge-sensitive.
    void end_by_hand(unsigned number) {
        const uint32_t low = pins_[number].low;
        set_low(number, (low | masked) & ~level);
        set_low(number, low | masked);
        set_low(number, low);
    }
    void set_low(unsigned number, uint32_t low) {
        pins_[number].low = low;
        select(reg_entries + 2 * number);
        steps_.push_back(poke(window, low, 4));
        collect();
    }
    void set_high(unsigned number) {
        pins_[number].high = uint32_t{random_.pick_from(destinations)} << destination_shift;
        select(reg_entries + 2 * number + 1);
        steps_.push_back(poke(window, pins_[number].high, 4));
        collect();
    }
    void select(uint32_t number) {
        const uint32_t image = random_.one_in(12) ? random_.below(16) * image_bytes : 0;
        steps_.push_back(poke(index_register + image, number, random_.one_in(4) ? 1 : 4));
    }
    void read_entry(unsigned number) {
        for (const uint32_t half : {0u, 1u}) {
            select(reg_entries + 2 * number + half);
            steps_.push_back(peek(window, 4));
        }
    }
    // Messages of all pins, which are taken away.
    void collect() {
        for (const unsigned number : in_use_) {
            const Pin& at = pins_[number];
            const uint32_t place = MessageMemory::address_of(
                static_cast<uint8_t>(at.high >> destination_shift), (at.low & logical) != 0);
            steps_.push_back(peek(place, 4));
            steps_.push_back(poke(place, 0, 4));
        }
    }
    void other_registers() {
        switch (random_.below(5)) {
        case 0:
            select(reg_id);
            steps_.push_back(poke(window, random_.below(16) << destination_shift, 4));
            break;
        case 1:
            steps_.push_back(peek(index_register, random_.pick<uint8_t>({1, 2, 4})));
            break;
        case 2: // the window has no bytes and no words
            steps_.push_back(random_.one_in(2) ? peek(window, random_.pick<uint8_t>({1, 2}))
                                               : poke(window, random_.word() & 0xFF, 1));
            break;
        case 3:
            steps_.push_back(peek(IoApic::base + random_.pick({0x04u, 0x08u, 0x20u, 0x30u, 0xF0u}), 4));
            break;
        default:
            select(random_.one_in(3) ? random_.below(256) : reg_id + random_.below(3));
            steps_.push_back(peek(window, 4));
            break;
        }
    }

    Random& random_;
    Steps steps_;
    std::array<Pin, IoApic::pins> pins_{};
    std::vector<unsigned> in_use_;
    bool careful_;
};

// Follows the steps, to see where QEMU does otherwise. What it says holds until the end of the sequence.
class Follower {
public:
    bool uses_active_low = false;
    bool sends_more = false;     // a delivery mode that the model does not send
    bool level_of_edges = false; // level-sensitive with a delivery mode that has edges only
    // QEMU keeps a request of its own for each pin: not the pin's level after the trigger mode has changed.
    bool request_differs = false;

    Follower() {
        io_apic_.on_message = [this](const models::ApicMessage& message) {
            messages_.take(message);
            return true;
        };
    }
    // Whether the last message to this place was the 8259's.
    bool is_external(uint32_t place) {
        return static_cast<ApicDelivery>(messages_.read(place - MessageMemory::base, 4) >> delivery_shift &
                                         7) == ApicDelivery::external;
    }
    uint32_t selected() const { return index_; }

    void follow(const Step& step) {
        const auto value = static_cast<uint32_t>(step.value);
        if (step.action == Action::pin)
            change(step.address, step.value != 0);
        else if (step.action == Action::end_of_interrupt)
            io_apic_.end_of_interrupt(static_cast<uint8_t>(value));
        else if (step.action == Action::write_memory && step.address >= MessageMemory::base)
            messages_.write(step.address - MessageMemory::base, step.bytes, value);
        else if (step.action == Action::write_memory)
            write(step.address - IoApic::base, step.bytes, value);
    }

private:
    struct State {
        uint32_t low = masked;
        bool raised = false, requests = false;
    };

    void change(unsigned number, bool raised) {
        State& at = pins_[number];
        at.raised = raised;
        if (at.low & level)
            at.requests = raised;
        io_apic_.set_line(number, raised);
    }
    void write(uint32_t offset, unsigned bytes, uint32_t value) {
        if (offset % image_bytes == 0)
            index_ = static_cast<uint8_t>(value);
        else if (offset % image_bytes == window - IoApic::base && bytes == 4 && index_ >= reg_entries &&
                 index_ < reg_entries + 2 * IoApic::pins && index_ % 2 == 0)
            write_entry(pins_[(index_ - reg_entries) / 2], value);
        io_apic_.write(offset, bytes, value);
    }
    void write_entry(State& at, uint32_t low) {
        at.low = low;
        notice(low);
        if (low & level) {
            request_differs |= at.requests != at.raised;
        } else if (!(low & masked)) {
            request_differs |= at.requests;
            at.requests = false;
        }
    }
    void notice(uint32_t low) {
        if (low & masked)
            return;
        uses_active_low |= (low & active_low) != 0;
        sends_more |= !is_sent_by_model(low);
        level_of_edges |= low & level && !may_be_level(low);
    }

    models::IoApic io_apic_;
    MessageMemory messages_;
    std::array<State, IoApic::pins> pins_{};
    uint32_t index_ = 0;
};

class IoApicSubject final : public Subject {
public:
    std::string_view name() const override { return "io_apic"; }
    uint32_t lines() const override { return 0; }
    std::vector<std::string> emulator_options() const override {
        std::vector<std::string> options = display_adapter();
        options.insert(options.end(), {"-cpu", "qemu32,-apic"});
        return options;
    }
    Steps prologue() const override {
        Steps steps = map_display_memory(display_memory);
        for (unsigned number = 0; number < IoApic::pins; ++number)
            if (is_used(number))
                steps.push_back(pin(number, false));
        for (const uint8_t destination : destinations)
            for (const bool by_set : {false, true})
                steps.push_back(poke(MessageMemory::address_of(destination, by_set), 0, 4));
        return steps;
    }
    Steps generate(Random& random) const override { return Generator{random}.run(); }

    std::vector<Features> features(const Steps& steps) const override {
        Follower follower;
        std::vector<Features> all;
        for (const Step& step : steps) {
            follower.follow(step);
            Features here;
            const auto insert = [&here](bool holds, const char* name) {
                if (holds)
                    here.insert(name);
            };
            insert(step.address >= MessageMemory::base, "message");
            insert(step.address < MessageMemory::base && step.address % image_bytes == window % image_bytes,
                   "window");
            insert(follower.uses_active_low, "active_low");
            insert(follower.sends_more, "sends_more");
            insert(follower.level_of_edges, "level_of_edges");
            insert(follower.request_differs, "request_differs");
            insert(here.contains("message") && follower.is_external(step.address), "external");
            here.insert(fmt::format("register:{:#x}", follower.selected()));
            all.push_back(std::move(here));
        }
        return all;
    }
};

} // namespace

std::unique_ptr<Subject> make_io_apic() {
    return std::make_unique<IoApicSubject>();
}

} // namespace fixpoint::qtest
