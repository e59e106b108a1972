"""The answer to how much a network costs when channels are removed from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from flopscope.answers.counted import Given
from flopscope.answers.making import target_of
from flopscope.answers.profile import profile
from flopscope.answers.prune.channels import Group, Groups
from flopscope.answers.prune.density import Sparse, sparse
from flopscope.answers.prune.groups import groups_of
from flopscope.answers.prune.rewriting import at_widths
from flopscope.answers.target import Target
from flopscope.answers.training_memory import inputs_at
from flopscope.brief import brief, short
from flopscope.errors import BadInput, FlopscopeError, UnknownName
from flopscope.facts import InputSpec
from flopscope.ledger import Ledger
from flopscope.numerals import number
from flopscope.readings import Reading
from flopscope.symbolic import symbol

if TYPE_CHECKING:
    from torch import nn

WHOLE = Fraction(1)


@dataclass(frozen=True)
class Pruning:
    """A network whose groups of channels keep `kept` of their channels each; those that are not in
    it keep all. `full` are its rows as they were, and `skipped` the groups that were asked to stay.
    `density` is what is left of the weights in theory, beside all other counts."""

    target: Target
    inputs: tuple[InputSpec, ...]
    arguments: Mapping[str, Any] | None
    keep: Fraction
    full: Ledger
    groups: Groups
    kept: Mapping[int, int]
    skipped: frozenset[int]
    density: Sparse | None = None

    def __repr__(self) -> str:
        return short(self, f"{self.target.name}, {self.params} and {self.macs}")

    @property
    def ledger(self) -> Ledger:
        """The rows of the pruned network."""
        return at_widths(self.full, self.groups, self.kept)

    @property
    def params(self) -> Reading:
        """Its parameters."""
        return self.ledger.params()

    @property
    def macs(self) -> Reading:
        """Its multiply-accumulates."""
        return self.ledger.macs()

    @property
    def symbols(self) -> dict[int, str]:
        """The name of each kept width in formulas."""
        return {number: f"w{place}" for place, number in enumerate(self.kept, start=1)}

    def formula(self, quantity: str = "params") -> Any:
        """Parameters or MACs in the kept widths, which `symbols` names. Raises UnknownName for
        another quantity."""
        if quantity not in ("params", "macs"):
            raise UnknownName("quantity", quantity, {"params": None, "macs": None})
        names = {number: symbol(name) for number, name in self.symbols.items()}
        return getattr(at_widths(self.full, self.groups, names), quantity)().value

    def build(self, by: str = "l2", seed: int = 0) -> nn.Module:
        """The slimmed PyTorch module. A group keeps the channels whose filters have the largest sum
        of norms, "l1" or "l2". A module is copied and keeps its weights; those of a network that is
        named are drawn from a seed.

        The slimmed module is traced, and its parameters and MACs are those of `ledger`. Raises
        UnknownName for another norm, BadInput for a module that does not run when it is slimmed or
        has other counts.
        """
        from flopscope.measured.slimmed import slimmed

        groups = {n: self.groups.groups[n] for n in self.kept}
        cuts = {
            key: [(axis.axis, axis.group, axis.each) for axis in axes if axis.group in self.kept]
            for key, axes in self.groups.weights.items()
        }
        makers = {number: group.makers for number, group in groups.items()}
        widths = {number: group.width for number, group in groups.items()}
        module = self.target.build(self.arguments, seed=seed)
        found: nn.Module = slimmed(module, cuts, makers, widths, self.kept, by)
        self._check(found)
        return found

    def _check(self, module: nn.Module) -> None:
        """Raises BadInput for a slimmed module whose counts are not those of `ledger`."""
        try:
            rows = profile(target_of(module), self.inputs).ledger
        except FlopscopeError as error:
            raise BadInput(f"{self.target.name} does not run when it is slimmed: {error}") from None
        for said, one, other in (
            ("parameters", rows.params(), self.params),
            ("MACs", rows.macs(), self.macs),
        ):
            if one.value != other.value:
                raise BadInput(
                    f"{self.target.name} has {one.value:,} {said} when it is slimmed and not the "
                    f"{other.value:,} that its trace says; skip the layers that read their own "
                    "sizes"
                )


def prune(
    target: Target,
    given: Given,
    keep: Fraction = WHOLE,
    skip: Sequence[str] = (),
    density: Fraction | None = None,
    arguments: Mapping[str, Any] | None = None,
) -> Pruning:
    """Remove channels from every group that can lose some, but those with a layer that a pattern
    names. A group of c channels keeps c - round((1 - keep)·c), at least one, as torch's
    `ln_structured` rounds. Needs torch.

    Raises BadInput for an ONNX file and for a network with nothing to remove; UnknownName for a
    pattern that names no layer.
    """
    if target.is_graph:
        raise BadInput(
            f"{target.name} is an ONNX file, whose weights are not cut; give the network in PyTorch"
        )
    inputs = inputs_at(target, given, arguments)
    found = profile(target, inputs, arguments, given.example)
    rows = found.ledger.rows
    groups = groups_of(rows)
    skipped = _skipped(groups, skip)
    free = {n: g for n, g in groups.free.items() if n not in skipped}
    if not free and keep < 1:
        raise BadInput(f"{target.name} has no channels that can be removed; {_why(groups, skip)}")
    kept = {number: kept_of(group.width, keep) for number, group in free.items()}
    thin = None if density is None else sparse(at_widths(found.ledger, groups, kept).rows, density)
    return Pruning(
        target, tuple(inputs), arguments, keep, found.ledger, groups, kept, frozenset(skipped), thin
    )  # fmt: skip


def parse_share(name: str, text: str) -> Fraction:
    """A share of channels or weights as a person wrote it. Raises BadInput for what is none.

    >>> parse_share("keep", "0.5")
    Fraction(1, 2)
    """
    share = number(text)
    if share is None or not 0 < share <= 1:
        raise BadInput(
            f"--{name} {brief(text)} is not a share; give more than 0 and at most 1, such as 0.5"
        )
    return share


def kept_of(width: int, keep: Fraction) -> int:
    """How many of so many channels stay: at least one.

    >>> [kept_of(width, Fraction(1, 2)) for width in (1, 3, 16)]
    [1, 1, 8]
    """
    return max(1, width - round((1 - keep) * width))


def _skipped(groups: Groups, patterns: Sequence[str]) -> set[int]:
    """The groups that have a layer which a pattern names, itself or something below it."""
    found = set()
    layers = {layer: n for n, group in groups.groups.items() for layer in group.layers}
    for pattern in patterns:
        named = {
            n
            for n, group in groups.groups.items()
            for layer in group.layers
            if fnmatchcase(layer, pattern) or layer.startswith(f"{pattern}.")
        }
        if not named:
            raise UnknownName(
                "layer", pattern, layers, "give a layer, a module, or a pattern such as 'stage4.*'"
            )
        found |= named
    return found


def _why(groups: Groups, skip: Sequence[str]) -> str:
    said = dict.fromkeys(g.whole for g in groups.groups.values() if g.whole)
    asked = [f"--skip names those of {', '.join(skip)}"] if skip else []
    return "; ".join([*asked, *said]) or "no layer makes any"


def names(group: Group) -> str:
    """The layers of a group, as a table names them."""
    first, *others = group.layers
    return f"{first} +{len(others)}" if others else first
