// The three processors that run images, behind one interface.
#pragma once

#include "tests/differential/case.hpp"
#include "tests/differential/guest/layout.hpp"

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace differential {

// The guest programs, as the build leaves them.
struct GuestFiles {
    std::filesystem::path driver, boot_rom;
};

struct Change {
    uint32_t offset, value;
    bool operator==(const Change&) const = default;
};

// What happened in one case; verbose mode.
struct Result {
    Outcome outcome{};
    std::vector<Change> changes; // the first listed_changes
    bool hung = false;           // the image went silent in this case
};

class Processor {
public:
    virtual ~Processor() = default;
    [[nodiscard]] virtual std::string name() const = 0;
    // Whether its digests are compared leniently (layout.hpp).
    [[nodiscard]] virtual bool lenient() const { return false; }

    // A case that hangs or crashes the processor gets hang_digest (or Result::hung), and the image goes on
    // with the next.
    // `skipped`: not run; their items are empty.
    std::vector<Digests> digests(const std::vector<Case>& cases, const std::vector<bool>& skipped);
    std::vector<Result> results(const std::vector<Case>& cases, const std::vector<bool>& skipped);

    [[nodiscard]] unsigned hangs() const { return hangs_; } // cases that ended so

    static constexpr uint32_t hang_digest = 0xDEAD'0004;

protected:
    // Boots an image with this module; returns what came over the serial line until it ended or went silent.
    virtual std::vector<uint8_t> run(const std::vector<uint8_t>& module) = 0;

private:
    unsigned hangs_ = 0;

    template<class Item>
    std::vector<Item> collect(const std::vector<Case>& cases, const std::vector<bool>& skipped);
};

std::unique_ptr<Processor> make_model(const GuestFiles& files);
// Null where the emulator is not installed.
std::unique_ptr<Processor> make_qemu(const GuestFiles& files);
std::unique_ptr<Processor> make_bochs(const GuestFiles& files);

} // namespace differential
