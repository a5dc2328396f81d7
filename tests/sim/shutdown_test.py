"""Presses the power button: the world goes on where it was, the start after it says so, and a cut in the middle does no harm.

usage: shutdown_test.py FIXPOINT --seed N [--setting KEY=VALUE]...
"""
import argparse
import random

from fixpoint_program import Program, check

MODES = ["lose-cache", "torn", "reordered", "keep", "bad-sector"]

parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--setting", action="append", default=[])
options = parser.parse_args()
program, draw = Program(options.program), random.Random(options.seed)


def run(name, events, seconds, *settings):
    """`events` are pairs of an instant and what happens then. Returns the recoveries."""
    settings = ["pager.interval_ms=100", *options.setting, *settings, "crash=[]", "disk.keep=true"]
    for number, (at_ms, disk) in enumerate(events):
        settings += [f"crash[{number}].at_ms={at_ms:.3f}", f"crash[{number}].disk={disk}"]
    process, summary = program.experiment(name, *settings, f"run={{ seconds = {seconds:.3f} }}",
                                          f"experiment.seed={options.seed}")
    print(name, "settings:", " ".join(settings), process.stdout, process.stderr)
    check(process.returncode == 0, name, "ended with", process.returncode)
    check(summary["workload"] == {"finished": True, "verified": True}, summary["workload"])
    check(program.run("disk", "verify", program.root / name / "disk.img").returncode == 0, name, "left a damaged disk")
    for recovery in summary["recovery"]:
        check(recovery["epoch"] is None or recovery["epoch"] > 0 and recovery["identical"] is True, recovery)
    return summary["recovery"]


# Ten times in a row. A shutdown takes up to two checkpoints' time.
recoveries = run("ten", [(500 + 900 * number, "shutdown") for number in range(10)], 22)
check(len(recoveries) == 10, recoveries)
for recovery in recoveries:
    check(recovery["clean"] is True and recovery["lost_ms"] == 0, recovery)

# The power fails some time after the button was pressed: the shutdown is over, or not, or was not begun.
events, instant = [], 450.0
for number in range(12):
    events.append((instant, "shutdown"))
    events.append((instant + draw.uniform(0.1, 700), MODES[number % len(MODES)]))
    instant += draw.uniform(900, 1200)
recoveries = run("cut_short", events, instant / 1000 + 12)
check(len(recoveries) >= 12, recoveries)
found = [recovery["clean"] for recovery in recoveries]
check(True in found and False in found, "none was finished, or none was cut short:", found)

# The flag is for one start: a crash after it is a crash.
recoveries = run("once", [(500, "shutdown"), (1500, "lose-cache")], 15)
check([recovery["clean"] for recovery in recoveries] == [True, False], recoveries)

# So does a start that commits nothing before the power fails.
recoveries = run("no_checkpoint", [(500, "shutdown"), (1000, "lose-cache")], 15, "pager.interval_ms=0")
check([recovery["clean"] for recovery in recoveries] == [True, False], recoveries)
check(recoveries[0]["epoch"] == recoveries[1]["epoch"] == 1, recoveries)
