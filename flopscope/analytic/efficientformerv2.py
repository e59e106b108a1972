"""EfficientFormerV2: arXiv 2212.08059, sections 3 and 4; snap-research/EfficientFormer
models/efficientformer_v2.py.

Attention adds a bias for each distance on the map: of 14×14 where the last stage begins, and of 7×7
in its blocks and, on a map that is halved before and doubled after, in those of the third stage. So
the map of the third stage must be 14×14. Both classifiers count, the one for the labels and the one
for distillation; inference averages them.

Neither paper nor code has width and depth coefficients. Channels round as in EfficientNet, to
multiples of 8 that keep 0.9 of the width. The ⌈n·depth⌉ blocks of a stage are shared by its runs of
equal blocks in proportion, as timm's MobileNets share them. Heads keep their widths.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from flopscope.analytic.efficientformer import conv_bn, require_size, residual
from flopscope.analytic.operators import (
    activation,
    add,
    add_broadcast,
    avg_pool2d,
    batch_norm,
    conv2d,
    linear,
    looked_up,
    matmul,
    permuted,
    reduce,
    resize,
    softmax,
    with_number,
)
from flopscope.analytic.stages import blocks, scaled_rows
from flopscope.analytic.tape import Feature
from flopscope.facts import Function, Interpolation, Kind, Reduction
from flopscope.sizes import Real, Size, elements, floor_div, round_filters

GRID, STRIDE = 14, 16
"""The side of the third stage's map, and its stride."""

SIDES = range((GRID - 1) * STRIDE + 1, GRID * STRIDE + 1)
"""The inputs with such a map: ⌈n/16⌉ = 14."""

HEADS, KEY, HALVING_KEY, VALUES = 8, 32, 16, 4
"""Heads of attention, channels of a query or key in a block and where a stage begins, and how many
times as many a value has."""

GELU = Function.GELU


class SearchedStages(NamedTuple):
    """Channels of the four stages, the ratio of each block's MLP, and how many of the last blocks
    of the third and of the fourth stage attend."""

    c: tuple[int, ...]
    ratios: tuple[tuple[int, ...], ...]
    attending: int


S0 = SearchedStages(
    c=(32, 48, 96, 176),
    ratios=((4, 4), (4, 4), (4, 3, 3, 3, 4, 4), (4, 3, 3, 4)),
    attending=2,
)
S1 = SearchedStages(
    c=(32, 48, 120, 224),
    ratios=((4, 4, 4), (4, 4, 4), (4, 4, 3, 3, 3, 3, 4, 4, 4), (4, 4, 3, 3, 4, 4)),
    attending=2,
)
S2 = SearchedStages(
    c=(32, 64, 144, 288),
    ratios=(
        (4, 4, 4, 4),
        (4, 4, 4, 4),
        (4, 4, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4),
        (4, 4, 3, 3, 3, 3, 4, 4),
    ),
    attending=4,
)
L = SearchedStages(
    c=(40, 80, 192, 384),
    ratios=(
        (4, 4, 4, 4, 4),
        (4, 4, 4, 4, 4),
        (4, 4, 4, 4, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4),
        (4, 4, 4, 3, 3, 3, 3, 4, 4, 4),
    ),
    attending=6,
)


class BlockRow(NamedTuple):
    """A block: the ratio of its MLP, and whether it attends."""

    ratio: int
    attends: bool


def efficientformerv2(
    x: Feature,
    stages: SearchedStages,
    *,
    width: Real = 1.0,
    depth: Real = 1.0,
    classes: Size = 1000,
) -> Feature:
    """(B, 3, H, W) → (B, classes), of these stages. Domain: width > 0; depth > 0; H, W from 209 to
    224; raises OutsideDomain otherwise.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(efficientformerv2_s0, (1, 3, 224, 224))
    >>> ledger.macs().value, ledger.params().value
    (395892544, 3600256)
    """
    for size, side in zip(x.grid, ("height", "width"), strict=True):
        require_size(x, size, SIDES, partial(_refusal, side))
    scope = x.tape.scope
    channels = [round_filters(c, width) for c in stages.c]
    with scope("stem"):
        for name, out in (("conv1", floor_div(channels[0], 2)), ("conv2", channels[0])):
            x = activation(conv_bn(x, out, 3, name, stride=2), GELU, name=f"{name}.act")
    for number, (out, ratios) in enumerate(zip(channels, stages.ratios, strict=True), start=1):
        if number > 1:
            with scope(f"stage{number}.downsample"):
                x = halved(x, out, attends=number == 4)
        if number == 3:
            x = x.view(x.batch, out, GRID, GRID)
        rows = _rows(ratios, stages.attending if number > 2 else 0)
        kinds = (
            (partial(_block, row=row, strided=number == 3), times)
            for row, times in scaled_rows(rows, _itself, depth)
        )
        x = blocks(x, f"stage{number}", kinds)
    with scope("head"):
        vectors = batch_norm(x).view(*x.shape[:2], elements(x.grid))
        x = reduce(vectors, x.shape[:2], Reduction.MEAN, name="pool")
        answers = [linear(x, classes, name=name) for name in ("classifier", "distilled")]
        return with_number(add(*answers), Kind.DIVIDE, name="halve")


def _rows(ratios: tuple[int, ...], attending: int) -> tuple[BlockRow, ...]:
    local = len(ratios) - attending
    return tuple(BlockRow(ratio, number >= local) for number, ratio in enumerate(ratios))


def _itself(row: BlockRow) -> BlockRow:
    """A block is repeated as it is: none changes the map or its channels."""
    return row


def _block(x: Feature, row: BlockRow, strided: bool) -> Feature:
    """Attention where the block attends, then an MLP with a depthwise convolution in its middle:
    figures 2b and 2c. Each has a factor a channel and a shortcut."""
    if row.attends:
        with x.tape.scope("attention"):
            y = attention(x, strided=strided)
        x = residual(x, y, "layer_scale1")
    hidden = row.ratio * x.channels
    y = activation(conv_bn(x, hidden, 1, "expand"), GELU, name="act1")
    y = activation(conv_bn(y, hidden, 3, "dw", groups=hidden), GELU, name="act2")
    return residual(x, conv_bn(y, x.channels, 1, "project"), "layer_scale2")


def attention(x: Feature, *, strided: bool) -> Feature:
    """Attention over a map, with a convolution of the values beside it and a mix of the heads
    before and after the softmax: figure 2c. Where strided, the map is halved for it: figure 2d."""
    y, grid = x, x.grid
    if strided:
        y = conv_bn(x, x.channels, 3, "stride", stride=2, groups=x.channels)
    query, key = (conv_bn(y, HEADS * KEY, 1, name) for name in ("query", "key"))
    value = conv_bn(y, HEADS * VALUES * KEY, 1, "value")
    local = conv_bn(value, value.channels, 3, "local", groups=value.channels)
    y = add(_attended(query, key, value, talking=True), local)
    if strided:
        y = resize(y, (grid[0], grid[1]), Interpolation.BILINEAR, name="upsample")
    return conv_bn(activation(y, GELU), x.channels, 1, "project")


def halved(x: Feature, channels: Size, *, attends: bool) -> Feature:
    """A 3×3 convolution of stride 2, beside attention whose queries are half the map a side where
    the last stage begins: figure 2f."""
    y = conv_bn(x, channels, 3, "conv", stride=2)
    if not attends:
        return y
    with x.tape.scope("attention"):
        query = conv2d(x, x.channels, 3, stride=2, groups=x.channels, bias=True, name="query.local")
        query = add(query, avg_pool2d(x, 1, stride=2, name="query.pool"), name="query.add")
        query = conv_bn(query, HEADS * HALVING_KEY, 1, "query")
        key = conv_bn(x, HEADS * HALVING_KEY, 1, "key")
        value = conv_bn(x, HEADS * VALUES * HALVING_KEY, 1, "value")
        local = conv_bn(value, value.channels, 3, "local", stride=2, groups=value.channels)
        mixed = activation(add(_attended(query, key, value), local), GELU)
        mixed = conv_bn(mixed, channels, 1, "project")
    return add(mixed, y)


def _attended(query: Feature, key: Feature, value: Feature, *, talking: bool = False) -> Feature:
    """softmax(q·kᵀ/√d + biases)·v in heads, for every query of its map; the biases are those of the
    distances on the keys' map. Where heads talk, a linear layer over them stands on either side of
    the softmax: arXiv 2003.02436."""
    tape, batch, heads = query.tape, query.batch, HEADS * query.batch
    n, m = query.grid[0] * query.grid[1], key.grid[0] * key.grid[1]
    width = floor_div(value.channels, HEADS)
    bias = looked_up(tape, (HEADS, m), (n, m), (HEADS, n, m), name="bias")
    inner = floor_div(key.channels, HEADS)
    scores = matmul(query.view(heads, n, inner), key.view(heads, inner, m), name="scores")
    scores = with_number(scores.view(batch, HEADS, n, m), Kind.MULTIPLY, name="scale")
    scores = add_broadcast(scores, bias, name="mask")
    if talking:
        scores = conv2d(scores, HEADS, 1, bias=True, name="talk1")
    weights = softmax(scores)
    if talking:
        weights = conv2d(weights, HEADS, 1, bias=True, name="talk2")
    mixed = matmul(weights.view(heads, n, m), value.view(heads, m, width), name="mix")
    mixed = permuted(mixed, batch, HEADS, width, n, name="channels")
    return mixed.view(batch, value.channels, *query.grid)


def _refusal(side: str, size: Size) -> str:
    return (
        f"{side} of the input is {size}, but the attention biases are those of a {GRID}×{GRID} "
        f"grid, a {STRIDE}th of the input; give {SIDES[0]} to {SIDES[-1]}"
    )


efficientformerv2_s0 = partial(efficientformerv2, stages=S0)
efficientformerv2_s1 = partial(efficientformerv2, stages=S1)
efficientformerv2_s2 = partial(efficientformerv2, stages=S2)
efficientformerv2_l = partial(efficientformerv2, stages=L)
