"""Two runs of the same configuration and seed write the same files, but for what the host took; another seed does not.

usage: determinism_test.py FIXPOINT
"""
import json
import sys

from fixpoint_program import Program, check

program = Program(sys.argv[1])
settings = ["workload[0].transfers=20000", "pager.interval_ms=100", "crash[0].at_ms=400"]
first, summary = program.experiment("first", *settings)
second, _ = program.experiment("second", *settings)
other, _ = program.experiment("other", *settings, "experiment.seed=2")
for process in (first, second, other):
    check(process.returncode == 0, process.stdout, process.stderr)
check(summary["recovery"][0]["epoch"] > 0, "nothing was recovered:", summary["recovery"])


def without_host(name):
    text = (program.root / name / "summary.json").read_text()
    host = json.dumps(json.loads(text)["host"], indent=2).replace("\n", "\n  ")
    check(host in text, "no host part in", name)
    return text.replace(host, "")


check(without_host("first") == without_host("second"), "summary.json differs")
for file in ("config.toml", "checkpoints.csv", "console.log"):
    check((program.root / "first" / file).read_bytes() == (program.root / "second" / file).read_bytes(), file, "differs")
check(without_host("first") != without_host("other"), "the seed has no effect")
