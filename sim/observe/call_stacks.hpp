// The guest's call stacks, followed from outside by what its instructions do to ESP.
//
// There are many stacks: of threads, of interrupt handlers, in several address spaces. One runs, the others
// are suspended, known by the physical address that their ESP points to, for that is the same in every
// address space and nothing else stands there:
//
//   call --> a frame is pushed           return --> frames are popped up to that whose slot it returns from
//   fault, interrupt, INT n, SYSENTER, a new ESP --> suspended at its ESP; the running stack is one that was
//   suspended at the new ESP, or a fresh one         (IRET and SYSEXIT end the stack they leave)
//
// A stack has a clock of its own: what was spent while it ran. The cost of a call is the time on that clock
// from call to return, so what an interrupt handler or another thread did meanwhile is not in it. Guests that
// switch stacks in ways not foreseen here lose callers, never costs.
#pragma once

#include "sim/observe/profile_sites.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace fixpoint::sim {

// What the stacks need to know of the machine at a transfer of control.
struct StackView {
    virtual ~StackView() = default;
    // A name for the place that a stack pointer points to, the same whichever address space it is seen from.
    [[nodiscard]] virtual uint64_t place_of(uint32_t stack_pointer) const = 0;
    // The stack pointer of what an interrupt has interrupted, from the frame that it has just pushed.
    [[nodiscard]] virtual uint32_t interrupted_stack_pointer(uint32_t stack_pointer) const = 0;
};

class CallStacks {
public:
    explicit CallStacks(const StackView& view) : view_(view), running_(std::make_unique<Stack>()) {}

    // The cost of what the running stack has done last.
    void spend(const ProfileCost& cost) { running_->clock += cost; }

    struct Step {
        ProfileSite& from;
        uint32_t from_linear, from_stack; // ESP before it
        bool completed;                   // it was retired
        ProfileSite& to;
        uint32_t to_linear, to_stack;
        bool to_is_mapped; // else it will fault when it is fetched
    };
    // Control has gone from one instruction to another, and not simply to the one that stands behind it.
    void transfer(const Step& step);

    // Ends all calls that are still open: at the end, or when all stacks are gone.
    void finish();

private:
    struct Frame {
        ProfileCalls* calls = nullptr;
        uint32_t slot = 0; // of the return address
        ProfileCost begin; // the stack's clock then
    };
    struct Stack {
        std::vector<Frame> frames;
        ProfileCost clock;
        ProfileSite* called_by = nullptr; // a call was interrupted before its first instruction
    };

    void push(ProfileSite& caller, const ProfileSite& callee, uint32_t slot);
    void pop(uint32_t slot);
    void pop_below(uint32_t stack_pointer);
    void close_top();
    static void close(Stack& stack);
    void suspend(uint32_t stack_pointer);
    void enter(const Step& step);
    void interrupted(const Step& step, std::optional<uint32_t> stack_pointer);
    void change_stack(const Step& step);
    [[nodiscard]] bool stays_within(const Step& step) const;

    const StackView& view_;
    std::unique_ptr<Stack> running_;
    std::unordered_map<uint64_t, std::unique_ptr<Stack>> suspended_;
};

} // namespace fixpoint::sim
