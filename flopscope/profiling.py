"""A user's own network, traced: its ledger at numbers, or its formulas at free sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flopscope.alphabet import ALPHABET
from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import parse
from flopscope.errors import BadInput
from flopscope.ledger import Ledger
from flopscope.sizes import Size
from flopscope.symbolic import symbol
from flopscope.witnesses import require_witnesses


@dataclass(frozen=True)
class Profile:
    """What a target does on inputs of these shapes; the ledger's conditions say where that holds.
    `fixed` are free sizes that became numbers, each with the line of code that asked."""

    target: str
    shapes: tuple[tuple[Size, ...], ...]
    ledger: Ledger
    fixed: tuple[str, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        """Paths of the operators that are not in the table: totals are then lower bounds."""
        return self.ledger.macs().missing


def profile(
    target: str,
    inputs: Sequence[str],
    arguments: Mapping[str, Any] | None = None,
    example: Mapping[str, int] | None = None,
) -> Profile:
    """Trace a target on inputs such as '1,3,224,224' or 'B,3,H,W'; letters are free sizes.

    A target is a catalogue model or what `flopscope.tracing.targets.load` takes. Needs torch.
    Raises BadInput for a target that cannot be made or run, or a shape that is not one.
    """
    shapes = tuple(parse_shape(text) for text in inputs)
    require_witnesses()
    from flopscope.measured import without_memory
    from flopscope.tracing import trace
    from flopscope.tracing.targets import load, place_of

    if target.partition(":")[0] in MODELS:
        module = without_memory(parse(target).build)
    else:
        module = load(target, arguments)
    try:
        traced = trace(module, *shapes, example=example)
    except BadInput:
        raise
    except Exception as error:
        shown = " and ".join(inputs)
        raise BadInput(f"{target} cannot run on {shown}: {place_of(error)}") from error
    return Profile(target, shapes, traced.ledger, traced.fixed)


def parse_shape(text: str) -> tuple[Size, ...]:
    """'B,3,H,W' as sizes: integers from 1, and names of free sizes.

    >>> parse_shape("1,3,224,224")
    (1, 3, 224, 224)
    """
    return tuple(_size(part.strip(), text) for part in text.split(","))


def _size(part: str, text: str) -> Size:
    if part.isdecimal() and int(part) > 0:
        return int(part)
    if re.fullmatch(r"[A-Za-z_]\w*", part):
        return symbol(part)
    known = ", ".join(name for name in ALPHABET if len(name) == 1)
    raise BadInput(
        f"'{part}' in the input '{text}' is not a size; "
        f"give an integer from 1, or a name such as {known}"
    )


def parse_arguments(pairs: Sequence[str]) -> dict[str, Any]:
    """'width=24' as {'width': 24}: Python literals, else text. Raises BadInput without an equals
    sign.

    >>> parse_arguments(["width=24", "norm=batch"])
    {'width': 24, 'norm': 'batch'}
    """
    from ast import literal_eval

    arguments: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.isidentifier():
            raise BadInput(f"'{pair}' is not an argument; write it as name=value")
        try:
            arguments[name] = literal_eval(value)
        except (ValueError, SyntaxError):
            arguments[name] = value
    return arguments


def parse_examples(pairs: Sequence[str]) -> dict[str, int]:
    """'tokens=77' as {'tokens': 77}. Raises BadInput unless the value is an integer from 1."""
    examples = parse_arguments(pairs)
    for name, value in examples.items():
        if not isinstance(value, int) or value < 1:
            raise BadInput(f"the example {name}={value} is not a size; give an integer from 1")
    return examples
