#include "tests/cpu/native_processor.hpp"

#include <cstring>
#include <stdexcept>
#include <vector>

#include <sys/mman.h>

namespace fixpoint::models {

namespace {

// Bookkeeping beside the code: what goes into the registers, what came out, and the way back.
struct Frame {
    NativeRegisters before, after;
    uint64_t host_stack;
    uint32_t spare_stack[16];
};
constexpr uint32_t frame_address = NativeProcessor::base + 0x1000, entry_address = frame_address + 0x400,
                   exit_address = frame_address + 0x600;
constexpr uint16_t code_selector32 = 0x23, code_selector64 = 0x33, data_selector = 0x2B;
constexpr uint32_t before_address = frame_address, after_address = frame_address + offsetof(Frame, after);

class Emitter {
public:
    explicit Emitter(uint32_t address) : next_{reinterpret_cast<uint8_t*>(uintptr_t{address})} {}
    Emitter& bytes(std::initializer_list<uint8_t> list) {
        std::memcpy(next_, list.begin(), list.size());
        next_ += list.size();
        return *this;
    }
    Emitter& word(uint32_t value) {
        std::memcpy(next_, &value, 4);
        next_ += 4;
        return *this;
    }
    [[nodiscard]] uint32_t here() const { return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(next_)); }

private:
    uint8_t* next_;
};

constexpr uint8_t modrm_absolute(unsigned reg) {
    return static_cast<uint8_t>(0x05 | reg << 3);
}

} // namespace

NativeProcessor::NativeProcessor() {
    void* area = mmap(reinterpret_cast<void*>(uintptr_t{base}), bytes, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (area != reinterpret_cast<void*>(uintptr_t{base}))
        throw std::runtime_error("no memory at the address of the native code");
    // Entry, 32-bit: segments, flags, registers, then the code.
    Emitter entry{entry_address};
    entry.bytes({0xB9}).word(data_selector);                                     // mov ecx, data
    entry.bytes({0x8E, 0xD9, 0x8E, 0xC1});                                       // mov ds, ecx; mov es, ecx
    entry.bytes({0xBC}).word(frame_address + offsetof(Frame, spare_stack) + 32); // mov esp, spare
    entry.bytes({0xFF, 0x35})
        .word(before_address + offsetof(NativeRegisters, eflags))
        .bytes({0x9D}); // push; popfd
    for (unsigned i = 0; i < 8; ++i)
        entry.bytes({0x8B, modrm_absolute(i)}).word(before_address + i * 4);
    entry.bytes({0xE9}).word(code - (entry.here() + 4));
    // Exit, 32-bit until the far jump.
    Emitter exit{exit_address};
    for (unsigned i = 0; i < 8; ++i)
        exit.bytes({0x89, modrm_absolute(i)}).word(after_address + i * 4);
    exit.bytes({0xBC}).word(frame_address + offsetof(Frame, spare_stack) + 32);
    exit.bytes({0x9C, 0x8F, 0x05}).word(after_address + offsetof(NativeRegisters, eflags)); // pushfd; pop
    exit.bytes({0xFC, 0xEA});
    exit.word(exit.here() + 6).bytes({code_selector64, 0});
    // 64-bit: mov rsp, [host_stack]; ret
    exit.bytes({0x48, 0x8B, 0x24, 0x25}).word(frame_address + offsetof(Frame, host_stack)).bytes({0xC3});
}

NativeProcessor::~NativeProcessor() {
    munmap(reinterpret_cast<void*>(uintptr_t{base}), bytes);
}

NativeRegisters NativeProcessor::run(std::span<const uint8_t> instructions, const NativeRegisters& before) {
    auto* frame = reinterpret_cast<Frame*>(uintptr_t{frame_address});
    frame->before = before;
    std::memcpy(memory(code), instructions.data(), instructions.size());
    const uint32_t end = code + static_cast<uint32_t>(instructions.size());
    const uint32_t back = exit_address - (end + 5);
    *memory(end) = 0xE9;
    std::memcpy(memory(end + 1), &back, 4);
    asm volatile(
        "sub $128, %%rsp\n\t" // the red zone of the surrounding code
        "push %%rbx\n\t"
        "push %%rbp\n\t"
        "lea 1f(%%rip), %%rax\n\t"
        "push %%rax\n\t"
        "mov %%rsp, %[stack]\n\t"
        "push %[selector]\n\t"
        "push %[entry]\n\t"
        "lretq\n"
        "1:\n\t"
        "pop %%rbp\n\t"
        "pop %%rbx\n\t"
        "add $128, %%rsp\n\t"
        : [stack] "=m"(*reinterpret_cast<uint64_t*>(uintptr_t{frame_address + offsetof(Frame, host_stack)}))
        : [selector] "i"(uint64_t{code_selector32}), [entry] "i"(uint64_t{entry_address})
        : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "cc",
          "memory");
    return frame->after;
}

} // namespace fixpoint::models
