"""Measured stops: runs sweeps of configs/sweeps and reads each point's checkpoints.csv."""
import csv
import subprocess
import tempfile
import pathlib


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def number(text):
    try:
        return float(text)
    except ValueError:
        return text


class Measurement:
    """The stops of one point: `setting` has the swept keys, a stop is a row of numbers."""

    def __init__(self, setting, rows):
        self.setting = setting
        self.stops = [{key: number(value) for key, value in row.items()} for row in rows if row["tcb_copy_us"]]
        # Nothing of a new world is saved yet: the first stop copies every TCB page.
        self.all_tcb_pages = self.stops[0]["tcb_pages"]
        for place, stop in enumerate(self.stops):
            stop["all_tcb_pages"] = self.all_tcb_pages
            stop["is_first"] = place == 0

    @property
    def settled(self):
        """Those after the last that saved what was only loaded or set up. All, if there is no such."""
        usual = 1.5 * min(stop["dirty_pages"] for stop in self.stops) + 20
        last = max((place for place, stop in enumerate(self.stops) if stop["dirty_pages"] > usual or stop["is_first"]))
        return self.stops[last + 1:] or self.stops[-1:]

    @property
    def late(self):
        """Those in which a page that is written to all the time is known to be hot."""
        return self.stops[4:] or self.stops[-1:]

    @property
    def longest(self):
        return max(self.settled, key=lambda stop: stop["stop_us"])


def sweep(program, name, settings, jobs):
    """All points of a sweep, in order."""
    with tempfile.TemporaryDirectory(prefix="stop_time_") as folder:
        out = pathlib.Path(folder) / "sweep"
        arguments = [argument for setting in settings for argument in ("--set", setting)]
        subprocess.run([program, "sweep", f"sweeps/{name}.toml", "--quiet", "--jobs", str(jobs), "--out", out, *arguments],
                       check=True, stdout=subprocess.DEVNULL, cwd=folder)
        points = read_csv(out / "sweep.csv")
        return [Measurement(setting, read_csv(out / "points" / f"{place:03}" / "checkpoints.csv"))
                for place, setting in enumerate(points)]
