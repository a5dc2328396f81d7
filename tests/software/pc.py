"""A simulated PC booted by SeaBIOS: its screens, its keyboard, its serial line, its end.

A machine stops by itself at its limit of simulated seconds, so that a test in which nothing happens any more ends, however
slow the host is. What a test waits for is echoed when it comes.
"""
import codecs
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

SKIPPED = 77  # exit status of a test that could not be run
EXIT_POWERED_OFF = 0
# A machine that waits for a key passes many simulated seconds in a host second: time for a slow host to press one.
LONGEST_S = 1000

DOWN, ENTER = "\x1b[B", "\r"  # what a terminal sends for these keys

SCREEN = re.compile(r"^--- screen at (\d+\.\d+) s.*\n((?:(?!---$).*\n)*)---\n", re.MULTILINE)


class SoftwareError(Exception):
    """Something did not hold; the message says what."""


def check(condition, message):
    if not condition:
        raise SoftwareError(message)


def require(package, *files):
    """Ends the test as skipped unless these files are here, or commands if they are no paths."""
    for file in files:
        if not (pathlib.Path(file).exists() if "/" in file else shutil.which(file)):
            print(f"skipped: there is no {file}; install the package {package}")
            sys.exit(SKIPPED)


class Pc:
    """A running machine. `arguments` are those of fixpoint boot; `bios` starts it unless they name a kernel. Standard
    input types on its keyboard, and screens are looked at; with console "serial" both are its serial line instead."""

    def __init__(self, program, *arguments, bios="seabios", console="screen", max_seconds=LONGEST_S):
        self._folder = tempfile.TemporaryDirectory(prefix="fixpoint_pc_")
        self._serial = pathlib.Path(self._folder.name) / "serial"
        command = [program, "boot", *arguments, "--max-seconds", max_seconds]
        if "--kernel" not in arguments:
            require("seabios", "/usr/share/seabios/vgabios-stdvga.bin")
            command += ["--bios", bios]
        if console == "screen":
            command += ["--vga", "--keyboard", "stdio", "--serial", self._serial]
        self._news = threading.Condition()
        self._text, self._messages = "", ""
        self._looked_at = 0  # how far in _text
        self._at_end = False
        self._started = time.monotonic()
        self._process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE)
        encoding = "utf-8" if console == "screen" else "latin-1"
        self._readers = [threading.Thread(target=self._read_output, args=[encoding]),
                         threading.Thread(target=self._read_messages)]
        for reader in self._readers:
            reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._wait()
        self._folder.cleanup()

    def _wait(self):
        for reader in self._readers:
            reader.join()
        return self._process.wait()

    def _read_output(self, encoding):
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        while chunk := self._process.stdout.read1():
            with self._news:
                self._text += decoder.decode(chunk)
                self._news.notify()
        with self._news:
            self._at_end = True
            self._news.notify()

    def _read_messages(self):
        self._messages = self._process.stderr.read().decode(errors="replace")

    def _search(self, find, what):
        """Waits until find() finds something in what is new, and returns that."""
        with self._news:
            while (found := find()) is None:
                if self._at_end:
                    raise SoftwareError(f"no {what}; the last output was\n{self._text[-2500:]}\n{self._how_it_ended()}")
                self._news.wait()
            return found

    def screen(self, pattern):
        """Waits for a screen with this; the text of that screen."""
        def find():
            while screen := SCREEN.search(self._text, self._looked_at):
                self._looked_at = screen.end()
                if re.search(pattern, screen.group(2), re.MULTILINE):
                    return screen
            return None
        screen = self._search(find, f"screen with '{pattern}'")
        print(f"-- '{pattern}' at {screen.group(1)} simulated s, {self.host_seconds():.1f} host s\n{screen.group(2)}", flush=True)
        return screen.group(2)

    def line(self, pattern):
        """Waits for this on the serial line that is the console; all that came before it."""
        def find():
            if found := re.compile(pattern, re.MULTILINE).search(self._text, self._looked_at):
                before = self._text[self._looked_at:found.start()]
                self._looked_at = found.end()
                return before
            return None
        before = self._search(find, f"'{pattern}' on the serial line")
        print(f"-- '{pattern}' on the serial line at {self.host_seconds():.1f} host s", flush=True)
        return before

    def type(self, keys):
        """Types on the keyboard, or sends it over the serial line."""
        self._process.stdin.write(keys.encode())
        self._process.stdin.flush()

    def end(self, status):
        """Waits for its end, which has to have this status; what it has sent over its serial line."""
        actual = self._wait()
        serial = self._serial.read_bytes().decode("latin-1") if self._serial.exists() else self._text
        check(actual == status, f"expected status {status}: {self._how_it_ended()}and sent\n{serial}")
        print(f"-- ended with {status} after {self.host_seconds():.1f} host s")
        return serial.replace("\r", "")

    def host_seconds(self):
        return time.monotonic() - self._started

    def _how_it_ended(self):
        return f"it ended with {self._wait()} and said\n{self._messages}"


def run(*tests):
    """Runs test functions; a SoftwareError becomes a line and exit status 1."""
    try:
        for test in tests:
            print(f"---- {test.__name__}", flush=True)
            test()
    except SoftwareError as error:
        print(f"FAILED: {error}", file=sys.stderr)
        sys.exit(1)
