"""GhostNet: arXiv 1911.11907, Table 1; huawei-noah/Efficient-AI-Backbones
ghostnet_pytorch/ghostnet.py, which timm's ghostnet.py equals in structure.

Every width, the stem's too, is make_divisible(α·c, 4); the layer after the pooling keeps its 1280
channels. At depth d the rows of one output width in a stage become about ⌈n·d⌉, unequal rows in the
proportions of `scaled_rows`; no code of the family has a depth multiplier. The gate squeezes to
make_divisible(hidden/4, 4) and ends in a hard sigmoid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from typing import NamedTuple, TypeAlias

from flopscope.analytic.blocks import conv_bn_act, squeeze_excite
from flopscope.analytic.operators import (
    activation,
    add,
    concatenate,
    conv2d,
    flatten,
    global_pool,
    linear,
)
from flopscope.analytic.stages import blocks, scaled_rows
from flopscope.analytic.tape import Feature
from flopscope.facts import Function
from flopscope.sizes import Real, Size, ceil_div, equal, exact_div, is_symbolic, make_divisible

RELU = Function.RELU
SE = True
__ = False


class Row(NamedTuple):
    """A row of Table 1: kernel, expanded size, output channels, squeeze-excite, stride; `input` is
    the output of the row above."""

    k: int
    exp: int
    out: int
    se: bool
    s: int
    input: int = 0

    def again(self) -> Row:
        """The row that repeats this one on its own output, expanded by the same ratio."""
        return self._replace(exp=self.exp * self.out // self.input, s=1, input=self.out)


STAGES = (
    (Row(3, 16, 16, __, 1),),
    (Row(3, 48, 24, __, 2), Row(3, 72, 24, __, 1)),
    (Row(5, 72, 40, SE, 2), Row(5, 120, 40, SE, 1)),
    (
        Row(3, 240, 80, __, 2),
        Row(3, 200, 80, __, 1),
        Row(3, 184, 80, __, 1),
        Row(3, 184, 80, __, 1),
        Row(3, 480, 112, SE, 1),
        Row(3, 672, 112, SE, 1),
    ),
    (
        Row(5, 672, 160, SE, 2),
        Row(5, 960, 160, __, 1),
        Row(5, 960, 160, SE, 1),
        Row(5, 960, 160, __, 1),
        Row(5, 960, 160, SE, 1),
    ),
)
"""Table 1 between the first convolution and the last; a stage begins where the map is halved."""

STEM, LAST, HEAD = 16, 960, 1280


def ghostnet(x: Feature, *, width: Real = 1.0, depth: Real = 1.0, classes: Size = 1000) -> Feature:
    """(B, 3, H, W) → (B, classes). Domain: width > 0, depth > 0, H, W ≥ 1.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(ghostnet, (1, 3, 224, 224))
    >>> ledger.macs().value, ledger.params().value
    (141150512, 5182508)
    """
    return ghost_network(
        x, lambda x, channels, large: first_module(x, channels), ghost_module, width, depth, classes
    )


def without_ghosts(x: Feature, *, width: Real = 1.0, classes: Size = 1000) -> Feature:
    """GhostNet with a 1×1 convolution in the place of each Ghost module, to show what these save.

    >>> from flopscope.analytic.tape import record
    >>> record(without_ghosts, (1, 3, 224, 224)).macs().value
    230065520
    """
    return ghost_network(
        x,
        lambda x, channels, large: conv_bn_act(x, channels, 1, function=RELU),
        lambda x, channels: conv_bn_act(x, channels, 1),
        width,
        1.0,
        classes,
    )


Expand: TypeAlias = Callable[[Feature, Size, bool], Feature]
"""The first module of a bottleneck, from its input, its channels, and whether that is a map of the
largest size, half the image's."""
Project: TypeAlias = Callable[[Feature, Size], Feature]
"""The second module of a bottleneck, from its input and its channels."""
Halve: TypeAlias = Callable[[Feature, Size], Feature]
"""What is between them at stride 2, from its input and its kernel."""


def halved(x: Feature, kernel: Size) -> Feature:
    """A depthwise convolution of stride 2, with norm."""
    return conv_bn_act(x, x.channels, kernel, stride=2, groups=x.channels, name="dw")


def ghost_network(
    x: Feature,
    expand: Expand,
    project: Project,
    width: Real,
    depth: Real,
    classes: Size,
    halve: Halve = halved,
) -> Feature:
    """Table 1, with the modules of each bottleneck as given."""
    scope = x.tape.scope
    with scope("stem"):
        x = conv_bn_act(x, make_divisible(STEM * width, 4), 3, stride=2, function=RELU)

    def bottleneck(x: Feature, row: Row, large: bool) -> Feature:
        with scope("ghost1"):
            y = expand(x, make_divisible(row.exp * width, 4), large)
        if row.s == 2:
            y = halve(y, row.k)
        return _bottleneck(x, y, make_divisible(row.out * width, 4), row, project)

    channels = STEM
    for stage, rows in enumerate(STAGES, start=1):
        counted = [
            (partial(bottleneck, row=row, large=stage == 1 or (stage, row.s) == (2, 2)), times)
            for row, times in _scaled(rows, channels, depth)
        ]
        x = blocks(x, f"stage{stage}", counted)
        channels = rows[-1].out
    with scope("head"):
        x = global_pool(conv_bn_act(x, make_divisible(LAST * width, 4), 1, function=RELU))
        x = activation(conv2d(x, HEAD, 1, bias=True, name="hidden"), RELU, name="hidden_act")
        return linear(flatten(x), classes, name="classifier")


def _scaled(rows: tuple[Row, ...], channels: int, depth: Real) -> Iterator[tuple[Row, Size]]:
    """The scaled rows of a stage that follows one with so many channels, with the numbers of their
    blocks."""
    for out, equally_wide in groupby(rows, key=lambda row: row.out):
        first, *others = equally_wide
        given = [first._replace(input=channels), *(row._replace(input=out) for row in others)]
        yield from scaled_rows(given, Row.again, depth)
        channels = out


def first_module(x: Feature, channels: Size) -> Feature:
    """The Ghost module that expands: half of the maps by 1×1, half by depthwise 3×3, ReLU."""
    return ghost_module(x, channels, function=RELU)


def ghost_module(
    x: Feature,
    channels: Size,
    *,
    kernel: Size = 1,
    ratio: Size = 2,
    cheap_kernel: Size = 3,
    function: Function | None = None,
) -> Feature:
    """⌈channels/ratio⌉ intrinsic maps by a K×K convolution; ratio − 1 depthwise ones of each.

    Both are followed by norm and activation, and concatenated: section 3.1. If the ratio does not
    divide the channels, surplus maps are computed and then cut off, as in the authors' code; for
    symbols it must divide them.
    """
    if is_symbolic(channels) or is_symbolic(ratio):
        x.tape.multiple(channels, ratio, "number of channels")
        intrinsic = exact_div(channels, ratio)
    else:
        intrinsic = ceil_div(channels, ratio)
    primary = conv_bn_act(x, intrinsic, kernel, function=function, name="primary")
    cheap = conv_bn_act(
        primary,
        intrinsic * (ratio - 1),
        cheap_kernel,
        groups=intrinsic,
        function=function,
        name="cheap",
    )
    return concatenate([primary, cheap]).narrow(channels)


def _bottleneck(
    x: Feature, expanded: Feature, channels: Size, row: Row, project: Project
) -> Feature:
    """The rest of a Ghost bottleneck after its first module, and after the depthwise convolution
    that it has only at stride 2: figure 3.

    It has a gate, the second module without activation, and the shortcut.
    """
    y = expanded
    if row.se:
        y = squeeze_excite(y, make_divisible(exact_div(y.channels, 4), 4))
    with x.tape.scope("ghost2"):
        y = project(y, channels)
    return add(_shortcut(x, channels, row), y)


def _shortcut(x: Feature, channels: Size, row: Row) -> Feature:
    """The input if stride and width allow it, else a depthwise and a pointwise convolution of it.

    Rounded widths may be equal at some multipliers only: for arrays and symbols the convolutions
    have the multiplicity [C ≠ C_x].
    """
    same = equal(x.channels, channels) if row.s == 1 else 0
    if isinstance(same, int) and same:
        return x
    with x.tape.scope("shortcut", repeat=1 - same):
        y = conv_bn_act(x, x.channels, row.k, stride=row.s, groups=x.channels, name="dw")
        return conv_bn_act(y, channels, 1, name="pw")


ghostnet_050 = partial(ghostnet, width=0.5)
ghostnet_100 = partial(ghostnet, width=1.0)
ghostnet_130 = partial(ghostnet, width=1.3)
