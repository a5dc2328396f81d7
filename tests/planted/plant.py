#!/usr/bin/env python3
"""Plants faults that earlier persistent systems had into a copy of the sources, one at a time, and demands that the
tests find each of them.

faults.toml has the list: edits of the sources, and the test that must fail with them. A fault whose text is not found
in the sources exactly once is an error: the list is kept with the code.

    plant.py --list                      only checks that every edit fits the sources
    plant.py --work DIR [--only NAME]    builds in DIR (kept, so that a second run is fast) and runs the tests

Exit status: 0 every fault was found; 1 one was not, or the tests fail without any; 2 an edit does not fit.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPIED = ["CMakeLists.txt", "CMakePresets.json", "cmake", "kernel-model", "pager", "workloads", "models", "sim",
          "configs", "tests"]
TEST_SECONDS_MAX = 300  # a fault may make a program go round for ever: that counts as found


def fail(status, text):
    print(f"plant: {text}", file=sys.stderr)
    sys.exit(status)


def read_faults():
    faults = tomllib.loads((pathlib.Path(__file__).parent / "faults.toml").read_text())["fault"]
    for fault in faults:
        for edit in fault["edit"]:
            found = (ROOT / edit["file"]).read_text().count(edit["old"])
            if found != 1:
                fail(2, f"{fault['name']}: {edit['file']} has its old text {found} times, not once")
    return faults


class Copy:
    """The sources in a folder of their own, with a build beside them."""

    def __init__(self, folder):
        self.source = folder / "source"
        self.source.mkdir(parents=True, exist_ok=True)
        self.build = self.source / "build" / "release" # the program looks for configs/ from there
        for name in COPIED:
            self._copy(ROOT / name, self.source / name)
        self._run(["cmake", "-S", self.source, "-B", self.build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"])

    def _copy(self, source, target):
        """Only what differs, so that the build sees no change where there is none."""
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            names = {entry.name for entry in source.iterdir()}
            for entry in target.iterdir():
                if entry.name not in names:
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            for entry in source.iterdir():
                self._copy(entry, target / entry.name)
        elif not target.exists() or target.read_bytes() != source.read_bytes():
            shutil.copy(source, target)

    def _run(self, command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            fail(1, f"{' '.join(map(str, command))} failed:\n{done.stdout[-4000:]}")

    def plant(self, edits):
        for edit in edits:
            file = self.source / edit["file"]
            file.write_text(file.read_text().replace(edit["old"], edit["new"]))

    def restore(self, edits):
        for edit in edits:
            shutil.copy(ROOT / edit["file"], self.source / edit["file"])

    def test(self, test):
        """(passed, the first line that tells what failed)"""
        guest = "class" in test
        self._run(["cmake", "--build", self.build, "-j", str(os.cpu_count()), "--target",
                   *(["image", "snapshot.elf", "fixpoint"] if guest else [test["program"]])])
        if guest:
            command = [sys.executable, self.source / "tests/end_to_end/snapshot_test.py", self.build / "image",
                       "--fixpoint", self.build / "fixpoint", "--class", test["class"]]
        else:
            program = next(self.build.glob(f"**/{test['program']}"))
            command = [program, f"--gtest_filter={test['filter']}", "--gtest_fail_fast", "--gtest_brief=1"]
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  timeout=TEST_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            return False, f"no end within {TEST_SECONDS_MAX} s"
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        telling = [line for line in lines if "broken invariant" in line or "FAILED" in line or "Failure" in line]
        return done.returncode == 0, (telling or lines or ["(silent)"])[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--work", type=pathlib.Path)
    parser.add_argument("--only", action="append", default=[])
    arguments = parser.parse_args()
    faults = read_faults()
    if arguments.list:
        for fault in faults:
            print(f"{fault['name']}: {fault['fault']}")
        return 0
    if arguments.work is None:
        parser.error("--work is needed")
    unknown = set(arguments.only) - {fault["name"] for fault in faults}
    if unknown:
        fail(2, f"no fault named {', '.join(sorted(unknown))}")
    chosen = [fault for fault in faults if not arguments.only or fault["name"] in arguments.only]

    copy = Copy(arguments.work.resolve())
    tests = []
    for fault in chosen:
        if fault["found_by"] not in tests:
            tests.append(fault["found_by"])
    for test in tests:
        passed, line = copy.test(test)
        if not passed:
            fail(1, f"without any fault {test} fails: {line}")

    missed = 0
    for fault in chosen:
        start = time.monotonic()
        copy.plant(fault["edit"])
        passed, line = copy.test(fault["found_by"])
        copy.restore(fault["edit"])
        missed += passed
        print(f"{fault['name']}: {'NOT FOUND' if passed else 'found'} in {time.monotonic() - start:.0f} s"
              + ("" if passed else f": {line}"), flush=True)
    print(f"plant: {len(chosen) - missed} of {len(chosen)} planted faults found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
