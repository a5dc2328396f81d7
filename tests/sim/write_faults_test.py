"""`--write-faults` follows every write to a frozen page: a row each, whose parts add up, and the run is the same.

usage: write_faults_test.py FIXPOINT
"""
import csv
import json
import sys

from fixpoint_program import Program, check

program = Program(sys.argv[1])


def run(name, *arguments):
    out = program.root / name
    process = program.run("run", "experiments/writer-overhead.toml", "--quiet", "--out", out,
                          "--set", "workload[0].writes=3000", "--set", "pager.interval_ms=150", *arguments)
    check(process.returncode == 0, process.stdout, process.stderr)
    with open(out / "checkpoints.csv") as file:
        return json.loads((out / "summary.json").read_text()), list(csv.DictReader(file))


table = program.root / "write_faults.csv"
followed, checkpoints = run("followed", "--write-faults", table)
with open(table) as file:
    faults = list(csv.DictReader(file))
parts = ["exception", "kernel_fault", "ipc", "server", "copy", "map", "return", "interrupts"]

check(len(faults) > 100, "only", len(faults), "faults")
check(len(faults) == sum(int(row["copied_pages"]) for row in checkpoints), "a fault is missing, or one too many")
for fault in faults:
    check(sum(int(fault[part]) for part in parts) == int(fault["total"]), "the parts of", fault, "do not add up")
    check(all(int(fault[part]) > 0 for part in parts if part != "interrupts"), "a part of", fault, "is missing")
    check(int(fault["task"]) >= 16 and int(fault["address"], 16) < 0xC0000000, "no program's page:", fault)
for fault, following in zip(faults, faults[1:]):
    check(int(fault["begin_cycle"]) + int(fault["total"]) <= int(following["begin_cycle"]), "two at a time", following)

summary = followed.pop("write_fault_cycles")
check(summary["faults"] == len(faults), "faults in the summary", summary["faults"])
for part in parts + ["total"]:
    values = sorted(int(fault[part]) for fault in faults)
    check(abs(summary[part]["mean"] - sum(values) / len(values)) < 1e-6, "mean of", part)
    check(summary[part]["p50"] == values[(len(values) + 1) // 2 - 1], "median of", part)

plain, _ = run("plain")
check(plain.pop("write_fault_cycles") is None, "followed without being asked to")
for either in (followed, plain):
    either.pop("host")
check(followed == plain, "following the faults changes the run")

process = program.run("run", "experiments/writer-overhead.toml", "--quiet", "--write-faults", program.root / "no" / "file.csv")
check(process.returncode == 2 and "file.csv" in process.stderr, "a file that cannot be written", process.stderr)
