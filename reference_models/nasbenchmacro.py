"""The networks of NAS-Bench-Macro: arXiv 2103.11922, section 5.1; xiusu/NAS-Bench-Macro
train/model.py, whose names and shapes these are. Weights start as PyTorch starts them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from reference_models.layers import checked_classes

STAGES = (2, 3, 3)
STEM, LAST = 32, 1280
SETTINGS = {1: (3, 3), 2: (6, 5)}  # expansion, kernel


class Identity(nn.Module):
    """Nothing, or a 1×1 convolution where channels or size change."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.downsample = None
        if stride != 1 or channels != out:
            conv = nn.Conv2d(channels, out, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x if self.downsample is None else self.downsample(x)
        return y


class InvertedResidual(nn.Module):
    """Expand 1×1, depthwise, project 1×1 without activation; the input is added where it fits."""

    def __init__(self, channels: int, out: int, stride: int, expansion: int, kernel: int) -> None:
        super().__init__()
        hidden = channels * expansion
        self.conv = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, hidden, kernel, stride, kernel // 2, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, out, 1, bias=False),
            nn.BatchNorm2d(out),
        )
        self.shortcut = channels == out and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return y + x if self.shortcut else y


class NASBenchMacro(nn.Module):
    """(B, 3, H, W) → (B, classes), from eight options of 0, 1 and 2."""

    def __init__(self, options: Sequence[int], classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, STEM, 3, padding=1, bias=False), nn.BatchNorm2d(STEM), nn.ReLU(True)
        )
        layers: list[nn.Module] = []
        channels, rest = STEM, list(options)
        for stage in STAGES:
            for number in range(stage):
                out, stride = (2 * channels, 2) if number == 0 else (channels, 1)
                layers.append(_layer(rest.pop(0), channels, out, stride))
                channels = out
        self.features = nn.Sequential(*layers)
        self.out = nn.Sequential(
            nn.Conv2d(channels, LAST, 1, bias=False),
            nn.BatchNorm2d(LAST),
            nn.ReLU(True),
            nn.AdaptiveAvgPool2d(1),
        )
        self.classifier = nn.Linear(LAST, checked_classes(classes))

    def forward(self, x: Tensor) -> Tensor:
        x = self.out(self.features(self.stem(x)))
        logits: Tensor = self.classifier(x.flatten(1))
        return logits


def _layer(option: int, channels: int, out: int, stride: int) -> nn.Module:
    if option == 0:
        return Identity(channels, out, stride)
    return InvertedResidual(channels, out, stride, *SETTINGS[option])


def network(choices: Mapping[str, str], classes: int = 10) -> NASBenchMacro:
    """The network of these options, such as {'stage1.layer1': '2'}, in the order of its layers."""
    return NASBenchMacro([int(option) for option in choices.values()], classes)
