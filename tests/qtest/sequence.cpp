#include "tests/qtest/sequence.hpp"

#include "tests/qtest/key_names.hpp"

#include <fmt/format.h>

namespace fixpoint::qtest {
namespace {

char width_letter(unsigned bytes) {
    return bytes == 1 ? 'b' : bytes == 2 ? 'w' : 'l';
}

} // namespace

std::string describe(const Step& step) {
    switch (step.action) {
    case Action::read:
        return fmt::format("in{} {:#x}", width_letter(step.bytes), step.address);
    case Action::write:
        return fmt::format("out{} {:#x} {:#x}", width_letter(step.bytes), step.address, step.value);
    case Action::wait:
        return fmt::format("wait until {} ns", step.value);
    case Action::line:
        return fmt::format("line {} {}", step.address, step.value != 0 ? "high" : "low");
    case Action::pin:
        return fmt::format("I/O APIC pin {} {}", step.address, step.value != 0 ? "high" : "low");
    case Action::read_memory:
        return fmt::format("read{} {:#x}", width_letter(step.bytes), step.address);
    case Action::write_memory:
        return fmt::format("write{} {:#x} {:#x}", width_letter(step.bytes), step.address, step.value);
    case Action::key:
        return fmt::format("key {} {}", key_name(step.address), step.value != 0 ? "down" : "up");
    case Action::end_of_interrupt:
        return fmt::format("end of interrupt {:#x}", step.value);
    case Action::fill_memory:
        return fmt::format("memory {:#x}, {} bytes := {:#x}", step.address, step.value, step.bytes);
    case Action::sum_memory:
        return fmt::format("sum of {} bytes at {:#x}", step.value, step.address);
    case Action::disk_ready:
        break;
    }
    return fmt::format("IDE channels {:#b} ready, wait until {} ns", step.address, step.value);
}

Features plain_features(const Step& step) {
    const auto port = fmt::format("port:{:#x}", step.address), bytes = fmt::format("bytes:{}", step.bytes);
    switch (step.action) {
    case Action::read:
        return {"read", port, bytes};
    case Action::write:
        return {"write", port, bytes};
    case Action::wait:
        return {"wait"};
    case Action::line:
        return {"line"};
    case Action::disk_ready:
        return {"disk_ready"};
    case Action::pin:
        return {"pin"};
    case Action::key:
        return {"key", fmt::format("key:{}", key_name(step.address))};
    case Action::end_of_interrupt:
        return {"end_of_interrupt"};
    case Action::read_memory:
        return {"memory", "read", fmt::format("address:{:#x}", step.address), bytes};
    default:
        return {"memory"};
    }
}

} // namespace fixpoint::qtest
