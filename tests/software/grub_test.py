"""SeaBIOS through POST, and from a disk GRUB, which starts the project's image; the same by Bochs's BIOS.

usage: grub_test.py FIXPOINT IMAGE_FOLDER
"""
import sys
import tempfile

import persistent_system
from boot_disks import grub_disk
from pc import DOWN, ENTER, EXIT_POWERED_OFF, Pc, require, run

program, image = sys.argv[1:]
BOCHS_BIOS = "/usr/share/bochs/BIOS-bochs-latest"
require("bochsbios", BOCHS_BIOS)
folder = tempfile.TemporaryDirectory(prefix="fixpoint_grub_")
DISK_MIB = 16

# GRUB leaves a file's name out of the string that it passes.
MODULES = "\n".join(f"  module /boot/{name} {name}{arguments}" for name, arguments in persistent_system.MODULES.items())
MENU = f"""
menuentry "power off" --hotkey=p {{ halt }}
menuentry "restart" --hotkey=r {{ reboot }}
menuentry "fixpoint" {{
  multiboot /boot/kernel.elf {persistent_system.KERNEL_ARGUMENTS}
{MODULES}
}}
"""
ON_SERIAL_LINE = "serial --unit=0 --speed=115200\nterminal_input serial\nterminal_output serial\n"


def disk(name, configuration):
    return grub_disk(f"{folder.name}/{name}", configuration, persistent_system.files(image), DISK_MIB)


def nothing_to_boot_from():
    for bios in "seabios", "/usr/share/seabios/bios.bin":
        with Pc(program, bios=bios, max_seconds=3) as pc:
            pc.screen(r"\ASeaBIOS \(version 1\.")
            pc.screen(r"^Booting from Hard Disk\.\.\.\nBoot failed: could not read the boot disk\n\n"
                      r"No bootable device\.  Retrying in 60 seconds\.\n\Z")


def from_the_menu_by_keyboard():
    on_screen = disk("screen.img", MENU)
    directly = persistent_system.started_directly(program, image, DISK_MIB, folder.name)
    with Pc(program, "--disk", f"{on_screen},overlay=true") as pc:
        pc.screen(r"^Booting from Hard Disk")
        pc.screen(r"GNU GRUB  version 2\..*\n\n ┌─+┐\n │\*power off +│\n │ restart +│\n │ fixpoint +│")
        pc.type(DOWN)
        pc.screen(r"^ │ power off +│\n │\*restart +│")
        pc.type(ENTER)
        pc.screen(r"^ │\*power off")  # once more from POST on
        pc.type(DOWN)
        pc.screen(r"^ │\*restart")
        pc.type(DOWN)
        pc.screen(r"^ │\*fixpoint")
        pc.type(ENTER)
        persistent_system.check_same(pc.end(persistent_system.EXIT_VERIFIED), directly)
    with Pc(program, "--disk", f"{on_screen},overlay=true") as pc:
        pc.screen(r"\*power off")
        pc.type("p")
        pc.end(EXIT_POWERED_OFF)


def from_the_menu_by_serial_line():
    directly = persistent_system.started_directly(program, image, DISK_MIB, folder.name)
    on_serial_line = disk("serial.img", ON_SERIAL_LINE + MENU)
    for bios in "seabios", BOCHS_BIOS:
        with Pc(program, "--disk", f"{on_serial_line},overlay=true", bios=bios, console="serial") as pc:
            pc.line(r"GNU GRUB  version 2\.")
            pc.line("before booting or")
            pc.type(DOWN)
            pc.line(r"\*restart")
            pc.type(DOWN)
            pc.line(r"\*fixpoint")
            pc.type(ENTER)
            persistent_system.check_same(pc.end(persistent_system.EXIT_VERIFIED), directly)


run(nothing_to_boot_from, from_the_menu_by_keyboard, from_the_menu_by_serial_line)
