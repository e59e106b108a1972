"""RegNetX and RegNetY: arXiv 2003.13678, section 3, with the AnyNet that they are cases of.

Agrees, by recipe, with
* paper: facebookresearch/pycls pycls/models/regnet.py, the authors' code, coefficients of its
  configs/dds_baselines;
* torchvision: `regnet_x_400mf` to `regnet_y_32gf`.
They differ in how a width is fitted to its group width, and of the published networks in three:
X-400MF, Y-800MF and Y-8.0GF. Names are torchvision's in either recipe. timm has the paper's
networks (`regnetx_002` to `regnety_320`) and, as `*_tv`, torchvision's three.

Width and depth coefficients are those of the authors' pycls/models/scaler.py (arXiv 2103.06877),
which scales the stages of the AnyNet and leaves the stem and, by default, group widths.

Deviation from the authors' code, so that torchvision's checkpoint gives torchvision's logits: none
in what is computed. The same seed draws torchvision's initial weights.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from torch import Tensor, nn

from reference_models.layers import (
    SqueezeExcite,
    checked_classes,
    checked_depth,
    checked_recipe,
    checked_width,
    conv_norm_act,
    make_divisible,
)

STEM = 32
QUANTUM = 8  # widths are multiples of it, before they are fitted to their groups


class Stage(NamedTuple):
    """Number of blocks, width, group width, and the bottleneck's width over the block's."""

    depth: int
    width: int
    group_width: int
    ratio: float = 1.0

    @property
    def hidden(self) -> int:
        """Width of the bottleneck."""
        return round(self.width * self.ratio)


def _squeezed_width(channels: int) -> int:
    """A quarter of the block's input, halves to even. Raises ValueError where that is nothing."""
    if (squeezed := round(0.25 * channels)) > 0:
        return squeezed
    raise ValueError(
        f"an input of {channels} channels cannot be squeezed to a quarter; with "
        "squeeze-and-excite every width must be at least 3"
    )


class Block(nn.Module):
    """1×1, grouped 3×3, [squeeze-and-excite], 1×1, and a shortcut: figure 4."""

    def __init__(self, channels: int, stage: Stage, stride: int, squeezed: int | None) -> None:
        super().__init__()
        width, hidden = stage.width, stage.hidden
        self.proj = None
        if stride != 1 or channels != width:
            self.proj = conv_norm_act(channels, width, 1, stride=stride, act=None)
        groups = hidden // stage.group_width
        layers: dict[str, nn.Module] = {
            "a": conv_norm_act(channels, hidden, 1, act=nn.ReLU),
            "b": conv_norm_act(hidden, hidden, 3, stride=stride, groups=groups, act=nn.ReLU),
        }
        if squeezed is not None:
            layers["se"] = SqueezeExcite(hidden, squeezed, nn.ReLU(), nn.Sigmoid())
        layers["c"] = conv_norm_act(hidden, width, 1, act=None)
        self.f = nn.Sequential(OrderedDict(layers))
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.proj is None else self.proj(x)
        out: Tensor = self.activation(shortcut + self.f(x))
        return out


class AnyNet(nn.Module):
    """(B, 3, H, W) → (B, classes)."""

    def __init__(self, stages: Sequence[Stage], squeeze: bool, classes: int) -> None:
        super().__init__()
        self.stem = conv_norm_act(3, STEM, 3, stride=2, act=nn.ReLU)
        self.trunk_output = nn.Sequential()
        channels = STEM
        for number, stage in enumerate(stages, start=1):
            blocks = nn.Sequential()
            for block in range(stage.depth):
                squeezed = _squeezed_width(channels) if squeeze else None
                made = Block(channels, stage, 2 if block == 0 else 1, squeezed)
                blocks.add_module(f"block{number}-{block}", made)
                channels = stage.width
            self.trunk_output.add_module(f"block{number}", blocks)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, classes)
        _init(self)

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.trunk_output(self.stem(x)))
        logits: Tensor = self.fc(x.flatten(1))
        return logits


def _init(model: nn.Module) -> None:
    """He's normal by fan-out for convolutions, N(0, 0.01²) for the classifier, whose bias is 0."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out")
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0, 0.01)
            nn.init.zeros_(layer.bias)


def anynet(stages: Sequence[Stage], squeeze: bool, classes: int = 1000) -> nn.Module:
    """The network of these stages, with squeeze-and-excite (Y) or without (X).

    Raises ValueError for no stages, a stage without blocks or channels, a group width that does not
    divide its bottleneck, a width that is squeezed to nothing, or classes below 1.
    """
    if not stages:
        raise ValueError("an AnyNet needs at least one stage, but none was given")
    for number, stage in enumerate(stages, start=1):
        _check_stage(number, stage)
    return AnyNet(stages, squeeze, checked_classes(classes))


def _check_stage(number: int, stage: Stage) -> None:
    sizes = {
        "number of blocks": stage.depth,
        "width": stage.width,
        "bottleneck width": stage.hidden,
        "group width": stage.group_width,
    }
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"the {name} of stage {number} must be at least 1, but is {size}")
    if stage.hidden % stage.group_width:
        raise ValueError(
            f"the group width of stage {number} must divide its bottleneck width {stage.hidden}, "
            f"but is {stage.group_width}"
        )


def _nearest(width: int, group_width: int) -> int:
    """The nearest multiple, halves to even: the authors' code."""
    return round(width / group_width) * group_width


FITTING: dict[str, Callable[[int, int], int]] = {"paper": _nearest, "torchvision": make_divisible}


def quantised(w0: int, wa: float, wm: float, d: int) -> list[int]:
    """Widths of the d blocks: w0 + wa·j, moved to a power of wm times w0, then to a multiple of 8.

    Equations 2 to 4, and the code's own quantum of 8. Raises ValueError for coefficients
    outside their domain.
    """
    rules = (
        ("w0", w0, w0 > 0 and w0 % QUANTUM == 0, "a positive multiple of 8"),
        ("wa", wa, 0 <= wa < math.inf, "a finite number from 0"),
        ("wm", wm, 1 < wm < math.inf, "a finite number above 1"),
        ("d", d, d >= 1, "at least 1"),
    )
    for name, value, holds, rule in rules:
        if not holds:
            raise ValueError(f"{name} must be {rule}, but {value!r} was given")
    powers = [round(math.log((w0 + wa * j) / w0) / math.log(wm)) for j in range(d)]
    return [QUANTUM * round(w0 * wm**power / QUANTUM) for power in powers]


def scaled(stage: Stage, width: float, depth: float, fit: Callable[[int, int], int]) -> Stage:
    """The stage at coefficients, fitted to its group width again; halves go to even.

    Where a group width is odd, the width is in steps of what it has in common with 8.
    """
    step = math.gcd(stage.width, QUANTUM)
    channels = step * max(1, round(stage.width * width / step))
    group_width = min(stage.group_width, channels)
    return Stage(max(1, round(stage.depth * depth)), fit(channels, group_width), group_width)


def _regnet(
    squeeze: bool,
    classes: int = 1000,
    recipe: str = "paper",
    *,
    width: float = 1.0,
    depth: float = 1.0,
    w0: int,
    wa: float,
    wm: float,
    d: int,
    g: int,
) -> nn.Module:
    """The AnyNet of the quantised linear rule; group widths are g, or the width where it is less.

    Raises ValueError for coefficients outside their domain, a width or depth that is not positive
    and finite, classes below 1, or an unknown recipe.
    """
    width, depth = checked_width(width), checked_depth(depth)
    fit = FITTING[checked_recipe(recipe, FITTING)]
    if g < 1:
        raise ValueError(f"g must be at least 1, but {g!r} was given")
    widths = quantised(w0, wa, wm, d)
    stages = []
    for channels in sorted(set(widths)):
        group_width = min(g, channels)
        stage = Stage(widths.count(channels), fit(channels, group_width), group_width)
        stages.append(scaled(stage, width, depth, fit))
    return anynet(stages, squeeze, classes)


regnetx = partial(_regnet, False)
regnety = partial(_regnet, True)

# Figures 15 and 16; configs/dds_baselines.
regnetx_200mf = partial(regnetx, w0=24, wa=36.44, wm=2.49, d=13, g=8)
regnetx_400mf = partial(regnetx, w0=24, wa=24.48, wm=2.54, d=22, g=16)
regnetx_600mf = partial(regnetx, w0=48, wa=36.97, wm=2.24, d=16, g=24)
regnetx_800mf = partial(regnetx, w0=56, wa=35.73, wm=2.28, d=16, g=16)
regnetx_1_6gf = partial(regnetx, w0=80, wa=34.01, wm=2.25, d=18, g=24)
regnetx_3_2gf = partial(regnetx, w0=88, wa=26.31, wm=2.25, d=25, g=48)
regnetx_4_0gf = partial(regnetx, w0=96, wa=38.65, wm=2.43, d=23, g=40)
regnetx_6_4gf = partial(regnetx, w0=184, wa=60.83, wm=2.07, d=17, g=56)
regnetx_8_0gf = partial(regnetx, w0=80, wa=49.56, wm=2.88, d=23, g=120)
regnetx_12gf = partial(regnetx, w0=168, wa=73.36, wm=2.37, d=19, g=112)
regnetx_16gf = partial(regnetx, w0=216, wa=55.59, wm=2.1, d=22, g=128)
regnetx_32gf = partial(regnetx, w0=320, wa=69.86, wm=2.0, d=23, g=168)

regnety_200mf = partial(regnety, w0=24, wa=36.44, wm=2.49, d=13, g=8)
regnety_400mf = partial(regnety, w0=48, wa=27.89, wm=2.09, d=16, g=8)
regnety_600mf = partial(regnety, w0=48, wa=32.54, wm=2.32, d=15, g=16)
regnety_800mf = partial(regnety, w0=56, wa=38.84, wm=2.4, d=14, g=16)
regnety_1_6gf = partial(regnety, w0=48, wa=20.71, wm=2.65, d=27, g=24)
regnety_3_2gf = partial(regnety, w0=80, wa=42.63, wm=2.66, d=21, g=24)
regnety_4_0gf = partial(regnety, w0=96, wa=31.41, wm=2.24, d=22, g=64)
regnety_6_4gf = partial(regnety, w0=112, wa=33.22, wm=2.27, d=25, g=72)
regnety_8_0gf = partial(regnety, w0=192, wa=76.82, wm=2.19, d=17, g=56)
regnety_12gf = partial(regnety, w0=168, wa=73.36, wm=2.37, d=19, g=112)
regnety_16gf = partial(regnety, w0=200, wa=106.23, wm=2.48, d=18, g=112)
regnety_32gf = partial(regnety, w0=232, wa=115.89, wm=2.53, d=20, g=232)
