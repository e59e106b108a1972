"""What the reports on several networks say of them in short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from flopscope.answers.compare import Entry


def named(entries: Sequence[Entry]) -> str:
    """The networks of a comparison, and their input where it is one."""
    from flopscope.present.words import input_text

    inputs = {input_text(entry) for entry in entries}
    names = ", ".join(entry.name for entry in entries)
    return f"{names} at {inputs.pop()}" if len(inputs) == 1 else names


def formed(targets: Sequence[str | nn.Module], form: str | None) -> list[str | nn.Module]:
    """The targets, with `form=…` added to the models of the catalogue that have forms."""
    from flopscope.catalog.variant import with_form

    if form is None:
        return list(targets)
    texts = [target for target in targets if isinstance(target, str)]
    named = iter(with_form(texts, form))
    return [next(named) if isinstance(target, str) else target for target in targets]
