"""One network as it runs: its modules as a tree, with numbers or, at free sizes, formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flopscope.api.apart import check_shapes, question, sized, view_of
from flopscope.api.public import public
from flopscope.api.subject import Shapes

if TYPE_CHECKING:
    from torch import nn

    from flopscope.catalog.scaling import Scaling
    from flopscope.present.profile import ProfileReport
    from flopscope.tracing.calls import Rule


@public()
def profile(
    target: str | nn.Module,
    *inputs: Shapes,
    res: int | tuple[int, int] | None = None,
    batch: int = 1,
    arguments: Mapping[str, Any] | None = None,
    example: Mapping[str, int] | None = None,
    rules: str | Mapping[str, Rule] | None = None,
    convention: str = "macs",
    by: str = "module",
    depth: int | None = None,
    sort: str | None = None,
    columns: Sequence[str] = (),
    backward: bool = False,
    epoch: int | str | None = None,
    scale: Scaling | str | None = None,
    form: str | None = None,
) -> ProfileReport:
    """What each part of a network costs, as a tree of its modules.

    `target` is a module, or a text as the command line takes it. An input is a shape such as (1, 3,
    224, 224). A name in it is a free size, as in ("B", 3, "H", "W"), and a text can give the
    input's name and type too, as in "ids=B,T:int64". `res` stands for one image of that size;
    without either the network gets the input that it is made for. `columns` are names that
    `flopscope profile --columns help` lists. With `backward` a training step is counted, and with
    `epoch` an epoch of that many images. Needs torch, or onnx for an ONNX file. Raises BadInput,
    UnknownName.

    >>> from torch import nn
    >>> profile(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (1, 3, 32, 32)).to_dict()["macs"]
    194400
    """
    from flopscope.answers.apart import traced
    from flopscope.present.profile import ProfileReport

    view = view_of(convention, by, depth, sort, columns)
    network, size = sized(target, res, scale, form)
    asked = question(network, inputs, size, batch, arguments, example, rules, backward, epoch)
    found, cost = traced(asked, lambda shapes: check_shapes(view, shapes, backward))
    return ProfileReport(found, view, cost)
