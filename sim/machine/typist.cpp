#include "sim/machine/typist.hpp"

#include <array>
#include <optional>

namespace fixpoint::sim {
namespace {

using models::Key;

constexpr char escape = 0x1B, delete_character = 0x7F;
constexpr char last_control = 0x1F, control_offset = 0x40; // Ctrl and a letter is the letter less this

constexpr std::array<Key, 26> letters{Key::a, Key::b, Key::c, Key::d, Key::e, Key::f, Key::g, Key::h, Key::i,
                                      Key::j, Key::k, Key::l, Key::m, Key::n, Key::o, Key::p, Key::q, Key::r,
                                      Key::s, Key::t, Key::u, Key::v, Key::w, Key::x, Key::y, Key::z};

struct Symbol {
    char plain, shifted;
    Key key;
};
constexpr Symbol symbols[] = {
    {'`', '~', Key::grave},      {'1', '!', Key::digit_1},      {'2', '@', Key::digit_2},
    {'3', '#', Key::digit_3},    {'4', '$', Key::digit_4},      {'5', '%', Key::digit_5},
    {'6', '^', Key::digit_6},    {'7', '&', Key::digit_7},      {'8', '*', Key::digit_8},
    {'9', '(', Key::digit_9},    {'0', ')', Key::digit_0},      {'-', '_', Key::minus},
    {'=', '+', Key::equals},     {'[', '{', Key::left_bracket}, {']', '}', Key::right_bracket},
    {'\\', '|', Key::backslash}, {';', ':', Key::semicolon},    {'\'', '"', Key::apostrophe},
    {',', '<', Key::comma},      {'.', '>', Key::period},       {'/', '?', Key::slash},
};

std::optional<Keystroke> printable(char c) {
    if (c >= 'a' && c <= 'z')
        return Keystroke{letters[static_cast<size_t>(c - 'a')]};
    if (c >= 'A' && c <= 'Z')
        return Keystroke{.key = letters[static_cast<size_t>(c - 'A')], .shift = true};
    if (c == ' ')
        return Keystroke{Key::space};
    for (const Symbol& symbol : symbols)
        if (c == symbol.plain || c == symbol.shifted)
            return Keystroke{.key = symbol.key, .shift = c == symbol.shifted};
    return std::nullopt;
}

// Nothing for what is not ASCII, and for escape.
std::optional<Keystroke> keystroke_of(char c) {
    switch (c) {
    case '\r':
    case '\n':
        return Keystroke{Key::enter};
    case '\t':
        return Keystroke{Key::tab};
    case '\b':
    case delete_character:
        return Keystroke{Key::backspace};
    case escape:
        return std::nullopt;
    case 0:
        return Keystroke{.key = Key::space, .control = true};
    default:
        break;
    }
    if (c < 0 || c > last_control)
        return printable(c);
    // Letters are lower case on their keys, the four behind them (\ ] ^ _) are there as their keys have them.
    std::optional<Keystroke> stroke = printable(static_cast<char>(c + control_offset));
    if (stroke) {
        stroke->control = true;
        if (c <= 'Z' - control_offset)
            stroke->shift = false;
    }
    return stroke;
}

struct SequenceKey {
    unsigned number;
    Key key;
};
// ESC [ number ~
constexpr SequenceKey numbered[] = {
    {1, Key::home},      {2, Key::insert}, {3, Key::del},  {4, Key::end},  {5, Key::page_up},
    {6, Key::page_down}, {7, Key::home},   {8, Key::end},  {11, Key::f1},  {12, Key::f2},
    {13, Key::f3},       {14, Key::f4},    {15, Key::f5},  {17, Key::f6},  {18, Key::f7},
    {19, Key::f8},       {20, Key::f9},    {21, Key::f10}, {23, Key::f11}, {24, Key::f12},
};

// ESC [ letter, ESC O letter
std::optional<Keystroke> lettered(char final) {
    switch (final) {
    case 'A':
        return Keystroke{Key::up};
    case 'B':
        return Keystroke{Key::down};
    case 'C':
        return Keystroke{Key::right};
    case 'D':
        return Keystroke{Key::left};
    case 'F':
        return Keystroke{Key::end};
    case 'H':
        return Keystroke{Key::home};
    case 'P':
        return Keystroke{Key::f1};
    case 'Q':
        return Keystroke{Key::f2};
    case 'R':
        return Keystroke{Key::f3};
    case 'S':
        return Keystroke{Key::f4};
    case 'Z':
        return Keystroke{.key = Key::tab, .shift = true};
    default:
        return std::nullopt;
    }
}

std::optional<Keystroke> sequence_keystroke(char final, unsigned number) {
    if (final != '~')
        return lettered(final);
    for (const SequenceKey& entry : numbered)
        if (entry.number == number)
            return Keystroke{entry.key};
    return std::nullopt;
}

// The parameter is 1 and these bits.
void add_modifiers(Keystroke& stroke, unsigned parameter) {
    constexpr unsigned shift = 1, alt = 2, control = 4;
    if (parameter == 0)
        return;
    stroke.shift |= ((parameter - 1) & shift) != 0;
    stroke.alt |= ((parameter - 1) & alt) != 0;
    stroke.control |= ((parameter - 1) & control) != 0;
}

} // namespace

void Typist::type(std::string_view bytes) {
    while (!bytes.empty()) {
        const char c = bytes.front();
        bytes.remove_prefix(1);
        if (c == escape)
            bytes = type_escape(bytes);
        else if (const auto stroke = keystroke_of(c))
            waiting_.push_back(*stroke);
    }
}

std::string_view Typist::type_escape(std::string_view bytes) {
    if (bytes.empty() || bytes.front() == escape) {
        waiting_.push_back({Key::escape});
        return bytes;
    }
    if (bytes.size() > 1 && (bytes.front() == '[' || bytes.front() == 'O'))
        return type_sequence(bytes);
    if (auto stroke = keystroke_of(bytes.front())) {
        stroke->alt = true;
        waiting_.push_back(*stroke);
    }
    return bytes.substr(1);
}

std::string_view Typist::type_sequence(std::string_view bytes) {
    const bool from_console = bytes.starts_with("[["); // ESC [ [ A: F1
    bytes.remove_prefix(from_console ? 2 : 1);
    constexpr size_t most_parameters = 2; // number; modifiers
    std::array<unsigned, most_parameters> parameters{};
    size_t index = 0;
    while (!bytes.empty()) {
        const char c = bytes.front();
        bytes.remove_prefix(1);
        if (c >= '0' && c <= '9') {
            if (index < most_parameters)
                parameters[index] = (parameters[index] * 10 + static_cast<unsigned>(c - '0')) % 1000;
        } else if (c == ';') {
            ++index;
        } else if (c >= '@' && c <= '~') { // the final byte
            std::optional<Keystroke> stroke = sequence_keystroke(c, parameters[0]);
            if (from_console)
                stroke = c >= 'A' && c <= 'E'
                             ? std::optional{Keystroke{static_cast<Key>(static_cast<int>(Key::f1) + c - 'A')}}
                             : std::nullopt;
            if (stroke) {
                add_modifiers(*stroke, parameters[1]);
                waiting_.push_back(*stroke);
            }
            break;
        }
    }
    return bytes;
}

void Typist::press_next(models::Ps2Keyboard& keyboard) {
    if (waiting_.empty())
        return;
    const Keystroke stroke = waiting_.front();
    waiting_.pop_front();
    struct Modifier {
        bool held;
        Key key;
    };
    const std::array<Modifier, 3> modifiers{
        {{stroke.control, Key::left_control}, {stroke.alt, Key::left_alt}, {stroke.shift, Key::left_shift}}};
    for (const Modifier& modifier : modifiers)
        if (modifier.held)
            keyboard.press(modifier.key);
    keyboard.press(stroke.key);
    keyboard.release(stroke.key);
    for (size_t i = modifiers.size(); i-- != 0;)
        if (modifiers[i].held)
            keyboard.release(modifiers[i].key);
}

} // namespace fixpoint::sim
