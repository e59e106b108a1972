"""Vision transformers with a class token: arXiv 2010.11929, section 3.1; ViT-B/16 behind the
convolutions of arXiv 2311.17049, as timm's `vit_base_mci_224`, and CLIP's ViT-L/14, arXiv
2103.00020, section 2.4, as timm's `vit_large_patch14_clip_224`.

Positions are learnt for 224×224, and not resized. The class token is read once for each image; a
network ends with `class_token` of `mobilecliptowers`, which states it as it is stored.
"""

from __future__ import annotations

from flopscope.analytic.operators import (
    activation,
    batch_norm,
    concatenate,
    conv2d,
    layer_norm,
    linear,
    with_stored,
)
from flopscope.analytic.tape import Feature
from flopscope.analytic.transformer import transformer_layer
from flopscope.domain import Relation
from flopscope.facts import Function, Kind
from flopscope.sizes import Size, exact_div

IMAGE = 224
HEAD = 64
"""Width of an attention head."""


def vit_base_16(x: Feature, features: Size, channels: int = 768, layers: int = 12) -> Feature:
    """(B, 3, 224, 224) → (B, features): convolutions of stride 4, 2 and 2 without overlap, and 12
    layers. The class token has no position. Raises OutsideDomain for other sizes.

    >>> from flopscope.analytic.tape import record
    >>> record(lambda x: vit_base_16(x, 512), (1, 3, 224, 224)).macs().value
    17707960320
    """
    x = _image(x)
    with x.tape.scope("stem"):
        for number, size in enumerate((4, 2), start=1):
            x = conv2d(x, channels // 4, size, stride=size, padding=0, name=f"conv{number}")
            x = activation(batch_norm(x, name=f"bn{number}"), Function.GELU, name=f"act{number}")
        x = conv2d(x, channels, 2, stride=2, padding=0, bias=True, name="conv3")
    with x.tape.scope("embedding"):
        x = _positioned(_as_vectors(x))
        x = _with_token(x)
    return _encoded(x, features, layers)


def vit_large_14(x: Feature, features: Size, channels: int = 1024, layers: int = 24) -> Feature:
    """(B, 3, 224, 224) → (B, features): patches of 14×14 without bias, a norm, and 24 layers. The
    class token has a position. Raises OutsideDomain for other sizes.

    >>> from flopscope.analytic.tape import record
    >>> record(lambda x: vit_large_14(x, 768), (1, 3, 224, 224)).macs().value
    81012768768
    """
    x = _image(x)
    with x.tape.scope("stem"):
        x = conv2d(x, channels, 14, stride=14, padding=0)
    with x.tape.scope("embedding"):
        x = layer_norm(_positioned(_with_token(_as_vectors(x))))
    return _encoded(x, features, layers)


def _image(x: Feature) -> Feature:
    """The image, whose size must be that of the positions."""
    height, width = x.grid
    for size in (height, width):
        x.tape.hold(
            Relation(size - IMAGE, equality=True),
            lambda: (
                f"the vision transformer takes images of {IMAGE}×{IMAGE}, but one of "
                f"{height}×{width} is given"
            ),
        )
    return x.view(x.batch, x.channels, IMAGE, IMAGE)


def _as_vectors(x: Feature) -> Feature:
    """(B, C, H, W) → (B, H·W, C)."""
    batch, channels, height, width = x.shape
    return x.view(batch, height * width, channels)


def _with_token(x: Feature) -> Feature:
    token = x.tape.stored("token", (x.batch, 1, x.shape[-1]))
    return concatenate([x], first=token)


def _positioned(x: Feature) -> Feature:
    return with_stored(x, Kind.ADD, ("weight", (1, *x.shape[1:])), name="positions")


def _encoded(x: Feature, features: Size, layers: int) -> Feature:
    """Layers, a norm, and the class token's projection."""
    channels = x.shape[-1]
    for number in range(1, layers + 1):
        with x.tape.scope(f"layer{number}"):
            x = transformer_layer(x, exact_div(channels, HEAD), 4 * channels)
    with x.tape.scope("head"):
        x = layer_norm(x).view(x.batch, channels)
        return linear(x, features, name="projection")
