#!/usr/bin/env python3
"""Programs ask for the only checkpoints that there are, and notice when a power cut has set them back.

The machine is killed again and again at moments drawn from the seed. After each recovery at least one thread must find a
new session's number (the snapshot was taken for it), and none goes back behind a round that it has called durable.
"""

import argparse
import pathlib
import random
import re
import tempfile

from machine import EndToEndError, Machine, check_recovered, check_verified, numbers, qemu, run, simulator

SERVER = "interval_us=0 verbose=1"
DURABLE = r"^rerun 0: thread (\S+) round (\d+) durable, epoch (\d+)"
SET_BACK = r"^rerun 0: thread (\S+) was set back to round (\d+), session (\d+)"
THREADS = {"0.0", "0.1", "1.0", "2.0"}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=pathlib.Path, help="folder of the image's ELF files")
    parser.add_argument("--fixpoint", type=pathlib.Path, help="run on the simulator, this program; otherwise under QEMU")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def check_rounds(machine, durable):
    """Reads the lines of one start; `durable` is the newest durable round of each thread."""
    for line in machine.lines:
        told, back = re.search(DURABLE, line), re.search(SET_BACK, line)
        # The end of the durable round is where the snapshot found the thread: it may be done again, but none before it.
        if (match := told or back) and int(match[2]) < durable.get(match[1], 0):
            raise EndToEndError(f"{machine.label}: {line}, after round {durable[match[1]]} was durable")
        if told:
            durable[told[1]] = int(told[2])


def main():
    options = parse_arguments()
    draw = random.Random(options.seed)
    programs = ["rerun.elf rounds=25"]

    with tempfile.TemporaryDirectory() as folder:
        disk = pathlib.Path(folder) / "disk.img"
        with open(disk, "wb") as file:
            file.truncate(64 << 20)

        def boot(label):
            if options.fixpoint:
                command = simulator(options.fixpoint, options.image, disk, SERVER, programs)
            else:
                command = qemu(options.image, disk, SERVER, programs)
            return Machine(command, label)

        durable, set_back = {}, set()
        for number in range(1, options.kills + 2):
            with boot(f"start {number}") as machine:
                if number > 1:
                    check_recovered(machine, 1)
                    machine.wait_for(rf"^rerun .* session {number}$")
                if number <= options.kills:
                    for _ in range(draw.randint(1, 12)):
                        machine.wait_for(DURABLE)
                    machine.kill()
                else:
                    check_verified(machine)
                check_rounds(machine, durable)
                # A snapshot may lie between a thread's reading of the number and its line: that names the session before.
                sessions = set(numbers(machine, r"^rerun .* session (\d+)$"))
                if not sessions <= set(range(2, number + 1)):
                    raise EndToEndError(f"{machine.label}: sessions {sessions}")
                set_back |= {match[1] for line in machine.lines if (match := re.search(SET_BACK, line))}
        if set(durable) != THREADS or any(rounds != 25 for rounds in durable.values()):
            raise EndToEndError(f"the durable rounds are {durable}")
        print(f"{options.kills} kills (seed {options.seed}); set back were the threads {sorted(set_back)}")


if __name__ == "__main__":
    run(main)
