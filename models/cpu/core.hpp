// The inside of the processor: architectural state, the run loop's state and the services that instruction
// handlers use.
//
// Handlers are free functions over Core (one file per group of instructions); they commit nothing before
// every access that can fault has succeeded, so a fault leaves the instruction as if it had not begun (SDM
// vol. 3, 6.6). A service that can fault returns false and leaves the fault in `fault`; the handler then
// returns fault_exit().
//
// Counting: the run loop charges a block as a whole before it runs; whoever leaves it early (fault, rep,
// killed block) gives the rest back. `current` is set before anybody outside can look at the counters in the
// middle of a block.
#pragma once

#include "models/cpu/block_cache.hpp"
#include "models/cpu/branch_predictor.hpp"
#include "models/cpu/breakpoints.hpp"
#include "models/cpu/cache_hierarchy.hpp"
#include "models/cpu/cpu.hpp"
#include "models/cpu/cpuid.hpp"
#include "models/cpu/decoder.hpp"
#include "models/cpu/exception_record.hpp"
#include "models/cpu/flags.hpp"
#include "models/cpu/mmu.hpp"
#include "models/cpu/msr.hpp"
#include "models/cpu/op.hpp"
#include "models/cpu/performance_counters.hpp"
#include "models/cpu/physical_map.hpp"

#include <optional>
#include <span>

namespace fixpoint::models {

namespace vector {
inline constexpr uint8_t divide_error = 0, debug = 1, nmi = 2, breakpoint = 3, overflow = 4, bound = 5,
                         invalid_opcode = 6, device_not_available = 7, double_fault = 8, invalid_tss = 10,
                         segment_not_present = 11, stack_fault = 12, general_protection = 13, page_fault = 14,
                         floating_point_error = 16, alignment_check = 17;
} // namespace vector

// How blocks were decoded, and for which machine state they hold.
namespace block_mode {
inline constexpr uint32_t code32 = 1, flat_data = 2, single_step = 4, observed = 8,
                          shadowed = 16; // an interrupt waits for one more instruction
inline constexpr uint32_t debugged = single_step | observed;
} // namespace block_mode

struct Fault {
    uint8_t vector = 0;
    bool has_error = false;
    uint32_t error = 0;
};

// The fields are in the order of their use, the run loop's first.
class Core { // NOLINT(clang-analyzer-optin.performance.Padding)
public:
    Core(const CpuParameters& parameters, PhysicalMemory& memory, CpuBus& bus);

    void reset();
    Cpu::Stop run(uint64_t until_cycle);
    [[nodiscard]] CpuState state() const;
    void set_state(const CpuState& state);

    // ---- Registers
    static constexpr unsigned no_register = 8;
    alignas(64) std::array<uint32_t, 9> registers{}; // the last one is always 0
    uint32_t eip = 0;                                // start of the running block
    uint32_t code_limit = 0xFFFF;                    // of CS: a jump beyond it is a #GP
    uint32_t code_base = 0;
    FastPath::Entry* data_entries = nullptr; // the table of the current privilege
    FastPath::Entry* fetch_entries = nullptr;
    uint32_t data_index_mask = 0, fetch_index_mask = 0, line_shift = 0, line_mask = 0;
    Flags flags;
    Clock clock;
    uint64_t retired = 0;
    uint64_t deadline = 0; // the run loop leaves its fast cycle at this count; 0: something wants attention
    uint32_t mode = 0;     // block_mode bits
    uint32_t slot = 0;     // which chain hint the block that just ended wants
    Block* block = nullptr;
    const Op* current = nullptr; // see above; nullptr between blocks
    uint32_t stack_mask = 0xFFFF;
    uint8_t privilege = 0;

    std::array<SegmentState, segment_count> segment{};
    SegmentState ldtr, tr;
    DescriptorTableState gdtr, idtr;
    std::array<uint32_t, 8> debug{};
    uint32_t sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
    X87State x87;
    bool numeric_error = false;        // FERR#: the chipset has been told of a pending x87 exception
    bool ignore_numeric_error = false; // IGNNE#
    uint64_t tsc_offset = 0;           // TSC = cycles + offset
    bool halted = false, shutdown = false;
    bool interrupt_shadow = false; // after STI, MOV SS, POP SS: no interrupt before the next block
    bool delivering = false;       // an event external to the program is on its way: not INT n, INT3, INTO
    bool step_trap = false;        // the block was started with TF set and nothing has been delivered since
    bool trap_shadow = false;      // after MOV SS, POP SS: no debug trap before the next instruction
    Fault fault;
    bool fault_in_new_task = false; // it came after a task switch's point of no return: it is at `eip`
    std::optional<Fault>
        undelivered; // a fault of the instruction at `eip` whose delivery the limit cut short

    uint64_t modify_buffer = 0;  // where read-modify-write works when it cannot work in place
    uint32_t modify_address = 0; // linear

    template<class T>
    [[nodiscard]] T get(unsigned byte_offset) const {
        T value;
        __builtin_memcpy(&value, reinterpret_cast<const uint8_t*>(registers.data()) + byte_offset, sizeof(T));
        return value;
    }
    template<class T>
    void set(unsigned byte_offset, T value) {
        __builtin_memcpy(reinterpret_cast<uint8_t*>(registers.data()) + byte_offset, &value, sizeof(T));
    }

    // ---- Debugging, see core_debug.cpp
    void set_observer(InstructionObserver* listener);
    void set_watchpoints(std::vector<Watchpoint> watchpoints);
    void update_breakpoints(); // after any change of DR0-DR7, CR4.DE
    [[nodiscard]] bool observe_next(const Op* op);
    void trap_after_instruction(uint32_t cause); // `cause`: bits of DR6
    // INT1 has entered the handler of debug exceptions: that is the exception for what MOV SS has held back, too.
    void note_debug_exception();
    void note_access(uint32_t linear, uint32_t bytes, bool write);
    void note_port_access(uint16_t port, uint32_t bytes);
    // Each iteration of a repeated string instruction may end with a trap; this one does.
    [[nodiscard]] bool iterations_may_trap() const {
        return (mode & block_mode::single_step) != 0 || breakpoints.watches_accesses();
    }
    [[nodiscard]] bool iteration_traps() const {
        return (mode & block_mode::single_step) != 0 || pending_debug != 0 || watch_hit;
    }

    // ---- Mode
    [[nodiscard]] bool protected_mode() const { return (mmu.cr0 & Mmu::cr0_pe) != 0; }
    [[nodiscard]] bool v86() const { return (flags.system & eflags::vm) != 0; }
    [[nodiscard]] bool user() const { return privilege == 3; }
    [[nodiscard]] unsigned iopl() const { return flags.system >> 12 & 3; }
    void update_mode(); // after any change of segments, CR0, TF, AC, privilege

    // ---- Features and model-specific registers
    [[nodiscard]] bool has_feature(uint32_t bit) const { return (features & bit) != 0; }
    // False: #GP.
    [[nodiscard]] bool read_msr(uint32_t number, uint64_t& value);
    [[nodiscard]] bool write_msr(uint32_t number, uint64_t value);
    [[nodiscard]] uint64_t performance_counter(uint32_t index);
    [[nodiscard]] uint64_t event_count(PerformanceEvent event) const;
    void account_performance();

    // ---- Faults
    bool raise(uint8_t number) { return raise(number, false, 0); } // always false
    bool raise(uint8_t number, uint32_t error) { return raise(number, true, error); }
    bool raise_protection(uint32_t error = 0) { return raise(vector::general_protection, true, error); }
    void fault_exit(const Op* op);       // delivers `fault` with the instruction's own EIP
    void leave_block(const Op* op);      // ends the block before this instruction
    void leave_repetition(const Op* op); // likewise, in the middle of it
    void give_back(const Op* op);        // uncharges this instruction and what follows it in the block

    // ---- Memory, linear addresses. False or the failure bit: `fault` is set. See memory_access.hpp.
    static constexpr uint64_t failed = uint64_t{1} << 63;
    [[nodiscard]] uint64_t read_slow(uint32_t linear, unsigned bytes, bool as_user); // at most 4 bytes
    [[nodiscard]] bool write_slow(uint32_t linear, unsigned bytes, uint32_t value, bool as_user);
    [[nodiscard]] uint8_t* modify_slow(uint32_t linear, unsigned bytes); // nullptr: fault
    [[nodiscard]] bool probe_write(uint32_t linear, unsigned bytes, bool as_user);
    void finish_buffered_modify(unsigned bytes);
    // More than 4 bytes, all or nothing. Wide: shorter than a cache line; area: up to two pages.
    [[nodiscard]] bool read_wide(uint32_t linear, unsigned bytes, bool as_user, void* value);
    [[nodiscard]] bool write_wide(uint32_t linear, unsigned bytes, bool as_user, const void* value);
    [[nodiscard]] bool probe_area(uint32_t linear, unsigned bytes, bool write, bool as_user);
    [[nodiscard]] bool read_area(const Op* op, uint32_t linear, unsigned bytes, uint8_t* area);
    [[nodiscard]] bool write_area(const Op* op, uint32_t linear, unsigned bytes, const uint8_t* area);
    // Offset in a segment to linear address, with all checks. `alignment`: what #AC asks for.
    [[nodiscard]] bool segment_address(unsigned index, uint32_t offset, unsigned bytes, bool write,
                                       uint32_t& linear) {
        return segment_address(index, offset, bytes, write, linear, bytes);
    }
    [[nodiscard]] bool segment_address(unsigned index, uint32_t offset, unsigned bytes, bool write,
                                       uint32_t& linear, unsigned alignment);
    // The same with the short cut first: descriptor tables, TSS, and stacks of other privilege levels.
    [[nodiscard]] uint64_t read_implicit(uint32_t linear, unsigned bytes, bool as_user);
    [[nodiscard]] bool write_implicit(uint32_t linear, unsigned bytes, uint32_t value, bool as_user);
    template<class T>
    [[nodiscard]] bool read_system(uint32_t linear, T& value) {
        const uint64_t got = read_implicit(linear, sizeof(T), false);
        value = static_cast<T>(got);
        return (got & failed) == 0;
    }

    // ---- Control transfers
    // Exceptions and interrupts; INT n calls enter_gate() itself, for its faults are its own.
    void deliver(Fault what, uint32_t return_eip, bool is_fault);
    // `software`: INT n, INT3 and INTO, which need a gate of their level.
    [[nodiscard]] bool enter_gate(const Fault& event, uint32_t return_eip, bool software, bool is_fault);
    // To a code segment at the same or an outer level, as RET and IRET do. `release`: bytes of parameters.
    struct Stack;
    [[nodiscard]] bool return_to(Stack stack, unsigned bytes, uint16_t selector, uint32_t target,
                                 uint32_t release);
    // Likewise in real and virtual-8086 mode.
    [[nodiscard]] bool return_unprotected(Stack stack, uint16_t selector, uint32_t target, uint32_t release);
    // JMP; CALL, INT and events; IRET. `flags_image` is what the old task is left with, `error_code` what an
    // event brings the new one.
    enum class TaskSwitch : uint8_t { jump, nest, unnest };
    [[nodiscard]] bool switch_task(uint16_t selector, TaskSwitch kind, uint32_t return_eip,
                                   uint32_t flags_image, const uint32_t* error_code = nullptr);

    // ---- Virtual-8086 mode extensions
    [[nodiscard]] bool virtual_flags_allowed(uint32_t image);
    // The program lets an interrupt come that the monitor has pending: #GP before the next instruction. It comes to
    // that by IRET and task switches, which do not look.
    [[nodiscard]] bool virtual_interrupt_due() const {
        constexpr uint32_t both = eflags::vif | eflags::vip;
        return (flags.system & both) == both && user() && iopl() < 3 &&
               (mmu.cr4 & (v86() ? Mmu::cr4_vme : Mmu::cr4_pvi)) != 0;
    }
    // VIF as the IF of a flags image wants it.
    [[nodiscard]] static uint32_t virtual_interrupt_flag(uint32_t image) {
        return (image & eflags::iif) != 0 ? eflags::vif : 0;
    }
    [[nodiscard]] bool redirect_interrupt(uint8_t number, uint32_t return_eip, bool& redirected);

    struct Descriptor {
        uint16_t selector;
        uint32_t low, high;

        [[nodiscard]] unsigned type() const { return high >> 8 & 0x1F; } // with the S bit
        [[nodiscard]] unsigned dpl() const { return high >> 13 & 3; }
        [[nodiscard]] bool present() const { return (high & 1u << 15) != 0; }
        [[nodiscard]] bool code() const { return (high & 0x1800) == 0x1800; }
        [[nodiscard]] bool readable() const { // data, or code that may be read
            return (high & 0x1000) != 0 && (!code() || (high & 1u << 9) != 0);
        }
        // By MOV and the like: data and non-conforming code need a level within DPL.
        [[nodiscard]] bool loadable_at(unsigned level) const {
            return readable() && ((code() && conforming()) || (dpl() >= level && dpl() >= (selector & 3u)));
        }
        [[nodiscard]] bool conforming() const { return (high & 1u << 10) != 0; }
        [[nodiscard]] bool writable_data() const { return (high & 0x1A00) == 0x1200; }
        [[nodiscard]] SegmentState segment() const;
    };
    [[nodiscard]] bool find_descriptor(uint16_t selector, uint32_t& linear) const; // false: beyond the table
    [[nodiscard]] bool read_descriptor(uint16_t selector, uint8_t fault_vector, Descriptor& descriptor);
    [[nodiscard]] bool mark_accessed(Descriptor& descriptor);
    [[nodiscard]] bool load_segment(unsigned index, uint16_t selector); // MOV, POP, LxS
    // A stack segment for that level, not yet marked accessed: whatever may still be refused comes first.
    [[nodiscard]] bool read_stack_segment(uint16_t selector, unsigned level, uint8_t fault_vector,
                                          Descriptor& descriptor);
    [[nodiscard]] bool task_stack(unsigned level, uint16_t& selector, uint32_t& pointer);
    void set_code_segment(SegmentState code, unsigned level);
    void set_v86_or_real_segment(unsigned index, uint16_t selector);
    // A stack that is not, or not yet, the current one.
    struct Stack {
        SegmentState segment;
        uint32_t pointer = 0;
        bool as_user = false;
        [[nodiscard]] uint32_t mask() const {
            return (segment.attributes & SegmentState::big) != 0 ? 0xFFFF'FFFFu : 0xFFFFu;
        }
    };
    // Pushes several values: frame_fits() checks the limit for `count` of them (`error`: of the #SS),
    // push_frame() writes all of them or none.
    [[nodiscard]] bool frame_fits(const Stack& stack, unsigned bytes, unsigned count, uint32_t error);
    [[nodiscard]] bool push_frame(Stack& stack, unsigned bytes, std::span<const uint32_t> values);
    [[nodiscard]] bool pop_from(Stack& stack, unsigned bytes, uint32_t& value);
    void set_stack(const Stack& stack); // ESP only, as wide as the stack
    [[nodiscard]] Stack current_stack() const { return {segment[seg_ss], registers[reg_esp], user()}; }
    void set_flags(uint32_t value, uint32_t changeable);
    void mispredicted() {
        clock.cycles += parameters.branch_mispredict_cycles;
        ++counters.branch_mispredictions;
    }

    // ---- Input and output
    [[nodiscard]] bool io_allowed(uint16_t port, unsigned bytes);
    [[nodiscard]] uint32_t io_read(const Op* op, uint16_t port, unsigned bytes);
    void io_write(const Op* op, uint16_t port, unsigned bytes, uint32_t value);

    // ---- Exact counters
    [[nodiscard]] uint64_t cycles_now() const;
    [[nodiscard]] uint64_t instructions_now() const;

    // ---- FERR# (x87_exceptions.cpp)
    void assert_numeric_error(const Op* op);
    void release_numeric_error(); // once no exception is pending

    // ---- Requests from outside
    void set_limit(uint64_t until_cycle);
    void request_attention() { deadline = 0; }

    const CpuParameters parameters;
    const uint32_t features; // EDX of CPUID leaf 1
    PhysicalMap map;
    CpuBus& bus;
    ProbeSink* probe_sink = nullptr;
    CpuCounters counters{};
    ExceptionLog exception_log;
    FastPath data_path, fetch_path;
    CacheHierarchy caches;
    BlockCache blocks;
    Mmu mmu;
    ModelSpecificRegisters registers_by_number;
    PerformanceCounters performance;
    BranchPredictor predictor;
    Decoder decoder;
    bool interrupt_line = false;
    bool nmi_pending = false, nmi_blocked = false; // blocked: from its delivery to the next IRET
    bool stop_requested = false;
    bool running = false, reset_requested = false; // a reset from a callback waits for the block's end
    uint64_t limit = 0;
    Breakpoints breakpoints;
    InstructionObserver* observer = nullptr;
    uint32_t pending_debug = 0; // bits of DR6: traps of the instruction that is running or has just ended
    std::optional<uint32_t> watch_hit; // a watchpoint was touched there
    bool observer_was_asked = false;   // about the instruction at EIP
    bool observer_stopped = false;     // and wants the processor to stop before it
    static constexpr uint32_t trail_length = 16;
    std::array<uint32_t, trail_length> trail{}; // linear addresses of the blocks entered last, a ring
    uint32_t trail_end = 0;
    bool runs_may_compete = false; // every set has two ways or more: see handlers_string.cpp

private:
    bool raise(uint8_t number, bool has_error, uint32_t error) {
        // The EXT bit of selector error codes: the fault came while an event was being delivered (SDM vol.
        // 3, 6.13).
        if (number >= vector::invalid_tss && number <= vector::general_protection)
            error |= delivering ? 1u : 0u;
        fault = {number, has_error, error};
        return false;
    }
    // One access, or two where it crosses a line; each within one page.
    struct Piece {
        uint32_t linear = 0, bytes = 0;
        Mmu::Translation translation;
    };
    [[nodiscard]] unsigned translate_pieces(uint32_t linear, unsigned bytes, AccessKind kind, bool as_user,
                                            Piece (&pieces)[2]);
    struct LineAccess {
        uint8_t* place;
        bool faulted;
    };
    template<bool Write>
    [[nodiscard]] LineAccess access_line(uint32_t linear, unsigned bytes, bool as_user);
    [[nodiscard]] uint64_t read_pieces(uint32_t linear, unsigned bytes, bool as_user);
    [[nodiscard]] bool write_pieces(uint32_t linear, unsigned bytes, uint32_t value, bool as_user);
    void touch(const Piece& piece, bool write);
    void remember(const Piece& piece, bool write, bool as_user);

    [[nodiscard]] std::optional<Cpu::Stop> boundary();
    [[nodiscard]] std::optional<Cpu::Stop> observe_first();
    void debug_exception(uint32_t cause); // now, at the current EIP
    void after_debugged_block();
    [[nodiscard]] bool fetch_slow(uint32_t linear, uint32_t& physical);
    [[nodiscard]] Block* next_block(uint32_t linear, uint32_t physical);
    [[nodiscard]] Block* build_block(uint32_t linear, uint32_t physical, bool single);
    enum class Entry { ready, fault, stale };
    [[nodiscard]] Entry fetch_further_lines(const Block& candidate, uint32_t linear);
    [[nodiscard]] Block* locate(uint32_t linear, uint32_t physical);
    [[nodiscard]] size_t fetch_bytes(uint32_t physical, uint32_t second_page, size_t wanted, uint8_t* bytes);
    [[nodiscard]] bool enter_real_mode_vector(uint8_t number, uint32_t return_eip);
    [[nodiscard]] bool load_task_segments(uint16_t local_table);
    [[nodiscard]] bool load_task_local_table(uint16_t selector, bool& present);
    [[nodiscard]] bool load_task_data(unsigned index);
    [[nodiscard]] bool push_error_code(uint32_t error_code, unsigned bytes);
    // Whether an access of level 3 is to be refused.
    [[nodiscard]] bool unaligned(uint32_t linear, unsigned bytes) const {
        return (linear & (bytes - 1)) != 0 && (flags.system & eflags::ac) != 0 &&
               (mmu.cr0 & Mmu::cr0_am) != 0;
    }

    Block no_block_{}; // stands for "nothing ran before"
};

} // namespace fixpoint::models
