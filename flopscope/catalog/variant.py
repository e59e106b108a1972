"""A model with its options fixed: parsed from text, counted from its closed form, built as a
module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flopscope.analytic.tape import record
from flopscope.catalog.figures import Figure, published
from flopscope.catalog.models import MODELS, Model
from flopscope.catalog.options import RHO, parse_options
from flopscope.errors import BadInput, UnknownName
from flopscope.ledger import Ledger
from flopscope.sizes import Size, any_of, is_array, is_symbolic, widened
from flopscope.symbolic import symbol

if TYPE_CHECKING:
    from torch import nn

FREE: Mapping[str, Size] = {
    "B": symbol("B"),
    "H": symbol("H"),
    "W": symbol("W"),
    "width": symbol("width", lower=0, integer=False),
    "depth": symbol("depth", lower=0, integer=False),
    "classes": symbol("classes"),
}
"""The symbols that stand for a free size or option."""


@dataclass(frozen=True)
class Variant:
    """A catalogue model and the options given for it (the others have their defaults)."""

    model: Model
    options: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        shown = self.options_text
        return f"{self.model.id}:{shown}" if shown else self.model.id

    @property
    def options_text(self) -> str:
        """The options that differ from their defaults, in the catalogue's order: 'width=0.75'."""
        given = dict(self.options)
        named = [option for option in self.model.options if option.name in given]
        return ",".join(
            f"{o.name}={o.text(given[o.name])}" for o in named if given[o.name] != o.default
        )

    def resolution(self, asked: int | tuple[int, int] | None = None) -> tuple[Size, Size]:
        """(H, W) of the input: asked or native, times ρ rounded where the variant has a ρ.

        Raises BadInput for a size that is not an integer from 1.
        """
        sizes = asked if isinstance(asked, tuple) else (asked, asked)
        height, width = (self.model.resolution if size is None else size for size in sizes)
        for size in (height, width):
            check_size("resolution", size, "such as 224, or HxW such as 192x256")
        rho = dict(self.options).get(RHO.name, RHO.default)
        return (height, width) if rho == 1 else (_scaled(height, rho), _scaled(width, rho))

    def ledger(self, resolution: tuple[Size, Size], batch: Size = 1, **free: Size) -> Ledger:
        """The closed form's ledger. `free` overrides options by symbols or arrays."""
        module = import_module(f"flopscope.analytic.{self.model.family}")
        options = {name: value for name, value in self.options if name != RHO.name}
        free = {name: widened(value) for name, value in free.items()}
        network = partial(getattr(module, self.model.function), **(options | free))
        return record(network, (widened(batch), 3, *map(widened, resolution)))

    def build(self) -> nn.Module:
        """The reference PyTorch module, randomly initialised. Needs torch."""
        module = import_module(f"reference_models.{self.model.family}")
        options = {o.name: dict(self.options).get(o.name, o.default) for o in self.model.options}
        options.pop(RHO.name, None)
        if "recipe" in options:
            options["recipe"] = options["recipe"].value
        built: nn.Module = getattr(module, self.model.function)(**options)
        return built

    def published(self, resolution: tuple[int, int]) -> tuple[Figure, ...]:
        """What papers and repositories state for this variant at this resolution."""
        given = {name: value for name, value in self.options if name not in (RHO.name, "classes")}
        if dict(self.options).get("classes", 1000) != 1000:
            return ()
        plain = Variant(self.model, tuple(given.items()))
        return published(self.model.id, self.model.family, plain.options_text, resolution)


def parse(text: str) -> Variant:
    """'mobilenetv2:width=1.4' as a variant. Raises UnknownName or BadInput, saying what is
    accepted.

    >>> str(parse("mobilenetv3_large:recipe=timm,width=0.75"))
    'mobilenetv3_large:width=0.75,recipe=timm'
    """
    name, colon, options = text.partition(":")
    if name not in MODELS:
        raise UnknownName("model", name, MODELS)
    model = MODELS[name]
    if colon and not options:
        raise BadInput(
            f"'{text}' ends in a colon without options; write {name}:{model.options[0].name}=…"
        )
    return Variant(model, tuple(parse_options(model.options, options, name).items()))


def check_size(what: str, size: Any, example: str) -> None:
    """Raises BadInput unless the size is an integer from 1 (an array of them, or a symbol)."""
    integer = isinstance(size, int) and not isinstance(size, bool)
    integer = integer or is_symbolic(size) or (is_array(size) and size.dtype.kind in "iuO")
    if not integer or (not is_symbolic(size) and any_of(size < 1)):
        raise BadInput(f"{what} {size!r} is not a positive integer; give one {example}")


def _scaled(size: Size, rho: float) -> int:
    if not isinstance(size, int):
        raise BadInput(
            "rho scales a resolution that is one number; scale free or array sizes yourself"
        )
    return max(1, round(size * rho))
