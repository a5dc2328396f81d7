#!/usr/bin/env python3
"""Output commit (I10): the power is cut at seeded moments, and no line that has left the machine is ever contradicted.

The programs `tokens` print steps with tokens that no recovery brings back: a step that is done again has another token. With
the console log in the image all lines that ever left must agree: one text for each number, one token for each step, no
number left out, and a line that comes twice is the same line. Without it (--off) contradictions must be seen, or the test
itself sees nothing.
"""

import argparse
import pathlib
import random
import re
import tempfile

from machine import (COMMITTED, EXIT_TIME_LIMIT, EXIT_VERIFIED, KERNEL_STARTED, STARTED, EndToEndError, Machine,
                     check_recovered, numbers, qemu, run, simulator)

NUMBERED = re.compile(r"^(?:(\d+): )?(.*)$")
STEP = re.compile(r"^tokens (\d+\.\d+): step (\d+) (token [0-9a-f]{16} chain [0-9a-f]{16})$")
VERDICT = re.compile(r"^(tokens \d+: verified|fixpoint: all workloads done, verified)")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=pathlib.Path, help="folder of the image's ELF files")
    parser.add_argument("--fixpoint", type=pathlib.Path, help="run on the simulator, this program; otherwise under QEMU")
    parser.add_argument("--cuts", type=int, default=20, help="power cuts (default 20)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=120, help="of each of the four threads (default 120)")
    parser.add_argument("--interval-us", type=int, default=60_000, help="0: checkpoints only when the console needs them")
    parser.add_argument("--shortest-s", type=float, default=0.06, help="of a session; simulated or real time")
    parser.add_argument("--longest-s", type=float, default=0.45)
    parser.add_argument("--at-line", action="store_true", help="cut as soon as a numbered line has come, not after a time")
    parser.add_argument("--checkpoint", default="", help="further arguments of the checkpoint server")
    parser.add_argument("--off", action="store_true", help="without output commit; contradictions must be seen")
    return parser.parse_args()


class Reader:
    """Who reads the machine's output and remembers all of it."""

    def __init__(self, all_numbered):
        self.all_numbered = all_numbered  # output commit is on
        self.by_number, self.by_step, self.torn = {}, {}, []
        self.newest, self.repeated, self.contradictions = 0, 0, []

    def remember(self, known, key, text):
        if known.setdefault(key, text) != text:
            self.contradictions.append(f"{key}: '{known[key]}', then '{text}'")

    def read(self, machine):
        for line in machine.lines:
            number, text = NUMBERED.match(line).groups()
            step, verdict = STEP.match(text), VERDICT.match(text)
            if number is None and not step and not verdict:
                continue  # the kernel's, the servers', the root task's
            if step:
                self.remember(self.by_step, step.group(1, 2), step.group(3))
            if number is None:
                if self.all_numbered:
                    raise EndToEndError(f"{machine.label}: '{line}' left without a number")
                continue
            number = int(number)
            self.repeated += number in self.by_number
            self.remember(self.by_number, number, text)
            if number > self.newest + 1:
                raise EndToEndError(f"{machine.label}: line {number} came after {self.newest}")
            self.newest = max(self.newest, number)
        number, text = NUMBERED.match(machine.torn).groups()
        if number is not None:
            self.torn.append((int(number), text))

    def check_torn_lines(self):
        for number, text in self.torn:
            if not self.by_number[number].startswith(text):
                self.contradictions.append(f"{number}: '{self.by_number[number]}', but '{text}' was cut off")


def main():
    options = parse_arguments()
    draw = random.Random(options.seed)
    programs = [f"tokens.elf steps={options.steps} pause_us=4000 seed=1", f"tokens.elf steps={options.steps} pause_us=9000 seed=2"]
    if not options.off:
        programs.insert(0, "console_log.elf")
    arguments = f"interval_us={options.interval_us} verbose=1 {options.checkpoint}".strip()
    reader, committed = Reader(all_numbered=not options.off), 0
    with tempfile.TemporaryDirectory() as folder:
        disk = pathlib.Path(folder) / "disk.img"
        with open(disk, "wb") as file:
            file.truncate(64 << 20)
        cuts = 0
        for number in range(1, options.cuts + 2):
            last = number == options.cuts + 1
            session_s = draw.uniform(options.shortest_s, options.longest_s)
            label = f"session {number}"
            if options.fixpoint:
                limit_s = None if last or options.at_line else session_s
                command = simulator(options.fixpoint, options.image, disk, arguments, programs, limit_s)
            else:
                command = qemu(options.image, disk, arguments, programs)
            with Machine(command, label) as machine:
                if not last and options.at_line:
                    check_recovered(machine, committed)
                    machine.wait_for(r"^\d+: ")
                    machine.kill()
                elif not last and not options.fixpoint:
                    machine.wait_for(KERNEL_STARTED)
                    machine.cut_after(session_s)
                status = machine.wait_for_end()
                if not options.at_line and machine.has(STARTED):
                    check_recovered(machine, committed)
                committed = max([committed, *numbers(machine, COMMITTED)])
                reader.read(machine)
            if status == EXIT_VERIFIED:
                break
            if last or options.fixpoint and not options.at_line and status != EXIT_TIME_LIMIT:
                raise EndToEndError(f"{label}: ended with status {status}")
            cuts += 1
    if cuts < options.cuts / 2:
        raise EndToEndError(f"the programs ended after {cuts} cuts; more --steps are needed")
    reader.check_torn_lines()
    figures = (f"{cuts} cuts (seed {options.seed}): {len(reader.by_step)} steps, {reader.newest} numbered lines, "
               f"{reader.repeated} came again, {len(reader.contradictions)} contradictions")
    print(figures)
    if options.off:
        if not reader.contradictions:
            raise EndToEndError("without output commit nothing was contradicted: the cuts find nothing")
        return
    if reader.contradictions:
        raise EndToEndError("; ".join(reader.contradictions[:5]))
    if len(reader.by_step) != 4 * options.steps or len(reader.by_number) != reader.newest:
        raise EndToEndError(f"{4 * options.steps} steps were expected: lines are lost")
    if reader.repeated == 0:
        raise EndToEndError("no line came twice: no cut fell between a line's release and the next checkpoint")


if __name__ == "__main__":
    run(main)
