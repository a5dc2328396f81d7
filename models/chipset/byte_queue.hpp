// A queue of at most N bytes, without allocation: what a PS/2 device has to say.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>

namespace fixpoint::models {

template<size_t N>
class ByteQueue {
public:
    [[nodiscard]] size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] size_t room() const { return N - size_; }
    [[nodiscard]] uint8_t front() const {
        assert(!empty());
        return bytes_[first_];
    }

    void push(uint8_t byte) {
        assert(room() != 0);
        bytes_[(first_ + size_++) % N] = byte;
    }
    void push_front(uint8_t byte) {
        assert(room() != 0);
        first_ = (first_ + N - 1) % N;
        bytes_[first_] = byte;
        ++size_;
    }
    uint8_t pop() {
        const uint8_t byte = front();
        first_ = (first_ + 1) % N;
        --size_;
        return byte;
    }
    void clear() { first_ = size_ = 0; }

private:
    std::array<uint8_t, N> bytes_{};
    size_t first_ = 0, size_ = 0;
};

} // namespace fixpoint::models
