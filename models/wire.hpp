// A one-bit signal between two models: an interrupt line, INTR, a gate.
//
// The driver calls set(); the listener connected at assembly hears changes only, at once and in the same call.
#pragma once

#include <functional>
#include <utility>

namespace fixpoint::models {

class Wire {
public:
    using Listener = std::function<void(bool level)>;

    void connect(Listener listener) { listener_ = std::move(listener); }
    void set(bool level) {
        if (level == level_)
            return;
        level_ = level;
        if (listener_)
            listener_(level);
    }
    [[nodiscard]] bool level() const { return level_; }

private:
    Listener listener_;
    bool level_ = false;
};

} // namespace fixpoint::models
