#!/usr/bin/env python3
"""Threads of every class at a snapshot's instant: cut off once it is durable, recovered, and right at their ends.

The program `snapshot` brings threads into the states of a class and asks for the only checkpoints that there are. Each is
followed by a power cut: the next boot recovers the threads in the states in which they were.
"""

import argparse
import pathlib
import re
import tempfile

from machine import EndToEndError, Machine, check_recovered, check_verified, qemu, run, simulator

CLASSES = ["running", "preempted", "floating-point", "sending", "receiving", "transfer-copying", "transfer-fault-of-receiver",
           "transfer-fault-of-sender", "fault-queued-at-pager", "fault-received-by-pager",
           "fault-answered-by-computing-pager", "fault-at-checkpoint-server", "timeouts", "driver", "exception-handler"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=pathlib.Path, help="folder of the image's ELF files")
    parser.add_argument("--fixpoint", type=pathlib.Path, help="run on the simulator, this program; otherwise under QEMU")
    parser.add_argument("--recoveries", type=int, default=2, help="of each class, one after the other (default 2)")
    parser.add_argument("--checkpoint", default="", help="further arguments of the checkpoint server")
    parser.add_argument("--class", action="append", dest="classes", choices=CLASSES, help="only this; may be given again")
    return parser.parse_args()


def test_class(options, name, disk):
    program = f"snapshot.elf class={name} recoveries={options.recoveries}"
    server = f"interval_us=0 verbose=1 {options.checkpoint}".strip()

    def boot(label):
        if options.fixpoint:
            command = simulator(options.fixpoint, options.image, disk, server, [program])
        else:
            command = qemu(options.image, disk, server, [program])
        return Machine(command, f"{name}, {label}")

    with open(disk, "wb") as file:
        file.truncate(64 << 20)
    for number in range(1, options.recoveries + 1):
        with boot(f"cut {number}") as machine:
            if number > 1:
                check_recovered(machine, number - 1)
                machine.wait_for(f"^snapshot 0: {name} {number - 1} recovered")
            machine.wait_for(f"^snapshot 0: {name} {number} durable")
    with boot("last") as machine:
        check_recovered(machine, options.recoveries)
        machine.wait_for(f"^snapshot 0: {name} {options.recoveries} recovered")
        result = check_verified(machine)
        # The faulting instruction was repeated after the recovery.
        if name == "fault-at-checkpoint-server" and not machine.has("has no page at 00000010$"):
            raise EndToEndError(f"{name}: its thread did not fault again")
    if not re.search("snapshot 0 subjects=[1-9]", result):
        raise EndToEndError(f"{name}: the end is {result}")


def main():
    options = parse_arguments()
    with tempfile.TemporaryDirectory() as folder:
        for name in options.classes or CLASSES:
            test_class(options, name, pathlib.Path(folder) / f"{name}.img")
    print(f"{len(options.classes or CLASSES)} classes, each recovered {options.recoveries} times")


if __name__ == "__main__":
    run(main)
