#!/usr/bin/env python3
"""The same disk on both machines: one cuts the power, the other recovers it.

First the simulator runs until its time is over, in the middle of the work, and QEMU goes on with its disk; then QEMU is
killed and the simulator goes on. Both ends must verify, with the checksum of an undisturbed run.
"""

import argparse
import pathlib
import tempfile

from machine import (COMMITTED, EXIT_TIME_LIMIT, EndToEndError, Machine, check_recovered, check_verified, numbers, qemu,
                     run, simulator)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fixpoint", type=pathlib.Path, help="the simulator")
    parser.add_argument("image", type=pathlib.Path, help="folder of the image's ELF files")
    parser.add_argument("--interval-us", type=int, default=50_000)
    parser.add_argument("--max-seconds", type=float, default=0.5, help="simulated time until the power cut")
    parser.add_argument("--program", default="ledger.elf accounts=2000 clients=3 transfers=40000 log=1024")
    return parser.parse_args()


def main():
    options = parse_arguments()
    arguments = f"interval_us={options.interval_us} verbose=1"
    programs = [options.program]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with Machine(qemu(options.image, folder / "reference.img", "interval_us=0", programs), "undisturbed") as machine:
            reference = check_verified(machine)

        disk = folder / "simulator.img"
        with open(disk, "wb") as file:
            file.truncate(64 << 20)
        command = simulator(options.fixpoint, options.image, disk, arguments, programs, options.max_seconds)
        with Machine(command, "simulator, cut") as machine:
            status = machine.wait_for_end()
            if status != EXIT_TIME_LIMIT:
                raise EndToEndError(f"the simulator ended with {status} instead of at its time limit")
            if not machine.has(COMMITTED):
                raise EndToEndError("the simulator committed no checkpoint within its time limit")
            committed = max(numbers(machine, COMMITTED))
        with Machine(qemu(options.image, disk, arguments, programs), "QEMU, after the simulator") as machine:
            check_recovered(machine, committed)
            on_qemu = check_verified(machine)

        disk = folder / "qemu.img"
        with Machine(qemu(options.image, disk, arguments, programs), "QEMU, cut") as machine:
            for _ in range(3):
                machine.wait_for(COMMITTED)
            machine.kill()
            committed = max(numbers(machine, COMMITTED))
        command = simulator(options.fixpoint, options.image, disk, arguments, programs)
        with Machine(command, "simulator, after QEMU") as machine:
            check_recovered(machine, committed)
            on_simulator = check_verified(machine)

        for result in (on_qemu, on_simulator):
            if result != reference:
                raise EndToEndError(f"the end is {result}, undisturbed it is {reference}")
        print(f"both directions recovered; as undisturbed: {reference}")


if __name__ == "__main__":
    run(main)
