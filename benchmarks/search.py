"""How long searches among designs take: against the same search one value at a time, and cold
commands against `import torch`, in CPU time, timed in the same run.

Every answer is compared before it is timed. `make bench` prints one line each.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from unittest.mock import patch

from run import Result, seconds

from flopscope.search import solve
from flopscope.search.budgets import Budget

RUNS = 5
FREE = ("width", "depth", "res")
COMMANDS = {
    "solve efficientnet_b0 --macs 390M --free width,depth,res": "2 s",
    "solve efficientnet_b0 --macs 390M --free width,depth,res,batch": "10 s",
    "pareto": "1 s",
    "list": "0.5 s",
    "audit": "5 s",
}
"""Each with the CPU time that it may take where `import torch` takes 1.5 s."""


def at_once() -> Result:
    """The search one value of the outer axes at a time, over the search for all at once."""
    budgets = [Budget("macs", 10_000_000)]

    def ours() -> solve.Solution:
        return solve.solve("mobilenetv2", budgets, FREE)

    def trial() -> solve.Solution:
        with patch.object(solve, "frontier", lambda *_: None):
            return ours()

    assert ours().designs == trial().designs
    ratios = [seconds(trial) / seconds(ours) for _ in range(RUNS)]
    return Result("one value at a time / at once, three free axes", ratios, "times", "at least 5")


def cold() -> Iterator[Result]:
    """CPU time of cold commands over that of `import torch`."""
    for command, target in COMMANDS.items():
        flopscope = ("-m", "flopscope", *command.split())
        ratios = [_cpu(*flopscope) / _cpu("-c", "import torch") for _ in range(RUNS)]
        yield Result(f"cold `{command}` / `import torch`", ratios, "", target)


def _cpu(*arguments: str) -> float:
    """User and system seconds of a Python program."""
    before = _used()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return _used() - before


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print every benchmark."""
    print(at_once())
    for result in cold():
        print(result, flush=True)


if __name__ == "__main__":
    main()
