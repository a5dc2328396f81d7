"""Debian's Linux kernel for the i686 and the installer's file system, started by GRUB: a shell on the serial line, and the
installer's first questions on screen and keyboard.

usage: linux_test.py FIXPOINT IMAGE_FOLDER
"""
import re
import sys
import tempfile

from boot_disks import grub_disk
from pc import DOWN, ENTER, EXIT_POWERED_OFF, Pc, check, require, run

program = sys.argv[1]
FILES = "/usr/lib/debian-installer/images/12/i386/text/debian-installer/i386"
PROMPT = r"^~ # "
folder = tempfile.TemporaryDirectory(prefix="fixpoint_linux_")


def disk(name, arguments):
    require("debian-installer-12-netboot-i386", f"{FILES}/linux")
    return grub_disk(f"{folder.name}/{name}", f"linux /boot/linux {arguments}\ninitrd /boot/initrd.gz\nboot\n",
                     {"linux": f"{FILES}/linux", "initrd.gz": f"{FILES}/initrd.gz"}, size_mib=64)


def a_shell_on_the_serial_line():
    with Pc(program, "--memory", 256, "--disk", f"{disk('shell.img', 'rdinit=/bin/sh console=ttyS0,115200')},overlay=true",
            console="serial") as pc:
        log = pc.line(PROMPT)
        print(log)
        for expected in ("Intel Pentium III (Katmai)", r"tsc: Detected (499\.9|500\.0)\d\d MHz processor",
                         r"\.\.TIMER: vector=0x30 apic1=0 pin1=2", "ttyS0 at I/O 0x3f8", "i8042 KBD port"):
            check(re.search(expected, log) or expected in log, f"no '{expected}'")
        for unwanted in ("MP-BIOS bug", "Call Trace", "BUG:", "unstable", "spurious"):
            check(unwanted not in log, f"'{unwanted}'")

        def answer(command):
            pc.type(command + "\n")
            pc.line(re.escape(command) + r"\r?\n")
            return pc.line(PROMPT)
        answer("mount -t proc proc /proc")
        interrupts = answer("cat /proc/interrupts")
        for expected in (r" 0: +[1-9]\d* +IO-APIC +2-edge +timer", r" 4: +[1-9]\d* +IO-APIC +4-edge +ttyS0",
                         r"LOC: +[1-9]\d{2,} ", r"ERR: +0\b", r"MIS: +0\b"):
            check(re.search(expected, interrupts), f"no '{expected}' in\n{interrupts}")
        check("Pentium III (Katmai)" in answer("cat /proc/cpuinfo"), "another processor")
        check(re.search(r"MemTotal: +2\d{5} kB", answer("cat /proc/meminfo")), "not 256 MiB")
        check("Linux" in answer("uname -a"), "no kernel's name")
        check("5050" in answer("i=0; s=0; while [ $i -le 100 ]; do s=$((s+i)); i=$((i+1)); done; echo $s"), "wrong sum")
        pc.type("poweroff -f\n")
        pc.end(EXIT_POWERED_OFF)


def the_installer_on_the_screen():
    with Pc(program, "--memory", 512, "--disk", f"{disk('installer.img', 'vga=normal fb=false quiet')},overlay=true") as pc:
        pc.screen(r"Select a language\b(.*\n)+.*English +- +English")
        pc.type(DOWN + ENTER)
        pc.screen(r"Valitse olinpaikkasi(.*\n)+.*Suomi")  # Finnish was the next


run(a_shell_on_the_serial_line, the_installer_on_the_screen)
