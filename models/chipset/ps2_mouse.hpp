// A PS/2 mouse with two or three buttons, and a wheel once it has been asked for, behind the keyboard controller.
//
// Source: IBM PS/2 Hardware Interface Technical Reference, auxiliary device; Microsoft's IntelliMouse for the wheel:
// sample rates of 200, 100 and 80 one after the other make it device 03, whose packets have a fourth byte. Answers and
// movement share a buffer of 16 bytes; what does not fit is lost, but for movement, which adds up until there is room.
// Scaling and sample rate are kept and reported; they change neither movement nor pace.
#pragma once

#include "models/chipset/byte_queue.hpp"
#include "models/time.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>

namespace fixpoint::models {

class Ps2Mouse {
public:
    static constexpr uint8_t left_button = 1, right_button = 2, middle_button = 4;

    // `instant`: its self-test takes no time.
    explicit Ps2Mouse(bool instant) : instant_{instant} {}

    // The user's side: by `dx` to the right and `dy` up, in counts; all buttons that are down now.
    void move(int dx, int dy, uint8_t buttons);

    // The controller's side.
    void receive(uint8_t byte);
    [[nodiscard]] bool has_byte() const { return !bytes_.empty(); }
    uint8_t take();

    void advance(Picoseconds now);
    [[nodiscard]] Picoseconds next_event() const { return self_test_ends_; }
    void power_cycle(Picoseconds now); // its self-test is over by then
    // As it is after its self-test, whose result has been read: an ordinary mouse that reports nothing yet.
    void initialise();

private:
    void answer(std::initializer_list<uint8_t> bytes);
    void execute(uint8_t command);
    void take_parameter(uint8_t command, uint8_t parameter);
    void set_defaults();
    void end_self_test();
    void report();
    void report_movement();
    [[nodiscard]] size_t packet_bytes() const { return identity_ == 0 ? 3 : 4; }
    [[nodiscard]] uint8_t status() const;

    const bool instant_;
    Picoseconds now_ = 0, self_test_ends_ = never;
    ByteQueue<16> bytes_;
    int dx_ = 0, dy_ = 0; // not yet reported
    uint8_t buttons_ = 0, reported_buttons_ = 0;

    uint8_t identity_ = 0;
    bool enabled_ = false, remote_ = false, wrap_ = false, scaling_2_to_1_ = false;
    uint8_t resolution_ = 0, sample_rate_ = 0;
    std::array<uint8_t, 2> rates_before_{}; // the two sample rates before
    uint8_t awaiting_ = 0;                  // command whose parameter comes next
    uint8_t last_sent_ = 0;
};

} // namespace fixpoint::models
