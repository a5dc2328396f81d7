#!/usr/bin/env python3
"""What is wrong with a boot is said in one line on the console, and the machine ends as failed."""

import argparse
import pathlib
import re
import tempfile

from machine import EXIT_FAILED, EndToEndError, Machine, qemu, run

# (what is wrong, modules, server left out, the line that says so)
CASES = [
    ("no program", [], None, r"^root: no workload program among the boot modules$"),
    ("no driver", ["writer.elf"], "ide.elf", r"^root: module ide\.elf is missing$"),
    ("no checkpoint server", ["writer.elf"], "checkpoint.elf", r"^root: module checkpoint\.elf is missing$"),
    ("no ELF file", ["text.elf"], None, r"^root: module text\.elf is no ELF file$"),
    ("a server as program", ["other.elf"], None, r"^root: module other\.elf is no workload program: it has no program header$"),
    ("bad value", ["writer.elf pages=many"], None, r'^writer 0: argument pages has the bad value "many"$'),
    ("unknown argument", ["ledger.elf acounts=5"], None, r'^ledger 0: unknown argument "acounts"; known are accounts'),
    ("too many tasks", ["ledger.elf clients=128"], None, r"^root: module ledger\.elf has a bad value of argument clients"),
    ("same number twice", ["writer.elf instance=1", "writer.elf"], None, r"has the instance number of another module$"),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=pathlib.Path, help="folder of the image's ELF files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        image = pathlib.Path(name)
        for file in options.image.resolve().glob("*.elf"):
            (image / file.name).symlink_to(file)
        (image / "text.elf").write_text("This is no program.\n")
        (image / "other.elf").symlink_to(options.image.resolve() / "sigma0.elf")
        for number, (what, programs, omitted, expected) in enumerate(CASES):
            command = qemu(image, image / f"{number}.img", "interval_us=0", programs or ["--"])
            with Machine(command, what, {"OMIT": omitted} if omitted else None) as machine:
                status = machine.wait_for_end(60)
            if not any(re.search(expected, line) for line in machine.lines):
                raise EndToEndError(f"{what}: no line '{expected}'")
            if status != EXIT_FAILED:
                raise EndToEndError(f"{what}: ended with status {status}")
    print(f"{len(CASES)} messages as expected")


if __name__ == "__main__":
    run(main)
