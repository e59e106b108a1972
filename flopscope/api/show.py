"""One network, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flopscope.api.apart import check_shapes, question, sized, view_of
from flopscope.api.public import public
from flopscope.api.subject import Shapes

if TYPE_CHECKING:
    from torch import nn

    from flopscope.catalog.scaling import Scaling
    from flopscope.present.show import ShowReport
    from flopscope.tracing.calls import Rule


@public()
def show(
    target: str | nn.Module,
    *inputs: Shapes,
    res: int | tuple[int, int] | None = None,
    batch: int = 1,
    arguments: Mapping[str, Any] | None = None,
    example: Mapping[str, int] | None = None,
    rules: str | Mapping[str, Rule] | None = None,
    convention: str = "macs",
    by: str = "layer",
    depth: int | None = None,
    sort: str | None = None,
    columns: Sequence[str] = (),
    backward: bool = False,
    epoch: int | str | None = None,
    scale: Scaling | str | None = None,
    form: str | None = None,
) -> ShowReport:
    """What each layer of a network costs, in order; `by` takes blocks, stages or kinds instead.

    The arguments are those of `profile`. A model of the catalogue is counted from its closed form,
    which needs no torch. Raises BadInput, UnknownName.

    >>> show("mobilenetv2", by="stage").ledger.macs().value
    300774272
    """
    from flopscope.answers.apart import shown
    from flopscope.present.show import ShowReport

    view = view_of(convention, by, depth, sort, columns)
    network, size = sized(target, res, scale, form)
    asked = question(network, inputs, size, batch, arguments, example, rules, backward, epoch)
    found, cost = shown(asked, lambda shapes: check_shapes(view, shapes, backward))
    return ShowReport(found, view, cost)
