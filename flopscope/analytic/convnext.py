"""ConvNeXt: arXiv 2201.03545, section 3; facebookresearch/ConvNeXt models/convnext.py.

Layer norms and linear layers run on channels-last maps, as in torchvision, so that the 1×1
convolutions of figure 4 are linear layers here: the same weights, the same work. The paper scales
by its four designs alone; width and depth coefficients round as in EfficientNet: to multiples of 8
that keep 0.9 of the width, and up.
"""

from __future__ import annotations

from flopscope.analytic.channels import channels_first, channels_last, scale
from flopscope.analytic.operators import (
    activation,
    add,
    conv2d,
    flatten,
    global_pool,
    layer_norm,
    linear,
)
from flopscope.analytic.stages import Block, Design, stage
from flopscope.analytic.tape import Feature
from flopscope.facts import Function
from flopscope.sizes import Real, Size

STRIDE = 32
"""Of the last map; a smaller input leaves nothing of it."""


TINY = Design(c=(96, 192, 384, 768), b=(3, 3, 9, 3))
SMALL = Design(c=(96, 192, 384, 768), b=(3, 3, 27, 3))
BASE = Design(c=(128, 256, 512, 1024), b=(3, 3, 27, 3))
LARGE = Design(c=(192, 384, 768, 1536), b=(3, 3, 27, 3))


def convnext_tiny(
    x: Feature, *, width: Real = 1.0, depth: Real = 1.0, classes: Size = 1000
) -> Feature:
    """(B, 3, H, W) → (B, classes). Domain: width > 0, depth > 0, H, W ≥ 32.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(convnext_tiny, (1, 3, 224, 224))
    >>> ledger.macs().value, ledger.params().value
    (4455531264, 28589128)
    """
    return convnext(x, TINY.scaled(width, depth), classes=classes)


def convnext_small(
    x: Feature, *, width: Real = 1.0, depth: Real = 1.0, classes: Size = 1000
) -> Feature:
    """(B, 3, H, W) → (B, classes). Domain: width > 0, depth > 0, H, W ≥ 32.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(convnext_small, (1, 3, 224, 224))
    >>> ledger.macs().value, ledger.params().value
    (8683712256, 50223688)
    """
    return convnext(x, SMALL.scaled(width, depth), classes=classes)


def convnext_base(
    x: Feature, *, width: Real = 1.0, depth: Real = 1.0, classes: Size = 1000
) -> Feature:
    """(B, 3, H, W) → (B, classes). Domain: width > 0, depth > 0, H, W ≥ 32.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(convnext_base, (1, 3, 224, 224))
    >>> ledger.macs().value, ledger.params().value
    (15354729472, 88591464)
    """
    return convnext(x, BASE.scaled(width, depth), classes=classes)


def convnext_large(
    x: Feature, *, width: Real = 1.0, depth: Real = 1.0, classes: Size = 1000
) -> Feature:
    """(B, 3, H, W) → (B, classes). Domain: width > 0, depth > 0, H, W ≥ 32.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(convnext_large, (1, 3, 224, 224))
    >>> ledger.macs().value, ledger.params().value
    (34361433600, 197767336)
    """
    return convnext(x, LARGE.scaled(width, depth), classes=classes)


def convnext_block(x: Feature) -> Feature:
    """Depthwise 7×7, norm, linear to 4·C, GELU, linear back, layer scale, shortcut: figure 4."""
    return mixed_by(x, conv2d(x, x.channels, 7, groups=x.channels, bias=True, name="dw"))


def mixed_by(x: Feature, mixed: Feature) -> Feature:
    """The rest of a block, behind what mixed the positions of its input x: figure 4."""
    y = layer_norm(channels_last(mixed))
    y = activation(linear(y, 4 * x.channels, name="expand"), Function.GELU)
    y = channels_first(linear(y, x.channels, name="project"))
    return add(x, scale(y, (x.channels, 1, 1), name="layer_scale"))


def convnext(x: Feature, design: Design, *, classes: Size = 1000) -> Feature:
    """(B, 3, H, W) → (B, classes), of a design's channels and blocks.

    Domain: H, W ≥ 32, the stride of the last map. Raises OutsideDomain for a smaller input.

    >>> from flopscope.analytic.tape import record
    >>> small = Design(c=(8, 16, 24, 32), b=(1, 1, 1, 1))
    >>> record(lambda x: convnext(x, small, classes=10), (1, 3, 32, 32)).params().value
    26090
    """
    return network(x, design, (convnext_block,) * 4, classes)


def network(x: Feature, design: Design, kinds: tuple[Block, ...], classes: Size) -> Feature:
    """A design with a kind of block for each stage."""
    _require_size(x)
    scope = x.tape.scope
    stages = zip(design.c, design.b, kinds, strict=True)
    for number, (channels, blocks, block) in enumerate(stages, start=1):
        if number == 1:
            with scope("stem"):
                x = _norm(conv2d(x, channels, 4, stride=4, padding=0, bias=True))
        else:
            with scope(f"stage{number}.downsample"):
                x = conv2d(_norm(x), channels, 2, stride=2, padding=0, bias=True)
        x = stage(x, f"stage{number}", blocks, block, block)
    with scope("head"):
        return linear(flatten(_norm(global_pool(x))), classes, name="classifier")


def _require_size(x: Feature) -> None:
    height, width = x.grid
    x.tape.at_least(height, STRIDE, lambda: "height of the input")
    x.tape.at_least(width, STRIDE, lambda: "width of the input")


def _norm(x: Feature) -> Feature:
    """Layer norm over the channels of a map."""
    return channels_first(layer_norm(channels_last(x)))
