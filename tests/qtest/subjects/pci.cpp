// The configuration space of bus 0: host bridge, ISA bridge, IDE, power management, and devices that are not there.
#include "tests/qtest/subjects/subjects.hpp"

#include <array>

#include <fmt/format.h>

namespace fixpoint::qtest {
namespace {

constexpr uint32_t address_port = 0xCF8, data_port = 0xCFC, enable = 0x8000'0000;

struct Function {
    uint32_t device, function;
};
constexpr Function host_bridge{0, 0}, isa_bridge{1, 0}, ide{1, 1}, power{1, 3};

constexpr uint32_t address_of(Function function, uint32_t field) {
    return enable | function.device << 11 | function.function << 8 | (field & 0xFC);
}

void put(Steps& steps, Function function, uint32_t field, uint32_t value, uint8_t bytes) {
    steps.push_back(out(address_port, address_of(function, field), 4));
    steps.push_back(out(data_port + (field & 3), value, bytes));
}

// Fields of a function that software writes.
struct Field {
    Function function;
    uint32_t address;
    uint8_t bytes;
};
constexpr std::array fields{
    Field{host_bridge, 0x04, 2}, Field{host_bridge, 0x06, 2}, Field{host_bridge, 0x0C, 4},
    Field{host_bridge, 0x59, 1}, Field{host_bridge, 0x5A, 1}, Field{host_bridge, 0x5F, 1},
    Field{isa_bridge, 0x04, 2},  Field{isa_bridge, 0x06, 2},  Field{isa_bridge, 0x60, 1},
    Field{isa_bridge, 0x61, 1},  Field{isa_bridge, 0x62, 1},  Field{isa_bridge, 0x63, 1},
    Field{ide, 0x04, 2},         Field{ide, 0x06, 2},         Field{ide, 0x0C, 4},
    Field{ide, 0x10, 4},         Field{ide, 0x14, 4},         Field{ide, 0x20, 4},
    Field{ide, 0x24, 4},         Field{ide, 0x30, 4},         Field{ide, 0x3C, 1},
    Field{ide, 0x40, 2},         Field{ide, 0x42, 2},         Field{ide, 0x40, 4},
    Field{power, 0x04, 2},       Field{power, 0x06, 2},       Field{power, 0x3C, 1},
    Field{power, 0x3C, 4},       Field{power, 0x40, 4},       Field{power, 0x00, 4},
    Field{power, 0x10, 4},       Field{ide, 0x00, 4},         Field{isa_bridge, 0x08, 4},
};

class Generator {
public:
    explicit Generator(Random& random) : random_{random} {}

    Steps run() {
        const unsigned count = 4 + random_.below(30);
        for (unsigned i = 0; i < count; ++i)
            act();
        return steps_;
    }

private:
    void act() {
        switch (random_.below(6)) {
        case 0:
        case 1:
            write();
            break;
        case 2:
            address();
            break;
        default:
            read();
            break;
        }
    }
    Function any_function() {
        if (random_.one_in(8))
            return {random_.below(32), random_.below(8)};
        return random_.pick({host_bridge, isa_bridge, ide, power});
    }
    void read() {
        const Function function = any_function();
        const uint8_t bytes = random_.pick<uint8_t>({1, 2, 4});
        const uint32_t field = (random_.one_in(3) ? random_.below(256) : random_.below(64)) / bytes * bytes;
        steps_.push_back(out(address_port, address_of(function, field), 4));
        steps_.push_back(in(data_port + (field & 3), bytes));
    }
    void write() {
        const Field field = random_.pick_from(fields);
        const uint32_t value = random_.one_in(2) ? ~0u : random_.word();
        const uint32_t mask = field.bytes == 4 ? ~0u : (1u << 8 * field.bytes) - 1;
        put(steps_, field.function, field.address, value & mask, field.bytes);
        steps_.push_back(in(data_port + (field.address & 3), field.bytes));
    }
    void address() {
        switch (random_.below(4)) {
        case 0: // enable is off
            steps_.push_back(out(address_port, random_.word() & 0xFFFF & ~3u, 4));
            steps_.push_back(in(data_port, 4));
            break;
        case 1: // another bus
            steps_.push_back(out(address_port, enable | (1 + random_.below(255)) << 16, 4));
            steps_.push_back(in(data_port, random_.pick<uint8_t>({1, 2, 4})));
            break;
        case 2:
            steps_.push_back(in(address_port + (random_.one_in(3) ? 1 : 0), 1));
            break;
        default:
            steps_.push_back(in(address_port, 4));
            break;
        }
    }

    Random& random_;
    Steps steps_;
};

class Pci final : public Subject {
public:
    std::string_view name() const override { return "pci"; }
    uint32_t lines() const override { return 0; }
    // What firmware sets, which the models have from the start.
    Steps prologue() const override {
        Steps steps;
        put(steps, host_bridge, 0x59, 0x30, 1);
        for (uint32_t field = 0x5A; field < 0x60; ++field)
            put(steps, host_bridge, field, 0x33, 1);
        put(steps, host_bridge, 0x72, 0x02, 1);
        put(steps, isa_bridge, 0x60, 0x0B0B0A0A, 4);
        put(steps, ide, 0x20, 0xC000, 4);
        put(steps, ide, 0x40, 0x8000'8000, 4);
        put(steps, ide, 0x04, 1, 2);
        put(steps, power, 0x3C, 9, 1);
        put(steps, power, 0x40, 0x601, 4);
        put(steps, power, 0x80, 1, 1);
        put(steps, power, 0x04, 0, 2);
        return steps;
    }
    Steps generate(Random& random) const override { return Generator{random}.run(); }
    unsigned first_bit(const Step& step) const override {
        return step.action == Action::read && step.address >= data_port ? 8 * (step.address - data_port) : 0;
    }

    std::vector<Features> features(const Steps& steps) const override {
        uint32_t address = 0;
        std::vector<Features> all;
        for (const Step& step : steps) {
            Features here;
            if (step.action == Action::write && step.address == address_port)
                address = static_cast<uint32_t>(step.value);
            if (step.action != Action::wait && step.address >= data_port)
                here.insert(fmt::format("register:{:02x}.{:x}+{:02x}", address >> 11 & 31, address >> 8 & 7,
                                        address & 0xFC));
            all.push_back(std::move(here));
        }
        return all;
    }
};

} // namespace

std::unique_ptr<Subject> make_pci() {
    return std::make_unique<Pci>();
}

} // namespace fixpoint::qtest
