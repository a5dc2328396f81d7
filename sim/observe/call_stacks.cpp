#include "sim/observe/call_stacks.hpp"

#include <algorithm>
#include <utility>

namespace fixpoint::sim {
namespace {

// Stacks that nobody comes back to are forgotten when there are this many.
constexpr size_t most_suspended = 1 << 16;

} // namespace

void CallStacks::transfer(const Step& step) {
    if (step.to_linear == step.from_linear && step.to_stack == step.from_stack)
        return; // another iteration
    if (!step.completed)
        return interrupted(step, step.from_stack);
    const ControlFlow& flow = step.from.flow;
    switch (flow.kind) {
    case FlowKind::plain:
        if (step.to_linear != step.from_linear + flow.bytes)
            interrupted(step, std::nullopt);
        return;
    case FlowKind::jump:
        if (step.to_stack != step.from_stack)
            interrupted(step, step.from_stack);
        return;
    case FlowKind::call: {
        const uint32_t slot = step.from_stack - flow.address_bytes;
        if (step.to_stack == slot && step.to_is_mapped)
            return push(step.from, step.to, slot);
        running_->called_by = &step.from; // what is called shows when the interrupt or the page fault is over
        if (step.to_stack != slot)
            interrupted(step, slot);
        return;
    }
    case FlowKind::near_return: {
        pop(step.from_stack);
        const uint32_t after = step.from_stack + flow.address_bytes + flow.released;
        if (step.to_stack != after)
            interrupted(step, after);
        return;
    }
    case FlowKind::stack_change:
        return change_stack(step);
    case FlowKind::kernel_entry:
        if (step.to_stack == step.from_stack)
            return; // a far jump
        suspend(step.from_stack);
        return enter(step);
    case FlowKind::kernel_exit:
        if (stays_within(step) && !suspended_.contains(view_.place_of(step.to_stack)))
            return pop_below(step.to_stack); // a way to load CS
        close(*running_);
        running_ = std::make_unique<Stack>();
        return enter(step);
    }
}

// ESP has been raised, but not beyond the outermost return address that is known.
bool CallStacks::stays_within(const Step& step) const {
    const std::vector<Frame>& frames = running_->frames;
    return !frames.empty() && step.to_stack >= step.from_stack && step.to_stack <= frames.front().slot;
}

void CallStacks::push(ProfileSite& caller, const ProfileSite& callee, uint32_t slot) {
    pop_below(slot + 1); // frames left without a return
    ProfileCalls& calls = caller.calls_of(callee);
    ++calls.count;
    running_->frames.push_back({&calls, slot, running_->clock});
}

void CallStacks::close_top() {
    Frame& top = running_->frames.back();
    top.calls->inclusive += running_->clock - top.begin;
    running_->frames.pop_back();
}

// Returns of frames that are not known are somebody's way to jump.
void CallStacks::pop(uint32_t slot) {
    if (std::ranges::find(running_->frames, slot, &Frame::slot) == running_->frames.end())
        return;
    pop_below(slot + 1);
}

// Frames whose return address has been left behind; stacks grow downwards.
void CallStacks::pop_below(uint32_t stack_pointer) {
    while (!running_->frames.empty() && running_->frames.back().slot < stack_pointer)
        close_top();
}

void CallStacks::close(Stack& stack) {
    for (; !stack.frames.empty(); stack.frames.pop_back()) {
        Frame& top = stack.frames.back();
        top.calls->inclusive += stack.clock - top.begin;
    }
}

void CallStacks::suspend(uint32_t stack_pointer) {
    if (suspended_.size() >= most_suspended) {
        for (auto& [place, stack] : suspended_)
            close(*stack);
        suspended_.clear();
    }
    std::unique_ptr<Stack>& place = suspended_[view_.place_of(stack_pointer)];
    if (place)
        close(*place); // nobody came back to it
    place = std::exchange(running_, std::make_unique<Stack>());
}

// The running stack is a fresh one: if one was suspended where ESP is now, that goes on.
void CallStacks::enter(const Step& step) {
    const auto found = suspended_.find(view_.place_of(step.to_stack));
    if (found == suspended_.end())
        return;
    running_ = std::move(found->second);
    suspended_.erase(found);
    if (ProfileSite* const caller = std::exchange(running_->called_by, nullptr))
        push(*caller, step.to, step.to_stack);
}

void CallStacks::interrupted(const Step& step, std::optional<uint32_t> stack_pointer) {
    suspend(stack_pointer ? *stack_pointer : view_.interrupted_stack_pointer(step.to_stack));
}

void CallStacks::change_stack(const Step& step) {
    if (stays_within(step))
        return pop_below(step.to_stack); // frames are released
    if (running_->frames.empty() && !suspended_.contains(view_.place_of(step.to_stack)))
        return; // a stack is set up
    suspend(step.from_stack);
    enter(step);
}

void CallStacks::finish() {
    for (auto& [place, stack] : suspended_)
        close(*stack);
    suspended_.clear();
    close(*running_);
    running_ = std::make_unique<Stack>();
}

} // namespace fixpoint::sim
