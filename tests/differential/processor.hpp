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

// What a processor's images have cost so far.
struct Account {
    uint64_t images = 0, cases = 0, hangs = 0;
    double seconds = 0, in_hangs = 0; // of processor time; `in_hangs`: of images that ended in one
    Account& operator+=(const Account& other);
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
    virtual std::vector<Digests> digests(const std::vector<Case>& cases, const std::vector<bool>& skipped);
    virtual std::vector<Result> results(const std::vector<Case>& cases, const std::vector<bool>& skipped,
                                        double patience_seconds);

    [[nodiscard]] const Account& of_digests() const { return of_digests_; }
    [[nodiscard]] const Account& of_results() const { return of_results_; }

    static constexpr uint32_t hang_digest = 0xDEAD'0004;
    // An image that reports nothing for so much of its processor's time hangs: a case takes some microseconds. Where a
    // hang would be a failure, it is waited for longer.
    static constexpr double brief_patience_seconds = 0.3, long_patience_seconds = 2;

protected:
    struct Run {
        std::vector<uint8_t> output; // what came over the serial line
        double seconds;              // of processor time
    };
    // Boots an image with this module and runs it until it ends or is silent for so many seconds of processor time.
    virtual Run run(const std::vector<uint8_t>& module, double patience_seconds) = 0;

private:
    Account of_digests_, of_results_;

    template<class Item>
    std::vector<Item> collect(const std::vector<Case>& cases, const std::vector<bool>& skipped,
                              double patience_seconds, Account& account);
};

std::unique_ptr<Processor> make_model(const GuestFiles& files);
// The model with a defect of this name planted into what it reports (canary); std::invalid_argument if there is none.
std::unique_ptr<Processor> make_defective_model(const GuestFiles& files, const std::string& defect);
// Null where the emulator is not installed.
std::unique_ptr<Processor> make_qemu(const GuestFiles& files);
std::unique_ptr<Processor> make_bochs(const GuestFiles& files);

} // namespace differential
