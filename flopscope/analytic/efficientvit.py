"""EfficientViT of MIT: arXiv 2205.14756, section 3 and Table 1; mit-han-lab/efficientvit
efficientvit/models/efficientvit/backbone.py and cls.py.

Linear attention with a ReLU as kernel in place of softmax: keys and values are multiplied first, so
that its work grows with the number of pixels and not with their square. Queries, keys and values
are taken twice, as they are and gathered by a 5×5 depthwise convolution.

Neither paper nor code has width and depth coefficients; the networks have classes alone as an
option.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from flopscope.analytic.operators import (
    activation,
    add,
    batch_norm,
    concatenate,
    conv2d,
    divide,
    flatten,
    global_pool,
    layer_norm,
    linear,
    matmul,
    padded,
    permuted,
    with_number,
)
from flopscope.analytic.tape import Feature
from flopscope.facts import Function, Kind
from flopscope.sizes import Size, exact_div

GATHERED = 5
"""The kernel that gathers queries, keys and values."""


class Row(NamedTuple):
    """Channels C and blocks B of the stem and four stages, the width of a head, and the two widths
    of the classifier."""

    c: tuple[int, ...]
    b: tuple[int, ...]
    head: int
    last: tuple[int, int]


B0 = Row((8, 16, 32, 64, 128), (1, 2, 2, 2, 2), 16, (1024, 1280))
B1 = Row((16, 32, 64, 128, 256), (1, 2, 3, 3, 4), 16, (1536, 1600))
B2 = Row((24, 48, 96, 192, 384), (1, 3, 4, 4, 6), 32, (2304, 2560))
B3 = Row((32, 64, 128, 256, 512), (1, 4, 6, 6, 9), 32, (2304, 2560))
L1 = Row((32, 64, 128, 256, 512), (1, 1, 1, 6, 6), 32, (3072, 3200))
L2 = Row((32, 64, 128, 256, 512), (1, 2, 2, 8, 8), 32, (3072, 3200))
L3 = Row((64, 128, 256, 512, 1024), (1, 2, 2, 8, 8), 32, (6144, 6400))


def _conv(
    x: Feature,
    channels: Size,
    kernel: Size,
    function: Function | None,
    *,
    stride: Size = 1,
    groups: Size = 1,
    normed: bool = True,
    name: str,
) -> Feature:
    """A convolution with batch norm, or with a bias in its place, and an activation if it has
    one."""
    x = conv2d(
        x, channels, kernel, stride=stride, groups=groups, bias=not normed, name=f"{name}_conv"
    )
    x = batch_norm(x, name=f"{name}_bn") if normed else x
    return activation(x, function, name=f"{name}_act") if function else x


def _inverted(
    x: Feature, channels: Size, expansion: int, function: Function, stride: Size, normed: bool
) -> Feature:
    """1×1 to t·C, depthwise 3×3, 1×1 back; only the last has a norm unless all are `normed`."""
    hidden = expansion * x.channels
    conv = partial(_conv, function=function, normed=normed)
    y = conv(x, hidden, 1, name="expand")
    y = conv(y, hidden, 3, stride=stride, groups=hidden, name="dw")
    return _conv(y, channels, 1, None, name="project")


def _fused(x: Feature, channels: Size, expansion: int, function: Function, stride: Size) -> Feature:
    """3×3 to t·C, 1×1 back."""
    y = _conv(x, expansion * x.channels, 3, function, stride=stride, name="fused")
    return _conv(y, channels, 1, None, name="project")


def linear_attention(x: Feature, head: Size) -> Feature:
    """q·(kᵀ·v)/(q·Σk) over the pixels of two scales, in heads of this width, and a convolution.

    The divisor is a column of ones beside v. B·n·2·C·2·(head + 1) multiply-accumulates of products
    for n pixels. Domain: the width of a head divides C; raises
    OutsideDomain otherwise.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(lambda x: linear_attention(x, 16), (1, 64, 7, 7))
    >>> ledger.filter(lambda row: row.kind is Kind.MATMUL).macs().value == 49 * 128 * 2 * 17
    True
    """
    batch, c, height, width = x.shape
    x.tape.multiple(c, head, "channels, in heads of this width,")
    heads, n = exact_div(c, head), height * width
    parts = conv2d(x, 3 * c, 1, name="qkv")
    near = conv2d(parts, 3 * c, GATHERED, groups=3 * c, name="gather_dw")
    near = conv2d(near, 3 * c, 1, groups=3 * heads, name="gather_pw")
    each = concatenate([parts, near]).view(batch, 2 * heads, n, head)
    q = activation(each, Function.RELU, name="q_act")
    k = activation(each, Function.RELU, name="k_act")
    groups = 2 * batch * heads
    values = padded(each, batch, 2 * heads, n, head + 1, name="ones")
    kv = matmul(k.view(groups, head, n), values.view(groups, n, head + 1), name="kv")
    mixed = matmul(q.view(groups, n, head), kv, name="mix").view(batch, 2 * heads, n, head)
    sums = with_number(mixed.view(batch, 2 * heads, n, 1), Kind.ADD, name="epsilon")
    y = permuted(divide(mixed, sums), batch, 2 * heads, head, n, name="channels")
    y = y.view(batch, 2 * c, height, width)
    return _conv(y, c, 1, None, name="project")


def _context(x: Feature, head: Size, expansion: int, function: Function) -> Feature:
    """Linear attention, then an inverted residual, each beside a shortcut: figure 5."""
    with x.tape.scope("attention"):
        x = add(x, linear_attention(x, head))
    with x.tape.scope("local"):
        return add(x, _inverted(x, x.channels, expansion, function, 1, normed=False))


def _head(x: Feature, last: tuple[int, int], function: Function, classes: Size) -> Feature:
    with x.tape.scope("head"):
        x = flatten(global_pool(_conv(x, last[0], 1, function, name="last")))
        x = layer_norm(linear(x, last[1], bias=False, name="widen"))
        return linear(activation(x, function), classes, name="classifier")


def efficientvit_b(x: Feature, row: Row, *, classes: Size = 1000) -> Feature:
    """(B, 3, H, W) → (B, classes): inverted residuals, and attention in the last two stages.

    Domain: H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(efficientvit_b0, (1, 3, 224, 224))
    >>> ledger.params().value
    3410008
    """
    scope, function = x.tape.scope, Function.HARD_SWISH
    with scope("stem"):
        x = _conv(x, row.c[0], 3, function, stride=2, name="first")
    for number in range(row.b[0]):
        with scope(f"stem.block{number + 1}"):
            y = _conv(x, x.channels, 3, function, groups=x.channels, name="dw")
            x = add(x, _conv(y, x.channels, 1, None, name="project"))
    for stage, (channels, blocks) in enumerate(zip(row.c[1:], row.b[1:], strict=True), start=1):
        attends = stage >= 3
        with scope(f"stage{stage}.block1"):
            x = _inverted(x, channels, 4, function, 2, normed=not attends)
        for number in range(2, blocks + 1 + attends):
            with scope(f"stage{stage}.block{number}"):
                if attends:
                    x = _context(x, row.head, 4, function)
                else:
                    x = add(x, _inverted(x, channels, 4, function, 1, normed=True))
    return _head(x, row.last, function, classes)


def efficientvit_l(x: Feature, row: Row, *, classes: Size = 1000) -> Feature:
    """(B, 3, H, W) → (B, classes): fused inverted residuals in the first two stages, and attention
    in the last.

    Domain: H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> record(efficientvit_l1, (1, 3, 224, 224)).params().value
    52654088
    """
    scope, function = x.tape.scope, Function.GELU_TANH
    with scope("stem"):
        x = _conv(x, row.c[0], 3, function, stride=2, name="first")
    for number in range(row.b[0]):
        with scope(f"stem.block{number + 1}"):
            y = _conv(x, x.channels, 3, function, name="first")
            x = add(x, _conv(y, x.channels, 3, None, name="second"))
    for stage, (channels, blocks) in enumerate(zip(row.c[1:], row.b[1:], strict=True), start=1):
        fuses, attends = stage <= 2, stage == 4
        with scope(f"stage{stage}.block1"):
            if fuses:
                x = _fused(x, channels, 16, function, 2)
            else:
                x = _inverted(x, channels, 24 if attends else 16, function, 2, normed=False)
        for number in range(2, blocks + 2):
            with scope(f"stage{stage}.block{number}"):
                if attends:
                    x = _context(x, row.head, 6, function)
                elif fuses:
                    x = add(x, _fused(x, channels, 4, function, 1))
                else:
                    x = add(x, _inverted(x, channels, 4, function, 1, normed=False))
    return _head(x, row.last, function, classes)


efficientvit_b0 = partial(efficientvit_b, row=B0)
efficientvit_b1 = partial(efficientvit_b, row=B1)
efficientvit_b2 = partial(efficientvit_b, row=B2)
efficientvit_b3 = partial(efficientvit_b, row=B3)
efficientvit_l1 = partial(efficientvit_l, row=L1)
efficientvit_l2 = partial(efficientvit_l, row=L2)
efficientvit_l3 = partial(efficientvit_l, row=L3)
