"""How Python's arguments are read: each name means one thing in every function of `fs`.

A reader takes the name of an argument and what was given, and returns the value that the answers
take. It raises BadInput, in one sentence, for anything else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeAlias

from flopscope.brief import shown
from flopscope.errors import BadInput
from flopscope.numerals import integer_from

if TYPE_CHECKING:
    from flopscope.catalog.scaling import Scaling

Reader: TypeAlias = Callable[[str, Any], Any]

SUCH_TARGET = (
    "give a model of fs.list_models(), a text such as 'net.py:Net', 'timm:resnet18' or "
    "'model.onnx', or an nn.Module"
)
LONGEST = 1000
"""The most characters of a text that is read."""
SUCH: Mapping[str, str] = {
    "assume": "H, W multiples of 32",
    "by": "stage",
    "columns": "params",
    "convention": "fvcore",
    "families": "ghostnet",
    "family": "ghostnet",
    "form": "train",
    "free": "width",
    "group": "family",
    "names": "separable-ratio",
    "patterns": "ghost*",
    "quantities": "params",
    "quantity": "params",
    "results": "results.csv",
    "sort": "macs",
    "tool": "fvcore",
    "when": "attention = conv",
    "x": "params",
}
"""For messages, a text that an argument may be."""
NO_NETWORK = (type(None), bool, int, float, complex, bytes, list, tuple, dict, set, frozenset)
"""Types of which no value stands for a network."""


def _such(name: str) -> str:
    return repr(SUCH.get(name, "mobilenetv2"))


def is_integer(value: Any) -> bool:
    """Is it an integer of Python or NumPy? True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Is it a finite number of Python or NumPy? True and False are none."""
    return not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)


def positive(name: str, value: Any) -> int:
    """An integer from 1."""
    if isinstance(value, str):
        raise BadInput(f"{name} {shown(value)} is text; give a positive integer, such as 1")
    if not is_integer(value) or value < 1:
        raise BadInput(f"{name} {shown(value)} is not a positive integer; give one such as 1")
    return int(value)


def images(name: str, value: Any) -> int:
    """A number of images: an integer from 1, or a text such as '1.28M'."""
    number: Any = integer_from(value, 1) if isinstance(value, str) else value
    if not is_integer(number) or number < 1:
        raise BadInput(f"{name} {shown(value)} is not a number of images; give one such as '1.28M'")
    return int(number)


def natural(name: str, value: Any) -> int | None:
    """An integer from 0."""
    if not is_integer(value) or value < 0:
        raise BadInput(f"{name} {shown(value)} is not an integer from 0; give one such as 2")
    return int(value)


def image(name: str, value: Any) -> int | tuple[int, int]:
    """The side of a square image, or its height and width."""
    sides = value if isinstance(value, tuple | list) else (value,)
    such = "give an integer from 1 such as 224, or height and width such as (192, 256)"
    if any(isinstance(side, str) for side in sides):
        raise BadInput(f"{name} {shown(value)} is text; {such}")
    if len(sides) > 2 or not sides or not all(is_integer(n) and n > 0 for n in sides):
        raise BadInput(f"{name} {shown(value)} is not the size of an image; {such}")
    if isinstance(value, tuple | list) and len(sides) == 1:
        raise BadInput(f"{name} {shown(value)} has one side, of height and width; {such}")
    return int(value) if sides[0] is value else (int(sides[0]), int(sides[1]))


def text(name: str, value: Any) -> str:
    """Text that is not empty."""
    if not isinstance(value, str):
        raise BadInput(f"{name} {shown(value)} is not text; give one such as {_such(name)}")
    if not value.strip():
        raise BadInput(f"{name} is an empty text; leave it out, or give a text that says something")
    if len(value) > LONGEST:
        raise BadInput(f"{name} is a text of {len(value):,} characters; give at most {LONGEST:,}")
    return value


def some_texts(name: str, value: Any) -> tuple[str, ...]:
    """A list of at least one text."""
    found = texts(name, value)
    if not found:
        raise BadInput(f"{name} is an empty list; name at least one, or leave it out")
    return found


def texts(name: str, value: Any) -> tuple[str, ...]:
    """A list of texts; one text has commas between its parts, as on the command line."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, Sequence | set | frozenset) or isinstance(parts, bytes):
        raise BadInput(
            f"{name} {shown(value)} is not a list of texts; give one such as [{_such(name)}]"
        )
    for part in parts:
        if not isinstance(part, str):
            raise BadInput(f"{shown(part)} in {name} is not text; give one such as {_such(name)}")
        if not part.strip():
            raise BadInput(f"{name} has an empty text in it; leave that out")
        text(name, part)
    return tuple(part.strip() for part in parts)


def as_given(name: str, value: Any) -> Any:
    """The value itself, which what uses it reads."""
    return value


def flag(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool) and type(value).__name__ not in ("bool", "bool_"):
        raise BadInput(f"{name} {shown(value)} is neither True nor False; give one of them")
    return bool(value)


def network(name: str, value: Any) -> Any:
    """A target as text, or a module."""
    if isinstance(value, str):
        if not value.strip():
            raise BadInput(f"a network is an empty text; {SUCH_TARGET}")
        return text(name, value.strip())
    if isinstance(value, list | tuple | set | frozenset):
        raise BadInput(
            f"{shown(value)} is a {type(value).__name__}, not a network; give each network as an "
            "argument of its own, as in fs.compare(*names)"
        )
    if isinstance(value, NO_NETWORK):
        raise BadInput(f"{shown(value)} is not a network; {SUCH_TARGET}")
    from flopscope.answers.target import parse_target

    parse_target(value)
    return value


def maker(name: str, value: Any) -> Any:
    """A class or function that makes a module, or a text that names one."""
    such = "give one such as nn.Conv2d, or a text such as 'net.py:Block'"
    if isinstance(value, str):
        if not value.strip():
            raise BadInput(f"a class is an empty text; {such}")
        return text(name, value.strip())
    kind = type(value).__name__
    if is_module(value):
        raise BadInput(
            f"{kind} is a module already, and a formula in its arguments needs its class; give "
            "that, or see fs.formula"
        )
    if not callable(value):
        raise BadInput(f"{shown(value)} makes no module; {such}")
    return value


def mapping(name: str, value: Any) -> Mapping[str, Any]:
    """A mapping from names."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise BadInput(
            f"{name} {shown(value)} is not a mapping from names; give one such as {{'width': 24}}"
        )
    return value


def rules(name: str, value: Any) -> Any:
    """Rules for operators of one's own: a mapping from their names, or a text that names one."""
    if isinstance(value, str):
        return text(name, value)
    if not isinstance(value, Mapping) or not all(map(callable, value.values())):
        raise BadInput(
            f"{name} {shown(value)} is no mapping from operators' names, such as mylib::scan, to "
            "rules; give one, or name it as in 'file.py:RULES'"
        )
    return value


def amount(name: str, value: Any) -> str:
    """A number as its source states it: text, or a number."""
    if is_number(value):
        return str(value)
    if not isinstance(value, str):
        raise BadInput(
            f"{name} {shown(value)} is not a number; give one as it was reported, such as '579M'"
        )
    return text(name, value)


def sizes(name: str, value: Any) -> Mapping[str, int]:
    """A mapping from names to integers from 1."""
    given = mapping(name, value)
    for key, size in given.items():
        if not is_integer(size) or size < 1:
            raise BadInput(f"the {name} {key}={shown(size)} is not a size; give an integer from 1")
    return {key: int(size) for key, size in given.items()}


def convention(name: str, value: Any) -> str:
    """The name of a convention."""
    from flopscope.conventions import convention as named

    return named(text(name, value)).name


def scaling(value: Any) -> Scaling | None:
    """A `Scaling`, or its text, or None."""
    from flopscope.catalog.scaling import Scaling, parse_scaling

    if value is None or isinstance(value, Scaling):
        return value
    if not isinstance(value, str):
        raise BadInput(f"scale {shown(value)} is not a scaling; give one such as fs.Scaling(phi=1)")
    return parse_scaling(text("scale", value))


def is_module(value: Any) -> bool:
    """Is it a module, and not its class?"""
    return hasattr(value, "forward") and not isinstance(value, type)


def block_or_model(name: str, value: Any) -> Any:
    """The name of a model, a block or a law, the text of another target, or a module."""
    if is_module(value):
        return network(name, value)
    if not isinstance(value, str):
        raise BadInput(
            f"{shown(value)} is not a name; give that of a model or block, such as 'mobilenetv2', "
            "or derive the formula of a class with fs.derive"
        )
    return text(name, value)


READERS: Mapping[str, Reader] = {
    "accuracy": text,
    "batch": positive,
    "backward": flag,
    "by": text,
    "check": flag,
    "arguments": mapping,
    "assume": text,
    "columns": some_texts,
    "convention": convention,
    "depth": natural,
    "epoch": images,
    "every": flag,
    "example": sizes,
    "families": texts,
    "family": text,
    "form": text,
    "free": texts,
    "group": text,
    "ideal": flag,
    "name": block_or_model,
    "prove": flag,
    "params": amount,
    "quantities": some_texts,
    "quantity": text,
    "reported": amount,
    "res": image,
    "results": text,
    "rules": rules,
    "sort": text,
    "step": positive,
    "target": network,
    "targets": network,
    "tool": text,
    "when": text,
    "with_catalogue": flag,
    "x": some_texts,
}
"""How the argument of each name is read, unless a function says otherwise."""
