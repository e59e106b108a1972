"""All designs of a design space at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING, Any

from flopscope.api.budgets import budgets
from flopscope.api.given import is_integer, is_number, natural, positive, text
from flopscope.api.public import public
from flopscope.brief import shown
from flopscope.errors import BadInput
from flopscope.extras import require_plots
from flopscope.numerals import integer_from
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import nn

    from flopscope.answers.ownspaces import AnySpace
    from flopscope.answers.space import Census
    from flopscope.ledger import Ledger


@dataclass(frozen=True, repr=False)
class SpaceReport(Report):
    """The report that `space` returns, and answers to further questions about the same space. It is
    false where no network keeps a budget."""

    census: Census

    def document(self) -> Document:
        """The answers in tables."""
        from flopscope.present.space import space_document

        return space_document(self.census)

    @property
    def about(self) -> str:
        from flopscope.present.space import title

        return f"{title(self.census)}: {self.census.total:,} designs"

    @property
    def holds(self) -> bool:
        return self.census.holds

    @property
    def networks(self) -> int:
        """The number of distinct networks."""
        return self.census.space.networks

    @property
    def encodings(self) -> int:
        """The number of ways in which its authors write networks down."""
        return self.census.space.encodings

    def count(self, most: int | str) -> int:
        """How many designs have at most so much, such as 300_000_000 or '300M'."""
        limit = most if is_integer(most) else integer_from(str(most), 1)
        if limit is None:
            raise BadInput(f"most {shown(most)} is not an integer from 1; give one such as '300M'")
        return self.census.count(int(limit))

    def kth(self, rank: int | str) -> int:
        """The cost of the design of this rank, cheapest first."""
        return self.census.kth(_rank("rank", rank))

    def quantile(self, share: float | Fraction) -> int:
        """The least cost that this share of the designs keeps."""
        return self.census.quantile(_share("share", share))

    def sample(self, number: int, seed: int = 0, most: int | None = None) -> list[str]:
        """So many designs as texts, drawn uniformly from those that cost at most so much."""
        from flopscope.answers.spacequestions import sampler_of

        sampler = sampler_of(self.census.distribution(self.census.quantity))
        rng = Random(seed)
        return [self.census.space.text(sampler.draw(rng, most)[0]) for _ in range(number)]

    @property
    def measured(self) -> dict[str, float]:
        """The published accuracies of networks that come with the space, by design; none for most
        spaces."""
        from flopscope.designspaces.predictor import read_measured
        from flopscope.designspaces.space import DesignSpace

        space = self.census.space
        if not isinstance(space, DesignSpace) or space.measured is None:
            return {}
        _, found = read_measured(space, space.measured)
        return {space.text(design): value for design, value in found.items()}

    def cost(self, design: str) -> int:
        """What a design costs in the quantity of this report."""
        return self.census.tables[0].cost(self.census.space.design(text("design", design)))

    def ledger(self, design: str) -> Ledger:
        """The ledger of a design at the input size of this report."""
        space = self.census.space
        return space.ledger(space.design(text("design", design)), self.census.res)

    def build(self, design: str) -> nn.Module:
        """The PyTorch network of a design, with random weights."""
        space = self.census.space
        return space.build(space.design(text("design", design)))

    def plot(self, ax: Axes | None = None, **look: Any) -> Axes:
        """How the costs of all designs are spread, on these axes or new ones. `look` has the
        command's options. Needs matplotlib."""
        require_plots()
        from flopscope.present.plots.census import draw_spread
        from flopscope.present.plots.export import axes_for
        from flopscope.present.plots.look import read_look
        from flopscope.present.space_picture import spread_of

        seen = read_look(**look)
        return draw_spread(axes_for(ax, seen), spread_of(self.census), seen)


def design_space(name: str, value: Any) -> Any:
    """The name of a design space, 'file.py:NAME', or a DesignSpace."""
    from flopscope.designspaces.listed import ListedSpace
    from flopscope.designspaces.space import DesignSpace

    if isinstance(value, DesignSpace | ListedSpace):
        return value
    if not isinstance(value, str):
        raise BadInput(
            f"{shown(value)} is not a design space; give a name such as 'ofa_mobilenetv3', or a "
            "text such as 'space.py:NAME'"
        )
    return text(name, value)


def several(read: Callable[[str, Any], Any]) -> Callable[[str, Any], tuple[Any, ...]]:
    """A reader of one value or a sequence of them."""

    def reader(name: str, value: Any) -> tuple[Any, ...]:
        given = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
        return tuple(read(name, each) for each in given)

    return reader


def _rank(name: str, value: Any) -> int:
    rank = value if is_integer(value) else integer_from(str(value), 1)
    if rank is None or rank < 1:
        raise BadInput(f"{name} {shown(value)} is not a positive integer; give one such as 1")
    return int(rank)


def _share(name: str, value: Any) -> Fraction:
    if not isinstance(value, Fraction) and not is_number(value):
        raise BadInput(f"{name} {shown(value)} is not a number; give a share such as 0.1")
    return value if isinstance(value, Fraction) else Fraction(repr(float(value)))


@public(
    target=design_space, kth=several(_rank), quantile=several(_share), design=several(text),
    of=text, max_latency=text, batch=positive, sample=positive, seed=natural, res=positive,
    encodings=lambda name, value: bool(value),
)  # fmt: skip
def space(
    target: str | AnySpace,
    *,
    res: int | None = None,
    of: str | None = None,
    count: bool = False,
    kth: int | str | Sequence[int | str] = (),
    quantile: float | Sequence[float] = (),
    design: str | Sequence[str] = (),
    histogram: bool = False,
    sample: int = 0,
    seed: int | None = None,
    encodings: bool = False,
    max_latency: str | None = None,
    batch: int | None = None,
    **limits: int | float | str | None,
) -> SpaceReport:
    """All designs of a design space counted exactly, by a cost `of` which they are spread.

    `target` is a name such as "ofa_mobilenetv3", "file.py:NAME" or a DesignSpace. A budget is max_
    and its quantity, as in max_macs="300M"; max_latency is a device and a time, as in
    "pixel3-cpu-tflite:15ms", for runs of `batch` images. `kth` are ranks, `quantile` shares,
    `design` texts of designs, one or several; `sample` networks are drawn uniformly from all that
    keep the budgets.
    Raises BadInput, UnknownName.

    >>> found = space("nas_bench_macro", max_macs="30M")
    >>> found.networks, found.encodings, found.count("30M")
    (3969, 6561, 142)
    """
    from flopscope.answers.space import census
    from flopscope.answers.spacequestions import Questions, with_seed

    most = {budget.quantity: budget.limit for budget in budgets(limits, "max_")}
    drawn = with_seed([sample], seed)
    ranks = several(_rank)("kth", kth)
    shares = several(_share)("quantile", quantile)
    designs = several(text)("design", design)
    asked = Questions(bool(count), ranks, shares, designs, bool(histogram), sample, drawn)
    found = census(
        target, asked, of=of, most=most, max_latency=max_latency, res=res, batch=batch,
        encodings=encodings,
    )  # fmt: skip
    return SpaceReport(found)
