"""How long a search among designs takes against the same search one value at a time.

The answers are compared before they are timed. `make bench` prints one line.
"""

from __future__ import annotations

from unittest.mock import patch

from run import Result, seconds

from flopscope.choosing import solve
from flopscope.choosing.budgets import Budget

RUNS = 5
FREE = ("width", "depth", "res")


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


def main() -> None:
    """Print every benchmark."""
    print(at_once())


if __name__ == "__main__":
    main()
