"""How long the stop is: measures it on the modelled machine, prints the law, and asserts the target for copy on write with write
protection: at most 2 us per dirty page + 25 us per TCB page copied + 200 us, whatever memory is clean.

usage: stop_time.py FIXPOINT [--size small|full|largest] [--variants] [--jobs N] [--plots FOLDER --report BUILD/report]
"""
import argparse
import os
import sys

import plots
from law import Law
from measure import sweep

TARGET_US = {"constant": 200.0, "dirty_pages": 2.0, "tcb_pages": 25.0}
TERMS = ["dirty_pages", "tcb_pages", "all_tcb_pages"]
CLEAN_MEMORY_SHARE = 0.10  # by which mean stops may differ over all sizes of clean memory

# Of each sweep: what is taken less of, so that it ends in time.
SIZES = {
    "small": {
        "stop-dirty": ['sweep={ "workload[0].pages" = [10, 100, 1000] }', "run.seconds=1.5"],
        "stop-memory": ['sweep={ "experiment.machine.memory.bytes" = [134217728], "workload[0].pages" = [1024, 6144] }',
                        "pager.interval_ms=100", "run.seconds=2"],
        "stop-threads": ['sweep={ workload = [[{ program = "crowd", tasks = 1, threads = 10, tours = 1000000 }], '
                         '[{ program = "crowd", tasks = 8, threads = 300, active = 2, tours = 1000000 }], '
                         '[{ program = "crowd", tasks = 8, threads = 300, tours = 1000000 }]] }', "run.seconds=1.2"],
    },
    "full": {
        "stop-dirty": ["run.seconds=2.5"],
        "stop-memory": ['sweep={ "experiment.machine.memory.bytes" = [1073741824], '
                        '"workload[0].pages" = [4096, 8192, 16384] }', "pager.interval_ms=100", "run.seconds=4.5"],
        "stop-threads": ["run.seconds=1.6"],
    },
    "largest": {"stop-dirty": [], "stop-memory": [], "stop-threads": []},
}
LARGEST_DIRTY = ['sweep={ "workload[0].pages" = [30000, 100000] }', "experiment.machine.memory.bytes=1073741824",
                 "disk.size_mib=2048", "pager.interval_ms=3000", "run.seconds=20"]


def target_us(stop):
    return TARGET_US["constant"] + sum(TARGET_US[term] * stop[term] for term in ("dirty_pages", "tcb_pages"))


def print_stops(title, measurements, columns):
    print(f"\n{title}")
    print("".join(f"{name:>16}" for name in [name for name, _ in columns]) +
          f"{'dirty':>9}{'TCB':>6}{'of':>6}{'stop us':>11}{'capture':>9}{'revoke':>11}{'TCB copy':>11}{'target':>9}")
    for measurement in measurements:
        stop = measurement.longest
        print("".join(f"{show(measurement):>16}" for _, show in columns) +
              f"{stop['dirty_pages']:9.0f}{stop['tcb_pages']:6.0f}{stop['all_tcb_pages']:6.0f}{stop['stop_us']:11.1f}"
              f"{stop['capture_us']:9.1f}{stop['revoke_us']:11.1f}{stop['tcb_copy_us']:11.1f}{target_us(stop):9.0f}")


def mebibytes(measurement):
    return f"{int(measurement.setting['pages']) // 256} MiB clean"


def check_target(measurements):
    """Every stop, the first of a world too. The number of those that took too long."""
    failed = 0
    for measurement in measurements:
        for stop in measurement.stops:
            if stop["stop_us"] > target_us(stop):
                print(f"FAILED: epoch {stop['epoch']:.0f} of {measurement.setting}: {stop['stop_us']:.1f} us, "
                      f"target {target_us(stop):.1f} us")
                failed += 1
    return failed


def check_clean_memory(measurements):
    stops_us = [sum(stop["stop_us"] for stop in measurement.settled) / len(measurement.settled)
                for measurement in measurements]
    share = max(stops_us) / min(stops_us) - 1
    print(f"\nclean memory from {mebibytes(measurements[0])} to {mebibytes(measurements[-1])}: mean stops of "
          f"{min(stops_us):.1f} to {max(stops_us):.1f} us, {100 * share:.1f} % apart")
    if share > CLEAN_MEMORY_SHARE:
        print("FAILED: the stop depends on clean memory")
    return int(share > CLEAN_MEMORY_SHARE)


def measure_target(options):
    sizes = SIZES[options.size]
    dirty = sweep(options.program, "stop-dirty", sizes["stop-dirty"], options.jobs)
    if options.size == "largest":
        dirty += sweep(options.program, "stop-dirty", LARGEST_DIRTY, options.jobs)
    memory = sweep(options.program, "stop-memory", sizes["stop-memory"], options.jobs)
    threads = sweep(options.program, "stop-threads", sizes["stop-threads"], options.jobs)
    print_stops("by dirty pages", dirty, [])
    print_stops("by clean memory", memory, [("", mebibytes)])
    print_stops("by threads", threads, [])
    everything = dirty + memory + threads
    law = Law([stop for measurement in everything for stop in measurement.settled], TERMS)
    print(f"\nlaw: {law}")
    failed = check_target(everything) + check_clean_memory(memory)
    if options.plots:
        plots.target(options, dirty, memory, threads, target_us)
    return failed


def variant_of(setting):
    hot = int(float(setting["hot_intervals"]))
    return f"{setting['copy']}, {setting['tracking']}" + (f", hot {hot}" if hot else "")


def measure_variants(options):
    points = sweep(options.program, "stop-variants", [], options.jobs)
    variants = {}
    for point in points:
        for stop in point.stops:
            stop["mapped_writable"] = int(float(point.setting["workload[0].pages"]))
        variants.setdefault(variant_of(point.setting), []).append(point)
    print("\nby variant: dirty pages, and pages mapped writable beside them")
    for name, measurements in variants.items():
        stops = [stop for measurement in measurements for stop in measurement.late]
        print(f"  {name:<28} {Law(stops, ['dirty_pages', 'mapped_writable'])}")
    if options.plots:
        plots.variants(options, variants)


parser = argparse.ArgumentParser()
parser.add_argument("program", type=os.path.abspath)
parser.add_argument("--size", choices=SIZES, default="small", help="small: seconds, full: minutes, largest: an hour")
parser.add_argument("--variants", action="store_true", help="the laws of the other ways of doing it")
parser.add_argument("--jobs", type=int, default=2)
parser.add_argument("--plots", help="folder for plots as SVG")
parser.add_argument("--report", help="the build's folder with the plotting library")
arguments = parser.parse_args()
failures = measure_target(arguments)
if arguments.variants:
    measure_variants(arguments)
sys.exit(1 if failures else 0)
