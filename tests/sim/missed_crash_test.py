"""A power cut or shutdown that the workload ends before is reported, and the run fails: what was asked for has not been done.

usage: missed_crash_test.py FIXPOINT
"""
import csv
import sys

from fixpoint_program import Program, check

program = Program(sys.argv[1])
LATE_MS = 50_000


def run(name, *crashes, transfers=8000):
    """Each crash is an instant and what happens then. Returns status, complaints, recoveries and the run's end."""
    settings = ["crash=[]", f"workload[0].transfers={transfers}", "pager.interval_ms=100"]
    for number, (at_ms, disk) in enumerate(crashes):
        settings += [f"crash[{number}].at_ms={at_ms}", f"crash[{number}].disk={disk}"]
    process, summary = program.experiment(name, *settings)
    print(name, process.stdout, process.stderr)
    check(summary["workload"] == {"finished": True, "verified": True}, summary["workload"])
    return process.returncode, process.stderr.splitlines(), summary["recovery"], summary["simulated"]["seconds"] * 1e3


def complaint(number, end_ms, what):
    return f"fixpoint: did not hold: crash[{number}].at_ms: the workload ended at {end_ms:.9g} ms, before {what}"


status, complaints, recoveries, end_ms = run("none")
check((status, complaints, recoveries) == (0, [], []), "without crashes")

# Numbered as in the file, whatever the order; the one that did happen is not named.
status, complaints, recoveries, end_ms = run("late", (LATE_MS, "shutdown"), (200, "keep"), (LATE_MS - 1, "lose-cache"))
check(status == 1, "exit status", status)
check(complaints == [complaint(2, end_ms, "this power cut"), complaint(0, end_ms, "the end of this shutdown")], complaints)
check(len(recoveries) == 1, recoveries)

# The button is pressed while a checkpoint is being drained, and the workload ends before that is done and the last one can begin.
PRESSED_BEFORE_END_MS = 5


def drains_at_end(name, end_ms):
    with open(program.root / name / "checkpoints.csv") as file:
        last = list(csv.DictReader(file))[-1]
    return last["committed"] == "0" and float(last["snapshot_ms"]) < end_ms - PRESSED_BEFORE_END_MS


for transfers in range(8000, 16000, 1000):
    _, _, _, end_ms = run(f"end{transfers}", transfers=transfers)
    if drains_at_end(f"end{transfers}", end_ms):
        break
else:
    check(False, "no run ends in a drain")
status, complaints, recoveries, end_ms = run("pressed", (end_ms - PRESSED_BEFORE_END_MS, "shutdown"), transfers=transfers)
check(status == 1 and complaints == [complaint(0, end_ms, "the end of this shutdown")], complaints)
check(recoveries == [], recoveries)

# A sweep fails with any of its runs.
sweep = program.root / "sweep.toml"
sweep.write_text("""
[experiment]
name = "missed"
machine = "machines/pentium3-500.toml"
[disk]
model = "disks/ideal.toml"
[[workload]]
program = "ledger"
[run]
until = "workload"
[[crash]]
at_ms = 300
[sweep]
"workload[0].transfers" = [4000, 40000]
""")
process = program.run("sweep", sweep, "--quiet", "--out", program.root / "sweep")
print(process.stdout, process.stderr)
check(process.returncode == 1, "the sweep's exit status is", process.returncode)
check("2 runs, 1 failed" in process.stdout, process.stdout)
check("points/000: did not hold: crash[0].at_ms: the workload ended at" in process.stderr, process.stderr)
