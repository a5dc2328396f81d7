#include "kernel-model/arch/restart.hpp"

#include "kernel-model/arch/entry_layout.h"
#include "kernel-model/arch/interrupt_table.hpp"
#include "kernel-model/arch/sysenter.hpp"
#include "kernel-model/thread/tcb.hpp"

namespace kernel {

void rewind_system_call(Frame& frame) {
    constexpr uint32_t int_instruction_bytes = 2;
    if (frame.vector == VECTOR_IN_TRANSFER)
        return; // the thread does not go back to user level
    if (frame.vector >= VECTOR_SYSENTER) {
        rewind_sysenter(frame);
    } else if (frame.vector >= vector_ipc) {
        frame.eip -= int_instruction_bytes;
        frame.vector = vector_page_fault;
    }
}

} // namespace kernel
