"""How long a world of many pages and threads takes to run again after a power cut, on the desktop drive.

The world is a crowd: its ballast is written once, then every thread has had its turn. It is built on a disk that takes no time; that
disk's image then is the desktop drive's. On that the world is recovered, goes on past a checkpoint, and is cut off and recovered again.

At last both copies of a directory block are destroyed that a recovery reads only when the world runs again: everything has to stop, before
the next checkpoint, with a message that names the block.

usage: restart_test.py FIXPOINT --tasks N --threads N --pages N (ballast of each task) --disk-mib N --build-s S --memory-mib N
                       [--build-memory-mib N] --limit-ms MS [--setting KEY=VALUE]...
"""
import argparse
import struct

from fixpoint_program import Program, check

INTERVAL_MS, CUT_MS, END_S = 500, 6_000, 8  # on the desktop drive

parser = argparse.ArgumentParser()
parser.add_argument("program")
for name in ["tasks", "threads", "pages", "disk-mib", "memory-mib"]:
    parser.add_argument("--" + name, type=int, required=True)
parser.add_argument("--build-memory-mib", type=int)
parser.add_argument("--build-s", type=float, required=True)
parser.add_argument("--limit-ms", type=float, required=True)
parser.add_argument("--setting", action="append", default=[])
options = parser.parse_args()

program = Program(options.program)


def memory(mib):
    return f"experiment.machine.memory.bytes={mib << 20}"


def run(name, *settings, status=0):
    workload = f"""workload=[{{ program="crowd", tasks={options.tasks}, threads={options.threads}, active=50,
                   pages={options.pages}, pause_us=10000, tours=1000000 }}]""".replace("\n", " ")
    process, summary = program.experiment(name, workload, *options.setting, *settings)
    print(process.stdout, process.stderr)
    check(process.returncode == status, name, "ended with", process.returncode)
    return summary


def destroy_directory_block(image, generation, number):
    """Both copies, in the area of the generation (docs/disk-format.md)."""
    sector, entries_per_block, children_per_index, recent_blocks = 512, 340, 680, 2
    with open(image, "r+b") as disk:
        disk.seek(16)  # the label's geometry
        _, slots, *areas = struct.unpack("<6I", disk.read(24))
        blocks = -(-slots // entries_per_block)
        index_blocks = -(-blocks // children_per_index)
        for copy in range(2):
            disk.seek((areas[2 * (generation % 2) + copy] + 8 * (recent_blocks + index_blocks + number)) * sector)
            disk.write(bytes(4096))


run("built", "crash=[]", "disk.model=disks/ideal.toml", f"disk.size_mib={options.disk_mib}", "disk.keep=true",
    "pager.interval_ms=1000", "pager.drain_throttle=false", memory(options.build_memory_mib or options.memory_mib), f"run={{ seconds = {options.build_s} }}")
image = program.root / "built" / "disk.img"
info = dict(line.split(None, 1) for line in program.run("disk", "info", image).stdout.splitlines() if " " in line)
print(info)
pages, tcb_pages = int(info["pages"].split(",")[0]), options.threads // 4
check(pages >= options.tasks * options.pages + tcb_pages, "the world has", pages, "pages only; it takes longer to build")

summary = run("cut", f"crash=[{{ at_ms = {CUT_MS}, disk = \"lose-cache\" }}]", f"disk.image={image}",
              f"pager.interval_ms={INTERVAL_MS}", memory(options.memory_mib), f"run={{ seconds = {END_S} }}")
check(summary["checkpoints"]["committed"] > 0, "no checkpoint between the recoveries")
recoveries = summary["recovery"]
check(len(recoveries) == 2, len(recoveries), "recoveries")
for recovery in recoveries:
    print(recovery)
    check(recovery["restart_ms"] is not None and recovery["restart_ms"] <= options.limit_ms,
          "restart after", recovery["restart_ms"], "ms, allowed are", options.limit_ms)
check(recoveries[1]["identical"] is True, recoveries[1])
check(recoveries[1]["epoch"] > recoveries[0]["epoch"], recoveries)

block = pages // 340 // 2
destroy_directory_block(image, int(info["generation"]), block)
summary = run("damaged", "crash=[]", f"disk.image={image}", f"pager.interval_ms={INTERVAL_MS}", memory(options.memory_mib),
              "run={ seconds = 2.5 }", status=1)
console = (program.root / "damaged" / "console.log").read_text()
check(f"both copies of directory block {block} of epoch {info['epoch']} are bad; recover=older" in console, console)
check(summary["checkpoints"]["committed"] == 0, "a checkpoint of a world that is not whole")
check(summary["recovery"][0]["restart_ms"] is not None, "the damage should show only when the world runs")
