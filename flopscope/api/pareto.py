"""The networks that no other beats in both cost and accuracy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flopscope.api.budgets import budgets, named_device_given
from flopscope.api.given import as_given
from flopscope.api.own import network_or_maker, percentages
from flopscope.api.public import public
from flopscope.errors import BadInput
from flopscope.extras import require_plots
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import nn

    from flopscope.choosing.front import Front
    from flopscope.timing.device import Device


@dataclass(frozen=True, repr=False)
class FrontReport(Report):
    """The report that `pareto` returns. `front` holds its points; the table has the dominated ones
    if it has `every` point."""

    front: Front
    every: bool = False

    def document(self) -> Document:
        """The best within the budgets, and the frontier."""
        from flopscope.present.pareto import front_document

        return front_document(self.front, self.every)

    @property
    def about(self) -> str:
        costs = " and ".join(self.front.question.criteria)
        return f"{len(self.front.on)} of {len(self.front.points)} networks, by {costs} and top-1"

    def plot(self, ax: Axes | None = None, **look: Any) -> Axes:
        """Cost against accuracy with the frontier, on these axes or new ones.

        `look` has the command's options: size, title, xlim="100M:1G", ylim, xscale, yscale. Needs
        matplotlib. Raises BadInput for a front of several costs and for a look that cannot be
        drawn.
        """
        require_plots()
        from flopscope.present.plots.export import axes_for
        from flopscope.present.plots.frontier import frontier
        from flopscope.present.plots.look import read_look

        seen = read_look(**look)
        return frontier(axes_for(ax, seen), self.front, seen)


@public(targets=network_or_maker, top1=percentages, device=as_given)
def pareto(
    *targets: str | nn.Module | Callable[..., nn.Module],
    top1: float | str | Sequence[float | str] = (),
    x: str | Sequence[str] = ("macs",),
    results: str | None = None,
    with_catalogue: bool = False,
    res: int | tuple[int, int] | None = None,
    convention: str = "macs",
    accuracy: str | None = None,
    families: str | Sequence[str] = (),
    device: str | Device | None = None,
    batch: int | None = None,
    every: bool = False,
    **limits: int | float | str | None,
) -> FrontReport:
    """The networks that no other beats in both cost and accuracy.

    `targets` are networks of your own, which are put among the published ones: modules, classes, or
    texts as the command line takes them. `top1` gives their accuracies in per cent, in the same
    order. They are counted at `res`, or at the size that they are made for.

    `x` names the costs. `results` is the path of a CSV file of your own accuracies, which replace
    the published ones, or join them `with_catalogue`. `families` keeps to some families. `accuracy`
    chooses among published accuracies: "paper", "torchvision", "timm:a1_in1k", "best". `every`
    lists the dominated networks too. The cost "latency" is that on a `device`: as published, where
    it is of this network, input size and `batch`, or else predicted. Without `batch` it is the one
    that is commonest there. A budget is max_ and its quantity, as in max_macs="600M". Raises
    BadInput, UnknownName.

    >>> front = pareto(res=224, max_macs="100M").front
    >>> front.points[front.on[-1]].name
    'mobilenetv3_small:width=1.25'
    >>> from torch import nn
    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> front = pareto(net, top1=40, res=224, families="mobilenetv1").front
    >>> front.points[0].name, float(front.points[0].top1), front.points[0].costs
    ('Sequential', 40.0, (10645344,))
    """
    from flopscope.catalog.results import read_results
    from flopscope.choosing.front import Front
    from flopscope.choosing.own import own_points
    from flopscope.choosing.points import Question, points
    from flopscope.conventions import CONVENTIONS

    if with_catalogue and results is None:
        raise BadInput(
            "with_catalogue adds the published accuracies to those of results; give both"
        )
    if accuracy is not None and results is not None and not with_catalogue:
        raise BadInput(
            "accuracy chooses among published accuracies, and results takes those of a file in "
            "their place; leave one of them out, or add with_catalogue"
        )
    side = (res, res) if isinstance(res, int) else res
    known = named_device_given(device)
    most = tuple(budgets(limits, "max_", known))
    counting = CONVENTIONS[convention]
    question = Question(tuple(x), counting, side, tuple(families), most, accuracy, known, batch)
    mine = None if results is None else read_results(results)
    own = own_points(targets, top1 if isinstance(top1, tuple) else (), "top1")
    front = Front(question, points(question, mine, mine is None or with_catalogue, own))
    return FrontReport(front, every)
