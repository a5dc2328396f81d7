#!/usr/bin/env python3
"""The simulator's speed beside QEMU's and Bochs's: the same image, the same loops, interleaved in one run.

beside_emulators.py BUILD_FOLDER [--repeats N] [--rounds PERCENT] [--slower-than-bochs-fails] [NAME...]

Prints a Markdown table: million guest instructions (copies: doublewords) per second of host processor time, the median
of all repeats, and the ratio of fixpoint to Bochs. QEMU and Bochs come from Debian (qemu-system-x86, bochs,
grub-pc-bin, xorriso, mtools); what is missing is left out. With --slower-than-bochs-fails the exit status is 1 if a loop
is slower in fixpoint than in Bochs.
"""

import argparse
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

BOCHS_CONFIGURATION = """
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
megs: 64
cpu: model=p3_katmai, count=1, ips=100000000
ata0-master: type=cdrom, path={disk}, status=inserted
boot: cdrom
display_library: term
com1: enabled=1, mode=file, dev={folder}/bochs.serial
log: {folder}/bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
"""


class ProcessorTime:
    """Time on a processor of all threads that a process has or had, in seconds."""

    def __init__(self, process):
        self.folder = pathlib.Path(f"/proc/{process.pid}/task")
        self.nanoseconds = {}  # by thread; what one that has ended took stays

    def seconds(self):
        for task in self.folder.iterdir():
            try:
                self.nanoseconds[task.name] = int((task / "schedstat").read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                pass
        return sum(self.nanoseconds.values()) / 1e9


def watch(process, serial):
    """Loop -> (operations or 0, processor seconds), from the lines that the guest prints into the file `serial`."""
    loops, begun, seen = {}, None, 0
    time_taken = ProcessorTime(process)
    while process.poll() is None:
        text = serial.read_text(errors="replace") if serial.exists() else ""
        lines = text.split("\n")[:-1]
        for line in lines[seen:]:
            if line.startswith("begin "):
                begun = time_taken.seconds()
            elif match := re.match(r"end (\S+) (\d+)", line):
                loops[match[1]] = (int(match[2]), time_taken.seconds() - begun)
        seen = len(lines)
        time.sleep(0.0005)
    return loops


def run_fixpoint(arguments):
    """Loop -> (million operations a second, instructions)."""
    command = [arguments.build / "fixpoint", "bench", "--rounds", str(arguments.rounds), *arguments.names]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in text.splitlines()[1:-1]]
    return {row[0]: (float(row[1]), int(row[2])) for row in rows}


class Boot:
    """What an emulator boots: a kernel of the image, its arguments, its modules."""

    def __init__(self, name, kernel, arguments="", modules=()):
        self.name, self.kernel, self.arguments, self.modules = name, kernel, arguments, modules


def boots(arguments):
    bare = [name for name in arguments.names if name != "ipc"]
    if bare or not arguments.names:
        yield Boot("bare", "bench.elf", " ".join([f"rounds={arguments.rounds}", *bare]))
    if "ipc" in arguments.names or not arguments.names:
        yield Boot("ipc", "kernel.elf", modules=("sigma0.elf", "bench_ipc.elf"))


def run_qemu(arguments, boot, folder):
    image, serial = arguments.build / "image", folder / "qemu.serial"
    serial.unlink(missing_ok=True)
    modules = ["-initrd", ",".join(str(image / module) for module in boot.modules)] if boot.modules else []
    process = subprocess.Popen(
        ["qemu-system-i386", "-M", "pc", "-cpu", "pentium3", "-m", "64", "-kernel", image / boot.kernel, "-append",
         boot.arguments, *modules, "-nic", "none", "-display", "none", "-monitor", "none", "-serial", f"file:{serial}",
         "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"],
        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return watch(process, serial)


def run_bochs(arguments, boot, folder):
    files, serial = folder / boot.name, folder / "bochs.serial"
    serial.unlink(missing_ok=True)
    if not files.exists():
        prepare_bochs(arguments, boot, folder)
    process = subprocess.Popen(
        ["bochs", "-q", "-f", files / "bochsrc", "-rc", files / "commands"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return watch(process, serial)


def prepare_bochs(arguments, boot, folder):
    files = folder / boot.name
    on_disk = files / "iso" / "boot"
    (on_disk / "grub").mkdir(parents=True)
    for file in (boot.kernel, *boot.modules):
        # Bochs's CD is slow: without what only debuggers read.
        subprocess.run(["objcopy", "--strip-debug", arguments.build / "image" / file, on_disk / file], check=True)
    lines = [f"multiboot /boot/{boot.kernel} {boot.arguments}", *(f"module /boot/{m} {m}" for m in boot.modules)]
    (on_disk / "grub" / "grub.cfg").write_text("set timeout=0\nmenuentry bench {\n" + "\n".join(lines) + "\n}\n")
    subprocess.run(["grub-mkrescue", "-o", files / "boot.iso", files / "iso"], check=True, capture_output=True)
    (files / "bochsrc").write_text(BOCHS_CONFIGURATION.format(disk=files / "boot.iso", folder=folder))
    (files / "commands").write_text("continue\n")  # Debian's Bochs has its debugger built in


def table(names, rates):
    """`rates`: emulator -> name -> list of million operations a second."""
    emulators = list(rates)
    yield "| loop | " + " | ".join(emulators) + (" | fixpoint / bochs |" if "bochs" in rates else " |")
    yield "|---" * (len(emulators) + (2 if "bochs" in rates else 1)) + "|"
    for name in names:
        medians = {e: statistics.median(rates[e][name]) if rates[e].get(name) else None for e in emulators}
        cells = [f"{medians[e]:.1f}" if medians[e] else "-" for e in emulators]
        if "bochs" in rates:
            cells.append(f"{medians['fixpoint'] / medians['bochs']:.2f}" if medians["bochs"] else "-")
        yield f"| {name} | " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--slower-than-bochs-fails", action="store_true")
    arguments = parser.parse_args()

    runners = {}
    if shutil.which("qemu-system-i386"):
        runners["qemu"] = run_qemu
    if shutil.which("bochs") and shutil.which("grub-mkrescue"):
        runners["bochs"] = run_bochs
    rates = {"fixpoint": {}, **{name: {} for name in runners}}
    with tempfile.TemporaryDirectory(prefix="fixpoint-bench-") as name:
        folder = pathlib.Path(name)
        for _ in range(arguments.repeats):
            own = run_fixpoint(arguments)
            for loop, (rate, _) in own.items():
                rates["fixpoint"].setdefault(loop, []).append(rate)
            for emulator, run in runners.items():
                for boot in boots(arguments):
                    if emulator == "bochs" and boot.modules:
                        continue  # GRUB's CD does not come as far as the kernel with its modules there
                    for loop, (operations, seconds) in run(arguments, boot, folder).items():
                        rates[emulator].setdefault(loop, []).append((operations or own[loop][1]) / seconds / 1e6)
    print("\n".join(table(own, rates)))
    slower = [loop for loop, values in rates.get("bochs", {}).items()
              if statistics.median(rates["fixpoint"][loop]) < statistics.median(values)]
    if slower:
        print(f"slower than Bochs: {', '.join(slower)}", file=sys.stderr)
    return 1 if slower and arguments.slower_than_bochs_fails else 0


if __name__ == "__main__":
    sys.exit(main())
