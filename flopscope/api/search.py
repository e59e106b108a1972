"""The best designs of a design space."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from flopscope.api.budgets import budgets
from flopscope.api.given import natural, positive, text
from flopscope.api.public import public
from flopscope.api.space import design_space
from flopscope.brief import shown
from flopscope.choosing.found import EVALUATIONS, SECONDS, How, Search
from flopscope.choosing.search import search as searched
from flopscope.errors import BadInput
from flopscope.extras import require_plots
from flopscope.present.report import Report
from flopscope.present.search import search_document, verdict
from flopscope.present.table import Document

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import nn

    from flopscope.answers.ownspaces import AnySpace
    from flopscope.ledger import Ledger


@dataclass(frozen=True, repr=False)
class SearchReport(Report):
    """The report that `search` returns. It is false where nothing was found."""

    found: Search
    whole: bool = False

    def document(self) -> Document:
        """The best design, or the frontier."""
        return search_document(self.found, self.whole)

    @property
    def about(self) -> str:
        return f"{self.found.space.name}: {verdict(self.found)}"

    @property
    def holds(self) -> bool:
        return self.found.holds

    @property
    def proven(self) -> bool:
        """Is it proved that no design is better?"""
        return self.found.proven

    @property
    def best(self) -> str | None:
        """The best design as text; None where none was found."""
        best = self.found.best
        return None if best is None else self.found.space.text(best.design)

    @property
    def front(self) -> list[tuple[str, int, float]]:
        """The frontier: each design with its first cost and its score, cheapest first."""
        text_of = self.found.space.text
        return [(text_of(each.design), each.costs[0], each.score) for each in self.found.front]

    @property
    def spearman(self) -> float | None:
        """The rank correlation of a fitted accuracy with networks that it was not fitted on; None
        where nothing was fitted."""
        fit = self.found.objective.fit
        return None if fit is None else fit.spearman

    def score(self, design: str) -> float:
        """The score of any design of the space. Raises BadInput where the score is no sum."""
        scores = self.found.objective.scores
        if scores is None:
            raise BadInput(
                "a function gives the score here; call it with the options of the design"
            )
        return scores.value(scores.of(self.found.space.design(text("design", design))))

    def ledger(self) -> Ledger:
        """The ledger of the best design. Raises BadInput where none was found."""
        return self.found.space.ledger(self._design(), self.found.res)

    def build(self) -> nn.Module:
        """The PyTorch network of the best design. Raises BadInput where none was found."""
        return self.found.space.build(self._design())

    def _design(self) -> tuple[str, ...]:
        if self.found.best is None:
            raise BadInput("no design was found, and so there is no network; allow more")
        return self.found.best.design

    def plot(self, ax: Axes | None = None, **look: Any) -> Axes:
        """The frontier on these axes or new ones. `look` has the command's options. Needs
        matplotlib."""
        require_plots()
        from flopscope.present.plots.designfront import draw_rise
        from flopscope.present.plots.export import axes_for
        from flopscope.present.plots.look import read_look
        from flopscope.present.search_picture import rise_of

        seen = read_look(**look)
        return draw_rise(axes_for(ax, seen), rise_of(self.found), seen)


def _accuracy(name: str, value: Any) -> Any:
    if callable(value):
        return value
    if isinstance(value, PathLike):
        return str(fspath(value))
    if not isinstance(value, str):
        raise BadInput(
            f"{name} {shown(value)} is neither text nor a function; give 'measured', the path of a "
            "CSV, or a function from the options of a design to a number"
        )
    return text(name, value)


@public(
    target=design_space, accuracy=_accuracy, maximise=text, max_latency=text, method=text,
    fit_rows=positive, seconds=positive, evaluations=positive, seed=natural, res=positive,
    batch=positive,
)  # fmt: skip
def search(
    target: str | AnySpace,
    *,
    accuracy: str | Callable[[Mapping[str, str]], float] | None = None,
    maximise: str | None = None,
    fit_rows: int | None = None,
    max_latency: str | None = None,
    res: int | None = None,
    batch: int | None = None,
    method: str | None = None,
    front: bool = False,
    seconds: int = int(SECONDS),
    evaluations: int = EVALUATIONS,
    seed: int = 0,
    **limits: int | float | str | None,
) -> SearchReport:
    """The best network of a design space within budgets, with a proof where there can be one.

    `accuracy` is what is to be large: "measured", a CSV of networks that you measured or of scores,
    or a function of the options by slot. In its place, `maximise` is a quantity. A budget is max_
    and its quantity, as in max_macs="300M"; max_latency is a device and a time, as in
    "pixel3-cpu-tflite:25ms", for runs of `batch` images, or a table and the most by it, as in
    "blocks.csv:11". Raises BadInput, UnknownName.

    >>> found = search("nas_bench_macro", accuracy="measured", fit_rows=300, max_macs="60M")
    >>> found.best, found.proven, found.front[-1][1]
    ('21211110', True, 57793024)
    """
    most = {budget.quantity: budget.limit for budget in budgets(limits, "max_")}
    how = How(method, seed, float(seconds), evaluations, fit_rows)
    found = searched(
        target, accuracy=accuracy, maximise=maximise, most=most, max_latency=max_latency,
        res=res, batch=batch, how=how,
    )  # fmt: skip
    return SearchReport(found, front)
