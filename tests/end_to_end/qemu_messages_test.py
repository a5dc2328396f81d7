#!/usr/bin/env python3
"""What is wrong with a boot is said in one line on the console, and the machine ends as failed."""

import argparse
import pathlib
import tempfile

from machine import COMMITTED, EXIT_FAILED, RECOVERED, EndToEndError, Machine, qemu, run

# (what is wrong, modules, server left out, the line that says so), on a blank disk of 64 MB
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

# (what is wrong, the disk's content, the line that says so)
DISK_CASES = [
    ("a disk too small", bytes(100 << 10), r"^checkpoint: the disk is too small$"),
    ("somebody's disk", bytes(range(256)) * (8 << 12), r"^checkpoint: the disk holds something else"),
]

# (what is wrong, the machine's memory in MiB, the line that says so)
MEMORY_CASES = [
    ("too little memory for the servers", 20, r"^root: module ide.elf does not fit into the machine's memory: "
                                              r"the kernel's begins at 0x[0-9a-f]{8}$"),
]


def check(command, what, environment, expected):
    with Machine(command, what, environment) as machine:
        status = machine.wait_for_end(60)
    if not machine.has(expected):
        raise EndToEndError(f"{what}: no line '{expected}'")
    if status != EXIT_FAILED:
        raise EndToEndError(f"{what}: ended with status {status}")


def with_another_build_id(kernel):
    """The kernel's file with one byte of its linker build id changed (a note of type 3 of "GNU", 20 bytes)."""
    note = bytes([4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0]) + b"GNU\0"
    at = kernel.index(note) + len(note)
    return kernel[:at] + bytes([kernel[at] ^ 0xFF]) + kernel[at + 1 :]


def check_other_kernel(image):
    """A checkpoint of one kernel build is not recovered by another, and survives the attempt."""
    disk = image / "checkpointed.img"
    command = qemu(image, disk, "interval_us=20000 verbose=1", ["ledger.elf"])
    with Machine(command, "one kernel") as machine:
        machine.wait_for(COMMITTED)
        machine.kill()
    content = (image / "kernel.elf").read_bytes()
    (image / "kernel.elf").unlink()
    (image / "kernel.elf").write_bytes(with_another_build_id(content))
    expected = r"^checkpoint: not recovered: it is of kernel build [0-9a-f]{40}, this kernel is [0-9a-f]{40}$"
    check(command, "another kernel", None, expected)
    (image / "kernel.elf").write_bytes(content)
    with Machine(command, "the first again") as machine:
        machine.wait_for(RECOVERED)


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
            check(command, what, {"OMIT": omitted} if omitted else None, expected)
        for what, content, expected in DISK_CASES:
            disk = image / "bad.img"
            disk.write_bytes(content)
            check(qemu(image, disk, "interval_us=0", ["writer.elf"]), what, None, expected)
            if disk.read_bytes() != content:
                raise EndToEndError(f"{what}: it was written to")
        for what, memory_mib, expected in MEMORY_CASES:
            command = qemu(image, image / "memory.img", "interval_us=0", ["writer.elf"])
            check(command, what, {"MEMORY_MIB": str(memory_mib)}, expected)
        check_other_kernel(image)
    print(f"{len(CASES) + len(DISK_CASES) + len(MEMORY_CASES) + 1} messages as expected")


if __name__ == "__main__":
    run(main)
