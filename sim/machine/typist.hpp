// Somebody who types on the machine's keyboard what comes from a terminal.
//
// Characters become key presses on a US layout, with Shift, Ctrl and Alt as they need them; so do the escape sequences
// of cursor, editing and function keys (ECMA-48 with xterm's parameters, and the Linux console's). An escape character at
// the end of what type() is given is the Escape key, before another character it is Alt. Unknown sequences and all bytes
// beyond ASCII are left out. Caps Lock is expected to be off.
//
// A character is typed when the keyboard has nothing left to send; all its codes together fit into the keyboard's buffer.
#pragma once

#include "models/chipset/ps2_keyboard.hpp"

#include <deque>
#include <string_view>

namespace fixpoint::sim {

// A key, and what is held down around it.
struct Keystroke {
    models::Key key{};
    bool shift = false, control = false, alt = false;
    bool operator==(const Keystroke&) const = default;
};

class Typist {
public:
    void type(std::string_view bytes);
    [[nodiscard]] const std::deque<Keystroke>& waiting() const { return waiting_; }
    // For a keyboard that is idle.
    void press_next(models::Ps2Keyboard& keyboard);

private:
    // Both return what is left of `bytes`.
    std::string_view type_escape(std::string_view bytes);
    std::string_view type_sequence(std::string_view bytes);

    std::deque<Keystroke> waiting_;
};

} // namespace fixpoint::sim
