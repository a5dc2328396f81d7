/* Segment selectors, for assembly and C++ alike. The order is what SYSENTER and SYSEXIT demand. */
#pragma once

#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_STACK 0x10
#define SELECTOR_USER_CODE 0x1B
#define SELECTOR_USER_DATA 0x23
#define SELECTOR_TASK_STATE 0x28
#define SELECTOR_DOUBLE_FAULT 0x30
