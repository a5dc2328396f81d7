"""The project's own image with a workload, to be started by a boot loader and directly: it prints the same."""
import pathlib
import re

from pc import Pc, check

EXIT_VERIFIED = 33  # the root task's last word, through isa-debug-exit
KERNEL_ARGUMENTS = "tcb-pager=6 paged-tasks=16"
# The checkpoint server takes the whole disk, also one that was booted from: the loader is done with it by then.
MODULES = {"sigma0.elf": "", "root.elf": " exit=debug", "ide.elf": "",
           "checkpoint.elf": " interval_us=50000 format=force", "ledger.elf": " accounts=500 transfers=500"}


def files(image_folder):
    return {name: f"{image_folder}/{name}" for name in ("kernel.elf", *MODULES)}


def started_directly(program, image_folder, disk_mib, folder):
    """What it prints without boot loader, on an empty disk of that size."""
    disk = pathlib.Path(folder) / "empty.img"
    with open(disk, "wb") as empty:
        empty.truncate(disk_mib << 20)
    modules = [word for name, arguments in MODULES.items() for word in ("--module", f"{image_folder}/{name}{arguments}")]
    with Pc(program, "--kernel", f"{image_folder}/kernel.elf", "--append", KERNEL_ARGUMENTS, *modules, "--disk", disk) as pc:
        return pc.end(EXIT_VERIFIED)


def check_same(started_by_loader, directly):
    """Both have printed the same but for sizes: SeaBIOS keeps a little of the memory for its tables."""
    def without_sizes(text):
        text = text[text.index("fixpoint kernel:"):]
        return re.sub(r"\d+( KiB memory| frames)", r"N\1", text)
    check("verified" in directly, f"the workload has not verified:\n{directly}")
    check(without_sizes(started_by_loader) == without_sizes(directly),
          f"with the boot loader:\n{started_by_loader}\ndirectly:\n{directly}")
