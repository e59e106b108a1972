"""A target counted at numbers: the one way from what a reader gives to a ledger without free
sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flopscope.answers.profile import Profile, profile, said, with_batch
from flopscope.answers.target import CHANNELS, Size, Target, of_variant, refuse_arguments
from flopscope.catalog.variant import Resolution, Variant
from flopscope.errors import BadInput
from flopscope.facts import InputSpec
from flopscope.ledger import Ledger
from flopscope.sizes import Shape, is_symbolic


@dataclass(frozen=True)
class Given:
    """What a reader gives the networks of one question.

    `res` is the size of an image, `inputs` are all inputs, as texts or as they were read; one of
    the two may be given. `pairs` are arguments such as 'width=0.5', `example` the values of named
    sizes of an ONNX file.
    """

    res: Size = None
    batch: int = 1
    inputs: tuple[str | InputSpec, ...] = ()
    pairs: tuple[str, ...] = ()
    example: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Counted:
    """A network at numbers: the inputs that it is asked for, the shapes that it runs on, and its
    rows. `resolution` is None where it takes anything but one image; `expected` are the choices
    that depend on its data, as they are taken."""

    target: Target
    inputs: tuple[InputSpec, ...]
    shapes: tuple[Shape, ...]
    resolution: Resolution | None
    ledger: Ledger
    expected: tuple[str, ...] = ()

    @property
    def batch(self) -> int:
        """The leading size of its first input, or 1."""
        first = next((shape for shape in self.shapes if shape), (1,))
        return int(first[0])


def made(targets: Sequence[Target], given: Given) -> list[Target]:
    """The targets with the arguments that are given to all of them, where they take any.

    Raises BadInput where no target takes arguments, or examples.
    """
    if given.pairs and not any(target.takes_arguments for target in targets):
        return [target.taking(given.pairs) for target in targets]  # the first one refuses
    if given.example and all(target.variant is not None for target in targets):
        refuse_arguments(targets[0].name, given.example)
    return [t.taking(given.pairs) if t.takes_arguments else t for t in targets]


def counted(target: Target, given: Given, arguments: Mapping[str, Any] | None = None) -> Counted:
    """A catalogue model by its closed form, any other target by its trace or graph, at numbers.

    Raises BadInput for free sizes, for --res beside --input, for inputs that a model of the
    catalogue does not take, and as `profile` does.
    """
    if target.variant is not None:
        refuse_arguments(target.name, arguments)
        return _closed(target, target.variant, *sizes_of(target.variant, given))
    asked = target.given(given.inputs, given.res, given.batch, arguments)
    asked = asked or target.inputs(given.res, given.batch, arguments)
    _check_numbers(asked)
    found = at_batch(profile(target, asked, arguments, given.example), given.batch)
    image = image_of(found.shapes)
    return Counted(target, asked, found.shapes, image, found.ledger, found.expected)


def _closed(target: Target, variant: Variant, resolution: Resolution | None, batch: int) -> Counted:
    inputs = variant.inputs(resolution, batch)
    shapes = tuple(each.shape for each in inputs)
    return Counted(target, inputs, shapes, resolution, variant.ledger(resolution, batch))


def sizes_of(variant: Variant, given: Given) -> tuple[Resolution | None, int]:
    """The image and batch at which a model of the catalogue is counted. Raises BadInput for inputs
    that it does not take, and for --res beside --input."""
    inputs = of_variant(variant).given(given.inputs, given.res, given.batch)
    if not given.inputs:
        return variant.resolution(given.res), given.batch
    _check_numbers(inputs)
    return fitting(variant, inputs)


def fitting(variant: Variant, inputs: Sequence[InputSpec]) -> tuple[Resolution | None, Any]:
    """The image and batch of inputs, which may be free. Raises BadInput for inputs that the model
    does not take."""
    first = inputs[0].shape
    image = (first[-2], first[-1]) if variant.takes_image and len(first) == 4 else None
    batch = first[0] if first else 1
    own = variant.inputs(variant.resolution() if image is None else image, batch)
    if [each.shape for each in own] != [each.shape for each in inputs]:
        native = said(variant.inputs(variant.resolution()))
        raise BadInput(
            f"{variant} takes inputs such as {native}, and --input gives {said(inputs)}; give what "
            "every network takes, or leave --input out"
        )
    return image, batch


def _check_numbers(inputs: Sequence[InputSpec]) -> None:
    if any(is_symbolic(n) for each in inputs for n in each.shape):
        raise BadInput(
            f"this counts at sizes that are numbers, and {said(inputs)} has free ones; "
            "give an input such as --input 1,3,224,224"
        )


def at_batch(found: Profile, batch: int) -> Profile:
    """The profile at numbers, a named batch being this one. Raises BadInput where another size is
    free, or where the batch is asked for and is another number."""
    found = with_batch(found, batch)
    shapes, ledger = found.shapes, found.ledger
    free = {str(n) for shape in shapes for n in shape if is_symbolic(n)}
    free |= {symbol.name for symbol in ledger.symbols()}
    if free:
        raise BadInput(
            f"{found.target} has free sizes, {', '.join(sorted(free))}; give them numbers with "
            f"--example, such as --example {min(free)}=64"
        )
    if batch != 1:
        check_batch(found.target, shapes, batch)
    return found


def check_batch(name: str, shapes: Sequence[Shape], batch: int) -> None:
    """Raises BadInput where the inputs are a batch of another size."""
    if shapes and shapes[0][:1] != (batch,):
        stated = " and ".join("×".join(map(str, shape)) for shape in shapes)
        raise BadInput(
            f"{name} takes {stated}, which is not a batch of {batch}; "
            f"give its own, such as --batch {shapes[0][0] if shapes[0] else 1}"
        )


def image_of(shapes: Sequence[Shape]) -> Resolution | None:
    """Height and width, where the only input is a batch of images."""
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][1] != CHANNELS:
        return None
    return shapes[0][2], shapes[0][3]
