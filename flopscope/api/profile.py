"""One network as it runs: its modules as a tree, with numbers or, at free sizes, formulas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flopscope.api.public import public
from flopscope.api.subject import Shapes, given_inputs

if TYPE_CHECKING:
    from torch import nn

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
    backward: bool = False,
) -> ProfileReport:
    """A network as it runs, traced: its modules with parameters, work and shares of the total.

    `target` is a module, or a text as the command line takes it. An input is a shape, (1, 3, 224,
    224); a name in it is a free size, ("B", 3, "H", "W"); a text gives a name and a type too,
    "ids=B,T:int64". Without one the network's own is taken; `res` is short for one image. Needs
    torch, or onnx for an ONNX file. Raises BadInput, UnknownName.

    >>> from torch import nn
    >>> profile(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), (1, 3, 32, 32)).to_dict()["macs"]
    194400
    """
    from flopscope.answers import profile as answers
    from flopscope.answers.target import parse_target
    from flopscope.conventions import CONVENTIONS
    from flopscope.present.profile import ProfileReport
    from flopscope.present.view import View

    view = View(CONVENTIONS[convention], by, depth, sort)
    network = parse_target(target)
    given = given_inputs(network, inputs, res, batch, arguments)
    return ProfileReport(answers.profile(network, given, arguments, example, rules, backward), view)
