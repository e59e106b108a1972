"""Texts about inputs and published figures that several tables share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flopscope.answers.compare import Entry
from flopscope.answers.operators import unknown_operators
from flopscope.catalog.figures import Figure
from flopscope.catalog.variant import Variant
from flopscope.conventions import Convention
from flopscope.present.operators import sizes_data


def statement(figure: Figure) -> str:
    """A published figure as its source states it: '569M Mult-Adds (MACs), 4.2M params, …'."""
    stated = [
        f"{figure.compute} {_meant(figure)}" if figure.compute else None,
        f"{figure.params} params" if figure.params else None,
        _top1(figure),
    ]
    note = f" ({figure.note})" if figure.note else ""
    return f"stated {', '.join(filter(None, stated))}; {figure.source}{note}"


def _top1(figure: Figure) -> str | None:
    if figure.top1 is None:
        return None
    return f"top-1 {figure.top1} %{f' in {figure.precision}' if figure.precision else ''}"


def _meant(figure: Figure) -> str:
    """The source's word, and what it counts where the word is another."""
    word, counted = str(figure.unit), figure.counted
    return word if counted in (word, None) else f"{word} ({counted})"


def input_text(entry: Entry) -> str:
    """The input of a network as text: '224×224', '336×336, tokens=64', 'tokens=64'."""
    image = [size(entry.resolution)] if entry.resolution else []
    return ", ".join([*image, *other_sizes(entry)])


def other_sizes(entry: Entry) -> list[str]:
    """The sizes beside the image's: ['tokens=64'], or ['1×77'] of a network without an image."""
    if entry.variant is not None:
        return lengths(entry.variant)
    return [] if entry.resolution else ["×".join(map(str, shape)) for shape in entry.shapes]


def lengths(variant: Variant) -> list[str]:
    """The options of a model that are sizes of its inputs: ['tokens=64']."""
    return [f"{name}={n}" for name, n in variant.lengths.items()]


def identity(entry: Entry) -> dict[str, Any]:
    """For JSON: the network, its options, and where it comes from."""
    variant = entry.variant
    model, options = (
        (entry.name, "") if variant is None else (variant.model.id, variant.options_text)
    )
    return {"model": model, "variant": options, "source": entry.target.source.value}


def inputs_data(entry: Entry) -> dict[str, Any]:
    """The resolution, which is null without an image, and the other sizes, such as tokens, for
    JSON."""
    resolution = entry.resolution and sizes_data(entry.resolution)
    if entry.variant is None:
        return {"resolution": resolution, "inputs": [sizes_data(s) for s in entry.shapes]}
    others = entry.variant.lengths
    return {"resolution": resolution} | ({"lengths": others} if others else {})


def reservations(entry: Entry, convention: Convention) -> list[str]:
    """What keeps the numbers of a network from being the whole truth, a sentence each."""
    notes = [f"{entry.name}: expected: {text}" for text in entry.expected]
    if unknown := unknown_operators(entry.ledger.rows, [convention]):
        notes.append(
            f"{entry.name}: ≥ is a lower bound, for the cost of {', '.join(unknown)} is unknown "
            "and not counted"
        )
    return notes


def counted_title(subject: str, conventions: Sequence[Convention]) -> str:
    """The subject, and how its work is counted if that is in one way."""
    if len(conventions) != 1:
        return f"{subject}."
    (counting,) = conventions
    return f"{subject}. {counting.unit}, convention {counting.name}: {counting.counts}."


def inputs_title(entries: Sequence[Entry], conventions: Sequence[Convention]) -> str:
    """The inputs of networks side by side, and how their work is counted."""
    inputs = {input_text(entry) for entry in entries}
    at = f"Input {inputs.pop()}, batch" if len(inputs) == 1 else "Batch"
    return counted_title(f"{at} {entries[0].batch}", conventions)


def meanings(conventions: Sequence[Convention]) -> list[str]:
    """How work is counted, a sentence each, where it is in several ways."""
    several = conventions if len(conventions) > 1 else []
    return [f"{each.unit} ({each.name}): {each.counts}" for each in several]


def size(resolution: tuple[int, int]) -> str:
    """A resolution as text: 224×224."""
    return f"{resolution[0]}×{resolution[1]}"


def wrapped(text: str, room: int) -> str:
    """A text on several lines, broken between words."""
    from textwrap import wrap

    return "\n".join(wrap(text, room, subsequent_indent="  "))


def merged(orders: Sequence[Sequence[str]]) -> list[str]:
    """All keys, such that those of each model keep their order: stage6, which only one model has,
    comes before the head, which all have."""
    keys: list[str] = []
    for order in orders:
        at = 0
        for key in order:
            if key in keys:
                at = keys.index(key) + 1
            else:
                keys.insert(at, key)
                at += 1
    return keys


def size_name(name: str) -> str:
    """The name of a free size as a heading: that of `res` is the input.

    >>> size_name("res"), size_name("width_mult")
    ('Input', 'Width mult')
    """
    return "Input" if name == "res" else name.replace("_", " ").capitalize()


def size_value(value: float) -> str:
    """A whole size, or a multiplier in as few digits as possible.

    >>> size_value(1024), size_value(0.35)
    ('1,024', '0.35')
    """
    return f"{value:,}" if isinstance(value, int) else f"{value:.5g}"
