"""One boot of the image, under QEMU or on the simulator: its console line by line, its end, or its end by SIGKILL."""

import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import time

BOOT_SCRIPT = pathlib.Path(__file__).resolve().parent / "qemu_boot.sh"

# Exit status that isa-debug-exit makes of the two values that the root task writes, on QEMU and on the simulator.
EXIT_VERIFIED, EXIT_FAILED = 33, 35
# The simulator's exit status when the simulated time is over: as far as the disk can see, a power cut.
EXIT_TIME_LIMIT = 124

# What the kernel, the checkpoint server and the workload programs print. A program's checksum does not depend on what the ABI leaves
# to time, so it is the same with and without checkpoints and power cuts.
KERNEL_STARTED = r"^fixpoint kernel:"
COMMITTED = r"^checkpoint: epoch (\d+) committed"
RECOVERED = r"^checkpoint: recovered epoch (\d+), session (\d+)"
FRESH_START = r"^checkpoint: .*fresh start"
STARTED = f"{RECOVERED}|{FRESH_START}"
VERIFIED = r"^(\w+ \d+): verified, (\w+=\d+), .*(checksum=[0-9a-f]+)"


class EndToEndError(Exception):
    """Something did not hold; the message says what."""


def qemu(image, disk, checkpoint_arguments, programs):
    """The command that boots the image under QEMU."""
    return [str(BOOT_SCRIPT), str(image), str(disk), checkpoint_arguments, *programs]


def simulator(program, image, disk, checkpoint_arguments, programs, max_seconds=None):
    """The command that boots it on the simulator."""
    modules = ["sigma0.elf", "root.elf exit=debug", "ide.elf", f"checkpoint.elf {checkpoint_arguments}",
               "console.elf numbers=1", *programs]
    command = [str(program), "boot", "--kernel", f"{image}/kernel.elf", "--append", "tcb-pager=6 paged-tasks=16"]
    for module in modules:
        command += ["--module", f"{image}/{module}"]
    command += ["--disk", str(disk), "--serial", "stdio"]
    if max_seconds is not None:
        command += ["--max-seconds", str(max_seconds)]
    return command


class Machine:
    """A running machine. Every console line is kept, and echoed with the label as prefix."""

    def __init__(self, command, label, environment=None):
        self.label = label
        self.lines = []
        self._partial = b""
        self._checked = 0  # lines that wait_for() has passed
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         env={**os.environ, **(environment or {})})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def _read_until(self, deadline):
        """The next line; None at the end of the output; TimeoutError when there is neither by then."""
        while b"\n" not in self._partial:
            wait_s = max(0.0, deadline - time.monotonic())
            if not select.select([self._process.stdout], [], [], wait_s)[0]:
                raise TimeoutError
            chunk = self._process.stdout.read1(65536)
            if not chunk:
                return None
            self._partial += chunk
        line, self._partial = self._partial.split(b"\n", 1)
        text = line.decode("latin-1").rstrip("\r")
        self.lines.append(text)
        print(f"  [{self.label}] {text}", flush=True)
        return text

    def next_line(self, limit_s):
        """The next line of the console, or None when the machine has ended."""
        try:
            return self._read_until(time.monotonic() + limit_s)
        except TimeoutError:
            raise EndToEndError(f"{self.label}: nothing on the console for {limit_s} s") from None

    def wait_for(self, pattern, limit_s=120):
        """The match of the next line with this pattern."""
        while True:
            if self._checked == len(self.lines) and self.next_line(limit_s) is None:
                raise EndToEndError(f"{self.label}: ended with {self._process.wait()} before a line '{pattern}'")
            line = self.lines[self._checked]
            self._checked += 1
            match = re.search(pattern, line)
            if match:
                return match
            if re.search("panic|FAILED|cannot go on", line):
                raise EndToEndError(f"{self.label}: {line}")

    def has(self, pattern):
        """Whether a line so far has this pattern."""
        return any(re.search(pattern, line) for line in self.lines)

    def wait_for_end(self, limit_s=600):
        """The exit status."""
        while self.next_line(limit_s) is not None:
            pass
        return self._process.wait()

    def run_for(self, seconds):
        """Lets the machine run on for this long."""
        deadline = time.monotonic() + seconds
        try:
            while self._read_until(deadline) is not None:
                pass
        except TimeoutError:
            return
        raise EndToEndError(f"{self.label}: ended with {self._process.wait()} before it could be killed")

    def cut_after(self, seconds):
        """Kills the machine after this long, unless it has ended before."""
        deadline = time.monotonic() + seconds
        try:
            while self._read_until(deadline) is not None:
                pass
        except TimeoutError:
            self.kill()

    @property
    def torn(self):
        """What came of the last line, if the machine ended in the middle of it."""
        return self._partial.decode("latin-1").rstrip("\r")

    def kill(self):
        """The power cut."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()


def numbers(machine, pattern):
    """The first group of every line with this pattern, as numbers."""
    return [int(match.group(1)) for line in machine.lines if (match := re.search(pattern, line))]


def check_recovered(machine, committed):
    """Waits for the line that names the recovered epoch: the newest one reported committed, or newer (I9)."""
    match = machine.wait_for(STARTED)
    epoch = int(match.group(1) or 0)
    if epoch < committed:
        raise EndToEndError(f"{machine.label}: recovered epoch {epoch}, but {committed} was committed")


def check_verified(machine):
    """Waits for the end of a run that must verify; what its programs printed, one text for all of them."""
    status = machine.wait_for_end()
    if status != EXIT_VERIFIED:
        raise EndToEndError(f"{machine.label}: ended with status {status}")
    results = {match.groups() for line in machine.lines if (match := re.search(VERIFIED, line))}
    return "; ".join(" ".join(result) for result in sorted(results))


def run(main):
    """Runs a test's main function; an EndToEndError becomes a line and exit status 1."""
    try:
        main()
    except EndToEndError as error:
        print(f"FAILED: {error}", file=sys.stderr)
        sys.exit(1)
