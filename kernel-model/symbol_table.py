#!/usr/bin/env python3
"""symbol_table.py NM OBJCOPY KERNEL: fills the kernel's section .symbols (symbols.hpp) with its functions.

One link is enough: the section has a fixed size, so that filling it moves nothing.
"""
import struct
import subprocess
import sys
import tempfile


def functions(nm, kernel):
    """(address, name without arguments) of everything in the text, ascending; the first name of an address."""
    listing = subprocess.run([nm, "-n", "-C", kernel], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in listing.splitlines():
        address, kind, name = line.split(" ", 2)
        if kind in "tTwW":
            name = name.replace("(anonymous namespace)::", "").split("(")[0].split(" [clone")[0]
            found.setdefault(int(address, 16), name)
    return sorted(found.items())


def section_bytes(objcopy, kernel):
    with tempfile.NamedTemporaryFile() as content:
        subprocess.run([objcopy, "-O", "binary", "--only-section=.symbols", kernel, content.name], check=True)
        return len(content.read())


def main():
    nm, objcopy, kernel = sys.argv[1:]
    symbols = functions(nm, kernel)
    size = section_bytes(objcopy, kernel)
    strings, table = b"", b""
    for address, name in symbols:
        table += struct.pack("<II", address, len(strings))
        strings += name.encode() + b"\0"
    content = struct.pack("<I", len(symbols)) + table + strings
    if len(content) > size:
        sys.exit(f"symbol_table.py: {len(content)} bytes of symbols, .symbols has {size}")
    with tempfile.NamedTemporaryFile() as file:
        file.write(content.ljust(size, b"\0"))
        file.flush()
        subprocess.run([objcopy, "--update-section", f".symbols={file.name}", kernel], check=True)


main()
