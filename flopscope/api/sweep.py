"""A network at every combination of the values of its free sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flopscope.api.budgets import budgets, device_given
from flopscope.api.given import as_given, mapping, positive, text, texts
from flopscope.api.own import network_or_maker, ranges
from flopscope.api.public import public
from flopscope.api.subject import Shapes, specs
from flopscope.errors import BadInput
from flopscope.extras import require_plots
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import nn

    from flopscope.answers.ranges import Free
    from flopscope.answers.sweep import Sweep
    from flopscope.api.kept import KeptReport
    from flopscope.timing.device import Device


@dataclass(frozen=True, repr=False)
class SweepReport(Report):
    """The report that `sweep` returns, a row for each design. It is false where no design keeps the
    budgets."""

    sweep: Sweep

    def document(self) -> Document:
        """The designs in a table."""
        from flopscope.present.sweep import sweep_document

        return sweep_document(self.sweep)

    @property
    def about(self) -> str:
        from flopscope.present.sweep import title

        free = ", ".join(map(str, self.sweep.axes))
        return f"{title(self.sweep)}: {self.sweep.kept.size:,} designs along {free}"

    @property
    def holds(self) -> bool:
        return bool(self.sweep.kept.size)

    def plot(
        self,
        ax: Axes | None = None,
        quantity: str | None = None,
        panel: str | None = None,
        **look: Any,
    ) -> Axes:
        """One quantity on these axes or new ones, as "lines" or a "heatmap".

        Without a quantity it is the first that was asked for, or the work where none was. `look`
        has the command's options: size, title, xlim="100M:1G", ylim, xscale, yscale. Needs
        matplotlib. Raises UnknownName for another panel or a quantity that was not counted,
        BadInput for more than two free sizes and for a look that cannot be drawn.
        """
        require_plots()
        from flopscope.answers.sweep import quantity_of
        from flopscope.present.plots.export import axes_for
        from flopscope.present.plots.look import read_look
        from flopscope.present.plots.sweep import draw_sweep
        from flopscope.present.sweep_picture import picture_of

        drawn = None if quantity is None else quantity_of(self.sweep, quantity)
        picture = picture_of(self.sweep, drawn)
        seen = read_look(**look)
        return draw_sweep(axes_for(ax, seen), picture, seen, panel)


@public(
    target=network_or_maker, free=ranges, of=texts, gain=texts, keep=text, output=text,
    scheduler=text, workers=positive, arguments=mapping, device=as_given,
)  # fmt: skip
def sweep(
    target: str | nn.Module | Callable[..., nn.Module],
    *inputs: Shapes,
    free: Free = (),
    of: str | Sequence[str] = ("params", "macs"),
    keep: str | None = None,
    gain: str | Sequence[str] = (),
    output: str | None = None,
    workers: int | None = None,
    scheduler: str | None = None,
    res: int | tuple[int, int] | None = None,
    batch: int | None = None,
    arguments: Mapping[str, Any] | None = None,
    example: Mapping[str, int] | None = None,
    convention: str = "macs",
    device: str | Device | None = None,
    **limits: int | float | str | None,
) -> SweepReport | KeptReport:
    """A network counted at every combination of the values of its free sizes.

    `target` is a text as the command line takes it, a module, or a class or function that makes
    one. `free` gives values to "res" (a square input), "H" and "W", "batch", options of a catalogue
    model or arguments of a constructor: "width=0.25:2:0.25,res=160,224", or a mapping from names to
    values. `of` names quantities; the work is counted under `convention`. A budget is max_ and its
    quantity, as in max_macs="300M". On a `device` "latency" is a quantity too.

    Without `keep` every design is a row of a table, at most 10,000 of them. Of grids of up to 10¹²
    designs, `keep` is "count", "histogram:40", "top:100", "bottom:100", "front", of which more of
    each `gain` is better, or "all", which writes every design to `output`, a .csv or .parquet file.
    `workers` starts so many processes, and `scheduler` is the address of a Dask scheduler, which
    share the designs. Raises BadInput, UnknownName.

    >>> found = sweep("mobilenetv2", free="width=0.5,1", of="macs")
    >>> [design["macs"] for design in found.to_dict()["designs"]]
    [97131840, 300774272]
    >>> many = {"width": [n / 100 for n in range(25, 201)], "res": range(32, 513, 8)}
    >>> sweep("mobilenetv2", free=many, keep="count", max_macs="300M").to_dict()["kept"]
    4502
    """
    known = device_given(device)
    most = {budget.quantity: budget.limit for budget in budgets(limits, "max_", known)}
    given: dict[str, Any] = {
        "res": res, "batch": batch, "inputs": specs(inputs), "arguments": arguments or {},
        "examples": example or {},
    }  # fmt: skip
    if keep is not None:
        from flopscope.answers.spaces import Fixed
        from flopscope.api.kept import kept_report
        from flopscope.sweeping.answer import prepared

        asked = prepared(
            target, free, keep, tuple(of), gains=tuple(gain), most=most, convention=convention,
            device=known, fixed=Fixed(**given),
        )  # fmt: skip
        return kept_report(asked, output, workers, scheduler)
    _refuse_parts(gain=gain or None, output=output, workers=workers, scheduler=scheduler)
    from flopscope.answers.sweep import sweep as swept

    found = swept(target, free, tuple(of), most=most, convention=convention, device=known, **given)
    return SweepReport(found)


def _refuse_parts(**given: Any) -> None:
    """Raises BadInput for what is for a part that is kept, where none is."""
    for name, value in given.items():
        if value is not None:
            raise BadInput(f'{name} is for keep; give one, such as keep="front"')
