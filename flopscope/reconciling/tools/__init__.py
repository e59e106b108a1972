"""What each tool answers for a network as it is written, or that this is not modelled.

A rule here mirrors the tool's source with its oddities, and tests run the tool beside it. If the
tables do not determine what a tool answers, NotModelled is raised and no number is stated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from flopscope.reconciling.amounts import CountedTerm
from flopscope.reconciling.tools.counted import Counted, NotModelled, ToolModel
from flopscope.reconciling.tools.deepspeed import deepspeed
from flopscope.reconciling.tools.flop_counter import flop_counter
from flopscope.reconciling.tools.fvcore import fvcore
from flopscope.reconciling.tools.ptflops import ptflops
from flopscope.reconciling.tools.thop import thop
from flopscope.reconciling.tools.torchinfo import torchinfo
from flopscope.spelling import Spelling


class Modelled(NamedTuple):
    """A tool, and how it runs a network."""

    model: ToolModel
    setting: str


_GRADIENTS = "In evaluation, with gradients, on a CPU."
_NONE = "In evaluation, without gradients, on a CPU."
MODELS: Mapping[str, Modelled] = {
    "fvcore": Modelled(fvcore, _GRADIENTS),
    "torch": Modelled(flop_counter, _NONE),
    "thop": Modelled(thop, _NONE),
    "ptflops": Modelled(ptflops, "In evaluation, with gradients, on a CPU; of one image, × batch."),
    "torchinfo": Modelled(torchinfo, _NONE),
    "deepspeed": Modelled(deepspeed, _GRADIENTS),
}
"""The model of each tool."""


@dataclass(frozen=True)
class Unmodelled:
    """Says that a tool's answer is not known: because of which operator, where, and why."""

    tool: str
    operator: str
    path: str
    why: str

    def __str__(self) -> str:
        where = f" at {self.path}" if self.path else ""
        operator = f"{self.operator}{where}: " if self.operator else ""
        return f"what {self.tool} answers is not modelled ({operator}{self.why})"


def answer(tool: str, spelling: Spelling, times: int = 1) -> tuple[CountedTerm, ...] | Unmodelled:
    """The terms of the tool's answer, each that many times; zeros are left out."""
    for beyond in spelling.beyond:
        return Unmodelled(tool, *beyond)
    try:
        return _terms([c._replace(amount=c.amount * times) for c in MODELS[tool].model(spelling)])
    except NotModelled as unknown:
        return Unmodelled(tool, unknown.operator, unknown.path, unknown.why)


def _terms(counted: Sequence[Counted]) -> tuple[CountedTerm, ...]:
    """The terms by name, in order of first appearance. A tool drops the fraction of its sum; here
    the last term with a fraction drops it."""
    counts: dict[str, float] = {}
    texts: dict[str, list[str]] = {}
    for name, by, count in counted:
        if count:
            counts[name] = counts.get(name, 0) + count
            if by not in texts.setdefault(name, []):
                texts[name].append(by)
    whole = int(sum(counts.values()))
    fractions = [name for name, count in counts.items() if count != int(count)]
    if fractions:
        counts[fractions[-1]] = whole - sum(
            int(count) for name, count in counts.items() if name != fractions[-1]
        )
    return tuple(CountedTerm(name, ", ".join(texts[name]), int(n)) for name, n in counts.items())
