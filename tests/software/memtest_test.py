"""memtest86+, started by GRUB, through one whole pass over 16 MiB.

usage: memtest_test.py FIXPOINT IMAGE_FOLDER
"""
import sys
import tempfile

from boot_disks import grub_disk
from pc import Pc, check, require, run

program = sys.argv[1]
MEMTEST = "/boot/memtest86+ia32.bin"
LONGEST_PASS_S = 300  # simulated


def one_pass_without_errors():
    require("memtest86+", MEMTEST)
    with tempfile.TemporaryDirectory(prefix="fixpoint_memtest_") as folder:
        disk = grub_disk(f"{folder}/memtest.img", "linux16 /boot/memtest.bin\nboot\n", {"memtest.bin": MEMTEST})
        with Pc(program, "--memory", 16, "--disk", f"{disk},overlay=true", max_seconds=LONGEST_PASS_S) as pc:
            screen = pc.screen(r"^ +Memtest86\+ v6\..*Pentium III(.*\n)+.*Test #3 ")  # those before take no time
            for expected in ("500MHz", "L1 Cache:   32KB", "L2 Cache:  512KB", "Memory  :   16MB"):
                check(expected in screen, f"no '{expected}'")
            for test in range(4, 11):
                pc.screen(rf"Test #{test} (.*\n)+.*Errors: 0\b")
            pc.screen(r"Pass:  1 +Errors: 0\b")


run(one_pass_without_errors)
