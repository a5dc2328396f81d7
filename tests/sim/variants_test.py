"""Every way of taking a checkpoint, with a power cut: verified, recovered as it was, and a sound disk in the end.

The combinations are those of the sweep's own file. --pairs: as many of them as it takes for any two values of different keys to
meet; --all: the sweep itself.

usage: variants_test.py FIXPOINT VARIANTS.toml (--pairs | --all) [--jobs N]
"""
import argparse
import collections
import concurrent.futures
import itertools
import json
import pathlib
import tomllib

from fixpoint_program import Program, check

parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("variants", type=pathlib.Path)
parser.add_argument("--jobs", type=int, default=2)
how_many = parser.add_mutually_exclusive_group(required=True)
how_many.add_argument("--pairs", action="store_true")
how_many.add_argument("--all", action="store_true")
options = parser.parse_args()
program = Program(options.program)
text = options.variants.read_text()
axes = {key: range(len(values)) for key, values in tomllib.loads(text)["sweep"].items()}
everything = [dict(zip(axes, choice)) for choice in itertools.product(*axes.values())]


def pairs_of(combination):
    return set(itertools.combinations(combination.items(), 2))


def covering():
    """Greedily: the combination that has most of the pairs that are missing, and of those the one with the rarest values."""
    missing, chosen, uses = set().union(*map(pairs_of, everything)), [], collections.Counter()
    while missing:
        chosen.append(max(everything, key=lambda combination: (len(pairs_of(combination) & missing),
                                                               -sum(uses[item] for item in combination.items()))))
        missing -= pairs_of(chosen[-1])
        uses.update(chosen[-1].items())
    return chosen


def check_run(name, folder):
    summary = json.loads((folder / "summary.json").read_text())
    check(summary["workload"] == {"finished": True, "verified": True}, name, summary["workload"])
    recoveries = summary["recovery"]
    check(len(recoveries) == 1, name, recoveries)
    check(recoveries[0]["epoch"] is not None and recoveries[0]["epoch"] > 0, name, recoveries)
    check(recoveries[0]["identical"] is True and recoveries[0]["clean"] is False, name, recoveries)
    disk = program.run("disk", "verify", folder / "disk.img")
    check(disk.returncode == 0, name, disk.stdout, disk.stderr)


def inline(value):
    """The value as TOML on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {inline(member)}" for key, member in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value)


def run(combination):
    values = {key: tomllib.loads(text)["sweep"][key][index] for key, index in combination.items()}
    settings = [f"{key}={inline(value)}" for key, value in values.items()]
    name = "-".join(str(index) for index in combination.values())
    one = program.root / f"{name}.toml"
    one.write_text(text.split("[sweep]")[0])
    # A fixed time takes one simulation and not three, and costs nothing once the workload has ended.
    overrides = [*settings, "disk.keep=true", "run={ seconds = 10 }"]
    process = program.run("run", one, "--quiet", "--out", program.root / name,
                          *(word for override in overrides for word in ("--set", override)))
    return settings, process, program.root / name


if options.all:
    out = program.root / "all"
    process = program.run("sweep", options.variants, "--quiet", "--jobs", options.jobs, "--out", out, "--set", "disk.keep=true")
    check(process.returncode == 0, process.stdout, process.stderr)
    folders = sorted((out / "points").iterdir())
    check(len(folders) == len(everything), len(folders), "runs")
    for folder in folders:
        check_run(folder.name, folder)
else:
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for settings, process, folder in pool.map(run, covering()):
            print("settings:", *settings)
            check(process.returncode == 0, process.stdout, process.stderr)
            check_run(settings, folder)
