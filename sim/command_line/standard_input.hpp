// The program's standard input, read without ever waiting for it.
#pragma once

#include <string_view>

namespace fixpoint::sim {

// A terminal that hands out every key as it is pressed, without echo and line editing, while this lives; Ctrl-C and its
// like still send their signals. It gets its modes back at the end, also if the end is a signal. Standard input that is
// no terminal is left alone. One at a time.
class KeyByKeyTerminal {
public:
    KeyByKeyTerminal();
    ~KeyByKeyTerminal();
    KeyByKeyTerminal(const KeyByKeyTerminal&) = delete;
    KeyByKeyTerminal& operator=(const KeyByKeyTerminal&) = delete;
};

class StandardInput {
public:
    // Hands what has come since to `sink`, if anything has; the end of the input does no harm.
    template<typename Sink>
    void forward(Sink sink) {
        if (const std::string_view bytes = read_available(); !bytes.empty())
            sink(bytes);
    }

private:
    std::string_view read_available();

    bool open_ = true;
    char buffer_[256] = {};
};

} // namespace fixpoint::sim
