// Runs user-level code on the host's own processor: the oracle of the differential tests.
//
// The host process is a 64-bit one; segments of its local descriptor table (modify_ldt) hold 32- and 16-bit code
// that executes at the same linear addresses as in the model. A sequence is entered by returning from a signal
// that never came (rt_sigreturn loads the whole context at once) and left by the signal that its last
// instruction or a fault raises. One instance at a time.
#pragma once

#include "tests/native/native_case.hpp"

#include <array>
#include <csignal>
#include <span>
#include <vector>

namespace fixpoint::native {

class NativeProcessor {
public:
    // Throws std::runtime_error if the host refuses descriptors or addresses.
    explicit NativeProcessor(const LocalTable& table);
    ~NativeProcessor();
    NativeProcessor(const NativeProcessor&) = delete;
    NativeProcessor& operator=(const NativeProcessor&) = delete;

    void set_memory(const MemoryImage& image);
    // The first byte that differs from `image`; image_bytes: none.
    [[nodiscard]] size_t first_difference(const uint8_t* image) const;
    [[nodiscard]] MemoryImage memory() const;
    [[nodiscard]] uint8_t byte(size_t at) const; // of the image
    [[nodiscard]] std::span<const uint8_t> area(size_t index) const {
        return {data_[index], data_areas[index].bytes};
    }

    void run(const Program& program, Outcome& outcome);

private:
    void map_areas();
    void unmap_areas();

    uint8_t* code_ = nullptr;                        // a second, writable view of the code area
    std::array<uint8_t*, data_areas.size()> data_{}; // likewise of the data areas
    std::vector<uint8_t> signal_stack_;
    stack_t old_stack_{};
    std::vector<struct sigaction> old_actions_;
};

} // namespace fixpoint::native
