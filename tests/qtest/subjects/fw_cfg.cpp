// QEMU's firmware configuration device without DMA. Only items that both sides have, and such as neither has.
#include "models/chipset/fw_cfg.hpp"
#include "tests/qtest/subjects/subjects.hpp"

namespace fixpoint::qtest {
namespace {

using Configuration = models::FirmwareConfiguration;

constexpr uint32_t selector = 0x510, data = 0x511;
constexpr uint32_t write_channel = 0x4000, nobodys = 0x1F, nobodys_of_board = 0x801F, beyond_all = 0x3FFF;

class Generator {
public:
    explicit Generator(Random& random) : random_{random} {}

    Steps run() {
        const unsigned count = 3 + random_.below(20);
        for (unsigned i = 0; i < count; ++i)
            act();
        return steps_;
    }

private:
    void act() {
        switch (random_.below(6)) {
        case 0: // without the DMA interface, items cannot be written
            steps_.push_back(out(random_.one_in(2) ? selector : data, random_.below(256)));
            break;
        case 1:
        case 2:
            steps_.push_back(out(selector, key(), 2));
            break;
        default:
            for (unsigned left = 1 + random_.below(12); left > 0; --left)
                steps_.push_back(in(random_.one_in(8) ? selector : data));
            break;
        }
    }
    uint32_t key() {
        const uint32_t item =
            random_.pick({uint32_t{Configuration::signature}, uint32_t{Configuration::identification},
                          uint32_t{Configuration::memory_size}, uint32_t{Configuration::processors},
                          uint32_t{Configuration::boot_menu}, uint32_t{Configuration::most_processors},
                          uint32_t{Configuration::timer_override}, nobodys, nobodys_of_board, beyond_all});
        return random_.one_in(4) ? item | write_channel : item;
    }

    Random& random_;
    Steps steps_;
};

class FwCfg final : public Subject {
public:
    std::string_view name() const override { return "fw_cfg"; }
    uint32_t lines() const override { return 0; }
    std::vector<std::string> emulator_options() const override {
        return {"-global", "fw_cfg_io.dma_enabled=off"};
    }
    Steps prologue() const override { return {out(selector, Configuration::signature, 2)}; }
    Steps generate(Random& random) const override { return Generator{random}.run(); }
};

} // namespace

std::unique_ptr<Subject> make_fw_cfg() {
    return std::make_unique<FwCfg>();
}

} // namespace fixpoint::qtest
