"""What checkpoints cost a program that computes stays below its limit.

usage: writer_overhead_test.py FIXPOINT
"""
import json
import sys

from fixpoint_program import Program, check

overhead_percent_max = 3.0

program = Program(sys.argv[1])
out = program.root / "run"
process = program.run("run", "experiments/writer-overhead.toml", "--quiet", "--out", out)
print(process.stdout + process.stderr)
check(process.returncode == 0, "exit status", process.returncode)
summary = json.loads((out / "summary.json").read_text())
check(summary["checkpoints"]["committed"] >= 5, "checkpoints", summary["checkpoints"]["committed"])
check(summary["checkpoints"]["dirty_pages"]["mean"] > 900, "dirty pages", summary["checkpoints"]["dirty_pages"])
check(summary["overhead"]["percent"] < overhead_percent_max, "overhead", summary["overhead"]["percent"], "%")
