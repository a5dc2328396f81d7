// The two 8237A with their page registers. No device is on a channel: transfers are those that software requests.
#include "models/chipset/dma_controller.hpp"
#include "tests/qtest/subjects/subjects.hpp"

#include <array>
#include <optional>

namespace fixpoint::qtest {
namespace {

enum : uint32_t {
    status = 8,
    command = 8,
    request = 9,
    single_mask = 10,
    mode = 11,
    clear_byte_pointer = 12,
    master_clear = 13,
    clear_masks = 14,
    all_masks = 15
};
constexpr uint32_t sets = 0x04, disable = 0x04, single_mode = 0x40, block_mode = 0x80, cascade_mode = 0xC0,
                   automatic = 0x10;
constexpr uint32_t page_ports[] = {0x87, 0x83, 0x81, 0x82, 0x8F, 0x8B, 0x89, 0x8A}; // by channel
constexpr uint32_t ports_without_channel[] = {0x84, 0x85, 0x86, 0x88, 0x8C, 0x8D, 0x8E};
constexpr uint32_t aliases[] = {0x18, 0x1F, 0x91, 0x93, 0x97, 0x99, 0x9A, 0x9B, 0x9F};

constexpr uint32_t port_of(unsigned controller, uint32_t address) {
    return controller == 0 ? address : 0xC0 + 2 * address;
}

struct Register {
    unsigned controller;
    uint32_t address;
};
std::optional<Register> register_at(uint32_t port) {
    if (port < 0x20)
        return Register{0, port % 16};
    if (port >= 0xC0 && port < 0xE0)
        return Register{1, (port - 0xC0) / 2};
    return std::nullopt;
}

class Generator {
public:
    explicit Generator(Random& random) : random_{random} {}

    Steps run() {
        if (random_.one_in(2))
            open_cascade();
        const unsigned count = 4 + random_.below(30);
        for (unsigned i = 0; i < count; ++i)
            act(random_.below(2));
        return steps_;
    }

private:
    void act(unsigned controller) {
        const uint32_t channel = random_.below(4);
        switch (random_.below(14)) {
        case 0:
        case 1:
            program(controller, channel);
            break;
        case 2:
            read_back(controller, channel);
            break;
        case 3:
            access_channels(controller);
            break;
        case 4:
            mask(controller, channel);
            break;
        case 5:
            steps_.push_back(in(port_of(controller, 8 + random_.below(8))));
            break;
        case 6:
            steps_.push_back(in(port_of(controller, status)));
            break;
        case 7:
        case 8:
            request_by_software(controller, channel);
            break;
        case 9:
            page(4 * controller + channel);
            break;
        case 10:
            put(controller, command, random_.pick({0u, 0u, disable, random_.below(256)}));
            break;
        case 11:
            put(controller, random_.one_in(3) ? master_clear : clear_byte_pointer);
            break;
        case 12:
            open_cascade();
            break;
        default:
            if (random_.one_in(4))
                steps_.push_back(in(random_.one_in(2) ? random_.pick_from(ports_without_channel)
                                                      : random_.pick_from(aliases)));
            break;
        }
    }
    void put(unsigned controller, uint32_t address, uint32_t value = 0) {
        steps_.push_back(out(port_of(controller, address), value & 0xFF));
    }
    // As drivers do it.
    void program(unsigned controller, uint32_t channel) {
        put(controller, single_mask, sets | channel);
        put(controller, clear_byte_pointer);
        const uint32_t kind =
            random_.pick({single_mode, single_mode, block_mode, block_mode, 0u, cascade_mode});
        put(controller, mode, kind | random_.below(16) << 2 | channel);
        for (const uint32_t address : {2 * channel, 2 * channel + 1})
            for (unsigned byte = 0; byte < 2; ++byte)
                put(controller, address, random_.below(256));
        steps_.push_back(out(page_ports[4 * controller + channel], random_.below(256)));
        if (!random_.one_in(4))
            put(controller, single_mask, channel);
    }
    void read_back(unsigned controller, uint32_t channel) {
        put(controller, clear_byte_pointer);
        for (const uint32_t address : {2 * channel, 2 * channel + 1})
            steps_.insert(steps_.end(), 2, in(port_of(controller, address)));
    }
    void request_by_software(unsigned controller, uint32_t channel) {
        if (random_.one_in(2))
            put(controller, mode, block_mode | random_.below(16) << 2 | channel);
        const uint32_t ignored = random_.below(32) << 3;
        put(controller, request, ignored | (random_.one_in(4) ? 0 : sets) | channel);
        if (random_.one_in(2))
            steps_.push_back(in(port_of(controller, status)));
        if (random_.one_in(2))
            read_back(controller, channel);
    }
    void access_channels(unsigned controller) {
        const unsigned count = 1 + random_.below(4);
        for (unsigned i = 0; i < count; ++i) {
            // Words are pairs of registers of the first controller, and both bytes of one of the second.
            const bool word = random_.one_in(6);
            const uint32_t port = port_of(controller, word ? 2 * random_.below(4) : random_.below(8)) +
                                  (word ? 0 : controller * random_.below(2));
            const uint8_t bytes = word ? 2 : 1;
            steps_.push_back(random_.one_in(2) ? in(port, bytes)
                                               : out(port, random_.below(1u << 8 * bytes), bytes));
        }
    }
    void mask(unsigned controller, uint32_t channel) {
        switch (random_.below(4)) {
        case 0:
            return put(controller, clear_masks);
        case 1:
            return put(controller, all_masks, random_.below(256));
        default:
            return put(controller, single_mask, random_.below(2) * sets | channel);
        }
    }
    void page(uint32_t channel) {
        const uint32_t port = page_ports[channel];
        steps_.push_back(random_.one_in(2) ? in(port) : out(port, random_.below(256)));
    }
    void open_cascade() {
        put(1, mode, cascade_mode);
        put(1, single_mask);
    }

    Random& random_;
    Steps steps_;
};

// Follows the steps, to see what QEMU does not do: it serves no request, and takes an address over with its high byte.
class Follower {
public:
    Features follow(const Step& step) {
        Features features;
        if (step.action != Action::read && step.action != Action::write)
            return features;
        for (unsigned i = 0; i < step.bytes; ++i) {
            const std::optional<Register> accessed = register_at(step.address + i);
            if (!accessed)
                continue;
            Controller& controller = controllers_[accessed->controller];
            if (step.action == Action::read)
                read(controller, accessed->address, features);
            else
                write(controller, *accessed, static_cast<uint8_t>(step.value >> 8 * i));
        }
        return features;
    }

private:
    enum : unsigned { low = 1, high = 2 };
    struct Channel {
        uint8_t mode = 0;
        bool half_written = false;             // of the address, the low byte only
        std::array<unsigned, 2> advanced = {}; // bytes of address and count that a transfer has left
    };
    struct Controller {
        std::array<Channel, 4> channels;
        bool high_byte_next = false;
        uint8_t written_requests = 0, requests = 0, terminal_counts = 0;

        unsigned take_byte() {
            high_byte_next = !high_byte_next;
            return high_byte_next ? low : high;
        }
    };

    static void read(Controller& controller, uint32_t address, Features& features) {
        if (address < status) {
            const Channel& channel = controller.channels[address / 2];
            const unsigned byte = controller.take_byte();
            if (channel.advanced[address % 2] & byte)
                features.insert("advanced");
            if (address % 2 == 0 && byte == low && channel.half_written)
                features.insert("half_written");
        } else if (address == status) {
            if (controller.terminal_counts != 0 || controller.requests != controller.written_requests)
                features.insert("served");
            controller.terminal_counts = 0;
        }
    }
    void write(Controller& controller, Register place, uint8_t value) {
        Channel& named = controller.channels[value & 3];
        if (place.address < status) {
            Channel& channel = controller.channels[place.address / 2];
            const unsigned byte = controller.take_byte();
            channel.advanced[place.address % 2] &= ~byte;
            if (byte == high)
                channel.half_written = false;
            else if (place.address % 2 == 0)
                channel.half_written = true;
        } else if (place.address == mode) {
            named.mode = value;
        } else if (place.address == request) {
            const auto bit = static_cast<uint8_t>(1u << (value & 3));
            controller.written_requests = static_cast<uint8_t>(
                value & sets ? controller.written_requests | bit : controller.written_requests & ~bit);
        } else if (place.address == clear_byte_pointer) {
            controller.high_byte_next = false;
        } else if (place.address == master_clear) {
            controller.high_byte_next = false;
            controller.written_requests = controller.terminal_counts = 0;
        }
        chips_.write(offset_of(place), 1, value);
        for (unsigned i = 0; i < controllers_.size(); ++i)
            see_status(i);
    }
    void see_status(unsigned number) {
        Controller& controller = controllers_[number];
        const uint32_t seen = chips_.read(offset_of({number, status}), 1);
        controller.requests = static_cast<uint8_t>(seen >> 4);
        controller.terminal_counts |= static_cast<uint8_t>(seen & 0xF);
        for (unsigned i = 0; i < controller.channels.size(); ++i)
            if (seen >> i & 1 && !(controller.channels[i].mode & automatic))
                controller.channels[i].advanced = {low | high, low | high};
    }
    static uint32_t offset_of(Register place) {
        using Chips = models::DmaControllers;
        return place.controller == 0 ? Chips::first + place.address : Chips::second + 2 * place.address;
    }

    models::DmaControllers chips_;
    std::array<Controller, 2> controllers_;
};

class Dma final : public Subject {
public:
    std::string_view name() const override { return "dma"; }
    uint32_t lines() const override { return 0; }
    Steps prologue() const override {
        Steps steps;
        for (unsigned controller = 0; controller < 2; ++controller) {
            steps.push_back(out(port_of(controller, master_clear), 0));
            for (uint32_t channel = 0; channel < 4; ++channel) {
                steps.push_back(out(port_of(controller, mode), channel));
                for (const uint32_t address : {2 * channel, 2 * channel + 1})
                    steps.insert(steps.end(), 2, out(port_of(controller, address), 0));
                steps.push_back(out(page_ports[4 * controller + channel], 0));
            }
        }
        return steps;
    }
    Steps generate(Random& random) const override { return Generator{random}.run(); }
    std::vector<Features> features(const Steps& steps) const override {
        return follow_steps<Follower>(steps);
    }
};

} // namespace

std::unique_ptr<Subject> make_dma() {
    return std::make_unique<Dma>();
}

} // namespace fixpoint::qtest
