"""fixpoint disk info, verify and diff on the disks of real runs, of both stores, sound and damaged.

usage: disk_command_test.py FIXPOINT
"""
import re
import shutil
import sys

from fixpoint_program import Program, check

SECTOR = 512
program = Program(sys.argv[1])


def disk(command, *images):
    process = program.run("disk", command, *images)
    return process.returncode, process.stdout + process.stderr


def expect(status, command, *images, says=""):
    found, text = disk(command, *images)
    check(found == status and says in text, command, *images, "ended with", found, "and", text)
    return text


def run(name, *settings):
    process, summary = program.experiment(
        name, "crash=[]", "run={ seconds = 1.2 }", "pager.interval_ms=100", "disk.size_mib=16", "disk.keep=true",
        *settings)
    return process, summary, program.root / name / "disk.img"


def damaged(image, name, sectors):
    """A copy with a bit flipped in each of these sectors."""
    copy = program.root / name
    shutil.copy(image, copy)
    with open(copy, "r+b") as file:
        for sector in sectors:
            file.seek(sector * SECTOR + 100)
            byte = file.read(1)[0]
            file.seek(sector * SECTOR + 100)
            file.write(bytes([byte ^ 1]))
    return copy


def live_sector(image):
    """A sector of the newest checkpoint's pages, named by the tool itself."""
    first, blocks = map(int, re.search(r"page area +(\d+) blocks from sector (\d+)", disk("info", image)[1]).groups()[::-1])
    step = 8
    everything = damaged(image, "all_damaged.img", range(first, first + blocks * step, step))
    return int(re.search(r"sector (\d+), has a wrong checksum", disk("verify", everything)[1])[1])


for store in ("ab", "log"):
    process, summary, image = run(store, f"pager.store=\"{store}\"")
    check(process.returncode == 0 and summary["checkpoints"]["committed"] > 2, process.stderr, summary)
    text = expect(0, "info", image, says=f"store              {store}, format version")
    check(f"epoch              {summary['checkpoints']['committed']}\n" in text, text)
    expect(0, "verify", image, says="sound, checkpoint of epoch")
    expect(0, "diff", image, image, says="0 pages differ")

    page = damaged(image, f"{store}_page.img", [live_sector(image)])
    expect(1, "verify", page, says="has a wrong checksum")
    expect(2, "diff", image, page, says="1 pages cannot be read")
    expect(1, "verify", damaged(image, f"{store}_label.img", [64]), says="the second copy of the label")
    expect(1, "verify", damaged(image, f"{store}_session.img", [8]), says="the first copy of the session")
    roots = damaged(image, f"{store}_roots.img", [16, 80])
    expect(1, "verify", roots, says="both copies of a root are bad")
    expect(1, "info", roots, says="both copies of a root are bad")
    # Wherever the newest generation's area is, both copies of these are checked.
    for block, what in enumerate(["recent-entries block 0", "recent-entries block 1", "index block 0", "directory block 0"]):
        area_blocks = range(block, 4 * (int(re.search(r"directory +(\d+)", text)[1]) + 4))
        said = "".join(disk("verify", damaged(image, f"{store}_directory.img", [128 + 8 * i]))[1] for i in area_blocks)
        for copy in ("first", "second"):
            check(re.search(f"the {copy} copy of {what}, sector \\d+, is bad", said), f"a bad {copy} copy of {what}:", said)

    # A run over a disk of the other kind refuses it and leaves it as it is.
    other = "log" if store == "ab" else "ab"
    refused, _, _ = run(f"{other}_over_{store}", f"pager.store=\"{other}\"", f"disk.image=\"{image}\"")
    console = (program.root / f"{other}_over_{store}" / "console.log").read_text()
    check(f"the disk holds a store of kind {store}, not {other}" in console, console)
    expect(0, "diff", image, program.root / f"{other}_over_{store}" / "disk.img")

_, different = disk("diff", program.root / "ab" / "disk.img", program.root / "log" / "disk.img")
check("pages differ" in different, different)

blank = program.root / "blank.img"
blank.write_bytes(bytes(1 << 24))
for command in ("info", "verify"):
    expect(2, command, blank, says="blank, never formatted")
    expect(2, command, program.root / "nothing.img")
expect(2, "diff", blank, blank)
