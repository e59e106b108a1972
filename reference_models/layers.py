"""What several families share: stages, rounding of channels, layers, initial weights, checks."""

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral, Real
from typing import Any, NamedTuple, TypeVar

from torch import Tensor, nn
from torch.nn import functional

Row = TypeVar("Row")


def make_divisible(value: float, divisor: int = 8) -> int:
    """The multiple of `divisor` nearest to `value`, but at least `divisor` and 0.9 · value.

    The channel rule of tensorflow/models research/slim/nets/mobilenet, in its floating-point steps;
    torchvision and timm carry the same one.
    """
    nearest = max(int(value + divisor / 2) // divisor * divisor, divisor)
    return nearest + divisor if nearest < 0.9 * value else nearest


class Stages(NamedTuple):
    """Channels and blocks of a network's stages; the probability that its last block is dropped."""

    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    drop: float = 0.0

    def scaled(self, width: float, depth: float) -> "Stages":
        """The stages at coefficients, by EfficientNet's rules: channels to multiples of 8, blocks
        up. Raises ValueError for a coefficient that is not positive and finite."""
        width, depth = checked_width(width), checked_depth(depth)
        return self._replace(
            channels=tuple(make_divisible(channels * width) for channels in self.channels),
            blocks=tuple(math.ceil(blocks * depth) for blocks in self.blocks),
        )

    def drops(self) -> list[list[float]]:
        """For each stage the probability of each of its blocks, which rises linearly from 0."""
        last, number, drops = sum(self.blocks) - 1, 0, []
        for blocks in self.blocks:
            drops.append([self.drop * (number + block) / last for block in range(blocks)])
            number += blocks
        return drops


def scaled_rows(rows: Sequence[Row], again: Callable[[Row], Row], depth: float) -> list[Row]:
    """A table's rows of one stage at a depth multiplier, a row for each block.

    There are ⌈n·depth⌉ blocks for n rows, which neighbours that are repeated alike (`again`) share
    in proportion, at least one each, served from the last to the first. The first block is the
    first row, all others are as repeated. The rule is timm's, _scale_stage_depth in
    models/_efficientnet_builder.py.
    """
    kinds: list[Row] = []
    lengths: list[int] = []
    for row in rows:
        if kinds and again(row) == kinds[-1]:
            lengths[-1] += 1
        else:
            kinds.append(again(row))
            lengths.append(1)
    repeats, length = math.ceil(len(rows) * depth), len(rows)
    scaled: list[Row] = []
    for kind, of_kind in zip(reversed(kinds), reversed(lengths), strict=True):
        share = max(1, round(of_kind / length * repeats))
        scaled = share * [kind] + scaled
        repeats, length = repeats - share, length - of_kind
    return [rows[0], *scaled[1:]]


def conv_norm_act(
    channels: int,
    out: int,
    kernel: int,
    *,
    stride: int = 1,
    groups: int = 1,
    norm: Callable[[int], nn.Module] = nn.BatchNorm2d,
    act: type[nn.Module] | None,
) -> nn.Sequential:
    """Convolution without bias, norm, activation in place: 0, 1, 2 as torchvision names them.

    Padding (k − 1)/2 on either side: the output size is ⌈size/stride⌉.
    """
    pad = (kernel - 1) // 2
    layers = [
        nn.Conv2d(channels, out, kernel, stride, pad, groups=groups, bias=False),
        norm(out),
    ]
    if act is not None:
        layers.append(act(inplace=True))
    return nn.Sequential(*layers)


class SqueezeExcite(nn.Module):
    """x · gate(x): global mean, 1×1 to the squeezed width, activation, 1×1 back, gate."""

    def __init__(self, channels: int, squeezed: int, act: nn.Module, gate: nn.Module) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.activation = act
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.scale_activation = gate

    def forward(self, x: Tensor) -> Tensor:
        scale = self.fc2(self.activation(self.fc1(self.avgpool(x))))
        gated: Tensor = self.scale_activation(scale) * x
        return gated


def stochastic_depth(branch: Tensor, p: float, training: bool) -> Tensor:
    """In training, 0 for a share p of the examples and branch/(1 − p) for the others.

    arXiv 1603.09382; a residual branch that is 0 leaves the input as it is.
    """
    if not training or p == 0:
        return branch
    return branch * functional.dropout(branch.new_ones(len(branch), 1, 1, 1), p)


def over_channels(norm: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """A layer norm over the channels of a map."""
    y: Tensor = norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    return y


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, n, C) → (B, heads, n, C/heads)."""
    return x.unflatten(-1, (heads, x.shape[-1] // heads)).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    """(B, heads, n, d) → (B, n, heads·d)."""
    return x.transpose(1, 2).flatten(2)


class LinearMlp(nn.Module):
    """Linear to four times the channels, GELU, linear back."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, 4 * channels)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(4 * channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc2(self.act(self.fc1(x)))
        return y


class Classifier(nn.Module):
    """(B, 3, H, W) → (B, classes): features, global mean, classifier, in torchvision's names."""

    def __init__(self, features: nn.Sequential, classifier: nn.Sequential) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = classifier

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))
        logits: Tensor = self.classifier(x.flatten(1))
        return logits


def init_as_torchvision(model: nn.Module) -> None:
    """He's normal by fan-out for convolutions, N(0, 0.01²) for linear layers, no bias.

    The fan-out of a grouped convolution is taken over all its outputs, not over those of one group.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out")
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0, 0.01)
        _start_norm_and_bias(layer)


def init_as_timm(model: nn.Module) -> None:
    """N(0, 2/fan-out) for convolutions, U(±1/√fan-out) for linear layers, no bias.

    The fan-out of a grouped convolution is taken over one group, as in TensorFlow.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            fan_out = math.prod(layer.kernel_size) * layer.out_channels // layer.groups
            nn.init.normal_(layer.weight, 0, math.sqrt(2 / fan_out))
        elif isinstance(layer, nn.Linear):
            bound = 1 / math.sqrt(layer.out_features)
            nn.init.uniform_(layer.weight, -bound, bound)
        _start_norm_and_bias(layer)


def init_truncated(model: nn.Module) -> None:
    """N(0, 0.02²), cut off at ±2, for convolutions and linear layers, no bias."""
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def init_as_megvii(model: nn.Module) -> None:
    """N(0, 0.01²) for the first convolution and linear layers, N(0, 1/fan-in²) for the others.

    The fan-in is that of one position: the input channels of one group. Norms start with a bias of
    1e-4. Source: megvii-model/ShuffleNet-Series ShuffleNetV1/network.py.
    """
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d):
            first = name.startswith("first")
            nn.init.normal_(layer.weight, 0, 0.01 if first else 1 / layer.weight.shape[1])
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0, 0.01)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.constant_(layer.bias, 1e-4)


def _start_norm_and_bias(layer: nn.Module) -> None:
    if isinstance(layer, nn.BatchNorm2d):
        nn.init.ones_(layer.weight)
    if isinstance(layer, nn.BatchNorm2d | nn.Conv2d | nn.Linear) and layer.bias is not None:
        nn.init.zeros_(layer.bias)


def checked_width(width: Any) -> float:
    """The width multiplier as a float. Raises ValueError unless it is a positive finite number."""
    return _checked_multiplier("width", width)


def checked_depth(depth: Any) -> float:
    """The depth multiplier as a float. Raises ValueError unless it is a positive finite number."""
    return _checked_multiplier("depth", depth)


def _checked_multiplier(name: str, value: Any) -> float:
    number = isinstance(value, Real) and not isinstance(value, bool)
    if number and 0 < value <= sys.float_info.max:
        return float(value)
    raise ValueError(
        f"{name} must be a positive finite number such as 0.75, but {value!r} was given"
    )


def checked_classes(classes: Any) -> int:
    """The number of classes as an int. Raises ValueError unless it is a positive integer."""
    return checked_count("classes", classes, 1000)


def checked_count(name: str, value: Any, example: int) -> int:
    """The value as an int. Raises ValueError unless it is a positive integer."""
    number = isinstance(value, Integral) and not isinstance(value, bool)
    if number and value > 0:
        return int(value)
    raise ValueError(
        f"{name} must be a positive integer such as {example}, but {value!r} was given"
    )


def checked_recipe(recipe: object, known: Iterable[str]) -> str:
    """The recipe's name. Raises ValueError unless it is one of those known to the family."""
    *others, last = names = list(known)
    if isinstance(recipe, str) and recipe in names:
        return recipe
    choices = f"{', '.join(map(repr, others))} or {last!r}"
    raise ValueError(f"recipe must be {choices}, but {recipe!r} was given")
