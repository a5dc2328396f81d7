#!/usr/bin/env python3
"""How deep the kernel stack gets at most, from the kernel image alone.

    kernel_stack_test.py OBJDUMP NM kernel.elf BYTES_MAX BOOT_BYTES_MAX

Follows every path through the disassembled code from every entry and adds up what it pushes. The kernel has no frame
pointers, no recursion and one indirect call (by vector, in entries.S): so this is a bound, and a cycle of calls is an
error. Traps in the kernel are calls as well, from the instructions that may trap:

    a touch point                           -> kernel_trap -> handle_tcb_fault
    a read of what SYSENTER's caller left   -> kernel_trap -> trap_in_sysenter (and from there to a touch point)
    the idle loop, the window in a transfer -> kernel_trap -> interrupt_arrived

Everything else that traps in the kernel ends in a panic, on a stack of its own, and garbage in DS or ES costs one small
frame: for these the limits leave room.
"""
import re
import subprocess
import sys
from functools import lru_cache

# What the processor pushes in level 0 (EIP, CS, EFLAGS, error), the vector, PUSHAL, kernel_trap's argument and return.
TRAP_BYTES = 16 + 4 + 32 + 8


class Image:
    def __init__(self, objdump, nm, elf):
        self.elf, self.objdump = elf, objdump
        self.symbols, self.names = {}, {}
        for line in run(nm, "-C", elf).splitlines():
            address, _, name = line.split(" ", 2)
            name = name.replace("(anonymous namespace)::", "").split("(")[0]
            self.symbols.setdefault(name, int(address, 16))
            self.names.setdefault(int(address, 16), name)
        self.code = {}
        previous = None
        for line in run(objdump, "-d", "--no-show-raw-insn", elf).splitlines():
            match = re.match(r"\s*([0-9a-f]+):\t(\S+)\s*(.*)", line)
            if match is None:
                continue
            address = int(match[1], 16)
            self.code[address] = [match[2], match[3].split(" <")[0].strip(), None]
            if previous is not None:
                self.code[previous][2] = address
            previous = address

    def words(self, start, end):
        words = []
        for line in run(self.objdump, "-s", f"--start-address={start}", f"--stop-address={end}", self.elf).splitlines():
            match = re.match(r" [0-9a-f]+ ((?:[0-9a-f]{8} ?){1,4})", line)
            if match is not None:
                words += [int.from_bytes(bytes.fromhex(word), "little") for word in match[1].split()]
        return words

    def name(self, address):
        while address not in self.names:
            address -= 1
        return self.names[address]


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def number(text):
    return int(text.strip().lstrip("$"), 0) & 0xFFFFFFFF


class Analysis:
    def __init__(self, image):
        self.image = image
        symbol = image.symbols
        self.top, self.panic_top = symbol["kernel_stack_top"], symbol["panic_stack_top"]
        self.trap_handler = symbol["kernel_trap"]
        by_touch, by_sysenter, by_interrupt = (
            symbol["kernel::handle_tcb_fault"],
            symbol["kernel::trap_in_sysenter"],
            symbol["kernel::interrupt_arrived"],
        )
        every = {by_touch, by_sysenter, by_interrupt}
        self.traps = {}  # instruction -> what kernel_trap does not call then
        for point in image.words(symbol["touch_points_start"], symbol["touch_points_end"])[::2]:
            self.traps[point] = frozenset(every - {by_touch})
        for read in image.words(symbol["sysenter_reads"], symbol["sysenter_reads_end"]):
            self.traps[read] = frozenset(every - {by_sysenter})
        for read in (symbol["sysenter_partner_touch"], symbol["sysenter_entry"]):
            self.traps[read] = frozenset(every - {by_sysenter})
        for address, (mnemonic, _, _) in image.code.items():
            if mnemonic == "hlt" and image.name(address) == "idle":
                self.traps[address] = frozenset(every - {by_interrupt})
        self.traps[symbol["transfer_interrupt_window"]] = frozenset(every - {by_interrupt})
        table = symbol["trap_handlers"]
        vectors = (symbol["touch_points_start"] - table) // 4  # the table is followed by other data
        self.handlers = {word for word in image.words(table, table + 4 * min(vectors, 56)) if word in image.code}
        self.roots = {}  # where a path sets ESP to the kernel stack -> depth there
        self.active = []

    @lru_cache(maxsize=None)
    def need(self, function, without=frozenset()):
        """(bytes that it pushes at most, chain of functions, what its RET pops beside the address; None: it does not return)"""
        if (function, without) in self.active:
            first = self.active.index((function, without))
            cycle = [self.image.name(each) for each, _ in self.active[first:]] + [self.image.name(function)]
            sys.exit("the kernel recurses: " + " -> ".join(cycle))
        self.active.append((function, without))
        result = self.walk(function, 0, without)
        self.active.pop()
        return result

    def jump_table(self, address, operands):
        """The targets of a switch: the table's words, as far as they lead into the function."""
        match = re.fullmatch(r"\*(-?0x[0-9a-f]+)\(,%\w+,4\)", operands)
        name = self.image.name(address)
        if match is None:
            sys.exit(f"{address:x} in {name}: an indirect jump")
        table, targets = number(match[1]), []
        for word in self.image.words(table, table + 4 * 256):
            if word not in self.image.code or not self.image.name(word).startswith(name):
                break
            targets.append(word)
        return targets or sys.exit(f"{address:x} in {name}: an empty jump table")

    def walk(self, start, depth, without=frozenset()):
        seen, pending, pops = {}, [(start, depth)], None
        deepest, chain = 0, ()
        name = self.image.name(start)

        def note(bytes_used, below=()):
            nonlocal deepest, chain
            if bytes_used > deepest:
                deepest, chain = bytes_used, ((name, bytes_used),) + below

        while pending:
            address, depth = pending.pop()
            if address in seen:
                if None not in (depth, seen[address]) and depth > seen[address]:
                    sys.exit(f"{address:x} in {name}: ESP differs by path")
                continue
            seen[address] = depth
            mnemonic, operands, following = self.image.code[address]
            onward = [following]
            inside = depth is not None
            if inside and address in self.traps:
                bytes_used, below, _ = self.need(self.trap_handler, self.traps[address])
                note(depth + TRAP_BYTES + bytes_used, below)
            if mnemonic.startswith("push"):
                depth = depth + (32 if mnemonic.startswith("pusha") else 4) if inside else None
            elif mnemonic.startswith("pop"):
                depth = depth - (32 if mnemonic.startswith("popa") else 4) if inside else None
            elif mnemonic.startswith("call"):
                targets = self.handlers if operands.startswith("*") else {int(operands, 16)}
                onward, after = [], depth
                for target in targets - without:
                    bytes_used, below, target_pops = self.need(target)
                    if inside:
                        note(depth + 4 + bytes_used, below)
                    if target_pops is not None:
                        onward = [following]
                        after = depth - target_pops if inside else None
                if not targets - without:
                    onward = [following]
                depth = after
            elif mnemonic.startswith("j"):
                targets = self.jump_table(address, operands) if operands.startswith("*") else [int(operands, 16)]
                onward = ([following] if not mnemonic.startswith("jmp") else []) + targets
            elif mnemonic.startswith(("ret", "lret")):
                pops, onward = number(operands or "0"), []
            elif mnemonic.startswith(("iret", "sysexit", "ud2")):
                onward = []
            elif operands.endswith(",%esp") and not mnemonic.startswith(("cmp", "test")):
                value = operands.rsplit(",", 1)[0]
                if mnemonic.startswith("sub") and value.startswith("$"):
                    depth = depth + number(value) if inside else None
                elif mnemonic.startswith("add") and value.startswith("$"):
                    depth = depth - number(value) if inside else None
                elif mnemonic.startswith("lea") and value.endswith("(%esp)"):
                    depth = depth - int(value[:-6] or "0", 0) if inside else None
                elif mnemonic.startswith("mov") and value.startswith("$"):
                    if number(value) != self.panic_top:
                        self.roots[following] = self.top - number(value)
                    onward = []
                elif mnemonic.startswith("lea"):
                    depth = None  # onto a TCB
                else:
                    sys.exit(f"{address:x} in {name}: ESP by {mnemonic} {operands}")
            if depth is not None:
                note(depth)
            pending += [(target, depth) for target in onward if target is not None]
        return deepest, chain, pops


def main():
    objdump, nm, elf = sys.argv[1:4]
    limits = {"boot": int(sys.argv[5]), "kernel": int(sys.argv[4])}
    image = Image(objdump, nm, elf)
    analysis = Analysis(image)
    for name, address in image.symbols.items():
        if re.fullmatch(r"trap_\d+", name) or name in ("high_half", "double_fault_entry"):
            analysis.walk(address, None)
    analysis.roots[image.symbols["sysenter_entry"]] = 4
    done, worst = set(), {"boot": (0, ()), "kernel": (0, ())}
    while set(analysis.roots) - done:
        root = min(set(analysis.roots) - done)
        done.add(root)
        bytes_used, chain, _ = analysis.walk(root, analysis.roots[root])
        kind = "boot" if image.name(root) == "high_half" else "kernel"
        worst[kind] = max(worst[kind], (bytes_used, chain))
    failed = False
    for kind, (bytes_used, chain) in worst.items():
        print(f"{kind}: at most {bytes_used} bytes of the kernel stack, limit {limits[kind]}, {len(done)} entries")
        for name, depth in chain:
            print(f"  {depth:5} {name}")
        failed = failed or not 0 < bytes_used <= limits[kind]
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
