"""SYSLINUX from a disk: its prompt, COM32 programs, the project's image by mboot.c32; MEMDISK with a floppy disk's image.

usage: syslinux_test.py FIXPOINT IMAGE_FOLDER
"""
import sys
import tempfile

import persistent_system
from boot_disks import grub_disk, syslinux_disk, syslinux_floppy, syslinux_modules
from pc import DOWN, ENTER, EXIT_POWERED_OFF, Pc, run

program, image = sys.argv[1:]
folder = tempfile.TemporaryDirectory(prefix="fixpoint_syslinux_")
DISK_MIB = 16

# mboot.c32 puts a file's name before its string.
IMAGE = " --- ".join([f"kernel.elf {persistent_system.KERNEL_ARGUMENTS}",
                      *(name + arguments for name, arguments in persistent_system.MODULES.items())])
CONFIGURATION = f"""
PROMPT 1
SAY Hello from the configuration file
LABEL fixpoint
  COM32 mboot.c32
  APPEND {IMAGE}
"""
MENU = """
UI menu.c32
MENU TITLE A menu on a floppy disk
LABEL first
  COM32 poweroff.c32
LABEL second
  COM32 reboot.c32
"""
MODULES = syslinux_modules("libcom32.c32", "libutil.c32", "libgpl.c32", "libmenu.c32", "ls.c32", "meminfo.c32", "disk.c32",
                           "hdt.c32", "mboot.c32", "poweroff.c32")


def from_the_prompt():
    disk = syslinux_disk(f"{folder.name}/syslinux.img", CONFIGURATION, {**persistent_system.files(image), **MODULES},
                         DISK_MIB)
    directly = persistent_system.started_directly(program, image, DISK_MIB, folder.name)
    with Pc(program, "--disk", f"{disk},overlay=true") as pc:
        pc.screen(r"^SYSLINUX 6\..*\nHello from the configuration file\nboot:$")
        pc.type("ls.c32" + ENTER)
        pc.screen(r"hdt\.c32 +libgpl\.c32 (.*\n)+boot:$")
        pc.type("meminfo.c32" + ENTER)
        pc.screen(r"DOS RAM: 639K (.*\n)+.* 0000000003efe000x 0000000003ffe000x 1 .* usable")
        pc.type("disk.c32" + ENTER)
        pc.screen(r"DISK 0x80:(.*\n)+ .*\b32768 sectors, 512 bytes/sector, 63 sectors/track")
        pc.type("fixpoint" + ENTER)
        persistent_system.check_same(pc.end(persistent_system.EXIT_VERIFIED), directly)
    with Pc(program, "--disk", f"{disk},overlay=true") as pc:
        pc.screen("^boot:$")
        pc.type("hdt.c32" + ENTER)
        pc.screen(r"Hardware Detection Tool.*\n(.*\n)+.*PCI Devices\( 5\)(.*\n)+.*Disks +\( 1\)")
        pc.type(DOWN * 3)
        pc.screen(r"^Main Processor Menu")
        pc.type(ENTER)
        pc.screen(r"Vendor +: Intel (.*\n)+.*Model  ID : 7 ")


def floppy_disk_in_memory():
    floppy = syslinux_floppy(f"{folder.name}/floppy.img", MENU,
                             syslinux_modules("menu.c32", "libutil.c32", "libcom32.c32", "poweroff.c32", "reboot.c32"))
    disk = grub_disk(f"{folder.name}/memdisk.img", "linux16 /boot/memdisk\ninitrd16 /boot/floppy.img\nboot\n",
                     {"memdisk": "/usr/lib/syslinux/memdisk", "floppy.img": floppy}, DISK_MIB)
    with Pc(program, "--disk", f"{disk},overlay=true") as pc:
        pc.screen(r"A menu on a floppy disk(.*\n)+.* first ")
        pc.type(ENTER)
        pc.end(EXIT_POWERED_OFF)


run(from_the_prompt, floppy_disk_in_memory)
