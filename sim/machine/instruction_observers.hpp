// All who listen to every instruction; the processor knows one listener at most.
#pragma once

#include "models/cpu/instruction_observer.hpp"

#include <cstdint>
#include <vector>

namespace fixpoint::sim {

class InstructionObservers final : public models::InstructionObserver {
public:
    void add(models::InstructionObserver& observer) {
        remove(observer);
        all_.push_back(&observer);
    }
    void remove(models::InstructionObserver& observer) { std::erase(all_, &observer); }
    // Null: nobody listens.
    [[nodiscard]] models::InstructionObserver* listener() {
        return all_.empty() ? nullptr : all_.size() == 1 ? all_.front() : this;
    }
    bool before_instruction(uint32_t linear) override {
        bool goes_on = true;
        for (models::InstructionObserver* observer : all_)
            goes_on &= observer->before_instruction(linear);
        return goes_on;
    }

private:
    std::vector<models::InstructionObserver*> all_;
};

} // namespace fixpoint::sim
