"""Output commit in an experiment: lines are held until they are durable, a run ends when its output has left, and the summary
says how long lines were held.

usage: output_test.py FIXPOINT
"""
import sys

from fixpoint_program import Program, check

program = Program(sys.argv[1])
writer = 'workload=[{ program="writer", pages=20, writes=4000, report_every=400, rate_pages_per_s=10000 }]'


def run(name, *settings):
    process, summary = program.experiment(name, writer, "pager.interval_ms=60", *settings)
    print(process.stdout, process.stderr)
    check(process.returncode == 0, name, "exit status", process.returncode)
    check(summary["workload"] == {"finished": True, "verified": True}, summary["workload"])
    return summary, (program.root / name / "console.log").read_text()


REPORTS = [f"writer 0: {400 * number} writes" for number in range(1, 11)]


def lines_of(console):
    return [line for line in console.splitlines() if line.startswith("writer 0: ")]


summary, console = run("off", "crash=[]")
lines = lines_of(console)
check(lines[:-1] == REPORTS and "verified" in lines[-1], lines)
check(summary["output"]["lines"] == 11 and summary["output"]["held_ms"]["max"] < 0.1, summary["output"])

summary, console = run("on", "crash=[]", "pager.output_commit=true")
check(lines_of(console) == lines, lines_of(console))
check(summary["output"]["lines"] == 11 and summary["output"]["repeated"] == 0, summary["output"])
# Each line waits for a snapshot and for its commit, and the first checkpoint is taken after one interval at most.
fastest_commit_ms = 10
held = summary["output"]["held_ms"]
check(held["p50"] > fastest_commit_ms and held["max"] < 1000, held)

summary, console = run("on_request", "crash=[]", "pager.output_commit=true", "pager.interval_ms=0")
check(lines_of(console) == lines and summary["checkpoints"]["committed"] == 1, summary["checkpoints"])

summary, console = run("cut", "pager.output_commit=true", "crash[0].at_ms=420")
check(set(lines_of(console)) == set(lines), lines_of(console))
check(len(summary["recovery"]) == 1 and summary["recovery"][0]["identical"] is True, summary["recovery"])
check(summary["output"]["lines"] == 11, summary["output"])
