"""Running the program under test and reading what it wrote."""
import json
import pathlib
import subprocess
import sys
import tempfile


class Program:
    def __init__(self, path):
        self.path = path
        self.folder = tempfile.TemporaryDirectory(prefix="fixpoint_test_")
        self.root = pathlib.Path(self.folder.name)

    def run(self, *arguments):
        return subprocess.run([self.path, *map(str, arguments)], cwd=self.root, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)

    def experiment(self, name, *settings):
        """Runs an experiment with overrides; returns its process and summary."""
        out = self.root / name
        arguments = [argument for setting in settings for argument in ("--set", setting)]
        process = self.run("run", "quickstart.toml", "--quiet", "--out", out, *arguments)
        summary = out / "summary.json"
        return process, json.loads(summary.read_text()) if summary.exists() else None


def check(condition, *words):
    if not condition:
        print("FAILED:", *words)
        sys.exit(1)
