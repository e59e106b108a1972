"""A model with its options fixed. It is parsed from text, counted from its closed form, and built
as a module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flopscope import alphabet
from flopscope.analytic.switches import Phase
from flopscope.analytic.tape import record
from flopscope.brief import short
from flopscope.catalog.figures import Figure, published
from flopscope.catalog.metrics import Score, scores
from flopscope.catalog.models import MODELS, Model
from flopscope.catalog.names import apart, catalog_name
from flopscope.catalog.options import FORM, PHASE, RHO, parse_options
from flopscope.errors import BadInput, UnknownName
from flopscope.facts import InputSpec
from flopscope.ledger import Ledger
from flopscope.sizes import Size, any_of, is_array, is_symbolic, widened
from flopscope.symbolic import Polynomial, dimension, substitute

if TYPE_CHECKING:
    from torch import nn

FREE: Mapping[str, Size] = {name: dimension(name) for name in alphabet.FREE}
"""The symbols that stand for free sizes and options."""

Resolution = tuple[Size, Size]
"""(H, W)."""

ANY_RESOLUTION: Resolution = (FREE["H"], FREE["W"])


@dataclass(frozen=True)
class Variant:
    """A catalogue model and the options given for it; the others have their defaults."""

    model: Model
    options: tuple[tuple[str, Any], ...] = ()

    def __repr__(self) -> str:
        return short(self, str(self))

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

    @property
    def _inputs(self) -> tuple[InputSpec, ...]:
        decodes = dict(self.options).get(PHASE.name) is Phase.DECODE
        return self.model.step if decodes else self.model.inputs

    @property
    def sizes(self) -> frozenset[str]:
        """The names of the sizes of its inputs: B, H and W, and options such as tokens."""
        sizes = (size for given in self._inputs for size in given.shape)
        return frozenset(s.name for n in sizes if isinstance(n, Polynomial) for s in n.symbols())

    @property
    def lengths(self) -> dict[str, int]:
        """The options that are sizes of its inputs, with the given or default values: {'tokens':
        64}."""
        given = dict(self.options)
        options = [option for option in self.model.options if option.name in self.sizes]
        return {option.name: given.get(option.name, option.default) for option in options}

    @property
    def takes_image(self) -> bool:
        """Does the model take an image, and so have a resolution?"""
        return "H" in self.sizes

    @property
    def free_lengths(self) -> dict[str, Size]:
        """The symbols of those `lengths` that no option fixes."""
        fixed = dict(self.options)
        return {name: FREE[name] for name in self.lengths if name not in fixed}

    def resolution(self, asked: int | tuple[int, int] | None = None) -> Resolution | None:
        """(H, W) of the image: `res` or the native size, times ρ and rounded if the variant has a
        ρ. None if the model takes no image.

        Raises BadInput for a size that is not an integer from 1, or asked of a model without image.
        """
        if not self.takes_image:
            if asked is not None:
                raise BadInput(
                    f"{self} takes no image, so it has no resolution; "
                    f"the sizes of its input are options: {', '.join(self.lengths)}"
                )
            return None
        sizes = asked if isinstance(asked, tuple) else (asked, asked)
        height, width = (self.model.resolution if size is None else size for size in sizes)
        for size in (height, width):
            check_size("resolution", size, "such as 224, or HxW such as 192x256")
        rho = dict(self.options).get(RHO.name, RHO.default)
        return (height, width) if rho == 1 else (_scaled(height, rho), _scaled(width, rho))

    def inputs(
        self, resolution: Resolution | None, batch: Size = 1, **free: Size
    ) -> tuple[InputSpec, ...]:
        """Its inputs at these sizes. `free` overrides options by symbols or arrays."""
        height, width = resolution or (None, None)
        sizes = {"B": batch, "H": height, "W": width, **self.lengths, **free}
        sizes = {name: widened(size) for name, size in sizes.items() if name in self.sizes}
        return tuple(
            replace(given, shape=tuple(substitute(size, sizes) for size in given.shape))
            for given in self._inputs
        )

    def ledger(self, resolution: Resolution | None, batch: Size = 1, **free: Size) -> Ledger:
        """The closed form's ledger. `free` overrides options by symbols or arrays."""
        module = import_module(f"flopscope.analytic.{self.model.family}")
        options = {n: value for n, value in self.options if n != RHO.name and n not in self.sizes}
        options |= {n: widened(value) for n, value in free.items() if n not in self.sizes}
        network = partial(getattr(module, self.model.function), **options)
        return record(network, *(given.shape for given in self.inputs(resolution, batch, **free)))

    def free_inputs(self) -> tuple[InputSpec, ...]:
        """Its inputs, in which every size is free that no option fixes."""
        return self.inputs(ANY_RESOLUTION, FREE["B"], **self.free_lengths)

    def free_ledger(self, **free: Size) -> Ledger:
        """The closed form's ledger in the free sizes of its inputs, and in `free` options."""
        return self.ledger(ANY_RESOLUTION, FREE["B"], **{**self.free_lengths, **free})

    def build(self) -> nn.Module:
        """The reference PyTorch module, randomly initialised. Needs torch."""
        module = import_module(f"reference_models.{self.model.family}")
        given = dict(self.options)
        own = (o for o in self.model.options if o.name != RHO.name and o.name not in self.sizes)
        options = {option.name: given.get(option.name, option.default) for option in own}
        options = {n: v.value if isinstance(v, Enum) else v for n, v in options.items()}
        built: nn.Module = getattr(module, self.model.function)(**options)
        return built

    def published(self, resolution: Resolution | None) -> tuple[Figure, ...]:
        """The figures that papers and repositories state for this variant at this resolution."""
        if (plain := self._as_published) is None:
            return ()
        return published(self.model.id, self.model.family, plain, resolution)

    def scores(self, resolution: Resolution | None) -> tuple[Score, ...]:
        """What they state of it by other metrics than ImageNet-1k top-1."""
        if (plain := self._as_published) is None:
            return ()
        return scores(self.model.id, self.model.family, plain, resolution)

    @property
    def _as_published(self) -> str | None:
        """The options by which published tables know it; None for another number of classes."""
        given = {name: value for name, value in self.options if name not in (RHO.name, "classes")}
        if dict(self.options).get("classes", 1000) != 1000:
            return None
        return Variant(self.model, tuple(given.items())).options_text


def parse(text: str) -> Variant:
    """Read 'mobilenetv2:width=1.4' as a variant. The names of timm and torchvision for the same
    networks are read too. Raises UnknownName or BadInput, which say what is accepted.

    >>> str(parse("mobilenetv3_large:recipe=timm,width=0.75")), str(parse("mobilenetv2_140"))
    ('mobilenetv3_large:width=0.75,recipe=timm', 'mobilenetv2:width=1.4')
    """
    name, colon, options = (catalog_name(text) or text).partition(":")
    if name not in MODELS:
        raise UnknownName("model", name, MODELS, apart(name))
    model = MODELS[name]
    if colon and not options:
        raise BadInput(
            f"'{text}' ends in a colon without options; write {name}:{model.options[0].name}=…"
        )
    return Variant(model, tuple(parse_options(model.options, options, name).items()))


def with_form(names: Sequence[str], form: str | None) -> tuple[str, ...]:
    """The names, with `form=…` added to those of models that have forms. Without a form they stay
    as they are.

    Raises BadInput if none of the models has forms.

    >>> with_form(["mobileclip_s0:tokens=20", "mobilenetv2"], "train")
    ('mobileclip_s0:tokens=20,form=train', 'mobilenetv2')
    """
    formed = [id for id, model in MODELS.items() if FORM in model.options]
    if form is None:
        return tuple(names)
    if not any(name.partition(":")[0] in formed for name in names):
        raise BadInput(
            f"--form {form} is given, but {', '.join(names)} has no forms; models with forms are "
            f"{', '.join(formed)}"
        )
    return tuple(
        _formed(name, form) if name.partition(":")[0] in formed else name for name in names
    )


def _formed(name: str, form: str) -> str:
    return f"{name}{',' if ':' in name else ':'}{FORM.name}={form}"


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


def known_options(variant: Variant, names: Iterable[str]) -> None:
    """Raises UnknownName for an option that the model does not have, BadInput for one that is
    fixed."""
    allowed = [option.name for option in variant.model.options if option.name in FREE]
    for name in names:
        if name not in allowed:
            raise UnknownName(f"free option of {variant.model.id}", name, allowed)
        if name in dict(variant.options):
            raise BadInput(
                f"{name} is fixed in '{variant}' and free at once; leave one of them out"
            )


def without_rho(variant: Variant) -> Variant:
    """The variant itself. Raises BadInput if it fixes ρ, because H and W are free in a formula."""
    if RHO.name in dict(variant.options):
        raise BadInput(
            f"'{variant}' scales a resolution by rho, but a formula is free in H and W; "
            "leave rho out and put ρ·R for H and W, or see resolution-law"
        )
    return variant
