#!/usr/bin/env python3
"""The image under QEMU: killed in the middle of its work again and again, it recovers and ends with sound workloads.

Every round kills QEMU with SIGKILL at a moment drawn from the seed: some time after a few commits, or soon after the
kernel's first line, so that some kills hit the recovery or the world before its first checkpoint. The next boot must find an
epoch that is at least the newest one reported committed (I9). The last boot runs to the end: the programs' own checks
must hold, and their checksums must be those of a run without checkpoints and kills (I8).
"""

import argparse
import pathlib
import random
import tempfile

from machine import (COMMITTED, KERNEL_STARTED, STARTED, EndToEndError, Machine, check_recovered, check_verified,
                     numbers, qemu, run)

EARLY_KILLS = 0.3  # of all
EARLY_KILL_MAX_S = 0.1  # a recovery takes about half of it


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=pathlib.Path, help="folder of the image's ELF files")
    parser.add_argument("--rounds", type=int, default=6, help="number of kills (default 6)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--interval-us", type=int, default=50_000)
    parser.add_argument("--checkpoint", default="", help="further arguments of the checkpoint server")
    parser.add_argument("--program", action="append", help="a module with its arguments; may be given again")
    options = parser.parse_args()
    options.program = options.program or ["ledger.elf accounts=5000 clients=3 transfers=150000 log=4096"]
    return options


def kill_once(machine, draw, committed, interval_us):
    """Runs the machine until its power cut; the newest epoch reported committed by then."""
    early = draw.random() < EARLY_KILLS
    checkpoints = draw.randint(2, 6)
    delay_s = draw.uniform(0, EARLY_KILL_MAX_S if early else 2 * interval_us / 1e6)
    machine.wait_for(KERNEL_STARTED)
    if not early:
        check_recovered(machine, committed)
        for _ in range(checkpoints):
            machine.wait_for(COMMITTED)
    machine.run_for(delay_s)
    machine.kill()
    if early and machine.has(STARTED):
        check_recovered(machine, committed)
    return max([committed, *numbers(machine, COMMITTED)])


def main():
    options = parse_arguments()
    draw = random.Random(options.seed)

    def boot(disk, interval_us, label):
        arguments = f"interval_us={interval_us} verbose=1 {options.checkpoint}".strip()
        return Machine(qemu(options.image, disk, arguments, options.program), label)

    with tempfile.TemporaryDirectory() as name:
        with boot(pathlib.Path(name) / "reference.img", 0, "undisturbed") as machine:
            reference = check_verified(machine)

        disk = pathlib.Path(name) / "disk.img"
        committed = 0
        for round_number in range(1, options.rounds + 1):
            with boot(disk, options.interval_us, f"round {round_number}") as machine:
                committed = kill_once(machine, draw, committed, options.interval_us)

        with boot(disk, options.interval_us, "last") as machine:
            check_recovered(machine, committed)
            result = check_verified(machine)
        if result != reference:
            raise EndToEndError(f"the end is {result}, undisturbed it is {reference}")
        print(f"{options.rounds} kills (seed {options.seed}), each recovered; as without them: {reference}")


if __name__ == "__main__":
    run(main)
