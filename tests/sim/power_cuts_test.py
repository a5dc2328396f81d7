"""Cuts the power at random instants: every recovery brings back the snapshot's memory, and the workload verifies.

usage: power_cuts_test.py FIXPOINT --seed N --cuts N [--first-ms N] --shortest-ms N --longest-ms N [--setting KEY=VALUE]...
"""
import argparse
import random

from fixpoint_program import Program, check

MODES = ["lose-cache", "torn", "reordered", "keep", "bad-sector"]

parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--cuts", type=int, required=True)
parser.add_argument("--first-ms", type=float, default=450.0, help="a first checkpoint is durable by then (default 450)")
parser.add_argument("--shortest-ms", type=int, required=True)
parser.add_argument("--longest-ms", type=int, required=True)
parser.add_argument("--interrupted", action="store_true", help="cuts may fall into a recovery")
parser.add_argument("--setting", action="append", default=[])
options = parser.parse_args()

draw = random.Random(options.seed)
settings, instant = ["crash=[]"] + options.setting, options.first_ms
for number in range(options.cuts):
    mode = MODES[number % len(MODES)]
    settings += [f"crash[{number}].at_ms={instant:.3f}", f"crash[{number}].disk={mode}"]
    instant += draw.uniform(options.shortest_ms, options.longest_ms)
print("seed", options.seed, "settings:", " ".join(settings))

process, summary = Program(options.program).experiment(
    "cuts", *settings, "run={ seconds = %.3f }" % (instant / 1000 + 12), f"experiment.seed={options.seed}")
print(process.stdout, process.stderr)
check(process.returncode == 0, "exit status", process.returncode)
check(summary["workload"] == {"finished": True, "verified": True}, summary["workload"])
recoveries = summary["recovery"]
check(len(recoveries) == options.cuts, len(recoveries), "recoveries")
recovered = [recovery for recovery in recoveries if recovery["epoch"] is not None]
check(options.interrupted or len(recovered) == options.cuts, len(recovered), "of", options.cuts, "came to their end")
check(recovered, "no recovery came to its end")
for recovery in recovered:
    check(recovery["epoch"] > 0 and recovery["identical"] is True, recovery)
