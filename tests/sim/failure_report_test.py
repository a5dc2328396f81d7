"""What `fixpoint boot` says on standard error when a kernel goes wrong, and that it is silent when none does.

usage: failure_report_test.py FIXPOINT IMAGE_FOLDER
"""
import sys

from fixpoint_program import Program, check

program, image = Program(sys.argv[1]), sys.argv[2]


def boot(argument, status):
    process = program.run("boot", "--kernel", f"{image}/machine_lost.elf", "--append", argument, "--serial", "null",
                          "--max-seconds", "5")
    print(f"-- {argument}\n{process.stderr}")
    check(process.returncode == status, argument, "exit status", process.returncode)
    return process.stderr


def says(text, *phrases):
    for phrase in phrases:
        check(phrase in text, "not said:", phrase)


text = boot("triple", 126)
says(text, "triple fault at 0008:", "#UD at ", "meanwhile #GP(", "meanwhile #DF(0000)", "0f 0b", "ud2",
     "(jump_into_nothing+0x", "ebx 12345678", "cs   0008  base 00000000 limit ffffffff  code readable, 32 bits, level 0",
     "(ET PE)", "IOPL 0", "last branches", "(run+0x")
check(len(text.splitlines()) < 60, "too long")

text = boot("port", 33)
says(text, "port 0x03e8: nobody takes the 1-byte write at 0008:", "(touch_absent_port+0x")
check(text.count("0x03e8") == 1, "one line for each port")

text = boot("memory", 33)
says(text, "physical address 0xfed00020: nobody takes the 4-byte write at 0008:", "(touch_absent_memory+0x")
check(text.count("physical address") == 1, "one line for each page")

text = boot("many", 33)
check(text.count("nobody answers the 1-byte read") == 16, "no more than sixteen lines")
says(text, "16 more ports or pages of memory where nobody answered")

text = boot("halt", 122)
says(text, "halted with interrupts off", "(_start+0x")
check(len(text.splitlines()) == 1, "a halt is one line")

quiet = program.run("boot", "--kernel", f"{image}/machine_boot.elf", "--append", "a", "--serial", "null")
check(quiet.stderr.strip() == "fixpoint: debug exit, value 0x10", "a good boot is quiet:", quiet.stderr)
