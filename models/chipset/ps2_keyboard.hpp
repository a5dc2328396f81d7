// A PS/2 keyboard with 101 or 102 keys, behind the keyboard controller.
//
// Source: IBM PS/2 Hardware Interface Technical Reference, 101- and 102-key keyboards. Answers to commands go out
// before key codes; a new command drops what is left of the last one's answer. Key codes wait in a buffer of 16
// bytes: a keystroke that does not fit is lost and an overrun code stands in its place. Keys do not repeat by
// themselves. All keys of set 3 make and break; the commands that choose otherwise are accepted without effect.
#pragma once

#include "models/chipset/byte_queue.hpp"
#include "models/chipset/scan_codes.hpp"
#include "models/time.hpp"

#include <bitset>
#include <cstdint>

namespace fixpoint::models {

class Ps2Keyboard {
public:
    static constexpr size_t buffer_bytes = 16;
    static constexpr uint8_t led_scroll_lock = 1, led_num_lock = 2, led_caps_lock = 4;

    // `instant`: its self-test takes no time.
    explicit Ps2Keyboard(bool instant) : instant_{instant} {}

    // The user's side. Without effect on the guest while the keyboard does not scan its keys.
    void press(Key key);
    void release(Key key);
    [[nodiscard]] uint8_t leds() const { return leds_; }
    // It scans its keys, and everything has been fetched.
    [[nodiscard]] bool is_idle() const { return scans() && !has_byte(); }

    // The controller's side.
    void receive(uint8_t byte);
    [[nodiscard]] bool has_byte() const { return !answers_.empty() || !codes_.empty(); }
    [[nodiscard]] uint8_t front() const { return answers_.empty() ? codes_.front() : answers_.front(); }
    uint8_t take();

    void advance(Picoseconds now);
    [[nodiscard]] Picoseconds next_event() const { return self_test_ends_; }
    void power_cycle(Picoseconds now);
    // Initialised and listening.
    void set_defaults();

private:
    [[nodiscard]] bool scans() const { return scanning_ && self_test_ends_ == never; }
    [[nodiscard]] HeldModifiers held_modifiers() const;
    void send(const ScanCodes& codes);
    void answer(uint8_t byte) { answers_.push(byte); }
    void execute(uint8_t command);
    void take_parameter(uint8_t command, uint8_t parameter);
    void start_self_test();

    const bool instant_;
    Picoseconds now_ = 0, self_test_ends_ = never;
    ByteQueue<4> answers_;
    ByteQueue<buffer_bytes + 1> codes_; // and the overrun code
    bool overrun_ = false;              // the last of them is the overrun code
    std::bitset<key_count> held_;
    bool scanning_ = true;
    ScanCodeSet set_ = ScanCodeSet::set_2;
    uint8_t leds_ = 0;
    uint8_t awaiting_ = 0; // command whose parameter comes next
    uint8_t last_sent_ = 0;
};

} // namespace fixpoint::models
