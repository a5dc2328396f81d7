"""Dirty pages and copies on write of a real run beside the analytic models: within 5 %, and known better than to 2 %.

usage: cost_models_test.py FIXPOINT SWEEP.toml
"""
import csv
import pathlib
import sys

from fixpoint_program import Program, check

DEVIATION_MAX, CONFIDENCE_MAX = 0.05, 0.02  # of the model's figure
CHECKPOINTS_MIN = 50
# A writer keeps its pace by computing, and stands still while its pages are faulted in and the drain has the processor.
RATE_MIN, RATE_MAX = 0.75, 1.0  # of the one asked for

program, sweep = Program(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
out = program.root / "sweep"
process = program.run("sweep", sweep, "--quiet", "--out", out)
print(process.stdout, process.stderr)
check(process.returncode == 0, "exit status", process.returncode)

with open(out / "sweep.csv") as file:
    points = len(list(csv.DictReader(file)))
with open(out / "models.csv") as file:
    rows = list(csv.DictReader(file))
check(len(rows) == points, "models for", len(rows), "of", points, "runs")
undecided, off = [], []
for row in rows:
    where = f"{row['pattern']}, interval {row['interval_ms']} ms"
    check(int(row["checkpoints"]) >= CHECKPOINTS_MIN, where, row["checkpoints"], "checkpoints")
    rate = float(row["writes_per_s"]) / float(row["writes_per_s_asked"])
    check(RATE_MIN <= rate <= RATE_MAX, where, "the writer made", rate, "of the writes asked for")
    for quantity in ("dirty_pages", "copied_pages"):
        measured, confidence, model = (float(row[quantity + part]) for part in ("", "_confidence", "_model"))
        if confidence > CONFIDENCE_MAX * model:
            undecided.append((where, quantity, "model", model, "known to", confidence))
        if abs(measured - model) + confidence > DEVIATION_MAX * model:
            off.append((where, quantity, "model", model, "measured", measured, "known to", confidence))
check(not undecided, "too few checkpoints to decide:", *undecided)
check(not off, "off by more than 5 %:", *off)
