"""MobileNetV3: arXiv 1905.02244, Tables 1 (large) and 2 (small).

Agrees, by recipe, with
* paper: tensorflow/models research/slim/nets/mobilenet/mobilenet_v3.py, the authors' code, with the
  last layer kept wide as in its published checkpoints;
* torchvision: `mobilenet_v3_large` and `mobilenet_v3_small(width_mult=...)`;
* timm: `_gen_mobilenet_v3`, which writes the layer after the pooling as a 1×1 convolution.
At width 1 all three have weights of the same shapes. Names are torchvision's in every recipe.

A depth multiplier scales the blocks of a stage as in timm (`mobilenetv3_large_150d` there), by
`scaled_rows`. A stage is a run of rows of one output width, or begins where the map is halved.

Deviations:

* From timm's depth: it repeats the last 1×1 convolution with the others; here it stays one.
* From Table 2: no squeeze-and-excite on the last convolution of the small network. The table marks
  it, no implementation has it.
* paper recipe: symmetric padding instead of SAME, gate (x + 3)/6 exactly where the authors' code
  multiplies by 0.16667, and torchvision's initial weights. Above width 1 the last layer keeps its
  size. Of the paper's two networks of width 1.25 (Table 9) the large one has it so, the small one
  scaled.
* timm recipe: dropout none, as timm's default; the squeeze layers are torchvision's modules.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from torch import Tensor, nn

from reference_models.layers import (
    Classifier,
    SqueezeExcite,
    checked_classes,
    checked_depth,
    checked_recipe,
    checked_width,
    conv_norm_act,
    init_as_timm,
    init_as_torchvision,
    make_divisible,
    scaled_rows,
)

RE = nn.ReLU
HS = nn.Hardswish


class Row(NamedTuple):
    """A line of Tables 1 and 2 at width 1.

    Channels of the input, kernel of the operator, expanded size, output channels,
    squeeze-and-excite, nonlinearity, stride.
    """

    input: int
    k: int
    exp: int
    out: int
    se: bool
    nl: type[nn.Module]
    s: int

    def again(self) -> "Row":
        """The row as it is repeated: at stride 1, on its own output, expanded in the same ratio."""
        return self._replace(input=self.out, exp=self.out * self.exp // self.input, s=1)


class Network(NamedTuple):
    """The bottlenecks; outputs of the last 1×1 convolution and of the layer after pooling."""

    bottlenecks: tuple[Row, ...]
    last: int
    head: int


STEM = 16

# Table 1.
LARGE = Network(
    bottlenecks=(
        Row(16, 3, 16, 16, False, RE, 1),
        Row(16, 3, 64, 24, False, RE, 2),
        Row(24, 3, 72, 24, False, RE, 1),
        Row(24, 5, 72, 40, True, RE, 2),
        Row(40, 5, 120, 40, True, RE, 1),
        Row(40, 5, 120, 40, True, RE, 1),
        Row(40, 3, 240, 80, False, HS, 2),
        Row(80, 3, 200, 80, False, HS, 1),
        Row(80, 3, 184, 80, False, HS, 1),
        Row(80, 3, 184, 80, False, HS, 1),
        Row(80, 3, 480, 112, True, HS, 1),
        Row(112, 3, 672, 112, True, HS, 1),
        Row(112, 5, 672, 160, True, HS, 2),
        Row(160, 5, 960, 160, True, HS, 1),
        Row(160, 5, 960, 160, True, HS, 1),
    ),
    last=960,
    head=1280,
)

# Table 2.
SMALL = Network(
    bottlenecks=(
        Row(16, 3, 16, 16, True, RE, 2),
        Row(16, 3, 72, 24, False, RE, 2),
        Row(24, 3, 88, 24, False, RE, 1),
        Row(24, 5, 96, 40, True, HS, 2),
        Row(40, 5, 240, 40, True, HS, 1),
        Row(40, 5, 240, 40, True, HS, 1),
        Row(40, 5, 120, 48, True, HS, 1),
        Row(48, 5, 144, 48, True, HS, 1),
        Row(48, 5, 288, 96, True, HS, 2),
        Row(96, 5, 576, 96, True, HS, 1),
        Row(96, 5, 576, 96, True, HS, 1),
    ),
    last=576,
    head=1024,
)


class Bottleneck(nn.Module):
    """Expand 1×1, depthwise k×k, squeeze-and-excite, project 1×1 without activation: Figure 4.

    The expansion is left out where it would not widen, in every public implementation: always in
    the first block, and under torchvision's rounding in others too at very small widths. The input
    is added where the stride is 1 and the widths are equal.
    """

    def __init__(
        self, channels: int, hidden: int, out: int, row: Row, norm: Callable[[int], nn.Module]
    ) -> None:
        super().__init__()
        layer = partial(conv_norm_act, norm=norm)
        layers: list[nn.Module] = []
        if hidden != channels:
            layers.append(layer(channels, hidden, 1, act=row.nl))
        layers.append(layer(hidden, hidden, row.k, stride=row.s, groups=hidden, act=row.nl))
        if row.se:
            squeezed = make_divisible(hidden / 4)
            layers.append(SqueezeExcite(hidden, squeezed, nn.ReLU(), nn.Hardsigmoid()))
        layers.append(layer(hidden, out, 1, act=None))
        self.block = nn.Sequential(*layers)
        self.shortcut = row.s == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.block(x)
        return x + y if self.shortcut else y


class Recipe(NamedTuple):
    """What the public implementations do differently.

    Widths, from the multiplier: of the first convolution; of a bottleneck's depthwise layer and of
    the last 1×1 convolution, given their block's input channels; of the layer after the pooling.
    """

    stem: Callable[[float], int]
    hidden: Callable[[float, Row, int], int]
    last: Callable[[float, Network, int], int]
    head: Callable[[float, Network], int]
    epsilon: float
    momentum: float
    dropout: float
    init: Callable[[Classifier], None]


def _hidden_in_paper(width: float, row: Row, channels: int) -> int:
    """From the input as already rounded, by the ratio of the table."""
    return make_divisible(channels * (row.exp / row.input))


def _hidden_in_timm(width: float, row: Row, channels: int) -> int:
    """The paper's rule, but timm writes its ratios with two decimals: 88/24 is 3.67."""
    return make_divisible(channels * round(row.exp / row.input, 2))


def _init_in_timm(model: Classifier) -> None:
    """The layer after the pooling is a convolution in timm and starts as one."""
    init_as_timm(model.features)
    hidden, *rest = model.classifier
    assert isinstance(hidden, nn.Linear)
    nn.init.normal_(hidden.weight, 0, math.sqrt(2 / hidden.out_features))
    nn.init.zeros_(hidden.bias)
    for layer in rest:
        init_as_timm(layer)


RECIPES = {
    "paper": Recipe(
        stem=lambda width: make_divisible(STEM * width),
        hidden=_hidden_in_paper,
        last=lambda width, network, channels: make_divisible(network.last * width),
        head=lambda width, network: network.head,
        epsilon=1e-3,
        momentum=0.01,
        dropout=0.2,
        init=init_as_torchvision,
    ),
    "torchvision": Recipe(
        stem=lambda width: make_divisible(STEM * width),
        hidden=lambda width, row, channels: make_divisible(row.exp * width),
        last=lambda width, network, channels: 6 * channels,
        head=lambda width, network: make_divisible(network.head * width),
        epsilon=1e-3,
        momentum=0.01,
        dropout=0.2,
        init=init_as_torchvision,
    ),
    "timm": Recipe(
        stem=lambda width: STEM if width < 0.75 else make_divisible(STEM * width),
        hidden=_hidden_in_timm,
        last=lambda width, network, channels: make_divisible(network.last * width),
        head=lambda width, network: network.head,
        epsilon=1e-5,
        momentum=0.1,
        dropout=0.0,
        init=_init_in_timm,
    ),
}


def _stages(rows: tuple[Row, ...]) -> list[list[Row]]:
    starts = [i for i, row in enumerate(rows) if i == 0 or row.s == 2 or row.out != rows[i - 1].out]
    ends = [*starts[1:], len(rows)]
    return [list(rows[start:end]) for start, end in zip(starts, ends, strict=True)]


def mobilenetv3(
    network: Network,
    width: float = 1.0,
    classes: int = 1000,
    recipe: str = "paper",
    *,
    depth: float = 1.0,
) -> nn.Module:
    """The network of a table at any positive width and depth.

    Raises ValueError for a width or depth that is not positive and finite, classes below 1, or a
    recipe other than "paper", "torchvision" and "timm".
    """
    width, depth, classes = checked_width(width), checked_depth(depth), checked_classes(classes)
    rules = RECIPES[checked_recipe(recipe, RECIPES)]
    norm = partial(nn.BatchNorm2d, eps=rules.epsilon, momentum=rules.momentum)
    layer = partial(conv_norm_act, norm=norm, act=HS)

    channels = rules.stem(width)
    features: list[nn.Module] = [layer(3, channels, 3, stride=2)]
    for stage in _stages(network.bottlenecks):
        for row in scaled_rows(stage, Row.again, depth):
            hidden = rules.hidden(width, row, channels)
            out = make_divisible(row.out * width)
            features.append(Bottleneck(channels, hidden, out, row, norm))
            channels = out
    last, head = rules.last(width, network, channels), rules.head(width, network)
    features.append(layer(channels, last, 1))
    classifier = nn.Sequential(
        nn.Linear(last, head),
        nn.Hardswish(inplace=True),
        nn.Dropout(rules.dropout, inplace=True),
        nn.Linear(head, classes),
    )
    model = Classifier(nn.Sequential(*features), classifier)
    rules.init(model)
    return model


# 5,483,032 and 2,542,856 parameters at width 1 and depth 1.
mobilenetv3_large = partial(mobilenetv3, LARGE)
mobilenetv3_small = partial(mobilenetv3, SMALL)
