"""The words of pictures: how networks are called, and what is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from flopscope.answers.compare import Comparison
from flopscope.answers.target import Source, Target, is_own, parse_target
from flopscope.answers.timed import TimeQuantity
from flopscope.catalog.titles import title
from flopscope.catalog.variant import Resolution
from flopscope.conventions import CONVENTIONS
from flopscope.present.words import size
from flopscope.quantities import Named, Quantity

GRAPH = ".onnx"
LONGEST = 30
"""The most characters of a name for which a picture has room."""


def network_names(comparison: Comparison, *, inputs: bool = True) -> list[str]:
    """How the networks are called, each with its input size if the sizes differ and are wanted.
    Networks that would have one name keep the texts that ask for them."""
    entries = comparison.entries
    short = [target_title(entry.target) for entry in entries]
    often = Counter(short)
    names = [
        cut(name if often[name] == 1 else entry.name)
        for name, entry in zip(short, entries, strict=True)
    ]
    if not inputs or one_size([entry.resolution for entry in entries]):
        return names
    return [with_size(name, entry.resolution) for name, entry in zip(names, entries, strict=True)]


def target_title(target: Target) -> str:
    """A network as a person would write it: 'MobileNetV2 1.4×', 'Net (width=8)', 'resnet18 (timm)'.

    >>> from flopscope.answers.target import parse_target
    >>> target_title(parse_target("models/net.py:Net[width=8]"))
    'Net (width=8)'
    >>> target_title(parse_target("timm:resnet18"))
    'resnet18 (timm)'
    """
    if target.variant is not None:
        return title(target.variant)
    if target.module is not None:
        return target.name
    if target.is_graph:
        return target.place.rpartition("/")[2]
    library = (Source.TIMM, Source.TORCHVISION)
    others = [target.source.value] if target.source in library else []
    called = target.place.partition(":")[2]
    others += target.pairs
    return f"{called} ({', '.join(others)})" if others else called


def own_title(name: str) -> str:
    """A name that the reader gives a network; a text that asks for one as a person would write it.

    >>> own_title("my-net"), own_title("nets/net.py:Net")
    ('my-net', 'Net')
    """
    asks = is_own(name) or name.endswith(GRAPH)
    return target_title(parse_target(name)) if asks else name


def cut(name: str, most: int = LONGEST) -> str:
    """A name cut to what a picture has room for.

    >>> cut("a" * 40, 8)
    'aaaaaaa…'
    """
    return name if len(name) <= most else f"{name[: most - 1]}…"


def with_size(name: str, resolution: Resolution | None) -> str:
    """A name with the size of its image: 'MobileNetV2 @160', '… @192×256'."""
    if resolution is None:
        return name
    height, width = resolution
    return f"{name} @{height}" if height == width else f"{name} @{height}×{width}"


def one_size(sizes: Sequence[Resolution | None]) -> Resolution | None:
    """The size that all images have; None where they differ or a network takes no image."""
    return sizes[0] if len(set(sizes)) == 1 else None


def count_words(comparison: Comparison) -> str:
    """The unit, the convention, and the batch if it is not 1."""
    batch = comparison.entries[0].batch
    each = f", batch {batch}" if batch > 1 else ""
    return f"{comparison.convention.unit}, convention {comparison.convention.name}{each}"


def input_words(comparison: Comparison, before: str = "; ") -> str:
    """The input in words, if all networks have the same: '; input 224×224'."""
    one = one_size([entry.resolution for entry in comparison.entries])
    return f"{before}input {size(one)}" if one else ""


def drawn_amount(quantity: Named, amount: float) -> float:
    """An amount as an axis shows it: milliseconds of a time, and otherwise the amount itself."""
    return amount / quantity.per if isinstance(quantity, TimeQuantity) else amount


def quantity_words(quantity: Named) -> str:
    """A quantity with its unit, and its convention if it has one, as an axis has it.

    >>> from flopscope.quantities import QUANTITIES
    >>> quantity_words(QUANTITIES["macs"]), quantity_words(QUANTITIES["activations"])
    ('MACs, convention macs', 'Activations (elements)')
    """
    if isinstance(quantity, Quantity) and quantity.convention:
        counting = CONVENTIONS[quantity.convention]
        return f"{counting.unit}, convention {counting.name}"
    name = "ms" if isinstance(quantity, TimeQuantity) else quantity.unit
    unit = f" ({name})" if name else ""
    return f"{quantity.words[0].upper()}{quantity.words[1:]}{unit}"
