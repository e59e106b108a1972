"""The networks of MobileNetV4 as rows: arXiv 2404.10518, Tables 11 to 15 (appendix D).

The tables of the paper do not state the heads of attention; those here are of the authors' code,
tensorflow/models official/vision/modeling/backbones/mobilenet.py.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, TypeAlias

from flopscope.facts import Function


class Conv(NamedTuple):
    """A convolution with norm and activation: kernel, channels, stride."""

    k: int
    c: int
    s: int = 1


class Fused(NamedTuple):
    """A fused inverted bottleneck: kernel, expansion, channels, stride."""

    k: int
    e: int
    c: int
    s: int = 1


class Uib(NamedTuple):
    """A universal inverted bottleneck: kernels of the depthwise convolutions before and after the
    expansion, 0 where there is none; expansion, channels, stride."""

    k1: int
    k2: int
    e: int
    c: int
    s: int = 1


class Mqa(NamedTuple):
    """Mobile multi-query attention: heads, width of a head, stride at which keys and values see the
    map, channels."""

    heads: int
    d: int
    kv: int
    c: int


Row: TypeAlias = Conv | Fused | Uib | Mqa


class Halving(Enum):
    """What halves a map: the stride of the convolution, or, after its norm and activation, the mean
    of 2×2 or a fixed 3×3 filter."""

    STRIDE = "stride"
    MEAN = "mean"
    BLUR = "blur"


class Style(NamedTuple):
    """What all blocks of a network share: the activation, whether they end in a layer scale, and
    what halves a map."""

    function: Function = Function.RELU
    layer_scale: bool = False
    halving: Halving = Halving.STRIDE


class Network(NamedTuple):
    """The channels of the stem, the rows of each stage, and the style of their blocks."""

    stem: int
    stages: tuple[tuple[Row, ...], ...]
    style: Style = Style()


# One row a block, a stage from each map that is halved.
CONV_SMALL = Network(
    stem=32,
    stages=(
        (
            Conv(3, 32, s=2),
            Conv(1, 32),
        ),
        (
            Conv(3, 96, s=2),
            Conv(1, 64),
        ),
        (
            Uib(5, 5, 3, 96, s=2),
            Uib(0, 3, 2, 96),
            Uib(0, 3, 2, 96),
            Uib(0, 3, 2, 96),
            Uib(0, 3, 2, 96),
            Uib(3, 0, 4, 96),
        ),
        (
            Uib(3, 3, 6, 128, s=2),
            Uib(5, 5, 4, 128),
            Uib(0, 5, 4, 128),
            Uib(0, 5, 3, 128),
            Uib(0, 3, 4, 128),
            Uib(0, 3, 4, 128),
        ),
    ),
)

CONV_MEDIUM = Network(
    stem=32,
    stages=(
        (Fused(3, 4, 48, s=2),),
        (
            Uib(3, 5, 4, 80, s=2),
            Uib(3, 3, 2, 80),
        ),
        (
            Uib(3, 5, 6, 160, s=2),
            Uib(3, 3, 4, 160),
            Uib(3, 3, 4, 160),
            Uib(3, 5, 4, 160),
            Uib(3, 3, 4, 160),
            Uib(3, 0, 4, 160),
            Uib(0, 0, 2, 160),
            Uib(3, 0, 4, 160),
        ),
        (
            Uib(5, 5, 6, 256, s=2),
            Uib(5, 5, 4, 256),
            Uib(3, 5, 4, 256),
            Uib(3, 5, 4, 256),
            Uib(0, 0, 4, 256),
            Uib(3, 0, 4, 256),
            Uib(3, 5, 2, 256),
            Uib(5, 5, 4, 256),
            Uib(0, 0, 4, 256),
            Uib(0, 0, 4, 256),
            Uib(5, 0, 2, 256),
        ),
    ),
)

CONV_LARGE = Network(
    stem=24,
    stages=(
        (Fused(3, 4, 48, s=2),),
        (
            Uib(3, 5, 4, 96, s=2),
            Uib(3, 3, 4, 96),
        ),
        (
            Uib(3, 5, 4, 192, s=2),
            Uib(3, 3, 4, 192),
            Uib(3, 3, 4, 192),
            Uib(3, 3, 4, 192),
            Uib(3, 5, 4, 192),
            Uib(5, 3, 4, 192),
            Uib(5, 3, 4, 192),
            Uib(5, 3, 4, 192),
            Uib(5, 3, 4, 192),
            Uib(5, 3, 4, 192),
            Uib(3, 0, 4, 192),
        ),
        (
            Uib(5, 5, 4, 512, s=2),
            Uib(5, 5, 4, 512),
            Uib(5, 5, 4, 512),
            Uib(5, 5, 4, 512),
            Uib(5, 0, 4, 512),
            Uib(5, 3, 4, 512),
            Uib(5, 0, 4, 512),
            Uib(5, 0, 4, 512),
            Uib(5, 3, 4, 512),
            Uib(5, 5, 4, 512),
            Uib(5, 0, 4, 512),
            Uib(5, 0, 4, 512),
            Uib(5, 0, 4, 512),
        ),
    ),
)

HYBRID_MEDIUM = Network(
    stem=32,
    stages=(
        (Fused(3, 4, 48, s=2),),
        (
            Uib(3, 5, 4, 80, s=2),
            Uib(3, 3, 2, 80),
        ),
        (
            Uib(3, 5, 6, 160, s=2),
            Uib(0, 0, 2, 160),
            Uib(3, 3, 4, 160),
            Uib(3, 5, 4, 160),
            Mqa(4, 64, 2, 160),
            Uib(3, 3, 4, 160),
            Mqa(4, 64, 2, 160),
            Uib(3, 0, 4, 160),
            Mqa(4, 64, 2, 160),
            Uib(3, 3, 4, 160),
            Mqa(4, 64, 2, 160),
            Uib(3, 0, 4, 160),
        ),
        (
            Uib(5, 5, 6, 256, s=2),
            Uib(5, 5, 4, 256),
            Uib(3, 5, 4, 256),
            Uib(3, 5, 4, 256),
            Uib(0, 0, 2, 256),
            Uib(3, 5, 2, 256),
            Uib(0, 0, 2, 256),
            Uib(0, 0, 4, 256),
            Mqa(4, 64, 1, 256),
            Uib(3, 0, 4, 256),
            Mqa(4, 64, 1, 256),
            Uib(5, 5, 4, 256),
            Mqa(4, 64, 1, 256),
            Uib(5, 0, 4, 256),
            Mqa(4, 64, 1, 256),
            Uib(5, 0, 4, 256),
        ),
    ),
    style=Style(layer_scale=True),
)

HYBRID_LARGE = Network(
    stem=24,
    stages=(
        (Fused(3, 4, 48, s=2),),
        (
            Uib(3, 5, 4, 96, s=2),
            Uib(3, 3, 4, 96),
        ),
        (
            Uib(3, 5, 4, 192, s=2),
            Uib(3, 3, 4, 192),
            Uib(3, 3, 4, 192),
            Uib(3, 3, 4, 192),
            Uib(3, 5, 4, 192),
            Uib(5, 3, 4, 192),
            Uib(5, 3, 4, 192),
            Mqa(8, 48, 2, 192),
            Uib(5, 3, 4, 192),
            Mqa(8, 48, 2, 192),
            Uib(5, 3, 4, 192),
            Mqa(8, 48, 2, 192),
            Uib(5, 3, 4, 192),
            Mqa(8, 48, 2, 192),
            Uib(3, 0, 4, 192),
        ),
        (
            Uib(5, 5, 4, 512, s=2),
            Uib(5, 5, 4, 512),
            Uib(5, 5, 4, 512),
            Uib(5, 5, 4, 512),
            Uib(5, 0, 4, 512),
            Uib(5, 3, 4, 512),
            Uib(5, 0, 4, 512),
            Uib(5, 0, 4, 512),
            Uib(5, 3, 4, 512),
            Uib(5, 5, 4, 512),
            Mqa(8, 64, 1, 512),
            Uib(5, 0, 4, 512),
            Mqa(8, 64, 1, 512),
            Uib(5, 0, 4, 512),
            Mqa(8, 64, 1, 512),
            Uib(5, 0, 4, 512),
            Mqa(8, 64, 1, 512),
            Uib(5, 0, 4, 512),
        ),
    ),
    style=Style(Function.GELU, layer_scale=True),
)

CONV_AA_MEDIUM = CONV_MEDIUM._replace(style=Style(halving=Halving.MEAN))
CONV_AA_LARGE = CONV_LARGE._replace(style=Style(halving=Halving.MEAN))
CONV_BLUR_MEDIUM = CONV_MEDIUM._replace(style=Style(halving=Halving.BLUR))
