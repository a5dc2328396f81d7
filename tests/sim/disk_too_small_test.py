"""A world that its disk is too small for: its threads wait, checkpoints and recovery go on, and the user is told what to change.

usage: disk_too_small_test.py FIXPOINT
"""
import sys

from fixpoint_program import Program, check

program = Program(sys.argv[1])
SECONDS = 6  # a nearly full log store takes its time
for store, slots in ("ab", 2016), ("log", 3008):
    process, summary = program.experiment(
        store, f"pager.store={store}", "disk.size_mib=16", f"run.max_seconds={SECONDS}", "crash[0].at_ms=5500",
        'workload=[{ program="writer", pages=4000, pattern="sequential" }]')
    print(process.stderr)
    check(process.returncode == 1, store, "exit status", process.returncode)
    check(f"the workloads had not ended after {SECONDS} simulated s; the disk was full: disk.size_mib is too small"
          in process.stderr, store, "not said")
    console = (program.root / store / "console.log").read_text()
    report = f"checkpoint: the disk is full, all {slots} page slots are taken"
    check(console.count(report) == 2, store, "not reported once a start:", console)
    check(summary["workload"] == {"finished": False, "verified": False}, summary["workload"])
    (recovery,) = summary["recovery"]
    check(recovery["epoch"] >= 3 and recovery["identical"] is True, store, recovery)
    check(summary["checkpoints"]["committed"] > recovery["epoch"], "no checkpoint after the recovery")
