"""Bad input: one clear message, exit status 2, nothing left behind.

usage: bad_input_test.py FIXPOINT IMAGE_FOLDER
"""
import sys

from fixpoint_program import Program, check

program, image = Program(sys.argv[1]), sys.argv[2]
experiment = """[experiment]
name = "small"
machine = "machines/pentium3-500.toml"
[disk]
model = "disks/ideal.toml"
[[workload]]
program = "ledger"
[run]
seconds = 0.2
"""


def refused(what, arguments, *words):
    before = sorted(program.root.rglob("*"))
    process = program.run(*arguments)
    print(f"{what}: {process.stderr.strip()}")
    check(process.returncode == 2, what, "exit status", process.returncode, process.stdout)
    for word in words:
        check(word in process.stderr, what, "does not say", word)
    check(len(process.stderr.strip().splitlines()) == 1, what, "takes more than one line")
    check(sorted(program.root.rglob("*")) == before, what, "left something behind")


def refused_configuration(what, text, *words):
    (program.root / "bad.toml").write_text(text)
    refused(what, ["run", "bad.toml", "--out", "results"], "bad.toml", *words)
    refused(what, ["validate", "bad.toml"], "bad.toml", *words)


refused_configuration("unknown key", experiment.replace("seconds", "secnds"), "run.secnds", ":9:1", "did you mean")
refused_configuration("wrong type", experiment.replace("0.2", '"long"'), ":9:11:", "run.seconds", "number", '"long"')
refused_configuration("out of range", experiment + "[pager]\ninterval_ms = -1\n", ":11:15:", "interval_ms", "-1")
refused_configuration("missing file", experiment.replace("ideal", "ideel"), ":5:9:", "disk.model", "disks/ideal.toml")
refused_configuration("broken TOML", experiment.replace("[run]", "[run"), "bad.toml:8:")
refused_configuration("empty file", "", ":1:1:", "empty")
(program.root / "good.toml").write_text(experiment)
refused("no such configuration", ["run", "nothing.toml"], "nothing.toml")
refused("wrong override", ["run", "good.toml", "--set", "pager.store=logs"], "--set", "pager.store", '"ab"')
refused("seed beyond 63 bits", ["run", "good.toml", "--seed", "18446744073709551615"], "--seed", "18446744073709551615")
refused("impossible cache", ["run", "good.toml", "--set", "experiment.machine.cpu.l1_data.ways=3"],
        "pentium3-500.toml:", "l1_data.size_bytes", "power of two")
refused("impossible TLB", ["run", "good.toml", "--set", "experiment.machine.cpu.data_tlb_4k.ways=3"],
        "pentium3-500.toml:", "data_tlb_4k.entries", "power of two")
refused("no sweep table", ["sweep", "good.toml"], "good.toml", "[sweep]")

(program.root / "small.img").write_bytes(bytes(1 << 20))
refused("disk image too small", ["run", "good.toml", "--set", f"disk.image={program.root}/small.img", "--out", "o"],
        "disk.image", "small.img")
(program.root / "odd.img").write_bytes(bytes(1000))
refused("disk image of no whole sectors", ["boot", "--kernel", f"{image}/kernel.elf", "--disk", "odd.img"], "odd.img")
(program.root / "disk.img").write_bytes(bytes(1 << 20))
boot = ["boot", "--kernel", f"{image}/kernel.elf"]
refused("one image written by two drives", boot + ["--disk", "disk.img", "--disk", "disk.img"], "disk.img", "open elsewhere")
refused("five disks", boot + ["--disk", "disk.img"] * 5, "--disk", "at most 4", "found 5")
refused("two disks in one place", boot + ["--disk", "disk.img,unit=1"] * 2, "--disk", "unit 1")
refused("a place that does not exist", boot + ["--disk", "disk.img,unit=4"], "--disk", "unit", "0 to 3", '"4"')
refused("an unknown access", boot + ["--disk", "disk.img,access=none"], "--disk", "access", "read-only", '"none"')
(program.root / "text.elf").write_text("This is no kernel.\n" * 100)
refused("kernel that is no ELF", ["boot", "--kernel", "text.elf"], "text.elf")
refused("no such kernel", ["boot", "--kernel", "nothing.elf"], "nothing.elf")
refused("keyboard on something else", ["boot", "--kernel", f"{image}/kernel.elf", "--keyboard", "usb"], "--keyboard",
        "expected stdio", "usb")

(program.root / "foreign").mkdir()
(program.root / "foreign" / "thesis.tex").write_text("precious")
refused("a folder of something else", ["run", "good.toml", "--out", "foreign"], "thesis.tex")

process = program.run("run", "good.toml", "--colour")
check(process.returncode == 2 and "--colour" in process.stderr, "usage")
process = program.run("run", "good.toml", "--quiet", "--out", "a/b/c")
check(process.returncode == 0, process.stderr)
process = program.run("run", "good.toml", "--quiet", "--out", "a/b/c", "--seed", "5")
check(process.returncode == 0 and (program.root / "a/b/c/summary.json").exists(), "a finished run is replaced")
check(sorted(path.name for path in (program.root / "a/b").iterdir()) == ["c"], "something beside the results")
process = program.run("run", "a/b/c/config.toml", "--quiet", "--out", "again")
check(process.returncode == 0, "config.toml can be run again:", process.stderr)
check((program.root / "again/config.toml").read_text() == (program.root / "a/b/c/config.toml").read_text(), "config.toml")
process = program.run("run", "good.toml", "--quiet", "--out", "seeded", "--seed", "9223372036854775807")
check(process.returncode == 0, "the largest seed:", process.stderr)
(program.root / "foreign.img").write_bytes(bytes([0xA5]) * (16 << 20))
process = program.run("run", "good.toml", "--quiet", "--out", "foreign_disk", "--set", f"disk.image={program.root}/foreign.img")
check(process.returncode == 1 and "gave up" in process.stderr, "a disk of somebody else's:", process.stderr)
process = program.run("run", "good.toml", "--quiet", "--out", "short", "--set", "run.seconds=0.002")
check(process.returncode == 1 and "not up yet" in process.stderr, "a run that ends before it begins:", process.stderr)
process = program.run("boot", "--kernel", f"{image}/kernel.elf", "--max-seconds", "nan")
check(process.returncode == 2 and "--max-seconds" in process.stderr, "a limit that is no number:", process.stderr)
