#!/usr/bin/env python3
"""A full disk, on the simulator: tasks wait for space and go on when another one gives its pages back, through power cuts in every phase.

Without power cuts the console says once a round that the disk is full, and checkpoints are committed while everybody waits.
With them, at instants drawn from the seed, every boot finds the newest epoch that was reported committed or a newer one
(I9), and the programs find what they had left (I8).
"""

import argparse
import pathlib
import random
import tempfile

from machine import (COMMITTED, EXIT_TIME_LIMIT, EXIT_VERIFIED, EndToEndError, Machine, check_recovered, check_verified,
                     numbers, run, simulator)

DISK_MIB = 8
ROUNDS, ROUNDS_WITH_CUTS = 3, 12
# So that ballast and guests' pages do not fit together in the store's slots, and the guests' alone do.
PAGES = {"ab": "ballast=600 pages=250", "log": "ballast=900 pages=400"}
FULL = r"^checkpoint: the disk is full, all \d+ page slots are taken"
NOBODY_WAITS = r"^checkpoint: nobody waits for space on the disk any more"
CUT_MIN_S, CUT_MAX_S = 0.05, 2.0  # of simulated time after the boot; a round takes one or two seconds
LAST_MAX_S = 300  # far longer than all rounds take: threads that wait for ever end the test


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fixpoint", type=pathlib.Path, help="the simulator")
    parser.add_argument("image", type=pathlib.Path, help="folder of the image's ELF files")
    parser.add_argument("--cuts", type=int, default=12, help="number of power cuts for each store (default 12)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--interval-us", type=int, default=50_000)
    return parser.parse_args()


def new_disk(path):
    with open(path, "wb") as file:
        file.truncate(DISK_MIB << 20)
    return path


def check_undisturbed(machine):
    result = check_verified(machine)
    full = [number for number, line in enumerate(machine.lines) if line.startswith("checkpoint: the disk is full")]
    if len(full) != ROUNDS or len([line for line in machine.lines if "nobody waits for space" in line]) != ROUNDS:
        raise EndToEndError(f"{machine.label}: {len(full)} reports in {ROUNDS} rounds")
    for number in full:
        # Up to the discard nothing is freed: these checkpoints were taken of a world that waits.
        if "committed" not in machine.lines[number + 1]:
            raise EndToEndError(f"{machine.label}: no checkpoint was taken while threads waited")
    return result


def test_store(options, store, folder):
    draw = random.Random(options.seed)

    def boot(disk, rounds, label, max_seconds=None, interval_us=options.interval_us):
        server = f"interval_us={interval_us} store={store} verbose=1"
        program = f"full_disk.elf rounds={rounds} {PAGES[store]}"
        return Machine(simulator(options.fixpoint, options.image, disk, server, [program], max_seconds), label)

    with boot(new_disk(folder / "undisturbed.img"), ROUNDS, f"{store}, undisturbed") as machine:
        check_undisturbed(machine)
    # Only what is discarded calls for checkpoints here.
    with boot(new_disk(folder / "on_demand.img"), ROUNDS, f"{store}, on demand", LAST_MAX_S, interval_us=0) as machine:
        check_verified(machine)

    disk = new_disk(folder / "disk.img")
    committed = full = cuts = 0
    while cuts < options.cuts:
        with boot(disk, ROUNDS_WITH_CUTS, f"{store}, cut {cuts + 1}", draw.uniform(CUT_MIN_S, CUT_MAX_S)) as machine:
            status = machine.wait_for_end()
            full += machine.has(FULL)
            if status == EXIT_VERIFIED:
                break
            if status != EXIT_TIME_LIMIT:
                raise EndToEndError(f"{machine.label}: ended with status {status}")
            cuts += 1
            if machine.has("frames, .* slots"):
                check_recovered(machine, committed)
            committed = max([committed, *numbers(machine, COMMITTED)])
    with boot(disk, ROUNDS_WITH_CUTS, f"{store}, last", LAST_MAX_S) as machine:
        check_recovered(machine, committed)
        result = check_verified(machine)
    if full < options.cuts / 4:
        raise EndToEndError(f"{store}: the disk was full in {full} boots only")
    print(f"{store}: {cuts} power cuts, the disk full in {full} boots: {result}")


def main():
    options = parse_arguments()
    for store in PAGES:
        with tempfile.TemporaryDirectory() as name:
            test_store(options, store, pathlib.Path(name))


if __name__ == "__main__":
    run(main)
