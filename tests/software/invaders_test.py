"""GRUB Invaders, a Multiboot kernel with nothing but a screen and a keyboard.

usage: invaders_test.py FIXPOINT IMAGE_FOLDER
"""
import sys
import tempfile

from boot_disks import grub_disk
from pc import Pc, check, require, run

program = sys.argv[1]
INVADERS = "/boot/invaders.exec"
INVADERS_AND_SHIP = r"^( +-\*-){8}\n(.*\n)+ +_\n +/ \\$"


def it_stops_at_a_key_and_goes_on():
    require("grub-invaders", INVADERS)
    with tempfile.TemporaryDirectory(prefix="fixpoint_invaders_") as folder:
        disk = grub_disk(f"{folder}/invaders.img", "multiboot /boot/invaders.exec\nboot\n", {"invaders.exec": INVADERS})
        with Pc(program, "--disk", f"{disk},overlay=true") as pc:
            before = pc.screen(INVADERS_AND_SHIP)
            pc.type("p")
            pc.screen("PAUSE")
            pc.type("p")
            check(pc.screen(r"\A(?!(.*\n)*.*PAUSE)") != before, "the invaders have not moved")


run(it_stops_at_a_key_and_goes_on)
