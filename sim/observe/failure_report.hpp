// What a kernel's author wants to read when the guest is lost: where the processor is, how it came there, and what it
// asked for that is not there.
#pragma once

#include "models/cpu/cpu.hpp"
#include "sim/machine/machine_events.hpp"

#include <functional>
#include <optional>
#include <set>
#include <string>

namespace fixpoint::sim {

// The name of the code at a linear address, "function+0x12"; empty where nothing is known.
using NameCode = std::function<std::string(uint32_t linear)>;

class FailureReport {
public:
    // The processor outlives the report. `name_code` may be empty.
    FailureReport(const models::Cpu& cpu, NameCode name_code);

    // "0008:00101234 (function+0x12)": the processor's place now.
    [[nodiscard]] std::string place() const;
    // Everything: the exceptions that led here, the code, registers, the last branches. Ends with a line end.
    [[nodiscard]] std::string processor() const;
    // The chain of exceptions that were raised during one another, the last one delivered: "#PF(0002) at ...".
    [[nodiscard]] std::string exceptions() const;

private:
    [[nodiscard]] std::string named(uint32_t linear) const;
    [[nodiscard]] std::vector<uint8_t> bytes_at(uint32_t linear, size_t most) const;
    [[nodiscard]] std::string code(uint32_t eip) const;
    [[nodiscard]] std::string registers() const;
    [[nodiscard]] std::string stack() const;
    [[nodiscard]] std::string branches() const;

    const models::Cpu& cpu_;
    NameCode name_code_;
};

// Accesses to nothing: kernels probe for devices, so each port and each page of memory is worth one line, and after
// some of them only a count.
class UnclaimedAccesses final : public MachineEvents {
public:
    static constexpr unsigned lines_max = 16;

    // `sink` gets the lines, without their ends. The report outlives this.
    UnclaimedAccesses(const FailureReport& report, std::function<void(const std::string& line)> sink);

    void unclaimed_memory(uint32_t address, unsigned bytes, bool write) override;
    void unclaimed_port(uint16_t port, unsigned bytes, bool write) override;

    // How many places went without a line; none: all had theirs.
    [[nodiscard]] std::optional<std::string> summary() const;

private:
    // True: this place has not been named before, and there is room for another line.
    [[nodiscard]] bool is_new(uint64_t place);

    const FailureReport& report_;
    std::function<void(const std::string& line)> sink_;
    std::set<uint64_t> seen_; // ports, and pages with a mark
};

} // namespace fixpoint::sim
