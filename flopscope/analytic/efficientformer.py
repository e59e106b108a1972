"""EfficientFormer: arXiv 2206.01191, Table 6 (appendix); snap-research/EfficientFormer
models/efficientformer.py.

Attention adds a bias for each distance on a grid of 7×7, so the last map must have that size. Both
classifiers count, the one for the labels and the one for distillation; inference averages them.

Neither paper nor code has width and depth coefficients. They round as in EfficientNet: channels to
multiples of 8 that keep 0.9 of the width, and the numbers of pooling and of attention blocks each
up. Heads keep their widths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from flopscope.analytic.attention import attend
from flopscope.analytic.operators import (
    activation,
    add,
    avg_pool2d,
    batch_norm,
    conv2d,
    layer_norm,
    linear,
    looked_up,
    reduce,
    scale,
    with_number,
)
from flopscope.analytic.stages import blocks, from_row
from flopscope.analytic.tape import Feature
from flopscope.domain import Members, breaking
from flopscope.facts import Function, Kind, Reduction
from flopscope.sizes import Real, Size, floor_div, round_filters, round_repeats

GRID, STRIDE = 7, 32
"""The side of the last map, and its stride."""

SIDES = range((GRID - 1) * STRIDE + 1, GRID * STRIDE + 1)
"""The inputs with such a map: ⌈n/32⌉ = 7."""

HEADS, KEY, VALUE = 8, 32, 128
"""Heads of attention, channels of a query or key, and of a value: section 4."""


class MixedStages(NamedTuple):
    """Channels and pooling blocks of the four stages, attention blocks behind the last of them."""

    c: tuple[Size, ...]
    pooling: tuple[Size, ...]
    attending: Size

    def scaled(self, width: Real, depth: Real) -> MixedStages:
        """The stages at width and depth coefficients. A stage without pooling blocks gets none."""
        return MixedStages(
            c=tuple(round_filters(channels, width) for channels in self.c),
            pooling=tuple(round_repeats(n, depth) if n else 0 for n in self.pooling),
            attending=round_repeats(self.attending, depth),
        )


L1 = MixedStages(c=(48, 96, 224, 448), pooling=(3, 2, 6, 3), attending=1)
L3 = MixedStages(c=(64, 128, 320, 512), pooling=(4, 4, 12, 2), attending=4)
L7 = MixedStages(c=(96, 192, 384, 768), pooling=(6, 6, 18, 0), attending=8)


def efficientformer(x: Feature, stages: MixedStages, *, classes: Size = 1000) -> Feature:
    """(B, 3, H, W) → (B, classes), of these channels and blocks.

    Domain: H, W from 193 to 224; raises OutsideDomain otherwise.

    >>> from flopscope.analytic.tape import record
    >>> small = MixedStages(c=(8, 16, 24, 32), pooling=(1, 1, 1, 1), attending=1)
    >>> record(lambda x: efficientformer(x, small, classes=10), (1, 3, 224, 224)).params().value
    122036
    >>> ledger = record(efficientformer_l1, (1, 3, 224, 224))
    >>> ledger.macs().value, ledger.params().value
    (1291284736, 12289928)
    """
    for size, side in zip(x.grid, ("height", "width"), strict=True):
        require_size(x, size, SIDES, partial(_refusal, side))
    scope = x.tape.scope
    with scope("stem"):
        x = stem(x, stages.c[0])
    for number, (channels, pooling) in enumerate(zip(stages.c, stages.pooling, strict=True), 1):
        if number > 1:
            with scope(f"stage{number}.downsample"):
                x = downsampling(x, channels)
        kinds = [(pooling_block, pooling)]
        if number == len(stages.c):
            kinds += [(_attention_on_tokens, 1), (attention_block, stages.attending - 1)]
        x = blocks(x, f"stage{number}", kinds)
    with scope("head"):
        return head(x, classes)


def stem(x: Feature, channels: Size) -> Feature:
    """Two 3×3 convolutions of stride 2, the first to half the channels."""
    for name, width in (("conv1", floor_div(channels, 2)), ("conv2", channels)):
        x = activation(conv_bn(x, width, 3, name, stride=2), Function.RELU)
    return x


def downsampling(x: Feature, channels: Size) -> Feature:
    """What stands between two stages: a 3×3 convolution of stride 2 with batch norm."""
    return conv_bn(x, channels, 3, "conv", stride=2)


def head(x: Feature, classes: Size) -> Feature:
    """The mean of tokens (B, 49, C) after a norm, and the mean of both classifiers' answers."""
    x = layer_norm(x)
    x = reduce(x, (x.batch, x.shape[-1]), Reduction.MEAN, name="pool")
    answers = [linear(x, classes, name=name) for name in ("classifier", "distilled")]
    return with_number(add(*answers), Kind.DIVIDE, name="halve")


def pooling_block(x: Feature) -> Feature:
    """The 4-D block of figure 3: pooling minus identity, then 1×1 convolutions with batch norm."""
    pooled = avg_pool2d(x, 3, stride=1, padding=1, include_padding=False)
    x = residual(x, add(pooled, x, name="subtract"), "layer_scale1")
    y = activation(conv_bn(x, 4 * x.channels, 1, "expand"), Function.GELU)
    return residual(x, conv_bn(y, x.channels, 1, "project"), "layer_scale2")


def attention_block(x: Feature) -> Feature:
    """The 3-D block of figure 3 on (B, 49, C): attention, then a linear MLP, each after a norm."""
    x = residual(x, _attention(layer_norm(x, name="norm1")), "layer_scale1")
    y = linear(layer_norm(x, name="norm2"), 4 * x.shape[-1], name="expand")
    y = linear(activation(y, Function.GELU), x.shape[-1], name="project")
    return residual(x, y, "layer_scale2")


def _attention_on_tokens(x: Feature) -> Feature:
    """The first 3-D block, on a map whose positions become the tokens."""
    return attention_block(as_tokens(x))


def attention_on_map(x: Feature) -> Feature:
    """The 3-D block on the tokens of a map. Raises OutsideDomain unless that is 7×7."""
    for size in x.grid:
        require_size(x, size, (GRID,), _GRID_REFUSAL.format)
    return attention_block(as_tokens(x))


def _attention(x: Feature) -> Feature:
    batch, n, channels = x.shape
    with x.tape.scope("attention"):
        qkv = linear(x, HEADS * (2 * KEY + VALUE), name="qkv")
        q, k, v = (qkv.view(batch, n, HEADS * width) for width in (KEY, KEY, VALUE))
        bias = looked_up(x.tape, (HEADS, n), (n, n), (HEADS, n, n), name="bias")
        return linear(attend(q, k, v, HEADS, mask=bias), channels, name="project")


def as_tokens(x: Feature) -> Feature:
    """(B, C, 7, 7) → (B, 49, C). The domain must say that the map is 7×7."""
    return x.view(x.batch, GRID**2, x.channels)


_GRID_REFUSAL = (
    f"a side of the map is {{}}, but the attention biases are those of a {GRID}×{GRID} grid"
)


def _refusal(side: str, size: Size) -> str:
    return (
        f"{side} of the input is {size}, but the attention biases are those of a {GRID}×{GRID} "
        f"grid, a {STRIDE}nd of the input; give {SIDES[0]} to {SIDES[-1]}"
    )


def require_size(
    x: Feature, size: Size, allowed: Iterable[int], refusal: Callable[[Size], str]
) -> None:
    """Require one of these sizes; `refusal` is the sentence for another."""
    condition = Members(size, 1, 1, frozenset(), frozenset(allowed))
    x.tape.hold(condition, lambda: refusal(breaking(size, condition)))


def residual(x: Feature, y: Feature, name: str) -> Feature:
    """x plus y times a factor a channel."""
    weight = (x.channels, 1, 1) if x.grid[1:] else (x.shape[-1],)
    return add(x, scale(y, weight, name=name))


def conv_bn(
    x: Feature, channels: Size, kernel: Size, name: str, stride: Size = 1, groups: Size = 1
) -> Feature:
    """Convolution with bias, batch norm."""
    y = conv2d(x, channels, kernel, stride=stride, groups=groups, bias=True, name=name)
    return batch_norm(y, name=f"{name}.bn")


efficientformer_l1 = from_row(efficientformer, L1)
efficientformer_l3 = from_row(efficientformer, L3)
efficientformer_l7 = from_row(efficientformer, L7)
