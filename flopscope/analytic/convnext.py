"""ConvNeXt: arXiv 2201.03545, section 3; facebookresearch/ConvNeXt models/convnext.py.

Layer norms and linear layers run on channels-last maps, as in torchvision, so that the 1×1
convolutions of figure 4 are linear layers here: the same weights, the same work. The paper scales
only by its four rows of stages. Width and depth coefficients round as in EfficientNet: channels to
multiples of 8 that keep 0.9 of the width, blocks up.
"""

from __future__ import annotations

from flopscope.analytic.operators import (
    activation,
    add,
    channels_first,
    channels_last,
    conv2d,
    flatten,
    global_pool,
    layer_norm,
    linear,
    scale,
)
from flopscope.analytic.stages import Block, Stages, from_row, stage
from flopscope.analytic.tape import Feature
from flopscope.facts import Function
from flopscope.sizes import Size

STRIDE = 32
"""The stride of the last map, which a smaller input would leave empty."""

TINY = Stages(c=(96, 192, 384, 768), b=(3, 3, 9, 3))
SMALL = Stages(c=(96, 192, 384, 768), b=(3, 3, 27, 3))
BASE = Stages(c=(128, 256, 512, 1024), b=(3, 3, 27, 3))
LARGE = Stages(c=(192, 384, 768, 1536), b=(3, 3, 27, 3))


def convnext_block(x: Feature) -> Feature:
    """Depthwise 7×7, norm, linear to 4·C, GELU, linear back, layer scale, shortcut: figure 4."""
    return mixed_by(x, conv2d(x, x.channels, 7, groups=x.channels, bias=True, name="dw"))


def mixed_by(x: Feature, mixed: Feature) -> Feature:
    """The rest of a block after its input x has been mixed over positions: figure 4."""
    y = layer_norm(channels_last(mixed))
    y = activation(linear(y, 4 * x.channels, name="expand"), Function.GELU)
    y = channels_first(linear(y, x.channels, name="project"))
    return add(x, scale(y, (x.channels, 1, 1), name="layer_scale"))


def convnext(x: Feature, stages: Stages, *, classes: Size = 1000) -> Feature:
    """(B, 3, H, W) → (B, classes), of these channels and blocks.

    Domain: H, W ≥ 32, the stride of the last map. Raises OutsideDomain for a smaller input.

    >>> from flopscope.analytic.tape import record
    >>> small = Stages(c=(8, 16, 24, 32), b=(1, 1, 1, 1))
    >>> record(lambda x: convnext(x, small, classes=10), (1, 3, 32, 32)).params().value
    26090
    >>> for network in (convnext_tiny, convnext_small, convnext_base, convnext_large):
    ...     ledger = record(network, (1, 3, 224, 224))
    ...     print(ledger.macs().value, ledger.params().value)
    4455531264 28589128
    8683712256 50223688
    15354729472 88591464
    34361433600 197767336
    """
    return convnext_network(x, stages, (convnext_block,) * 4, classes)


def convnext_network(
    x: Feature, stages: Stages, kinds: tuple[Block, ...], classes: Size
) -> Feature:
    """Stages with a kind of block each, between ConvNeXt's stem and head."""
    _require_size(x)
    scope = x.tape.scope
    rows = zip(*stages, kinds, strict=True)
    for number, (channels, blocks, block) in enumerate(rows, start=1):
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


convnext_tiny = from_row(convnext, TINY)
convnext_small = from_row(convnext, SMALL)
convnext_base = from_row(convnext, BASE)
convnext_large = from_row(convnext, LARGE)
