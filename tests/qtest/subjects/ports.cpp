// Single ports: fast A20 (0x92), the POST code (0x80), the coprocessor error (0xF0). Port 0x92's reset is not asked for.
#include "tests/qtest/subjects/subjects.hpp"

namespace fixpoint::qtest {
namespace {

constexpr uint32_t fast_a20 = 0x92, post_code = 0x80, coprocessor = 0xF0;

class Ports final : public Subject {
public:
    std::string_view name() const override { return "ports"; }
    uint32_t lines() const override { return 1u << 13; }
    Steps prologue() const override { return {out(fast_a20, 2), out(post_code, 0)}; }
    Steps generate(Random& random) const override {
        Steps steps;
        const unsigned count = 3 + random.below(20);
        for (unsigned i = 0; i < count; ++i) {
            const uint32_t port = random.pick({fast_a20, fast_a20, post_code, coprocessor});
            if (random.one_in(2))
                steps.push_back(in(port));
            else
                steps.push_back(out(port, port == fast_a20 ? random.below(2) << 1 : random.below(256)));
        }
        return steps;
    }
};

} // namespace

std::unique_ptr<Subject> make_ports() {
    return std::make_unique<Ports>();
}

} // namespace fixpoint::qtest
