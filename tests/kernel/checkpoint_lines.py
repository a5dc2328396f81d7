#!/usr/bin/env python3
"""Counts the kernel's lines of code that know of checkpoints and recovery.

checkpoint_lines.py SOURCE_DIR [DOCUMENT]

Lines of code are those that are neither empty nor only comment. What knows of checkpoints is named below: whole files,
functions, and single lines by what is in them. Paging TCBs is no such knowledge: a TCB pager need not write anything to a
disk. With DOCUMENT, the table in it must have the same figures. Exit status 1 if it has not, if the sum reaches 300, or if
something named below does not exist any more.
"""
import pathlib
import re
import sys

LIMIT = 300
WHOLE_FILES = ["thread/recovery.cpp", "thread/recovery.hpp"]
FUNCTIONS = {
    "thread/task.cpp": ["restore_task", "touch_task_state", "touch_chiefs"],
    "ipc/sender_ring.cpp": ["insert_sender_by_order", "note_send_order"],
}
LINES = {
    "thread/scheduler.hpp": [r"\bbool known;", r"\borphan_next;"],
    "thread/scheduler.cpp": [r"\.orphan_next = "],
    "thread/task.cpp": [r"\bentry\.known = "],
    "thread/tcb.hpp": [r"\bsend_order;", r"\bmagic;", r"\btcb_magic = "],
    "ipc/sender_ring.cpp": [r"forget_orphan\(", r"^constinit uint64_t next_send_order", r"send_order = next_send_order"],
    "ipc/interrupts.cpp": [r"is_persistent\("],
    "ipc/page_fault.cpp": [r"is_persistent\("],
    "arch/interrupt_table.cpp": [r"call_recovery"],
}


def code_lines(text):
    return [line for line in (re.sub(r"//.*", "", line) for line in text.splitlines()) if line.strip()]


def function_lines(text, name):
    match = re.search(rf"^[^\n#/]*\b{name}\([^;]*?\{{\n.*?^\}}", text, re.M | re.S)
    return code_lines(match.group(0)) if match else []


def count(kernel):
    table = {}
    for file in sorted({*WHOLE_FILES, *FUNCTIONS, *LINES}):
        text = (kernel / file).read_text()
        if file in WHOLE_FILES:
            table[file] = len(code_lines(text))
            continue
        parts = [len(function_lines(text, name)) for name in FUNCTIONS.get(file, [])]
        parts += [len([line for line in code_lines(text) if re.search(pattern, line)]) for pattern in LINES.get(file, [])]
        if 0 in parts:
            sys.exit(f"{file}: something that is counted is not there any more: {parts}")
        table[file] = sum(parts)
    return table


def main():
    table = count(pathlib.Path(sys.argv[1]) / "kernel-model")
    for file, lines in table.items():
        print(f"{lines:4} {file}")
    total = sum(table.values())
    print(f"{total:4} in all, limit {LIMIT}")
    if len(sys.argv) > 2:
        document = pathlib.Path(sys.argv[2]).read_text()
        for name, lines in [*table.items(), ("in all", total)]:
            row = f"| {name if name == 'in all' else f'`{name}`'} | {lines} |"
            if row not in document:
                sys.exit(f"{sys.argv[2]} does not have the row: {row}")
    sys.exit(total >= LIMIT)


if __name__ == "__main__":
    main()
