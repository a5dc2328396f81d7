"""The profile of a run: exact, complete, named by each module's own symbols, and without influence on the run.

usage: profile_test.py FIXPOINT IMAGE_FOLDER
"""
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

FIXPOINT, IMAGE = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
LIMIT_S = 600  # only so that a test that hangs ends
EXIT_TIME_LIMIT = 124


def fail(*words):
    print("FAILED:", *words, file=sys.stderr)
    sys.exit(1)


def check(condition, *words):
    if not condition:
        fail(*words)


def run(*command, status=0):
    process = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                             timeout=LIMIT_S)
    check(process.returncode == status, command, "ended with", process.returncode, process.stderr)
    return process


class Profile:
    """What is in a file of callgrind's format, added up."""

    def __init__(self, path):
        self.path = path
        self.self_cost = collections.Counter()   # (object, function) -> instructions, with [.., "cycles"] beside it
        self.self_cycles = collections.Counter()
        self.lines = set()                       # (file, line) of positions that cost anything
        self.calls = {}                          # (caller, callee) -> (count, inclusive instructions)
        self.totals = self.summary = None
        names = {}

        def name(kind, text):
            number, *rest = re.fullmatch(r"\((\d+)\)(?: (.*))?", text).groups()
            if rest[0] is not None:
                names[kind, number] = rest[0]
            return names[kind, number]

        where, callee, count = {}, {}, None
        for line in path.read_text().splitlines():
            if match := re.fullmatch(r"(ob|fl|fi|fe|fn)=(.*)", line):
                kind = {"ob": "ob", "fn": "fn"}.get(match[1], "fl")
                where[kind] = name(kind, match[2])
            elif match := re.fullmatch(r"c(ob|fi|fn)=(.*)", line):
                callee[match[1]] = name({"fi": "fl"}.get(match[1], match[1]), match[2])
            elif match := re.fullmatch(r"calls=(\d+) \S+ \d+", line):
                count = int(match[1])
            elif match := re.fullmatch(r"(?:0x[0-9a-f]+|0) (\d+) (\d+) (\d+)", line):
                number, instructions, cycles = (int(value) for value in match.groups())
                if count is not None:
                    key = where["fn"], callee["fn"]
                    old = self.calls.get(key, (0, 0))
                    self.calls[key] = old[0] + count, old[1] + instructions
                    count = None
                    continue
                self.self_cost[where["ob"], where["fn"]] += instructions
                self.self_cycles[where["ob"], where["fn"]] += cycles
                if instructions:
                    self.lines.add((where["fl"], number))
            elif match := re.fullmatch(r"(totals|summary): (\d+) (\d+)", line):
                setattr(self, match[1], (int(match[2]), int(match[3])))

    def sums(self):
        return self.self_cost.total(), self.self_cycles.total()

    def instructions_of(self, object_name, function):
        return sum(cost for (ob, fn), cost in self.self_cost.items()
                   if pathlib.Path(ob).name == object_name and fn == function)

    def objects(self):
        return {pathlib.Path(ob).name for ob, _ in self.self_cost}

    def check_consistency(self, instructions, cycles):
        check(self.sums() == (instructions, cycles), "self costs", self.sums(), "instead of", instructions, cycles)
        check(self.totals == self.summary == (instructions, cycles), "totals", self.totals, self.summary)
        annotated = run("callgrind_annotate", "--auto=no", "--threshold=100", self.path)
        check(annotated.stderr == "", "callgrind_annotate complains:", annotated.stderr)
        match = re.search(r"^\s*([\d,]+) \(100.0%\)\s+([\d,]+) \(100.0%\)\s+PROGRAM TOTALS", annotated.stdout, re.MULTILINE)
        check(match is not None, "no totals in", annotated.stdout[:2000])
        totals = tuple(int(text.replace(",", "")) for text in match.groups())
        check(totals == (instructions, cycles), "callgrind_annotate finds", totals)
        run("callgrind_annotate", "--auto=no", "--inclusive=yes", "--tree=both", self.path)


def boot_is_profiled_exactly(folder):
    """Cycles are those of the simulated time, since the run ends by it."""
    path = folder / "boot.callgrind"
    console = {}
    for option in ([], ["--profile", path]):
        process = run(FIXPOINT, "boot", "--kernel", IMAGE / "kernel.elf", "--module", IMAGE / "sigma0.elf",
                      "--module", IMAGE / "root.elf", "--max-seconds", "0.05", *option, status=EXIT_TIME_LIMIT)
        console[bool(option)] = process.stdout
    check(console[False] == console[True] != "", "the console differs")
    profile = Profile(path)
    profile.check_consistency(profile.totals[0], 25_000_000)  # 0.05 s at 500 MHz
    check(profile.objects() >= {"kernel.elf", "sigma0.elf", "root.elf", "(processor)"}, profile.objects())
    check(profile.self_cycles["(processor)", "(idle)"] > 1_000_000, "an idle system idles")
    check(profile.self_cost["(processor)", "(idle)"] == 0, "idling is no instruction")

    # The kernel's entry runs at its load address before paging, and belongs to the kernel all the same.
    check(profile.instructions_of("kernel.elf", "kernel_entry") > 0, "no kernel_entry")
    count, inclusive = profile.calls["kernel_main", "kernel::load_servers(kernel::BootInformation const&)"]
    own = profile.instructions_of("kernel.elf", "kernel::load_servers(kernel::BootInformation const&)")
    below = sum(cost for (caller, _), (_, cost) in profile.calls.items()
                if caller == "kernel::load_servers(kernel::BootInformation const&)")
    check(count == 1 and inclusive == own + below, "load_servers:", count, inclusive, own, below)
    source = IMAGE.parents[2] / "kernel-model/boot/main.cpp"
    if source.exists():
        text = source.read_text().splitlines()
        ran = {number for file, number in profile.lines if file.endswith("kernel-model/boot/main.cpp")}
        check(any("console.initialise();" in text[number - 1] for number in ran), "no line of kernel_main", ran)
        check(not any("panic(" in text[number - 1] for number in ran), "a line that has not run")


def experiment_is_unchanged_and_exact(folder):
    """Several address spaces, programs at the same addresses, a power cut: the summary's counts to the last one."""
    settings = ["workload[0].transfers=6000", "workload[0].accounts=500", "pager.interval_ms=50", "crash[0].at_ms=150",
                "workload[1].program=writer", "workload[1].pages=50", "workload[1].writes=20000"]
    command = [FIXPOINT, "run", "quickstart.toml", "--quiet"]
    for setting in settings:
        command += ["--set", setting]
    path = folder / "run.callgrind"
    summaries = []
    for name, option in (("plain", []), ("profiled", ["--profile", path])):
        run(*command, "--out", folder / name, *option)
        summary = json.loads((folder / name / "summary.json").read_text())
        del summary["host"]
        summaries.append(summary)
        check((folder / name / "console.log").read_bytes() == (folder / "plain/console.log").read_bytes(), "console")
    check(summaries[0] == summaries[1], "the profile has changed the run:", *summaries)
    check(len(summaries[1]["recovery"]) == 1, "there was no power cut")

    profile = Profile(path)
    profile.check_consistency(summaries[1]["simulated"]["instructions"], summaries[1]["simulated"]["cycles"])
    programs = {"kernel.elf", "sigma0.elf", "root.elf", "ide.elf", "checkpoint.elf", "console.elf",
                "ledger.elf", "writer.elf"}
    check(profile.objects() >= programs, profile.objects())
    unknown = sum(cost for (ob, _), cost in profile.self_cost.items() if ob == "(unknown)")
    check(unknown == 0, unknown, "instructions have no module")
    check(any("LedgerServer::transfer" in fn for ob, fn in profile.self_cost if ob.endswith("ledger.elf")), "ledger")
    check(not any("Ledger" in fn for ob, fn in profile.self_cost if ob.endswith("writer.elf")), "writer")


def bad_places_are_refused(folder):
    process = run(FIXPOINT, "boot", "--kernel", IMAGE / "kernel.elf", "--profile", folder / "missing/file", status=2)
    check("--profile" in process.stderr, process.stderr)
    process = run(FIXPOINT, "run", "quickstart.toml", "--quiet", "--out", folder / "none",
                  "--profile", folder / "missing/file", status=2)
    check("--profile" in process.stderr, process.stderr)


with tempfile.TemporaryDirectory(prefix="fixpoint_profile_") as temporary:
    for test in (boot_is_profiled_exactly, experiment_is_unchanged_and_exact, bad_places_are_refused):
        print(test.__name__, flush=True)
        test(pathlib.Path(temporary))
