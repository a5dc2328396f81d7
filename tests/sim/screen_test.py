"""What `fixpoint boot --vga` prints of a kernel that writes on the screen, beside its serial line.

usage: screen_test.py FIXPOINT IMAGE_FOLDER
"""
import re
import sys

from fixpoint_program import Program, check

program, image = Program(sys.argv[1]), sys.argv[2]


def boot(kernel, *arguments):
    process = program.run("boot", "--kernel", f"{image}/machine_{kernel}.elf", "--append", "a", *arguments)
    print(f"-- {kernel} {arguments}\n{process.stdout}{process.stderr}")
    check(process.returncode == 33, "exit status", process.returncode)
    return process.stdout


screen = re.compile(r"--- screen at \d\.\d\d\d s, cursor 5,2\nHello from the guest\n{24}╔═╗ the last row\n---\n")

text = boot("video", "--vga", "--serial", "null")
check(screen.fullmatch(text), "the screen alone")

text = boot("video", "--vga")
check(len(screen.findall(text)) == 1, "the screen once")
serial = screen.sub("", text)
check(serial.startswith("miscellaneous 00000067\n"), "the serial line too")

check(boot("video") == serial, "no screen unless asked for")
check(boot("boot", "--vga", "--serial", "null") == "", "nothing was on the screen")
