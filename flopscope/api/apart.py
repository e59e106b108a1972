"""What `profile` and `show` ask of a network, and how they lay it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from flopscope.answers.target import Target, parse_target
from flopscope.api.given import scaling
from flopscope.api.networks import formed
from flopscope.api.subject import Shapes, given_inputs
from flopscope.sizes import Shape, is_symbolic

if TYPE_CHECKING:
    from torch import nn

    from flopscope.answers.apart import Question
    from flopscope.catalog.scaling import Scaling
    from flopscope.present.view import View
    from flopscope.tracing.calls import Rule

ImageSize = int | tuple[int, int] | None


def view_of(
    convention: str, by: str, depth: int | None, sort: str | None, columns: Sequence[str]
) -> View:
    """The layout. Raises UnknownName and BadInput as `View` does."""
    from flopscope.conventions import CONVENTIONS
    from flopscope.present.view import View

    return View(CONVENTIONS[convention], by, depth, sort, columns)


def sized(
    target: str | nn.Module, res: ImageSize, scale: Scaling | str | None, form: str | None
) -> tuple[Target, ImageSize]:
    """The network in its form and scaled, and the size of its image."""
    from flopscope.answers.apart import in_size

    return in_size(parse_target(formed([target], form)[0]), scaling(scale), res)


def question(
    network: Target,
    inputs: Sequence[Shapes],
    res: ImageSize,
    batch: int,
    arguments: Mapping[str, Any] | None,
    example: Mapping[str, int] | None,
    rules: str | Mapping[str, Rule] | None,
    backward: bool,
    epoch: int | str | None,
) -> Question:
    """The question about the network at its inputs. A batch of 1 is one that is not asked for."""
    from flopscope.answers.apart import Question

    given = given_inputs(network, inputs, res, batch, arguments)
    asked = None if batch == 1 else batch
    images = epoch if epoch is None else int(epoch)  # as it was read from a text
    return Question(
        network, given, bool(inputs), res, asked, arguments or {}, example or {}, rules, backward,
        images,
    )  # fmt: skip


def check_shapes(view: View, shapes: Sequence[Shape], backward: bool) -> None:
    """Raises BadInput for a layout that these sizes, free or numbers, do not have."""
    from flopscope.present.profile import check_view

    free = any(map(is_symbolic, chain.from_iterable(shapes)))
    check_view(view, free=free, backward=backward)
