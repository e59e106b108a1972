"""What a command is about: the one grammar of a target, and where its network comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flopscope.brief import short
from flopscope.catalog.models import MODELS
from flopscope.catalog.names import apart, catalog_name
from flopscope.catalog.variant import Variant, check_size
from flopscope.catalog.variant import parse as parse_variant
from flopscope.errors import BadInput, UnknownName
from flopscope.extras import require_witnesses
from flopscope.facts import InputSpec

if TYPE_CHECKING:
    from torch import nn

Size = int | tuple[int, int] | None
"""One side of a square image, its height and width, or the network's own size."""

CHANNELS = 3
"""Of an image whose height and width alone are given."""

WRITTEN = (
    "write a model of `flopscope list`, path/to/file.py:Name, package.module:Name, timm:NAME, "
    "torchvision:NAME or path/to/model.onnx"
)


class Source(Enum):
    """Where a network comes from, in the word that tables and JSON have for it."""

    CATALOG = "catalogue"
    OWN = "own"
    TIMM = "timm"
    TORCHVISION = "torchvision"
    ONNX = "onnx"


@dataclass(frozen=True)
class Target:
    """A network that can be counted. `name` is the text by which it is shown, and `place` the same
    without the arguments in brackets, which are `pairs` such as 'width=0.5'. A model of the
    catalogue is a `variant`; an object of Python is a `module`, or a class or function that is the
    `maker` of one.
    """

    name: str
    source: Source
    place: str = ""
    pairs: tuple[str, ...] = ()
    variant: Variant | None = None
    module: nn.Module | None = None
    maker: Callable[..., nn.Module] | None = None

    def __repr__(self) -> str:
        return short(self, f"{self.name}, {self.source.value}")

    @property
    def is_graph(self) -> bool:
        """Is it an ONNX file, which is read and never run?"""
        return self.source is Source.ONNX

    @property
    def files(self) -> tuple[str, ...]:
        """The file of one's own that it names, if it names one."""
        path = self.place if self.is_graph else self.place.partition(".py:")[0] + ".py"
        own = self.source in (Source.OWN, Source.ONNX)
        return (path,) if own and Path(path).is_file() else ()

    @property
    def takes_arguments(self) -> bool:
        """Is it made by code that takes arguments?"""
        return self.variant is None and self.module is None and not self.is_graph

    def taking(self, pairs: Sequence[str]) -> Target:
        """The same network with more arguments, which its name shows. Raises as `arguments`."""
        if not pairs:
            return self
        self.arguments(_arguments(pairs))
        together = (*self.pairs, *pairs)
        return replace(self, name=f"{self.place}[{','.join(together)}]", pairs=together)

    def arguments(self, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The arguments in brackets and those that are given beside them.

        Raises BadInput for a name that is given in both ways, or where the target takes none.
        """
        if self.variant is not None:
            refuse_arguments(self.name, given)
        if given and not self.takes_arguments:
            kind = "an ONNX file" if self.is_graph else "a module already"
            raise BadInput(f"{self.name} is {kind}, which takes no arguments")
        written = _arguments(self.pairs)
        for name in given or {}:
            if name in written:
                raise BadInput(f"{self.name} has the argument {name} already; give it once")
        return written | dict(given or {})

    def build(
        self, arguments: Mapping[str, Any] | None = None, *, seed: int | None = None
    ) -> nn.Module:
        """Its PyTorch module, whose weights have shapes alone, or values that are drawn from a
        `seed`; a module as it is. Raises BadInput for what cannot be made; needs torch."""
        found = self.arguments(arguments)
        if self.module is not None:
            return self.module
        from flopscope.tracing.loading.targets import load, made_by

        values = seed is not None
        if self.variant is not None:
            build: Callable[[], nn.Module] = self.variant.build
        elif (maker := self.maker) is not None:
            build = partial(made_by, maker, found, self.name, values=values)
        else:
            build = partial(load, self.place, found, values=values)
        if seed is None and self.variant is None:
            return build()
        from flopscope.measured import with_weights, without_memory  # waits for fvcore

        return without_memory(build) if seed is None else with_weights(build, seed)

    def native(self, arguments: Mapping[str, Any] | None = None) -> tuple[int, int] | None:
        """The height and width of the image that it is made for, if it states them."""
        if self.source not in (Source.TIMM, Source.TORCHVISION):
            return None
        require_witnesses()
        from flopscope.tracing.loading.targets import native_size

        return native_size(self.place, self.arguments(arguments))

    def inputs(
        self, res: Size = None, batch: int = 1, arguments: Mapping[str, Any] | None = None
    ) -> tuple[InputSpec, ...]:
        """Its inputs at this size of its image, or at its own; none for a file that states them.

        Raises BadInput for a size that is not one, and where a size is needed and not known.
        """
        check_size("batch", batch, "such as 1")
        if self.variant is not None:
            return self.variant.inputs(self.variant.resolution(res), batch)
        if self.is_graph and res is None:
            return ()
        size = self.native(arguments) if res is None else res
        if size is None:
            self._check_there()
            raise BadInput(
                f"{self.name} does not state the size of its input; give it, such as --res 224 "
                "or --input 1,3,224,224"
            )
        height, width = size if isinstance(size, tuple) else (size, size)
        for side in (height, width):
            check_size("resolution", side, "such as 224, or HxW such as 192x256")
        return (InputSpec(None, (batch, CHANNELS, height, width)),)

    def _check_there(self) -> None:
        """Raises BadInput or UnknownName where a file or package, or the name in it, is missing: it
        need not be asked for the size of its input."""
        if self.module is None and self.maker is None:
            require_witnesses()
            from flopscope.tracing.loading.targets import maker

            maker(self.place)

    def read(
        self, inputs: Sequence[str | InputSpec], arguments: Mapping[str, Any] | None = None
    ) -> tuple[InputSpec, ...]:
        """Inputs as texts or as they were read; the target's own where there are none."""
        if not inputs:
            return self.inputs(arguments=arguments)
        from flopscope.arguments import parse_input

        return tuple(parse_input(i) if isinstance(i, str) else i for i in inputs)

    def given(
        self,
        texts: Sequence[str | InputSpec],
        res: Size = None,
        batch: int = 1,
        arguments: Mapping[str, Any] | None = None,
    ) -> tuple[InputSpec, ...]:
        """The inputs that are given as such or by the size of an image; none where the target's
        own are meant. Raises BadInput for both at once, and as `inputs` does."""
        if not texts and res is None and batch == 1:
            return ()
        if not texts:
            return self.inputs(res, batch, arguments)
        if res is not None:
            raise BadInput(
                "--input and --res both give the size of the input; give one of them, "
                "such as --res 224 or --input B,3,H,W"
            )
        if batch != 1:
            raise BadInput("--input gives the batch too, as in 8,3,H,W; leave --batch out")
        return self.read(texts)


def _arguments(pairs: Sequence[str]) -> dict[str, Any]:
    if not pairs:
        return {}
    from flopscope.arguments import parse_arguments

    return parse_arguments(pairs)


def refuse_arguments(model: str, *given: Any) -> None:
    """Raises BadInput where a catalogue model is given arguments."""
    if any(given):
        raise BadInput(
            f"{model} is a catalogue model; its options follow a colon, as in "
            "mobilenetv2:width=1.4, and --arg and --example are for a network of your own"
        )


def parse_target(given: str | nn.Module) -> Target:
    """The target that a text names, or that a module of Python is.

    Raises UnknownName for a model that the catalogue does not have, BadInput for any other text
    that is none. Nothing is loaded.

    >>> parse_target("mobilenetv2_140").name, parse_target("net.py:Net[width=0.5]").pairs
    ('mobilenetv2:width=1.4', ('width=0.5',))
    """
    if not isinstance(given, str):
        return _of_module(given)
    place, pairs = _split(given)
    if (known := catalog_name(place)) is not None:
        if pairs:
            raise BadInput(
                f"{given} is a catalogue model, whose options follow a colon; "
                f"write {place}:{','.join(pairs)}"
            )
        return of_variant(parse_variant(known))
    source = _source(place)
    if source is Source.ONNX and pairs:
        raise BadInput(f"{place} is an ONNX file, which takes no arguments; leave [] out")
    return Target(given, source, place, pairs)


def variant_of(text: str) -> Variant:
    """The model of the catalogue that a text names, for questions that need its closed form.

    Raises BadInput for a target of another kind, UnknownName for a model that does not exist.

    >>> variant_of("mobilenetv2_140").options_text
    'width=1.4'
    """
    variant = parse_target(text).variant
    if variant is None:
        raise BadInput(
            f"{text} is not a model of the catalogue, and this needs the closed form of one; give "
            "a name of `flopscope list`, such as mobilenetv2"
        )
    return variant


def of_variant(variant: Variant) -> Target:
    """A model of the catalogue."""
    return Target(str(variant), Source.CATALOG, variant=variant)


def is_catalog(text: str) -> bool:
    """Does the text begin with the name of a catalogue model?"""
    return catalog_name(text) is not None


def is_own(text: str) -> bool:
    """Does the text stand for a network that is written outside the catalogue, in Python?

    >>> is_own("net.py:Block"), is_own("mobilenetv2:width=0.5"), is_own("net.py:Net[width=0.5]")
    (True, False, True)
    >>> is_own("net.py:Net.small"), is_own("net.py:Net(Config(width=16))")
    (True, True)
    """
    place, _ = _split(text)
    return not is_catalog(place) and _source_of(place) not in (None, Source.ONNX)


def _of_module(given: Any) -> Target:
    require_witnesses()
    from flopscope.tracing.loading.refusals import check_module

    check_module(given)
    return Target(type(given).__name__, Source.OWN, module=given)


def _source(place: str) -> Source:
    source = _source_of(place)
    if source is not None:
        return source
    name, colon, _ = place.partition(":")
    if colon and name in (Source.TIMM.value, Source.TORCHVISION.value):
        raise BadInput(f"'{place}' names no network of {name}; write one as in {name}:resnet18")
    if name and "/" not in place and not name.endswith(".py"):
        raise UnknownName("model", name, MODELS, apart(name))
    raise BadInput(f"'{place}' is not a target; {WRITTEN}")


def _source_of(place: str) -> Source | None:
    if place.endswith(".onnx"):
        return Source.ONNX
    library, colon, name = place.partition(":")
    if colon and name and library in (Source.TIMM.value, Source.TORCHVISION.value):
        return Source(library)
    holder, colon, attribute = place.partition("(")[0].rpartition(":")
    named = bool(holder) and all(map(str.isidentifier, attribute.split(".")))
    return Source.OWN if colon and named else None


def _split(text: str) -> tuple[str, tuple[str, ...]]:
    """The text before the brackets at its end, and the arguments in them."""
    before, bracket, inside = text.partition("[")
    called = "(" in before  # the brackets are a list in the call's arguments
    if not bracket or called or not text.endswith("]"):
        return text, ()
    return before, tuple(part.strip() for part in _parts(inside.removesuffix("]")))


def _parts(text: str) -> list[str]:
    """A text cut at its commas, but for those in brackets or quotes."""
    parts, open_, quote = [""], 0, ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        open_ += (sign in "([{") - (sign in ")]}") if not quote else 0
        if sign == "," and not open_ and not quote:
            parts.append("")
        else:
            parts[-1] += sign
    return [part for part in parts if part.strip()]
