"""How much CPU time cold commands take, as ratios to `import torch` in the same run.

User and system seconds are compared, at the least of several runs: a machine that does other work
only adds to them. Bytecode is kept in a folder of its own and made before the first measurement, as
it is where flopscope was installed. `make bench` prints one line each.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

RUNS = 5
TORCH = ("-c", "import torch")
NET = """
from torch import nn


class Net(nn.Sequential):
    def __init__(self, width=16):
        super().__init__(
            nn.Conv2d(3, width, 3, stride=2, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(32, 10),
        )
"""

PROGRAMS: Mapping[str, str] = {
    "import flopscope": "at most 0.10",
    "import click": "none: what every command stands on",
}
COMMANDS: Mapping[str, str] = {
    "--help": "a few hundredths above click",
    "compare --help": "a few hundredths above click",
    "compare mobilenetv1 mobilenetv2": "at most 0.10",
    "list": "0.5 s where `import torch` takes 1.5 s: at most 0.33",
    "pareto": "1 s: at most 0.67",
    "audit": "5 s: at most 3.3",
    "solve efficientnet_b0 --macs 390M --free width,depth,res": "2 s: at most 1.3",
    "solve efficientnet_b0 --macs 390M --free width,depth,res,batch": "10 s: at most 6.7",
    "profile net.py:Net --res 224": "at most 1.25",
}
"""Each with its target."""


class Cold:
    """Programs of Python in a folder, with bytecode of their own."""

    def __init__(self, folder: Path) -> None:
        (folder / "net.py").write_text(NET, encoding="utf-8")
        self._folder = folder
        self._environment = {
            **{k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
            "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        }

    def line(self, name: str, arguments: tuple[str, ...], target: str) -> str:
        """The ratio, the spread of single pairs, and the target. A run before is not measured."""
        self.cpu(*TORCH), self.cpu(*arguments)
        pairs = [(self.cpu(*arguments), self.cpu(*TORCH)) for _ in range(RUNS)]
        least = min(own for own, _ in pairs) / min(torch for _, torch in pairs)
        single = sorted(own / torch for own, torch in pairs)
        spread = f"{single[0]:.3f} to {single[-1]:.3f}"
        return f"cold `{name}` / `import torch`: {least:.3f} ({spread}; target {target})"

    def cpu(self, *arguments: str) -> float:
        """User and system seconds of a Python program."""
        before = _used()
        subprocess.run(
            [sys.executable, *arguments],
            check=True,
            capture_output=True,
            cwd=self._folder,
            env=self._environment,
        )
        return _used() - before


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print every benchmark."""
    with TemporaryDirectory() as folder:
        cold = Cold(Path(folder))
        for program, target in PROGRAMS.items():
            print(cold.line(program, ("-c", program), target), flush=True)
        for command, target in COMMANDS.items():
            arguments = ("-m", "flopscope", *command.split())
            print(cold.line(f"flopscope {command}", arguments, target), flush=True)


if __name__ == "__main__":
    main()
