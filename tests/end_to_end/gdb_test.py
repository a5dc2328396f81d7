"""Debian's gdb debugs the kernel on the simulator: by name, by line, by variable, and against its will.

usage: gdb_test.py FIXPOINT IMAGE_FOLDER
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

FIXPOINT, IMAGE = sys.argv[1], pathlib.Path(sys.argv[2])
KERNEL = IMAGE / "kernel.elf"
LIMIT_S = 120  # only so that a test that hangs ends
EXIT_TIME_LIMIT, EXIT_KILLED = 124, 130
CLOCK = "kernel::timer.remainder_"  # changes at every tick


def fail(*words):
    print("FAILED:", *words, file=sys.stderr)
    sys.exit(1)


def expect(text, *patterns):
    """The patterns in this order, each on or after the last one's line."""
    at = 0
    for pattern in patterns:
        match = re.compile(pattern, re.MULTILINE).search(text, at)
        if match is None:
            fail(f"no '{pattern}' in\n{text}")
        at = match.end()


class Simulator:
    """A boot of the image that waits for gdb."""

    def __init__(self, *arguments, modules=("sigma0.elf", "root.elf")):
        command = [FIXPOINT, "boot", "--kernel", KERNEL, "--gdb", "0", "--serial", "stdio", *arguments]
        for module in modules:
            command += ["--module", f"{IMAGE}/{module}"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        match = re.fullmatch(r"fixpoint: waiting for gdb: target remote (127\.0\.0\.1:\d+)\n", line)
        if match is None:
            fail("no port was named:", line + self.process.stderr.read())
        self.address = match.group(1)

    def gdb_command(self, *commands):
        words = ["gdb", "-nx", "-q", "-batch", "-ex", "set pagination off", "-ex", "set confirm off",
                 "-ex", "set width 0", "-ex", f"target remote {self.address}"]
        for command in commands:
            words += ["-ex", command]
        return words + [str(KERNEL)]

    def gdb(self, *commands):
        """What gdb prints for these commands."""
        run = subprocess.run(self.gdb_command(*commands), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S)
        return run.stdout

    def end(self, status):
        """Waits for its end; what it printed."""
        out, err = self.process.communicate(timeout=LIMIT_S)
        if self.process.returncode != status:
            fail(f"exit status {self.process.returncode} instead of {status}: {err}")
        return out


def stops_by_name_and_walks():
    simulator = Simulator("--max-seconds", "0.5")
    text = simulator.gdb("p/x $eax", "hbreak kernel_main", "continue", "delete", "bt", "p $cs", "info registers",
                         "next", "next", "advance kernel::load_segment_tables", "finish", "step", "step", "bt 1", "stepi", "finish",
                         "break kernel::start_servers", "continue", "bt 2", "p $cr0", "x/2i $pc", "x/4xb kernel_main",
                         "detach")
    expect(text, r"^\$1 = 0x2badb002$",  # before the first instruction: the boot loader's magic number
           r"Hardware assisted breakpoint 1 at", r"^Breakpoint 1, kernel::kernel_main \(magic=732803074,",
           r"^#0  kernel::kernel_main", r"^#1  .* in high_half", r"^\$2 = 8$", r"^eflags .*\[ PF ZF \]", r"^cr0 .*\[ PE .*PG \]", r"^cr3 ",
           r"^dr7 ", r"load_interrupt_table", r"^#0  kernel::load_interrupt_table",
           r"^0xf9", r"^kernel::kernel_main .*main.cpp:\d+",
           r"^Breakpoint 2, kernel::start_servers", r"^#0  kernel::start_servers", r"^#1 .* kernel::kernel_main",
           r"^\$3 = \[ PE .*WP.*PG \]", r"^=> 0x", r"^0xf9[0-9a-f]+ <.*kernel_main.*>:\s+0x55")
    expect(simulator.end(EXIT_TIME_LIMIT), r"fixpoint kernel:")  # after the detach the machine has gone on


def software_breakpoints_leave_memory_alone():
    simulator = Simulator("--max-seconds", "0.5")
    text = simulator.gdb("hbreak kernel_main", "continue", "break kernel::load_interrupt_table", "continue",
                         "x/1xb kernel::load_interrupt_table", "monitor pages 0xf9000000", "delete", "detach")
    expect(text, r"Breakpoint 2, kernel::load_interrupt_table", r"^0xf9\w+ <.*load_interrupt_table.*>:\s+0x(?!cc)",
           r"4 KB page, physical 00100000")
    simulator.end(EXIT_TIME_LIMIT)


def watches_a_variable():
    simulator = Simulator("--max-seconds", "0.5")
    text = simulator.gdb("hbreak kernel_main", "continue", "delete", f"watch {CLOCK}", "continue", "p " + CLOCK, "bt 1", "continue", "delete",
                         f"rwatch {CLOCK}", "continue", f"awatch {CLOCK}", "detach")
    expect(text, rf"Hardware watchpoint \d+: {re.escape(CLOCK)}", r"Old value = 0", r"New value = \d+",
           r"Old value = ", r"New value = ", r"Hardware read watchpoint", r"Value = ")
    simulator.end(EXIT_TIME_LIMIT)


def writes_registers_and_memory():
    simulator = Simulator("--max-seconds", "0.5")
    text = simulator.gdb("hbreak kernel_main", "continue", "set $ecx = 0x12345678", "p/x $ecx", "p/x $ax",
                         "set var *(int*)0xf0500000 = 0x5aa5", "p/x *(int*)0xf0500000", "monitor physical 0x500000 4",
                         "x/1xw 0xdead0000", "set $cs = 8", "set $cs = 0x800", "detach")
    expect(text, r"^\$1 = 0x12345678$", r"^\$2 = 0x\w+$", r"^\$3 = 0x5aa5$", r"^00500000  a5 5a 00 00",
           r"Cannot access memory at address 0xdead0000", r"Could not write register")
    simulator.end(EXIT_TIME_LIMIT)


def monitor_commands():
    simulator = Simulator("--max-seconds", "0.5")
    text = simulator.gdb("hbreak kernel::start_servers", "continue", "monitor tlb", "monitor pages",
                         "monitor pages 0xf9000000", "monitor registers", "monitor gdt", "monitor idt", "monitor ldt",
                         "monitor tss", "monitor physical 0x100000 16", "monitor help", "monitor nonsense",
                         "delete", "monitor reset", "maintenance flush register-cache", "p/x $pc", "detach")
    expect(text, r"^data TLB, 4 KB pages\n  \w{8} -> ", r"^instruction TLB", r"^f9000000-\w+ -> 00100000 ",
           r"^4 KB page, physical 00100000", r"^cs +0008 base 00000000", r"^GDT base", r"32-bit, code, readable",
           r"32-bit TSS", r"^IDT base", r"32-bit interrupt gate", r"there is no LDT", r"esp0 +\w{8}",
           r"^00100000  02 b0 ad 1b", r"monitor reset", r'no command "nonsense"', r"^\$1 = 0x1000[0-9a-f]{2}$")
    console = simulator.end(EXIT_TIME_LIMIT)
    if len(re.findall("fixpoint kernel:", console)) != 2:
        fail("the machine did not start anew after the reset:", console)


class Repeated:
    """Does something at once, and again each so many seconds as long as the block lasts."""

    def __init__(self, seconds, action):
        self._seconds, self._action = seconds, action
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._repeat)

    def _repeat(self):
        while True:
            self._action()
            if self._over.wait(self._seconds):
                return

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


def interrupts(expectation, *before):
    """Ctrl-C stops a machine that runs freely, and it can be let go and stopped again."""
    simulator = Simulator("--max-seconds", "1000000")
    gdb = subprocess.Popen(simulator.gdb_command(*before, "set debug remote 1", "continue", "info threads", "continue",
                                                 "kill"),
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    text = ""

    def read_to(wanted):
        nonlocal text
        line = ""
        while wanted not in line:
            line = gdb.stdout.readline()
            if not line:
                fail("gdb has ended:", text)
            text += line

    for _ in range(2):
        read_to("Sending packet: $vCont;c")
        time.sleep(0.5)  # gdb says so before it waits for the machine, and loses a signal that comes in between
        with Repeated(5, lambda: gdb.send_signal(signal.SIGINT)):
            read_to("Packet received: T02")
    text += gdb.stdout.read()  # not communicate(), which does not see what readline() has buffered
    gdb.wait(timeout=LIMIT_S)
    expect(text, r"received signal SIGINT", expectation, r"received signal SIGINT")
    _, err = simulator.process.communicate(timeout=LIMIT_S)
    if simulator.process.returncode != EXIT_KILLED or "killed by the debugger" not in err:
        fail("after kill:", simulator.process.returncode, err)


SPIN = 0xf0600000  # an address that the kernel does not use at first


def interrupts_a_running_guest():
    interrupts("ring 0, running", "hbreak kernel_main", "continue", "delete",
               f"set var *(unsigned short*){SPIN:#x} = 0xfeeb",  # jmp to itself
               f"set $pc = {SPIN:#x}")


def interrupts_a_guest_in_a_loop_with_breakpoints():
    interrupts("ring 0, running", "hbreak kernel_main", "continue",
               f"set var *(unsigned short*){SPIN:#x} = 0xfeeb",  # jmp to itself
               f"set $pc = {SPIN:#x}")


def interrupts_a_halted_guest():
    interrupts("halted", "hbreak kernel::Timer::tick_us", "ignore 1 100", "continue", "delete")


def gdb_may_come_back():
    simulator = Simulator("--max-seconds", "1000000")
    expect(simulator.gdb("p/x $eax", "detach"), r"^\$1 = 0x2badb002$")
    expect(simulator.gdb("info threads", "hbreak kernel::Timer::tick_us", "continue", "kill"), r"CPU, ring",
           r"^Breakpoint 1, kernel::Timer::tick_us")
    simulator.end(EXIT_KILLED)


def debugger_and_profile_go_together():
    with tempfile.TemporaryDirectory() as folder:
        profile = pathlib.Path(folder) / "both.callgrind"
        simulator = Simulator("--max-seconds", "0.05", "--profile", profile)
        simulator.gdb("hbreak kernel_main", "continue", "stepi 100", "watch kernel::timer.remainder_", "continue",
                      "detach")
        simulator.end(EXIT_TIME_LIMIT)
        expect(profile.read_text(), r"^totals: \d+ 25000000$")


def lost_connection_lets_the_machine_go():
    simulator = Simulator("--max-seconds", "0.5")
    gdb = subprocess.Popen(simulator.gdb_command("break kernel::panic", "shell echo ready", "shell sleep 1000"),
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           start_new_session=True)
    while "ready" not in gdb.stdout.readline():
        pass
    os.killpg(gdb.pid, signal.SIGKILL)  # and the sleep that it waits for
    gdb.wait(timeout=LIMIT_S)
    expect(simulator.end(EXIT_TIME_LIMIT), r"fixpoint kernel:")


def exit_status_is_reported():
    simulator = Simulator("--max-seconds", "0.01")
    expect(simulator.gdb("continue"), r"exited with code 0174")  # octal
    simulator.end(EXIT_TIME_LIMIT)


def stops_before_a_triple_fault_ends_the_run():
    simulator = Simulator("--max-seconds", "1")
    text = simulator.gdb("hbreak kernel_main", "continue", "set $idtr_limit = 0", "set $pc = $pc",
                         "set var *(unsigned char*)0xf0600000 = 0x0b", "set var *(unsigned char*)0xf0600000 = 0x0f",
                         "set var *(unsigned char*)0xf0600001 = 0x0b", "set $pc = 0xf0600000", "continue", "p/x $pc",
                         "continue")
    expect(text, r"received signal SIGABRT", r"^\$1 = 0xf0600000", r"exited with code 0176")
    simulator.end(126)


def a_debugger_that_only_looks_changes_nothing():
    """The summary of an experiment is the same with and without gdb on its own run, breakpoints that are passed included."""
    with tempfile.TemporaryDirectory() as folder:
        summaries = []
        for name in ("plain", "debugged"):
            command = [FIXPOINT, "run", "quickstart.toml", "--quiet", "--out", f"{folder}/{name}", "--set", "crash=[]",
                       "--set", "workload[0].transfers=400", "--set", "workload[0].accounts=200"]
            if name == "plain":
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=LIMIT_S)
            else:
                process = subprocess.Popen(command + ["--gdb", "0"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                           text=True)
                address = re.search(r"target remote (\S+)", process.stderr.readline()).group(1)
                text = subprocess.run(
                    ["gdb", "-nx", "-q", "-batch", "-ex", f"target remote {address}", "-ex", "hbreak kernel::panic",
                     "-ex", "continue", KERNEL], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S).stdout
                expect(text, "exited normally")
                process.communicate(timeout=LIMIT_S)
                if process.returncode != 0:
                    fail("the debugged run did not hold")
            summary = json.loads(pathlib.Path(f"{folder}/{name}/summary.json").read_text())
            del summary["host"]
            summaries.append(summary)
        if summaries[0] != summaries[1]:
            fail("the summaries differ:", *summaries)


def bad_ports_are_refused():
    taken = Simulator("--max-seconds", "0.01")
    port = taken.address.split(":")[1]
    for wrong in (port, "70000", "x"):
        run = subprocess.run([FIXPOINT, "boot", "--kernel", KERNEL, "--gdb", wrong], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=LIMIT_S)
        if run.returncode != 2 or "--gdb" not in run.stderr:
            fail("port", wrong, run.returncode, run.stderr)
    taken.process.kill()
    taken.process.communicate()


for test in (stops_by_name_and_walks, software_breakpoints_leave_memory_alone, watches_a_variable,
             writes_registers_and_memory, monitor_commands, interrupts_a_running_guest,
             interrupts_a_guest_in_a_loop_with_breakpoints, interrupts_a_halted_guest,
             gdb_may_come_back, debugger_and_profile_go_together, lost_connection_lets_the_machine_go, exit_status_is_reported,
             stops_before_a_triple_fault_ends_the_run, bad_ports_are_refused,
             a_debugger_that_only_looks_changes_nothing):
    print(test.__name__, flush=True)
    test()
