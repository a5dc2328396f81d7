"""Disk images with a boot loader, made without root.

A disk has an MBR with one active FAT partition that begins at 1 MiB; the room before it is where GRUB's core image goes.
"""
import pathlib
import struct
import subprocess

from pc import require

MIB = 1 << 20
SECTOR_BYTES = 512
PARTITION_BEGIN_BYTES = MIB
BOOT_CODE_BYTES = 440  # of the MBR, before the disk's signature and the partition table
PARTITION_TABLE = 446
FAT_BY_LBA, ACTIVE = 0x0E, 0x80
BEYOND_CHS = b"\xfe\xff\xff"
SYSLINUX_MODULES = "/usr/lib/syslinux/modules/bios"

GRUB_FOLDER = pathlib.Path("/usr/lib/grub/i386-pc")
GRUB_MODULES = ("biosdisk", "part_msdos", "fat", "normal", "multiboot", "linux", "linux16", "serial", "echo", "reboot",
                "halt")


def _run(*command):
    subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL)


def _make_partitioned(path, size_mib, boot_code, after_mbr=b""):
    """The disk with its empty file system."""
    require("mtools", "mformat")
    sectors = (size_mib * MIB - PARTITION_BEGIN_BYTES) // SECTOR_BYTES
    first = PARTITION_BEGIN_BYTES // SECTOR_BYTES
    with open(path, "wb") as disk:
        disk.truncate(size_mib * MIB)
        disk.write(boot_code[:BOOT_CODE_BYTES])
        disk.seek(PARTITION_TABLE)
        disk.write(struct.pack("<B3sB3sII", ACTIVE, BEYOND_CHS, FAT_BY_LBA, BEYOND_CHS, first, sectors))
        disk.seek(SECTOR_BYTES - 2)
        disk.write(b"\x55\xaa" + after_mbr)
    _run("mformat", "-i", f"{path}@@{PARTITION_BEGIN_BYTES}", "-T", sectors, "-h", 16, "-s", 63, "-H", first, "::")


def _copy(path, files, folder=""):
    """`files`: by their names there, bytes, or paths here."""
    for name, content in files.items():
        source = pathlib.Path(f"{path}.part")
        source.write_bytes(content if isinstance(content, bytes) else pathlib.Path(content).read_bytes())
        _run("mcopy", "-i", path, source, f"::{folder}/{name}")
        source.unlink()


def grub_disk(path, configuration, files, size_mib=32):
    """GRUB, which reads `configuration`; the files are in /boot."""
    require("grub-common", "grub-mkimage")
    require("grub-pc-bin", str(GRUB_FOLDER / "boot.img"))
    core = pathlib.Path(f"{path}.core")
    _run("grub-mkimage", "-O", "i386-pc", "-p", "(hd0,msdos1)/boot/grub", "-o", core, *GRUB_MODULES)
    # The core image's own list of blocks says that its rest begins in the disk's third sector, which is so here.
    _make_partitioned(path, size_mib, (GRUB_FOLDER / "boot.img").read_bytes(), core.read_bytes())
    partition = f"{path}@@{PARTITION_BEGIN_BYTES}"
    _run("mmd", "-i", partition, "::/boot", "::/boot/grub")
    _copy(partition, {"grub.cfg": configuration.encode()}, "/boot/grub")
    _copy(partition, files, "/boot")
    return path


def syslinux_disk(path, configuration, files, size_mib=32):
    """SYSLINUX, which reads `configuration`; the files are beside it."""
    require("syslinux", "syslinux")
    require("syslinux-common", "/usr/lib/syslinux/mbr/mbr.bin")
    _make_partitioned(path, size_mib, pathlib.Path("/usr/lib/syslinux/mbr/mbr.bin").read_bytes())
    _run("syslinux", "--install", "--offset", PARTITION_BEGIN_BYTES, path)
    _copy(f"{path}@@{PARTITION_BEGIN_BYTES}", {"syslinux.cfg": configuration.encode(), **files})
    return path


def syslinux_floppy(path, configuration, files):
    """A floppy disk's image with SYSLINUX on it."""
    require("mtools", "mformat")
    require("syslinux", "syslinux")
    _run("mformat", "-C", "-f", 1440, "-i", path, "::")
    _run("syslinux", "--install", path)
    _copy(path, {"syslinux.cfg": configuration.encode(), **files})
    return path


def syslinux_modules(*names):
    return {name: f"{SYSLINUX_MODULES}/{name}" for name in names}
