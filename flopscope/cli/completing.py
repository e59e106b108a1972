"""What a shell offers for a target that is half typed: models and their options, files and what
they define."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def target_argument(
    name: str, metavar: str, **more: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The argument of a command that is about a network, which a shell can complete."""
    return click.argument(name, metavar=metavar, shell_complete=targets, **more)


def targets(
    context: click.Context | None, parameter: click.Parameter | None, incomplete: str
) -> list[CompletionItem]:
    """The targets that begin with this text. Nothing is loaded or run.

    >>> [item.value for item in targets(None, None, "mobilenetv3")]
    ['mobilenetv3_large', 'mobilenetv3_small']
    >>> [item.value for item in targets(None, None, "mobilenetv2:w")]
    ['mobilenetv2:width=']
    """
    from click.shell_completion import CompletionItem

    place, colon, begun = incomplete.partition(":")
    if not colon:
        named = [CompletionItem(name) for name in _models() if name.startswith(incomplete)]
        return named or [CompletionItem(incomplete, type="file")]
    inside = _objects(place) if place.endswith(".py") else _options(place)
    return [CompletionItem(f"{place}:{name}") for name in inside if name.startswith(begun)]


def spaces(
    context: click.Context | None, parameter: click.Parameter | None, incomplete: str
) -> list[CompletionItem]:
    """The design spaces that begin with this text, and what a file of one's own defines.

    >>> [item.value for item in spaces(None, None, "nas")]
    ['nas_bench_macro', 'nas_bench_201']
    """
    from click.shell_completion import CompletionItem

    from flopscope.designspaces.known import SPACES

    named = [CompletionItem(name) for name in SPACES if name.startswith(incomplete)]
    return named or targets(context, parameter, incomplete)


space_argument = click.argument("target", metavar="SPACE", shell_complete=spaces)
"""The argument of a command that is about a design space, which a shell can complete."""


def _models() -> Iterator[str]:
    from flopscope.catalog.models import MODELS

    yield from MODELS


def _options(model: str) -> Iterator[str]:
    """The options of a catalogue model, as one begins to write them."""
    from flopscope.catalog.models import MODELS

    if model in MODELS:
        yield from (f"{option.name}=" for option in MODELS[model].options)


def _objects(path: str) -> Iterator[str]:
    """The classes and functions of a file, from its text; none where it cannot be read."""
    try:
        body = ast.parse(Path(path).read_text()).body
    except (OSError, SyntaxError, ValueError):
        return
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name
