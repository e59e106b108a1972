"""EfficientViT of Microsoft: arXiv 2305.07027, section 3 and Table 1; microsoft/Cream
EfficientViT/classification/model/build.py and efficientvit.py. The networks of MIT with the same
name are in `efficientvit.py`.

Attention is in windows of 7×7, or 4×4 in the last stage, which has a map of that size at 224×224;
a map of another size is filled up with zeros to whole windows. The authors' code refuses other
sizes, timm takes them so. Queries are scaled before they meet the keys, as in timm; the authors
scale the products.

Neither paper nor code has width and depth coefficients; the networks have classes alone as an
option.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from flopscope.analytic.blocks import conv_bn_act, squeeze_excite
from flopscope.analytic.operators import (
    activation,
    add,
    add_broadcast,
    batch_norm,
    concatenate,
    flatten,
    global_pool,
    linear,
    looked_up,
    matmul,
    padded,
    permuted,
    softmax,
    with_number,
)
from flopscope.analytic.tape import Feature
from flopscope.facts import Function, Kind
from flopscope.sizes import Size, ceil_div, elements, exact_div, floor_div, nearest_multiple

WINDOWS = (7, 7, 4)
"""The side of the windows of each stage."""

KEY = 16
"""Channels of a query or key in each head."""

RELU = Function.RELU


class Row(NamedTuple):
    """Channels C, blocks L and heads H of the three stages, and the kernel of each head's
    queries."""

    c: tuple[int, ...]
    b: tuple[int, ...]
    h: tuple[int, ...]
    kernels: tuple[int, ...]


M0 = Row(c=(64, 128, 192), b=(1, 2, 3), h=(4, 4, 4), kernels=(5, 5, 5, 5))
M1 = Row(c=(128, 144, 192), b=(1, 2, 3), h=(2, 3, 3), kernels=(7, 5, 3, 3))
M2 = Row(c=(128, 192, 224), b=(1, 2, 3), h=(4, 3, 2), kernels=(7, 5, 3, 3))
M3 = Row(c=(128, 240, 320), b=(1, 2, 3), h=(4, 3, 4), kernels=(5, 5, 5, 5))
M4 = Row(c=(128, 256, 384), b=(1, 2, 3), h=(4, 4, 4), kernels=(7, 5, 3, 3))
M5 = Row(c=(192, 288, 384), b=(1, 3, 4), h=(3, 3, 4), kernels=(7, 5, 3, 3))


def efficientvit_m(x: Feature, row: Row, *, classes: Size = 1000) -> Feature:
    """(B, 3, H, W) → (B, classes), of these channels, blocks and heads. Domain: H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> networks = efficientvit_m0, efficientvit_m1, efficientvit_m2, efficientvit_m3
    >>> for network in (*networks, efficientvit_m4, efficientvit_m5):
    ...     ledger = record(network, (1, 3, 224, 224))
    ...     print(ledger.macs().value, ledger.params().value)
    79193600 2349436
    167051840 2980560
    201035712 4187554
    262662208 6900722
    299308544 8804228
    521583104 12473772
    """
    scope = x.tape.scope
    with scope("stem"):
        for number, part in enumerate((8, 4, 2, 1), start=1):
            function = RELU if number < 4 else None
            name, channels = f"conv{number}", floor_div(row.c[0], part)
            x = conv_bn_act(x, channels, 3, stride=2, function=function, name=name)
    stages = zip(row.c, row.b, row.h, WINDOWS, strict=True)
    for number, (channels, blocks, heads, side) in enumerate(stages, start=1):
        if number > 1:
            with scope(f"stage{number}.downsample"):
                x = _downsampled(x, channels)
        for block in range(1, blocks + 1):
            with scope(f"stage{number}.block{block}"):
                x = _sandwich(x, heads, side, row.kernels)
    with scope("head"):
        x = batch_norm(flatten(global_pool(x)))
        return linear(x, classes, name="classifier")


def _sandwich(x: Feature, heads: int, side: int, kernels: tuple[int, ...]) -> Feature:
    """Attention between two pairs of a depthwise convolution and an MLP: figure 6b."""
    x = _local_mlp(x, "before")
    with x.tape.scope("attention"):
        x = add(x, window_attention(x, heads, side, kernels))
    return _local_mlp(x, "after")


def _local_mlp(x: Feature, name: str) -> Feature:
    """A depthwise 3×3 convolution and an MLP of twice the channels, each beside a shortcut."""
    with x.tape.scope(name):
        x = add(x, conv_bn_act(x, x.channels, 3, groups=x.channels, name="dw"), name="add1")
        y = conv_bn_act(x, 2 * x.channels, 1, function=RELU, name="expand")
        return add(x, conv_bn_act(y, x.channels, 1, name="project"), name="add2")


def _downsampled(x: Feature, channels: Size) -> Feature:
    """An inverted residual of stride 2 with a gate and without shortcut, between two pairs of a
    depthwise convolution and an MLP: section 3.2."""
    x = _local_mlp(x, "before")
    hidden, squeezed = 4 * x.channels, nearest_multiple(x.channels, 8)
    x = conv_bn_act(x, hidden, 1, function=RELU, name="expand")
    x = conv_bn_act(x, hidden, 3, stride=2, groups=hidden, function=RELU, name="dw")
    x = squeeze_excite(x, squeezed, gate=Function.SIGMOID)
    return _local_mlp(conv_bn_act(x, channels, 1, name="project"), "after")


def window_attention(
    x: Feature, heads: int, side: Size, kernels: tuple[int, ...] = (5, 5, 5, 5)
) -> Feature:
    """Cascaded group attention in windows of side², to which the map is filled up with zeros.

    The products are H·n²·(16 + C/H) multiply-accumulates for each window of n positions and H
    heads. Domain: the heads divide C; raises OutsideDomain otherwise.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(lambda x: window_attention(x, 4, 7), (1, 64, 14, 14))
    >>> ledger.filter(lambda row: row.kind is Kind.MATMUL).macs().value == 4 * 4 * 49**2 * 32
    True
    """
    x.tape.multiple(x.channels, heads, "number of channels, to be divided among heads,")
    down, across = (ceil_div(size, side) for size in x.grid)
    y = padded(x, x.batch, x.channels, down * side, across * side)
    y = permuted(y, x.batch, down, across, x.channels, side, side, name="part")
    y = y.view(x.batch * down * across, x.channels, side, side)
    y = cascaded_attention(y, heads, kernels)
    y = permuted(y, x.batch, x.channels, down, side, across, side, name="join")
    return y.view(*x.shape)


def cascaded_attention(x: Feature, heads: int, kernels: tuple[int, ...]) -> Feature:
    """Each head attends to a part of the channels, to which the output of the head before it is
    added: equations 2 and 3. Its queries pass a depthwise convolution."""
    n, width = elements(x.grid), exact_div(x.channels, heads)
    biases = looked_up(x.tape, (heads, n), (n, n), (heads, n, n), name="bias")
    part = x.narrow(width)
    y, outputs = part, []
    for head in range(heads):
        with x.tape.scope(f"head{head + 1}"):
            y = add(y, part) if head else y
            y = _attended(y, biases.view(n, n), kernels[head])
        outputs.append(y)
    y = activation(concatenate(outputs), RELU)
    return conv_bn_act(y, x.channels, 1, name="project")


def _attended(x: Feature, biases: Feature, kernel: Size) -> Feature:
    """softmax(q·kᵀ/√16 + biases)·v over the positions of a window."""
    windows, width, n = x.batch, x.channels, elements(x.grid)
    parts = conv_bn_act(x, 2 * KEY + width, 1, name="qkv")
    q = conv_bn_act(parts.narrow(KEY), KEY, kernel, groups=KEY, name="dw")
    q = with_number(q.view(windows, KEY, n), Kind.MULTIPLY, name="scale")
    keys = parts.view(windows, KEY, n)
    scores = add_broadcast(
        matmul(q.view(windows, n, KEY), keys, name="scores"), biases, name="mask"
    )
    values = parts.view(windows, width, n)
    return matmul(values, softmax(scores), name="mix").view(*x.shape)


efficientvit_m0 = partial(efficientvit_m, row=M0)
efficientvit_m1 = partial(efficientvit_m, row=M1)
efficientvit_m2 = partial(efficientvit_m, row=M2)
efficientvit_m3 = partial(efficientvit_m, row=M3)
efficientvit_m4 = partial(efficientvit_m, row=M4)
efficientvit_m5 = partial(efficientvit_m, row=M5)
