"""The options of a variant: what `mobilenetv2:width=1.4` may say after the colon."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from flopscope.analytic.switches import NetworkForm, Phase, Recipe
from flopscope.errors import BadInput, UnknownName


@dataclass(frozen=True)
class Multiplier:
    """A positive real number. `symbol` is its name in formulas."""

    name: str
    default: float = 1.0

    def parse(self, text: str) -> float:
        """Raises BadInput unless the text is a positive decimal."""
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value > 0):
            raise BadInput(
                f"{self.name}={text} is not a positive number; give a decimal such as 0.75"
            )
        return value

    def text(self, value: Any) -> str:
        """The shortest decimal: 1.0 is '1', 0.75 is '0.75'."""
        return f"{value:g}" if isinstance(value, int | float) else str(value)


@dataclass(frozen=True)
class Count:
    """A positive integer, at most `most` if that is given."""

    name: str
    default: int
    most: int | None = None

    def parse(self, text: str) -> int:
        """Raises BadInput unless the text is an integer from 1 to `most`."""
        if not text.isdecimal() or int(text) < 1:
            raise BadInput(
                f"{self.name}={text} is not a positive integer; give one such as {self.default}"
            )
        if self.most is not None and int(text) > self.most:
            raise BadInput(
                f"{self.name}={text} is more than the model takes; give at most {self.most}"
            )
        return int(text)

    def text(self, value: Any) -> str:
        return str(value)


@dataclass(frozen=True)
class Choice:
    """A choice among a few words, such as the recipe or the form of a network."""

    name: str
    choices: tuple[Enum, ...]
    default: Enum = Recipe.PAPER

    def parse(self, text: str) -> Enum:
        """Raises UnknownName unless the text is one of the choices."""
        known = {choice.value: choice for choice in self.choices}
        if text not in known:
            raise UnknownName(self.name, text, known)
        return known[text]

    def text(self, value: Enum) -> str:
        return str(value.value)


Option = Multiplier | Count | Choice

WIDTH = Multiplier("width")
DEPTH = Multiplier("depth")
RHO = Multiplier("rho")
CLASSES = Count("classes", 1000)
TOKENS = Count("tokens", 64)
PROMPTS = Count("prompts", 2)
QUERIES = Count("queries", 1)
PHASE = Choice("phase", tuple(Phase), Phase.PREFILL)
GROUPS = Count("groups", 1)
WIDTH_PER_GROUP = Count("width_per_group", 64)
FORM = Choice("form", tuple(NetworkForm), NetworkForm.DEPLOY)


def recipe(*choices: Recipe) -> Choice:
    """The `recipe` option of a model whose public implementations differ."""
    return Choice("recipe", (Recipe.PAPER, *choices))


def parse_options(options: tuple[Option, ...], text: str, model: str) -> Mapping[str, Any]:
    """Read 'width=0.75,classes=10' as {'width': 0.75, 'classes': 10}. Empty text gives {}.

    Raises UnknownName for a key the model does not have, BadInput for a value that breaks its rule,
    a key given twice, or text that is not key=value.
    """
    return parse_values(options, text, f"option of {model}", f"{model}:") if text else {}


def parse_values(
    options: tuple[Option, ...], text: str, what: str, before: str
) -> Mapping[str, Any]:
    """Read a list key=value,…. In messages, `what` is the word for a key and `before` is the text
    before the list."""
    known = {option.name: option for option in options}
    values: dict[str, Any] = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        if not equals:
            raise BadInput(
                f"'{part}' in '{before}{text}' is not key=value; write {before}{options[0].name}=…"
            )
        if key not in known:
            raise UnknownName(what, key, known)
        if key in values:
            raise BadInput(f"{key} is given twice in '{before}{text}'; give it once")
        values[key] = known[key].parse(value)
    return values
