/* What entries.S knows of the kernel's structures; arch/sysenter.cpp asserts every number against the C++ side. */
#pragma once

/* Frame, after what the processor and `pushal` push */
#define FRAME_EDI 0
#define FRAME_ESI 4
#define FRAME_EBP 8
#define FRAME_EBX 16
#define FRAME_EDX 20
#define FRAME_ECX 24
#define FRAME_EAX 28
#define FRAME_VECTOR 32
#define FRAME_ERROR 36
#define FRAME_EIP 40
#define FRAME_CS 44
#define FRAME_EFLAGS 48
#define FRAME_ESP 52
#define FRAME_BYTES 60

/* Frame::vector of an ipc that came by SYSENTER; no vector of the processor's. */
#define VECTOR_SYSENTER 0x38       /* may return by SYSEXIT: EIP is at a `movl %ebp, %edx` before the return address */
#define VECTOR_SYSENTER_PLAIN 0x39 /* returns by IRET only */
#define VECTOR_IN_TRANSFER 0x3A    /* does not return yet: transfers a message through memory */

/* Tcb */
#define TCB_ID 32
#define TCB_STATE 36
#define TCB_PRIORITY 38
#define TCB_PARTNER 40
#define TCB_SENDERS 44
#define TCB_LAST_SENDER 56
#define TCB_FRAME 64
#define TCB_WAKEUP 124
#define TCB_INTERRUPT_LINES 140
#define STATE_RUNNING 1
#define STATE_WAITING_USER 3 /* state waiting, kind user: the two bytes at TCB_STATE */
#define ANY_PARTNER -1
#define TCB_ARRAY 0xE0000000
#define TCB_OFFSET_MASK 0x00FFFC00 /* of a thread id: task and lthread times 1 KB */
#define ID_TASK_MASK 0x00FF0000

/* Scheduler, TaskStateSegment, Task */
#define SCHEDULER_FLOOR 0
#define SCHEDULER_DIRECTORY 4
#define TASK_STATE_ESP0 4
#define TASK_BYTES 12

#define KERNEL_STACK_BYTES 4096
#define KERNEL_STACK_PAINT 0x5AA5A55A

#define USER_SPACE_END 0xC0000000
#define TIMEOUTS_RECEIVE_EXPONENT 0xF
#define EFLAGS_IO_PRIVILEGE 0x3000
/* All but trap, direction and nested task. */
#define EFLAGS_KEPT ~0x4500
#define MOVL_EBP_EDX 0xEA89
