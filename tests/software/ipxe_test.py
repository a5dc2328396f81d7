"""iPXE to its command line, started by GRUB, and from its CD image as a disk.

usage: ipxe_test.py FIXPOINT IMAGE_FOLDER
"""
import sys
import tempfile

from boot_disks import grub_disk
from pc import ENTER, Pc, require, run

program = sys.argv[1]
folder = tempfile.TemporaryDirectory(prefix="fixpoint_ipxe_")
BANNER = r"^iPXE initialising devices\.\.\.ok\n(.*\n)+iPXE 1\..*\n(.*\n)*Features: "


def to_the_command_line():
    require("ipxe", "/boot/ipxe.lkrn")
    # Commands for it, so that nobody has to press Ctrl-B in time.
    disk = grub_disk(f"{folder.name}/ipxe.img", "linux16 /boot/ipxe.lkrn echo Hello from GRUB '&&' shell\nboot\n",
                     {"ipxe.lkrn": "/boot/ipxe.lkrn"})
    with Pc(program, "--disk", f"{disk},overlay=true") as pc:
        pc.screen(BANNER + r"(.*\n)+Hello from GRUB\n(.*\n)*iPXE>$")
        pc.type("help" + ENTER)
        pc.screen(r"^Available commands:\n(.*\n)+.*\bifstat\b(.*\n)+iPXE>$")
        pc.type("show smbios/manufacturer" + ENTER)
        pc.screen(r"= Bochs\b(.*\n)*iPXE>$")
        pc.type("dhcp" + ENTER)
        pc.screen(r"^iPXE> dhcp\n(.*\n)*iPXE>$")
        pc.type("config" + ENTER)
        pc.screen(r"iPXE configuration settings\n(.*\n)+ +smbios/")


def from_its_cd_image_as_a_disk():
    require("ipxe", "/usr/lib/ipxe/ipxe.iso")
    with Pc(program, "--disk", "/usr/lib/ipxe/ipxe.iso,overlay=true") as pc:
        pc.screen(r"^ISOLINUX 6\.(.*\n)+iPXE ISO boot image(.*\n)+Loading ipxe\.krn\.\.\. ok")
        pc.screen("^No more network devices")


run(to_the_command_line, from_its_cd_image_as_a_disk)
