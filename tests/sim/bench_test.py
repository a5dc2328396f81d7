"""`fixpoint bench` runs every loop to its end and prints a row for each.

usage: bench_test.py FIXPOINT
"""
import sys

from fixpoint_program import Program, check

loops = ["register-alu", "compiled-code", "pointer-chase", "stores", "copy-4096", "copy-64", "page-fault", "interrupt",
         "ring-3-0-3", "address-space", "port-read", "ipc"]


def rows(*arguments):
    process = Program(sys.argv[1]).run("bench", "--rounds", "1", *arguments)
    print(process.stdout + process.stderr)
    check(process.returncode == 0, "exit status", process.returncode)
    return [line.split() for line in process.stdout.splitlines()[1:-1]]


table = rows()
check([row[0] for row in table] == loops, "every loop, in order")
for name, speed, instructions, cycles in table:
    check(float(speed) > 0 and int(instructions) > 1000 and float(cycles) > 0.3, "figures of", name)
check([row[0] for row in rows("ipc", "stores")] == ["stores", "ipc"], "the loops asked for")
