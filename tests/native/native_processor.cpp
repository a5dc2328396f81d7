#include "tests/native/native_processor.hpp"

#include "models/cpu/flags.hpp"

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <stdexcept>

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

namespace fixpoint::native {

namespace {

constexpr std::array caught_signals{SIGSEGV, SIGFPE, SIGILL, SIGBUS, SIGTRAP};
constexpr uint64_t selector_code64 = 0x33, selector_stack64 = 0x2B;
// arch/x86/include/uapi/asm/ucontext.h: SS is saved, and restored as it is.
constexpr uint64_t uc_sigcontext_ss = 2, uc_strict_restore_ss = 4;
constexpr uint8_t debug_exception = 1, page_fault = 14;

// What the code around a run and the signal handler share. The handler may touch nothing else: the thread's
// own storage is out of reach while FS holds a selector of the test case.
struct Exchange {
    Outcome* outcome = nullptr; // nullptr: a signal is not one of ours
    uint64_t resume_rip = 0, resume_rsp = 0;
    uint64_t fs_base = 0;
    ucontext_t entry{};
    std::array<uint16_t, 6> selector{};
};
Exchange exchange;

#define FIXPOINT_BARE_HANDLER                                                                                \
    __attribute__((noinline, no_stack_protector, no_sanitize_address, no_sanitize_undefined))

FIXPOINT_BARE_HANDLER void record(const greg_t* from, Registers& to) {
    constexpr int order[8] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI};
    uint32_t* general = &to.general[0];
    for (unsigned i = 0; i < 8; ++i)
        general[i] = static_cast<uint32_t>(from[order[i]]);
    to.eip = static_cast<uint32_t>(from[REG_RIP]);
    to.eflags = static_cast<uint32_t>(from[REG_EFL]);
    uint16_t* selector = &to.selector[0];
    asm volatile("mov %%es, %0" : "=r"(selector[models::seg_es]));
    asm volatile("mov %%ds, %0" : "=r"(selector[models::seg_ds]));
    asm volatile("mov %%fs, %0" : "=r"(selector[models::seg_fs]));
    asm volatile("mov %%gs, %0" : "=r"(selector[models::seg_gs]));
    selector[models::seg_cs] = static_cast<uint16_t>(from[REG_CSGSFS]);
    selector[models::seg_ss] = static_cast<uint16_t>(from[REG_CSGSFS] >> 48);
}

FIXPOINT_BARE_HANDLER void record(const _libc_fpstate& from, X87Registers& to) {
    to.control = from.cwd;
    to.status = from.swd;
    to.occupied = static_cast<uint8_t>(from.ftw);
    for (unsigned i = 0; i < 8; ++i) {
        const auto* source = reinterpret_cast<const uint8_t*>(&(&from._st[0])[i]);
        uint8_t* target = &(&to.stack[0])[i][0];
        for (unsigned j = 0; j < 10; ++j)
            target[j] = source[j];
    }
}

extern "C" FIXPOINT_BARE_HANDLER void fixpoint_native_signal(int number, siginfo_t*, void* context) {
    auto& frame = *static_cast<ucontext_t*>(context);
    greg_t* general = &frame.uc_mcontext.gregs[0];
    Outcome* outcome = exchange.outcome;
    if (outcome == nullptr) { // a defect of the test program itself: once more, with the default action
        struct sigaction fatal {};
        fatal.sa_handler = SIG_DFL;
        sigaction(number, &fatal, nullptr);
        return;
    }
    const auto trap = static_cast<uint8_t>(general[REG_TRAPNO]);
    if (trap == debug_exception && outcome->step_count < Outcome::steps_max) {
        record(general, (&outcome->steps[0])[outcome->step_count++]);
        if (outcome->step_count < Outcome::steps_max)
            return; // goes on
    }
    record(general, outcome->end);
    record(*frame.uc_mcontext.fpregs, outcome->x87);
    outcome->vector = trap;
    outcome->error = static_cast<uint32_t>(general[REG_ERR]);
    outcome->cr2 = trap == page_fault ? static_cast<uint32_t>(general[REG_CR2]) : 0;
    int64_t result = SYS_arch_prctl;
    asm volatile("syscall"
                 : "+a"(result)
                 : "D"(int64_t{ARCH_SET_FS}), "S"(exchange.fs_base)
                 : "rcx", "r11", "memory");
    general[REG_RIP] = static_cast<greg_t>(exchange.resume_rip);
    general[REG_RSP] = static_cast<greg_t>(exchange.resume_rsp);
    general[REG_EFL] = models::eflags::always_set | models::eflags::iif;
    general[REG_CSGSFS] = static_cast<greg_t>(selector_code64 | selector_stack64 << 48);
}

// The kernel leaves AC as the test case had it: an unaligned access of the handler's own would be one more
// exception.
extern "C" void fixpoint_native_signal_entry(int, siginfo_t*, void*);
asm(".pushsection .text\n"
    "fixpoint_native_signal_entry:\n\t"
    "pushfq\n\t"
    "andl $~0x40000, (%rsp)\n\t"
    "popfq\n\t"
    "jmp fixpoint_native_signal\n"
    ".popsection");

} // namespace

void NativeProcessor::map_areas() {
    const auto fail = [] { throw std::runtime_error("no memory at the addresses of the native test"); };
    const auto map_twice = [&](const Area& area, int protection) {
        const int file = memfd_create("fixpoint-native", 0);
        if (file < 0 || ftruncate(file, area.bytes) != 0)
            fail();
        void* const wanted = reinterpret_cast<void*>(uintptr_t{area.begin});
        void* const view =
            mmap(nullptr, area.bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
        void* const low =
            mmap(wanted, area.bytes, protection, MAP_SHARED | MAP_POPULATE | MAP_FIXED_NOREPLACE, file, 0);
        close(file);
        if (view == MAP_FAILED || low != wanted)
            fail();
        return static_cast<uint8_t*>(view);
    };
    code_ = map_twice(code_area, PROT_READ | PROT_EXEC);
    for (size_t i = 0; i < data_areas.size(); ++i)
        data_[i] = map_twice(data_areas[i], PROT_READ | (data_areas[i].writable ? PROT_WRITE : 0));
}

void NativeProcessor::unmap_areas() {
    munmap(code_, code_area.bytes);
    munmap(reinterpret_cast<void*>(uintptr_t{code_area.begin}), code_area.bytes);
    for (size_t i = 0; i < data_areas.size(); ++i) {
        munmap(data_[i], data_areas[i].bytes);
        munmap(reinterpret_cast<void*>(uintptr_t{data_areas[i].begin}), data_areas[i].bytes);
    }
}

NativeProcessor::NativeProcessor(const LocalTable& table) {
    map_areas();
    constexpr int write_entry = 0x11; // modify_ldt(2)
    for (unsigned i = 0; i < LocalTable::entries; ++i) {
        const Descriptor& d = table[i];
        user_desc entry{};
        entry.entry_number = i;
        entry.base_addr = d.base;
        entry.limit = d.limit;
        entry.seg_32bit = d.big;
        entry.contents = static_cast<unsigned>(d.kind) & 3u;
        entry.read_exec_only = d.restricted;
        entry.limit_in_pages = d.granular;
        entry.seg_not_present = !d.present;
        if (syscall(SYS_modify_ldt, write_entry, &entry, sizeof entry) != 0)
            throw std::runtime_error("the host refuses a local descriptor");
    }
    constexpr size_t stack_bytes = 256 << 10;
    signal_stack_.resize(stack_bytes);
    stack_t stack{};
    stack.ss_sp = signal_stack_.data();
    stack.ss_size = stack_bytes;
    sigaltstack(&stack, &old_stack_);
    exchange.entry = {};
    exchange.entry.uc_flags = uc_sigcontext_ss | uc_strict_restore_ss;
    exchange.entry.uc_stack = stack;
    struct sigaction action {};
    action.sa_sigaction = fixpoint_native_signal_entry;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    for (const int number : caught_signals) {
        struct sigaction old {};
        sigaction(number, &action, &old);
        old_actions_.push_back(old);
    }
    syscall(SYS_arch_prctl, ARCH_GET_FS, &exchange.fs_base);
}

NativeProcessor::~NativeProcessor() {
    for (size_t i = 0; i < caught_signals.size(); ++i)
        sigaction(caught_signals[i], &old_actions_[i], nullptr);
    sigaltstack(&old_stack_, nullptr);
    unmap_areas();
}

void NativeProcessor::set_memory(const MemoryImage& image) {
    size_t at = 0;
    for (size_t i = 0; i < data_areas.size(); ++i) {
        std::memcpy(data_[i], image.data() + at, data_areas[i].bytes);
        at += data_areas[i].bytes;
    }
}

size_t NativeProcessor::first_difference(const uint8_t* image) const {
    size_t at = 0;
    for (size_t i = 0; i < data_areas.size(); ++i) {
        if (std::memcmp(data_[i], image + at, data_areas[i].bytes) != 0)
            for (size_t j = 0; j < data_areas[i].bytes; ++j)
                if (data_[i][j] != image[at + j])
                    return at + j;
        at += data_areas[i].bytes;
    }
    return image_bytes;
}

MemoryImage NativeProcessor::memory() const {
    MemoryImage image;
    for (size_t i = 0; i < data_areas.size(); ++i)
        image.insert(image.end(), data_[i], data_[i] + data_areas[i].bytes);
    return image;
}

uint8_t NativeProcessor::byte(size_t at) const {
    size_t index = 0;
    while (at >= data_areas[index].bytes)
        at -= data_areas[index++].bytes;
    return area(index)[at];
}

void NativeProcessor::run(const Program& program, Outcome& outcome) {
    const auto protect = [](int rights) {
        if (mprotect(reinterpret_cast<void*>(uintptr_t{code_area.begin}), code_area.bytes, rights) != 0)
            throw std::runtime_error("the host refuses to change the rights of the code");
    };
    if (program.code_writable)
        protect(PROT_READ | PROT_WRITE | PROT_EXEC);
    // The last byte may lie beyond the area: then it is not there to be executed.
    const uint32_t offset = program.address - code_area.begin;
    std::memcpy(code_ + offset, program.code.data(),
                std::min<size_t>(program.code.size(), code_area.bytes - offset));
    greg_t* general = &exchange.entry.uc_mcontext.gregs[0];
    constexpr int order[8] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI};
    for (unsigned i = 0; i < 8; ++i)
        general[order[i]] = program.before.general[i];
    general[REG_RIP] = program.before.eip;
    general[REG_EFL] = program.before.eflags;
    exchange.selector = program.before.selector;
    general[REG_CSGSFS] = static_cast<greg_t>(uint64_t{exchange.selector[models::seg_ss]} << 48 |
                                              exchange.selector[models::seg_cs]);
    outcome.step_count = 0;
    exchange.outcome = &outcome;
    asm volatile("sub $128, %%rsp\n\t" // the red zone of the surrounding code
                 "push %%rbx\n\t"
                 "push %%rbp\n\t"
                 "lea 1f(%%rip), %%rax\n\t"
                 "mov %%rax, %[rip]\n\t"
                 "mov %%rsp, %[rsp]\n\t"
                 "mov %[es], %%es\n\t"
                 "mov %[ds], %%ds\n\t"
                 "mov %[gs], %%gs\n\t"
                 "mov %[fs], %%fs\n\t"
                 "mov %[frame], %%rsp\n\t"
                 "mov %[sigreturn], %%eax\n\t"
                 "syscall\n"
                 "1:\n\t"
                 "push $2\n\t" // flags that rt_sigreturn leaves alone: NT, ID
                 "popfq\n\t"
                 "pop %%rbp\n\t"
                 "pop %%rbx\n\t"
                 "add $128, %%rsp\n\t"
                 : [rip] "=m"(exchange.resume_rip), [rsp] "=m"(exchange.resume_rsp)
                 : [es] "m"(exchange.selector[models::seg_es]), [ds] "m"(exchange.selector[models::seg_ds]),
                   [gs] "m"(exchange.selector[models::seg_gs]), [fs] "m"(exchange.selector[models::seg_fs]),
                   [frame] "r"(&exchange.entry), [sigreturn] "i"(SYS_rt_sigreturn)
                 : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                   "cc", "memory");
    const uint16_t null = 0;
    asm volatile("mov %0, %%ds\n\tmov %0, %%es\n\tmov %0, %%gs" : : "r"(null));
    exchange.outcome = nullptr;
    if (program.code_writable)
        protect(PROT_READ | PROT_EXEC);
}

} // namespace fixpoint::native
