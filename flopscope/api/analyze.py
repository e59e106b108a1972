"""Catalogue models from their closed forms, and as real modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flopscope.api.free import image, option, size
from flopscope.api.given import text
from flopscope.api.public import public
from flopscope.ledger import Ledger
from flopscope.sizes import Size

if TYPE_CHECKING:
    from torch import nn


@public(res=image, batch=size, model=text)
def analyze(
    model: str, res: Size | tuple[Size, Size] | None = None, batch: Size = 1, **options: Size
) -> Ledger:
    """The ledger of a catalogue model, from its closed form.

    `res` is one size or (H, W), each an int, an integer array or a symbol; `options` override the
    variant's, arrays and symbols included. Raises BadInput, UnknownName.

    >>> analyze("mobilenetv2:width=1.4", res=224).macs().value
    582195824
    """
    from flopscope.catalog.variant import known_options, parse

    variant = parse(model)
    known_options(variant, options)
    given = {name: option(variant, name, value) for name, value in options.items()}
    return variant.ledger(variant.resolution(res), batch, **given)


@public(model=text)
def build(model: str) -> nn.Module:
    """The reference PyTorch module of a catalogue model, randomly initialised. Needs torch.

    Raises BadInput or UnknownName for a model or option that does not exist.

    >>> sum(p.numel() for p in build("mobilenetv2").parameters())
    3504872
    """
    from flopscope.catalog.variant import parse

    return parse(model).build()
