#!/usr/bin/env python3
"""What QEMU and Bochs leave in the flags that the manual calls undefined.

observe.py [--keep FOLDER] > docs/undefined-flags.csv

Builds a Multiboot image that executes each instruction with many operands and prints the flags on the serial line, runs it
under qemu-system-i386 and bochs (Debian: qemu-system-x86, bochs, grub-pc-bin, xorriso, mtools; gcc-multilib), and
names the rule that all observations of an emulator obey. The model does what both do; where they differ, it follows
Bochs, unless no simple rule describes that ("-" in the last column). undefined_flags_test.cpp reads the table.
"""

import argparse
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

CF, PF, AF, ZF, SF, OF = 1, 4, 16, 64, 128, 2048
FLAGS = {"CF": CF, "PF": PF, "AF": AF, "ZF": ZF, "SF": SF, "OF": OF}
VECTORS = 64

BOCHS_CONFIGURATION = """
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
megs: 64
cpu: model=p3_katmai, count=1, ips=100000000
ata0-master: type=cdrom, path={folder}/probe.iso, status=inserted
boot: cdrom
display_library: term
com1: enabled=1, mode=file, dev={folder}/bochs.serial
log: {folder}/bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
"""

IMAGE = """
typedef unsigned u32; typedef unsigned char u8; typedef unsigned short u16;
static void out8(u16 port, u8 value) {{ __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }}
static u8 in8(u16 port) {{ u8 v; __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port)); return v; }}
static void put(char c) {{ while (!(in8(0x3FD) & 0x20)) ; out8(0x3F8, (u8)c); }}
static void hex(u32 v, int i) {{ for (; i >= 0; i -= 4) put("0123456789abcdef"[v >> i & 15]); put(' '); }}
struct row {{ u32 length; u8 code[12]; }};
static const struct row rows[] = {{ {rows} }};
static const u32 inputs[][4] = {{ {inputs} }};
static u8 stub[16];
void run(void) {{
    out8(0x3FB, 3); /* characters of 8 bits */
    for (u32 r = 0; r < sizeof rows / sizeof rows[0]; ++r) {{
        for (u32 i = 0; i < rows[r].length; ++i) stub[i] = rows[r].code[i];
        stub[rows[r].length] = 0xC3;
        for (u32 v = 0; v < {vectors}; ++v) {{
            const u32* in = inputs[r * {vectors} + v];
            u32 a = in[0], c = in[1], d = in[2], f = in[3];
            __asm__ volatile("pushl %3; popfl; call *%4; pushfl; popl %3"
                             : "+a"(a), "+c"(c), "+d"(d), "+S"(f) : "D"(stub) : "cc", "memory");
            hex(a, 28); hex(f, 8); put('\\n');
        }}
    }}
    put('e'); put('n'); put('d'); put('\\n');
    for (int i = 0; i < 64; ++i) put('\\n'); /* out of the transmitter's buffer */
    for (const char* s = "Shutdown"; *s; ++s) out8(0x8900, (u8)*s);
    out8(0xF4, 0);
    for (;;) __asm__ volatile("cli; hlt");
}}
__asm__(".section .multiboot,\\"a\\"; .align 4; .long 0x1BADB002, 0, -0x1BADB002; .text; .globl _start; _start:"
        "mov $0x80000, %esp; cli; call run");
"""


class Instruction:
    def __init__(self, name, code, bits, undefined, condition="", counts=None, operands="any"):
        self.name, self.code, self.bits, self.condition = name, bytes.fromhex(code), bits, condition
        self.undefined, self.counts, self.operands = undefined.split(), counts, operands


def sized(bits, byte_code, wide_code):
    return {8: byte_code, 16: "66" + wide_code, 32: wide_code}[bits]


def instructions():
    """EAX is the first operand and the destination, CL the count or ECX the second operand, EDX the high half or third."""
    for name, opcode in (("or", 0x08), ("and", 0x20), ("xor", 0x30), ("test", 0x84)):
        for bits in (8, 16, 32):
            yield Instruction(name, sized(bits, f"{opcode:02x}c8", f"{opcode + 1:02x}c8"), bits, "AF")
    for bits in (8, 16, 32):
        for name, field in (("mul", 4), ("imul", 5)):
            modrm = f"{0xC1 | field << 3:02x}"
            yield Instruction(name, sized(bits, "f6" + modrm, "f7" + modrm), bits, "SF ZF AF PF", "one operand")
        for name, field in (("div", 6), ("idiv", 7)):
            modrm = f"{0xC1 | field << 3:02x}"
            yield Instruction(name, sized(bits, "f6" + modrm, "f7" + modrm), bits, "CF PF AF ZF SF OF", operands=name)
    for bits in (16, 32):
        yield Instruction("imul", sized(bits, "", "0fafc1"), bits, "SF ZF AF PF", "two operands")
    for bits in (8, 16, 32):
        below = list(range(2, bits))
        for name, field in (("shl", 4), ("shr", 5), ("sar", 7)):
            code = sized(bits, f"d2{0xC0 | field << 3:02x}", f"d3{0xC0 | field << 3:02x}")
            yield Instruction(name, code, bits, "AF", "count 1", [1])
            yield Instruction(name, code, bits, "AF OF", "1 < count < size", below)
            if bits < 32:
                undefined = "AF OF" + (" CF" if name != "sar" else "")
                yield Instruction(name, code, bits, undefined, "count = size", [bits])
                yield Instruction(name, code, bits, undefined, "count > size", list(range(bits + 1, 32)))
        for name, field in (("rol", 0), ("ror", 1), ("rcl", 2), ("rcr", 3)):
            code = sized(bits, f"d2{0xC0 | field << 3:02x}", f"d3{0xC0 | field << 3:02x}")
            yield Instruction(name, code, bits, "OF", "1 < count < size", below)
            if bits < 32:
                yield Instruction(name, code, bits, "OF", "count > size", list(range(bits + 1, 32)))
    for bits in (16, 32):
        for name, code in (("shld", "0fa5d0"), ("shrd", "0fadd0")):
            yield Instruction(name, sized(bits, "", code), bits, "AF", "count 1", [1])
            yield Instruction(name, sized(bits, "", code), bits, "AF OF", "1 < count <= size", list(range(2, min(bits, 31) + 1)))
        for name, code in (("bsf", "0fbcc1"), ("bsr", "0fbdc1")):
            yield Instruction(name, sized(bits, "", code), bits, "CF PF AF SF OF", "source not 0", operands="nonzero")
            yield Instruction(name, sized(bits, "", code), bits, "CF PF AF SF OF", "source 0", operands="zero")
        for name, code in (("bt", "0fa3c8"), ("bts", "0fabc8"), ("btr", "0fb3c8"), ("btc", "0fbbc8")):
            yield Instruction(name, sized(bits, "", code), bits, "PF AF SF OF")
    yield Instruction("daa", "27", 8, "OF")
    yield Instruction("das", "2f", 8, "OF")
    yield Instruction("aaa", "37", 8, "PF ZF SF OF")
    yield Instruction("aas", "3f", 8, "PF ZF SF OF")
    yield Instruction("aam", "d40a", 8, "CF AF OF")
    yield Instruction("aad", "d50a", 8, "CF AF OF")


def operands(instruction, index, source):
    edge = [0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x10, 0x0F, 0x9A]
    pick = lambda: source.choice(edge) if source.random() < 0.4 else source.getrandbits(32)
    a, c, d = pick(), pick(), pick()
    mask = (1 << instruction.bits) - 1
    if instruction.counts:
        c = c & ~0xFF | instruction.counts[index % len(instruction.counts)]
    if instruction.operands == "nonzero":
        c |= 1 << source.randrange(instruction.bits)
    if instruction.operands == "zero":
        c &= ~mask & 0xFFFFFFFF
    if instruction.operands in ("div", "idiv"):  # a quotient exists
        divisor = c & mask | 1 << (instruction.bits - 2)
        c = c & ~mask & 0xFFFFFFFF | divisor
        high = source.randrange(1 << (instruction.bits - 4)) if instruction.operands == "div" else source.choice([0, 1])
        if instruction.bits == 8:
            a = a & ~0xFF00 & 0xFFFFFFFF | high << 8
        else:
            d = d & ~mask & 0xFFFFFFFF | high
        if instruction.operands == "idiv":
            c &= ~(1 << (instruction.bits - 1)) & 0xFFFFFFFF
    return a, c, d, source.getrandbits(32) & (CF | PF | AF | ZF | SF | OF) | 2


class Observation:
    """One execution: operands, results, and what the rules are about."""

    def __init__(self, instruction, before, after):
        bits = self.bits = instruction.bits
        mask = (1 << bits) - 1
        self.a, self.b, self.count = before[0] & mask, before[1] & mask, before[1] & 31
        self.flags, self.after = before[3], after[1]
        self.result = after[0] & mask
        self.top = lambda value: value >> (bits - 1) & 1
        self.carry = after[1] & CF


def parity(value):
    return (bin(value & 0xFF).count("1") + 1) & 1


# Each gives the flag's value, or -1 where it says nothing about that flag.
RULES = {
    "kept": lambda o, flag: int(bool(o.flags & flag)),
    "0": lambda o, flag: 0,
    "1": lambda o, flag: 1,
    "of the result": lambda o, flag: {SF: o.top(o.result), ZF: int(o.result == 0), PF: parity(o.result)}.get(flag, -1),
    "of the second operand": lambda o, flag: {SF: o.top(o.b), ZF: int(o.b == 0), PF: parity(o.b)}.get(flag, -1),
    "of the first operand": lambda o, flag: {SF: o.top(o.a), ZF: int(o.a == 0), PF: parity(o.a)}.get(flag, -1),
    "top bit xor CF": lambda o, flag: o.top(o.result) ^ o.carry if flag == OF else -1,
    "top two bits differ": lambda o, flag: o.top(o.result) ^ (o.result >> (o.bits - 2) & 1) if flag == OF else -1,
    "top bit changed": lambda o, flag: o.top(o.result) ^ o.top(o.a) if flag == OF else -1,
    "top bit before": lambda o, flag: o.top(o.a),
    "lowest bit before": lambda o, flag: o.a & 1,
    "bit modulo size, from the left": lambda o, flag: o.a >> (-o.count % o.bits) & 1 if flag == CF else -1,
    "bit modulo size, from the right": lambda o, flag: o.a >> ((o.count - 1) % o.bits) & 1 if flag == CF else -1,
}


def build(folder, table, inputs):
    rows = ",".join("{%d,{%s}}" % (len(i.code), ",".join(map(str, i.code))) for i in table)
    numbers = ",".join("{%s}" % ",".join(f"{v}u" for v in row) for row in inputs)
    (folder / "probe.c").write_text(IMAGE.format(rows=rows, inputs=numbers, vectors=VECTORS))
    (folder / "probe.ld").write_text("ENTRY(_start) SECTIONS { . = 1M; .text : { *(.multiboot) *(.text*) } "
                                     ".data : { *(.rodata*) *(.data*) *(.bss*) } /DISCARD/ : { *(.note*) *(.eh*) *(.comment) } }")
    subprocess.run(["gcc", "-m32", "-O1", "-ffreestanding", "-fno-pic", "-fno-stack-protector", "-nostdlib", "-static",
                    "-Wl,--build-id=none", "-Wl,-T,probe.ld", "probe.c", "-o", "probe.elf"], cwd=folder, check=True)


def run_qemu(folder):
    subprocess.run(["qemu-system-i386", "-cpu", "pentium3", "-kernel", "probe.elf", "-display", "none", "-no-reboot",
                    "-serial", "file:qemu.serial", "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"], cwd=folder,
                   timeout=120)
    return (folder / "qemu.serial").read_text()


def run_bochs(folder):
    boot = folder / "iso" / "boot"
    (boot / "grub").mkdir(parents=True)
    shutil.copy(folder / "probe.elf", boot)
    (boot / "grub" / "grub.cfg").write_text("set timeout=0\nmenuentry probe {\nmultiboot /boot/probe.elf\n}\n")
    subprocess.run(["grub-mkrescue", "-o", folder / "probe.iso", folder / "iso"], check=True, capture_output=True)
    (folder / "bochsrc").write_text(BOCHS_CONFIGURATION.format(folder=folder))
    (folder / "commands").write_text("continue\n")
    subprocess.run(["bochs", "-q", "-f", folder / "bochsrc", "-rc", folder / "commands"], stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=240)
    return (folder / "bochs.serial").read_text()


def observations(text, table, inputs):
    lines = text.split("\n")
    if "end" not in (line.strip() for line in lines):
        sys.exit("the image did not come to its end")
    pairs = [[int(word, 16) for word in line.split()] for line in lines if len(line.split()) == 2]
    return [[Observation(instruction, inputs[row * VECTORS + v], pairs[row * VECTORS + v]) for v in range(VECTORS)]
            for row, instruction in enumerate(table)]


def rule_of(seen, flag):
    for name, rule in RULES.items():
        if all(rule(o, flag) == int(bool(o.after & flag)) for o in seen):
            return name
    return "other"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=pathlib.Path)
    arguments = parser.parse_args()
    source = random.Random(1)
    table = list(instructions())
    inputs = [operands(i, v, source) for i in table for v in range(VECTORS)]
    folder = arguments.keep or pathlib.Path(tempfile.mkdtemp())
    folder.mkdir(exist_ok=True)
    build(folder, table, inputs)
    qemu = observations(run_qemu(folder), table, inputs)
    bochs = observations(run_bochs(folder), table, inputs)
    print("instruction,code,bits,condition,flag,qemu,bochs,agree,model")
    for row, instruction in enumerate(table):
        for name in instruction.undefined:
            flag = FLAGS[name]
            same = all((q.after ^ b.after) & flag == 0 for q, b in zip(qemu[row], bochs[row]))
            rules = [rule_of(emulator[row], flag) for emulator in (qemu, bochs)]
            model = rules[1] if rules[1] != "other" else "-"
            print(",".join((instruction.name, instruction.code.hex(), str(instruction.bits), instruction.condition or "always",
                            name, *rules, "yes" if same else "no", model)))


if __name__ == "__main__":
    main()
