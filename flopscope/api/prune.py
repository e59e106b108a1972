"""What a network costs when channels are removed, and the module without them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flopscope.api.given import is_number, mapping, natural, positive, text
from flopscope.api.own import network_or_maker
from flopscope.api.public import public
from flopscope.api.subject import Shapes, specs
from flopscope.brief import shown
from flopscope.errors import BadInput
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from torch import nn

    from flopscope.answers.prune.prune import Pruning


@dataclass(frozen=True, repr=False)
class PruneReport(Report):
    """The report that `prune` returns; `pruning` has the rows before and after, the groups of
    channels, and formulas."""

    pruning: Pruning

    def document(self) -> Document:
        """Counts before and after, and the groups of channels."""
        from flopscope.present.prune import prune_document

        return prune_document(self.pruning)

    def build(self, by: str = "l2", *, seed: int = 0) -> nn.Module:
        """The slimmed PyTorch module. Each group keeps the channels whose filters have the largest
        norms, "l1" or "l2".

        Your module is copied and keeps its weights; those of a network that you name are drawn from
        `seed`. Raises UnknownName for another norm, BadInput for a module that does not run when it
        is slimmed.
        """
        return self.pruning.build(text("by", by), natural("seed", seed) or 0)


def _share(name: str, value: Any) -> Any:
    if not is_number(value) and not isinstance(value, str):
        raise BadInput(f"{name} {shown(value)} is not a share; give a number such as 0.5")
    return value


def _skips(name: str, value: Any) -> tuple[str, ...]:
    given = value if isinstance(value, list | tuple) else [value]
    return tuple(text(name, one) for one in given)


@public(
    target=network_or_maker, keep=_share, skip=_skips, density=_share, batch=positive,
    arguments=mapping,
)  # fmt: skip
def prune(
    target: str | nn.Module,
    *inputs: Shapes,
    keep: float | str = 1,
    skip: str | Sequence[str] = (),
    density: float | str | None = None,
    res: int | tuple[int, int] | None = None,
    batch: int = 1,
    arguments: Mapping[str, Any] | None = None,
) -> PruneReport:
    """What a network costs when its groups of channels keep a share of them.

    `target` is a text as the command line takes it, or a module. `skip` names layers, modules or
    patterns whose channels all stay. `density` adds what would be left in theory if so many of the
    weights were not zero and each zero could be skipped. Needs torch. Raises BadInput, UnknownName.

    >>> from torch import nn
    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 1))
    >>> report = prune(net, res=8, keep=0.5)
    >>> print(report.pruning.formula("params"), report.pruning.params.value)
    32·w1 + 4 132
    >>> sum(p.numel() for p in report.build().parameters())
    132
    """
    from flopscope.answers.counted import Given
    from flopscope.answers.making import target_of
    from flopscope.answers.prune.prune import parse_share
    from flopscope.answers.prune.prune import prune as pruned

    given = Given(res, batch, specs(inputs))
    thin = None if density is None else parse_share("density", str(density))
    share = parse_share("keep", str(keep))
    return PruneReport(pruned(target_of(target), given, share, tuple(skip), thin, arguments))
