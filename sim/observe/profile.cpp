#include "sim/observe/profile.hpp"

#include <cstring>
#include <utility>

namespace fixpoint::sim {
namespace {

constexpr uint32_t page_bytes = ProfileSites::page_bytes;
constexpr size_t longest_instruction = 15;
constexpr uint32_t unmapped = ~0u; // a frame's number that no page has

std::vector<std::filesystem::path> files_of(const BootImage& image) {
    std::vector<std::filesystem::path> files{image.kernel};
    for (const BootImage::Module& module : image.modules)
        files.push_back(module.file);
    return files;
}

} // namespace

Profile::Profile(Machine& machine, const BootImage& image)
    : machine_(machine), cpu_(machine.cpu()), sites_{files_of(image)}, start_{counters()}, last_{start_} {
    machine_.add_observer(*this);
}

Profile::~Profile() {
    machine_.remove_observer(*this);
}

Profile::Counters Profile::counters() const {
    return {cpu_.instructions(), cpu_.cycles(), cpu_.idle_cycles()};
}

// Gives what has passed since the last call to the instruction that ran.
ProfileCost Profile::charge() {
    const Counters now = counters();
    const uint64_t idle = now.idle - last_.idle;
    const ProfileCost cost{now.instructions - last_.instructions, now.cycles - last_.cycles - idle};
    last_ = now;
    idle_cycles_ += idle;
    if (previous_ != nullptr) {
        previous_->self += cost;
        stacks_.spend(cost);
    } else {
        unattributed_ += cost;
    }
    return cost;
}

bool Profile::before_instruction(uint32_t linear) {
    if (ended_)
        return true;
    const ProfileCost cost = charge();
    ProfileSite& site = site_at(linear);
    const uint32_t stack = cpu_.general(models::reg_esp);
    if (previous_ != nullptr &&
        (previous_->flow.kind != FlowKind::plain || linear != previous_linear_ + previous_->flow.bytes))
        stacks_.transfer({*previous_, previous_linear_, previous_stack_, cost.instructions != 0, site, linear,
                          stack, page_is_mapped_});
    previous_ = &site;
    previous_linear_ = linear;
    previous_stack_ = stack;
    return true;
}

ProfileSite& Profile::site_at(uint32_t linear) {
    if ((linear & ~(page_bytes - 1)) != page_linear_ || cpu_.cr3() != page_cr3_ || page_ == nullptr)
        enter_page(linear);
    ProfileSite* const known = page_->sites[linear % page_bytes];
    return known != nullptr ? *known : new_site(linear);
}

void Profile::enter_page(uint32_t linear) {
    uint32_t frame = 0;
    const std::span<const uint8_t> content = memory_page(linear, frame);
    page_ = &sites_.page_of(linear, frame, content);
    page_is_mapped_ = frame != unmapped;
    page_linear_ = linear & ~(page_bytes - 1);
    page_cr3_ = cpu_.cr3();
}

ProfileSite& Profile::new_site(uint32_t linear) {
    std::vector<uint8_t> code;
    uint32_t frame = 0;
    const auto first = memory_page(linear, frame).subspan(linear % page_bytes);
    code.assign(first.begin(), first.end());
    if (code.size() < longest_instruction) {
        const auto next = memory_page((linear | (page_bytes - 1)) + 1, frame);
        code.insert(code.end(), next.begin(), next.begin() + longest_instruction);
    }
    code.resize(longest_instruction);
    const bool code32 = (cpu_.state().segment[models::seg_cs].attributes & models::SegmentState::big) != 0;
    return sites_.add(*page_, linear, code, code32);
}

// A page that is not mapped, or no memory, is empty: fetching from it will fault.
std::span<const uint8_t> Profile::memory_page(uint32_t linear, uint32_t& frame) const {
    const models::PhysicalMemory& memory = machine_.memory();
    uint32_t physical = 0;
    frame = unmapped;
    if (!cpu_.translate(linear & ~(page_bytes - 1), physical) ||
        uint64_t{physical} + page_bytes > memory.size())
        return no_memory_;
    frame = physical;
    return {memory.data() + physical, page_bytes};
}

uint64_t Profile::place_of(uint32_t stack_pointer) const {
    constexpr uint64_t by_linear_address = uint64_t{1} << 32;
    uint32_t physical = 0;
    return cpu_.translate(stack_pointer, physical) ? physical : by_linear_address | stack_pointer;
}

// EIP, CS, EFLAGS, and with a change of privilege ESP, SS (SDM vol. 3, 6.12.1).
uint32_t Profile::interrupted_stack_pointer(uint32_t stack_pointer) const {
    constexpr uint32_t selector_offset = 4, stack_offset = 12, frame_bytes = 12;
    constexpr uint32_t vm = 1u << 17, flags_offset = 8;
    const auto read = [&](uint32_t linear) {
        uint32_t frame = 0, value = 0;
        const auto page = memory_page(linear, frame);
        const uint32_t offset = linear % page_bytes;
        if (offset <= page_bytes - sizeof value)
            std::memcpy(&value, page.data() + offset, sizeof value);
        return value;
    };
    const bool from_v86 = (read(stack_pointer + flags_offset) & vm) != 0;
    const unsigned interrupted_level = read(stack_pointer + selector_offset) & 3;
    const unsigned level = cpu_.state().privilege_level();
    return from_v86 || interrupted_level != level ? read(stack_pointer + stack_offset)
                                                  : stack_pointer + frame_bytes;
}

void Profile::power_cycle() {
    if (ended_)
        return;
    (void)charge();
    stacks_.finish();
    previous_ = nullptr;
    page_ = nullptr;
}

void Profile::end() {
    power_cycle();
    ended_ = true;
}

ProfileCost Profile::total() const {
    return {last_.instructions - start_.instructions, last_.cycles - start_.cycles};
}

} // namespace fixpoint::sim
