"""ConvNeXt: arXiv 2201.03545, section 3.

Agrees with torchvision's `convnext_tiny` to `convnext_large`: state dict, logits, initial weights,
stochastic depth. The authors' code is facebookresearch/ConvNeXt models/convnext.py, which names
its layers otherwise and computes the same.

Neither has width and depth coefficients; they are rounded by EfficientNet's rules.

No deviation in what is computed. torchvision permutes maps by layers of their own and by a layer
norm that does so; here the forward functions permute, and every norm is a plain `nn.LayerNorm`.
"""

from collections import OrderedDict
from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor, nn

from reference_models.layers import (
    Stages,
    checked_classes,
    init_truncated,
    over_channels,
    stochastic_depth,
)

EPSILON = 1e-6  # of every layer norm
LAYER_SCALE = 1e-6  # initial value


# Section 3. The dropping probabilities are those of Table 5 (ImageNet-1K).
TINY = Stages((96, 192, 384, 768), (3, 3, 9, 3), drop=0.1)
SMALL = Stages((96, 192, 384, 768), (3, 3, 27, 3), drop=0.4)
BASE = Stages((128, 256, 512, 1024), (3, 3, 27, 3), drop=0.5)
LARGE = Stages((192, 384, 768, 1536), (3, 3, 27, 3), drop=0.5)


def _norm(channels: int) -> nn.LayerNorm:
    return nn.LayerNorm(channels, eps=EPSILON)


def _channels_last(x: Tensor) -> Tensor:
    return x.permute(0, 2, 3, 1)


def _channels_first(x: Tensor) -> Tensor:
    return x.permute(0, 3, 1, 2)


class Stem(nn.Sequential):
    """4×4 convolution with stride 4, then norm."""

    def __init__(self, channels: int) -> None:
        super().__init__(nn.Conv2d(3, channels, 4, 4), _norm(channels))

    def forward(self, x: Tensor) -> Tensor:
        convolution, norm = self
        return over_channels(norm, convolution(x))


class Downsampling(nn.Sequential):
    """Norm, then 2×2 convolution with stride 2."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__(_norm(channels), nn.Conv2d(channels, out, 2, 2))

    def forward(self, x: Tensor) -> Tensor:
        norm, convolution = self
        y: Tensor = convolution(over_channels(norm, x))
        return y


class Block(nn.Module):
    """Depthwise 7×7, norm, linear to 4·C, GELU, linear back, layer scale, shortcut: figure 4."""

    def __init__(self, channels: int, drop: float) -> None:
        super().__init__()
        # torchvision's numbers, where 1 and 6 permute
        layers: Iterable[tuple[str, nn.Module]] = (
            ("0", nn.Conv2d(channels, channels, 7, padding=3, groups=channels)),
            ("2", _norm(channels)),
            ("3", nn.Linear(channels, 4 * channels)),
            ("4", nn.GELU()),
            ("5", nn.Linear(4 * channels, channels)),
        )
        self.block = nn.Sequential(OrderedDict(layers))
        self.layer_scale = nn.Parameter(torch.full((channels, 1, 1), LAYER_SCALE))
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        depthwise, *rest = self.block
        y = _channels_last(depthwise(x))
        for layer in rest:
            y = layer(y)
        y = self.layer_scale * _channels_first(y)
        return stochastic_depth(y, self.drop, self.training) + x


class Head(nn.Sequential):
    """Norm and linear layer on the pooled map."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__(_norm(channels), nn.Flatten(), nn.Linear(channels, classes))

    def forward(self, x: Tensor) -> Tensor:
        norm, flatten, linear = self
        logits: Tensor = linear(flatten(over_channels(norm, x)))
        return logits


class ConvNeXt(nn.Module):
    """(B, 3, H, W) → (B, classes), for H and W of at least 32."""

    def __init__(self, stages: Stages, classes: int) -> None:
        super().__init__()
        before = stages.channels[0]
        features: list[nn.Module] = [Stem(before)]
        for number, (channels, drops) in enumerate(
            zip(stages.channels, stages.drops(), strict=True)
        ):
            if number > 0:
                features.append(Downsampling(before, channels))
            features.append(nn.Sequential(*(Block(channels, drop) for drop in drops)))
            before = channels
        self.features = nn.Sequential(*features)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = Head(before, classes)
        init_truncated(self)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.avgpool(self.features(x)))
        return logits


def convnext(
    stages: Stages, classes: int = 1000, *, width: float = 1.0, depth: float = 1.0
) -> nn.Module:
    """The network of these stages at any positive coefficients.

    Raises ValueError for a width or depth that is not positive and finite, or classes below 1.
    """
    return ConvNeXt(stages.scaled(width, depth), checked_classes(classes))


# 28,589,128, 50,223,688, 88,591,464 and 197,767,336 parameters at width 1 and depth 1.
convnext_tiny = partial(convnext, TINY)
convnext_small = partial(convnext, SMALL)
convnext_base = partial(convnext, BASE)
convnext_large = partial(convnext, LARGE)
