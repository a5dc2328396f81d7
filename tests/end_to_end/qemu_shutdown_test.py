#!/usr/bin/env python3
"""The power button under QEMU: the machine takes a last checkpoint, switches itself off, and goes on where it was.

Rounds are drawn from the seed: the button is pressed and the machine left alone; the button is pressed and QEMU killed in the
middle of the shutdown; QEMU is killed out of the blue. After the first the next boot must find exactly the epoch that was
reported, and call it a controlled shutdown; after the last a crash. The end must be that of an undisturbed run.
"""

import argparse
import pathlib
import random
import re
import socket
import subprocess
import tempfile

from machine import (COMMITTED, RECOVERED, EndToEndError, Machine, check_recovered, check_verified, numbers, qemu, run)

LAST_DURABLE = r"^root: epoch (\d+) is durable, switching off"
AFTER_SHUTDOWN, AFTER_CRASH = "after a controlled shutdown$", "after a crash$"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=pathlib.Path, help="folder of the image's ELF files")
    parser.add_argument("--fixpoint", type=pathlib.Path, help="look at each disk that was shut down with this program")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--interval-us", type=int, default=50_000)
    parser.add_argument("--checkpoint", default="", help="further arguments of the checkpoint server")
    parser.add_argument("--program", default="ledger.elf accounts=5000 clients=3 transfers=300000 log=4096")
    return parser.parse_args()


def press_power_button(monitor):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(monitor))
        said = b""
        for command in (b"", b"system_powerdown\n"):
            connection.sendall(command)
            said = said.removesuffix(b"(qemu) ")
            while not said.endswith(b"(qemu) "):
                said += connection.recv(1024)


def shut_down(machine):
    """Waits for the end after the button; the epoch of the last checkpoint."""
    match = machine.wait_for(LAST_DURABLE)
    if machine.wait_for_end() != 0 or machine.has("^fixpoint: "):
        raise EndToEndError(f"{machine.label}: did not switch itself off")
    last = int(match[1])
    if numbers(machine, COMMITTED)[-1] != last:
        raise EndToEndError(f"{machine.label}: epoch {last} is not the last")
    return last


def check_disk(fixpoint, disk):
    """What a controlled shutdown leaves."""
    for command, line in ("info", r"^ended by +a controlled shutdown$"), ("verify", r": sound, checkpoint of epoch"):
        process = subprocess.run([fixpoint, "disk", command, disk], capture_output=True, text=True)
        if process.returncode != 0 or not re.search(line, process.stdout, re.MULTILINE):
            raise EndToEndError(f"disk {command}: {process.returncode} {process.stdout} {process.stderr}")


def main():
    options = parse_arguments()
    draw = random.Random(options.seed)

    with tempfile.TemporaryDirectory() as name:
        monitor, disk = pathlib.Path(name) / "monitor", pathlib.Path(name) / "disk.img"

        def boot(disk, interval_us, label):
            arguments = f"interval_us={interval_us} verbose=1 {options.checkpoint}".strip()
            qemu_options = ["--", "-monitor", f"unix:{monitor},server=on,wait=off"]
            return Machine(qemu(options.image, disk, arguments, [options.program, *qemu_options]), label)

        with boot(pathlib.Path(name) / "reference.img", 0, "undisturbed") as machine:
            reference = check_verified(machine)

        committed, last_end, counts = 0, "fresh", {"button": 0, "cut": 0, "crash": 0}

        def check_start(machine):
            check_recovered(machine, committed)
            line = next(line for line in machine.lines if re.search(RECOVERED, line) or "fresh start" in line)
            epoch = int(match[1]) if (match := re.search(RECOVERED, line)) else 0
            if last_end == "button" and (epoch != committed or not re.search(AFTER_SHUTDOWN, line)):
                raise EndToEndError(f"{machine.label}: {line}, after epoch {committed} had been shut down with")
            if last_end == "crash" and epoch != 0 and not re.search(AFTER_CRASH, line):
                raise EndToEndError(f"{machine.label}: {line}, but nobody had pressed the power button")

        for number in range(1, options.rounds + 1):
            end = ["button", "cut", "button", "crash"][number % 4]
            with boot(disk, options.interval_us, f"round {number}, {end}") as machine:
                check_start(machine)
                for _ in range(draw.randint(1, 3)):
                    machine.wait_for(COMMITTED)
                machine.run_for(draw.uniform(0, 2 * options.interval_us / 1e6))
                if end != "crash":
                    press_power_button(monitor)
                if end == "button":
                    committed = shut_down(machine)
                    if options.fixpoint:
                        check_disk(options.fixpoint, disk)
                else:
                    if end == "cut":
                        machine.wait_for("^root: power button")
                        machine.wait_for(COMMITTED) if draw.random() < 0.5 else None
                    machine.kill()
                    committed = max([committed, *numbers(machine, COMMITTED)])
                last_end, counts[end] = end, counts[end] + 1

        with boot(disk, options.interval_us, "last") as machine:
            check_start(machine)
            result = check_verified(machine)
        if result != reference:
            raise EndToEndError(f"the end is {result}, undisturbed it is {reference}")
        print(f"{counts['button']} shutdowns, {counts['cut']} cut short, {counts['crash']} crashes (seed {options.seed}); "
              f"as without them: {reference}")


if __name__ == "__main__":
    run(main)
