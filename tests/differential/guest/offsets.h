// Offsets of layout.hpp's structures and its constants, for the assembler; driver.cpp asserts that they agree.
#pragma once

#define RECORD_ENTRY 4
#define RECORD_GENERAL 8
#define RECORD_ESP (RECORD_GENERAL + 16)
#define RECORD_EIP 40
#define RECORD_EFLAGS 44
#define RECORD_CS 48
#define RECORD_SS 52
#define RECORD_DS 56
#define RECORD_ES 60
#define RECORD_FS 64
#define RECORD_GS 68
#define RECORD_LDTR 72
#define RECORD_TR 76
#define RECORD_CR0 80
#define RECORD_CR3 84
#define RECORD_CR4 88
#define RECORD_DEBUG 92

#define OUTCOME_VECTOR 0
#define OUTCOME_ERROR 4
#define OUTCOME_GENERAL 8
#define OUTCOME_EIP 40
#define OUTCOME_CS 44
#define OUTCOME_EFLAGS 48
#define OUTCOME_SS 52
#define OUTCOME_DS 56
#define OUTCOME_ES 60
#define OUTCOME_FS 64
#define OUTCOME_GS 68
#define OUTCOME_CR0 72
#define OUTCOME_CR2 76
#define OUTCOME_CR3 80
#define OUTCOME_CR4 84
#define OUTCOME_DR6 88
#define OUTCOME_DR7 92
#define OUTCOME_LDTR 96
#define OUTCOME_TR 100
#define OUTCOME_NESTED 120

#define ENTRY_SAME_LEVEL 0
#define ENTRY_VIRTUAL_8086 2
#define ENTRY_REAL 3
#define ENTRY_REAL_BIG 4

#define DRIVER_CODE 0x08
#define DRIVER_DATA 0x10
#define DRIVER_STACK 0xF000
#define REAL_SWITCH_CODE 0x28
#define REAL_SWITCH_DATA 0x30
#define REAL_MODE_SEGMENT 0x1000

#define EFLAGS_VM 0x20000
#define DOUBLE_FAULT_VECTOR 0x208
