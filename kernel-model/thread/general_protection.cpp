// #GP of user threads: instructions that the kernel carries out, as L4Ka::Hazelnut does; the rest are exceptions.
//
//   LIDT m               the table of the thread's own handlers. An operand outside user space is not read, a table
//                        that begins outside is none; the instruction is over in any case
//   HLT                  EAX = version of the kernel
//   WBINVD               nothing
//   MOV, POP to a segment register, with a selector that is not the user's: the flat segment is loaded
//   IN, OUT, INS, OUTS   without the right to the port: an I/O page fault
//   FS or GS useless     (a null selector has been loaded before): mended, the instruction is repeated
//
// The instruction is read from user memory, which may be absent by now: then it is a page fault, and the instruction is
// repeated.
#include "kernel-model/arch/cpu.hpp"
#include "kernel-model/arch/handlers.hpp"
#include "kernel-model/arch/instruction.hpp"
#include "kernel-model/arch/selectors.h"
#include "kernel-model/ipc/page_fault.hpp"
#include "kernel-model/memory/port_spaces.hpp"
#include "kernel-model/memory/user_memory.hpp"
#include "kernel-model/thread/exceptions.hpp"

namespace kernel {

namespace {

constexpr uint32_t error_in_table = 1u << 1; // INT n: the gate is not user level's
constexpr unsigned vector_debug = 1;
// API B1h (X.0 with SYSENTER), kernel 4 (L4Ka), processor 0 (IA-32), 1st release: what Hazelnut says.
constexpr uint32_t hazelnut_version = 0xB1400003u;

class UserCode {
public:
    explicit UserCode(uint32_t address) : address_(address) {}
    bool next(uint8_t& byte) {
        if (!ensure_accessible(address_, 1, UserAccess::read))
            return false;
        byte = load_from_user<uint8_t>(address_++);
        return true;
    }

private:
    uint32_t address_;
};

GeneralRegisters registers_of(const Frame& frame) {
    return {{frame.eax, frame.ecx, frame.edx, frame.ebx, frame.esp, frame.ebp, frame.esi, frame.edi}};
}

void load_flat_fs_and_gs() {
    asm volatile("movl %0, %%fs\n\tmovl %0, %%gs" : : "r"(SELECTOR_USER_DATA));
}

// True: FS or GS was not the flat segment. (DS and ES: entries.S.)
bool mend_segments() {
    uint32_t fs, gs;
    asm("movl %%fs, %0\n\tmovl %%gs, %1" : "=r"(fs), "=r"(gs));
    if ((fs & 0xFFFF) == SELECTOR_USER_DATA && (gs & 0xFFFF) == SELECTOR_USER_DATA)
        return false;
    load_flat_fs_and_gs();
    return true;
}

// The instruction has been carried out.
void finish(Frame& frame, const Instruction& instruction) {
    frame.eip += instruction.length;
    frame.eflags &= ~cpu::eflags_resume;
    if (frame.eflags & cpu::eflags_trap)
        raise_trap(vector_debug);
}

// False: the operand was absent, LIDT is repeated.
bool load_gate_table(Tcb& thread, const Instruction& instruction) {
    constexpr uint32_t operand_bytes = 6, short_base = 0x00FFFFFF;
    if (!in_user_space(instruction.address, operand_bytes))
        return true;
    if (!ensure_accessible(instruction.address, operand_bytes, UserAccess::read))
        return false;
    const auto limit = load_from_user<uint16_t>(instruction.address);
    auto base = load_from_user<uint32_t>(instruction.address + sizeof limit);
    if (instruction.short_operands)
        base &= short_base;
    thread.gate_table = may_be_gate_table(base) ? base : 0;
    thread.gate_table_limit = limit;
    return true;
}

void access_port(const Tcb& thread, const Instruction& instruction) {
    const unsigned count = 1u << instruction.log2_bytes;
    const bool exists = instruction.port + count <= l4::io_port_count;
    if (exists && !may_use_ports(task_of(thread), instruction.port, count))
        io_page_fault_at(instruction.port, instruction.log2_bytes);
    else
        raise_exception();
}

void carry_out(Tcb& thread, const Instruction& instruction) {
    Frame& frame = thread.frame;
    using enum Instruction::Kind;
    switch (instruction.kind) {
    case load_idt:
        if (load_gate_table(thread, instruction))
            finish(frame, instruction);
        break;
    case halt:
        frame.eax = hazelnut_version;
        finish(frame, instruction);
        break;
    case flush_caches:
        finish(frame, instruction);
        break;
    case load_segment:
        load_flat_fs_and_gs(); // the others are flat: entries.S mends them, SS has kept its value
        frame.esp += instruction.popped;
        finish(frame, instruction);
        break;
    case port:
        access_port(thread, instruction);
        break;
    case other:
        raise_exception();
        break;
    }
}

} // namespace

void handle_protection() {
    Tcb& thread = *current_thread;
    const Frame& frame = thread.frame;
    if (frame.error == 0 && mend_segments())
        return;
    if (frame.error & error_in_table) {
        raise_exception();
        return;
    }
    UserCode code(frame.eip);
    const GeneralRegisters registers = registers_of(frame);
    Instruction instruction;
    if (InstructionDecoder(code, registers).decode(instruction))
        carry_out(thread, instruction);
}

} // namespace kernel
