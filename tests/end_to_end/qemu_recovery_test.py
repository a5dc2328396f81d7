#!/usr/bin/env python3
"""The image under QEMU: killed in the middle of its work again and again, it recovers and ends with a sound ledger.

Every round lets the machine commit some checkpoints, then kills QEMU with SIGKILL at a moment drawn from the seed. The
next boot must find an epoch that is at least the newest one reported committed (I9). The last boot runs to the end: the
ledger's own checks must hold, and its checksum, which does not depend on the order in which requests arrived, must be
that of a run without checkpoints and kills (I8).
"""

import argparse
import pathlib
import random
import tempfile

from machine import COMMITTED, EndToEndError, Machine, check_recovered, check_verified, qemu, run


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=pathlib.Path, help="folder of the image's ELF files")
    parser.add_argument("--rounds", type=int, default=4, help="number of kills (default 4)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--interval-us", type=int, default=50_000)
    parser.add_argument("--checkpoint", default="", help="further arguments of the checkpoint server")
    parser.add_argument("--program", action="append", help="modules, one of them the ledger")
    options = parser.parse_args()
    options.program = options.program or ["ledger.elf accounts=5000 clients=3 transfers=150000 log=4096"]
    return options


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
            checkpoints = draw.randint(2, 6)
            delay_s = draw.uniform(0, 2 * options.interval_us / 1e6)
            with boot(disk, options.interval_us, f"round {round_number}") as machine:
                if committed:
                    check_recovered(machine, committed)
                for _ in range(checkpoints):
                    machine.wait_for(COMMITTED)
                machine.run_for(delay_s)
                machine.kill()
                committed = int(machine.find(COMMITTED).group(1))

        with boot(disk, options.interval_us, "last") as machine:
            check_recovered(machine, committed)
            result = check_verified(machine)
        if result != reference:
            raise EndToEndError(f"the ledger ends with {result}, undisturbed with {reference}")
        print(f"{options.rounds} kills (seed {options.seed}), each recovered; transfers={reference[0]}, "
              f"checksum={reference[1]} as without them")


if __name__ == "__main__":
    run(main)
