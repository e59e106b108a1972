"""Networks of the ProxylessNAS space: arXiv 1812.00332, sections 3.1 and 4.2; the names and shapes
are those of the MobileNetV2 here, whose blocks they are made of.

Deviation: a block that the search leaves out is no layer at all, where the authors' code has one
that returns zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from torch import nn

from reference_models.layers import (
    Classifier,
    checked_classes,
    conv_norm_act,
    init_as_torchvision,
)
from reference_models.mobilenetv2 import InvertedResidual

NONE = "-"


class Row(NamedTuple):
    """A stage: channels, and the stride of its first block."""

    out: int
    s: int


ROWS = (Row(24, 2), Row(40, 2), Row(80, 2), Row(96, 1), Row(192, 2), Row(320, 1))
STEM, FIRST, LAST = 32, 16, 1280
SETTINGS = {f"k{k}e{t}": (k, t) for k in (3, 5, 7) for t in (3, 6)}


def proxylessnas(stages: Sequence[Sequence[tuple[int, int]]], classes: int = 1000) -> nn.Module:
    """(B, 3, H, W) → (B, classes), from stages of (kernel, expansion) settings."""
    features: list[nn.Module] = [
        conv_norm_act(3, STEM, 3, stride=2, act=nn.ReLU6),
        InvertedResidual(STEM, FIRST, 1, 1),
    ]
    channels = FIRST
    for row, settings in zip(ROWS, stages, strict=True):
        for number, (kernel, t) in enumerate(settings):
            stride = row.s if number == 0 else 1
            features.append(InvertedResidual(channels, row.out, stride, t, kernel))
            channels = row.out
    features.append(conv_norm_act(channels, LAST, 1, act=nn.ReLU6))
    classifier = nn.Sequential(nn.Linear(LAST, checked_classes(classes)))
    model = Classifier(nn.Sequential(*features), classifier)
    init_as_torchvision(model)
    return model


def network(choices: Mapping[str, str], classes: int = 1000) -> nn.Module:
    """The network of these settings, such as {'stage1.block1': 'k3e6'}; '-' is no block."""
    stages: list[list[tuple[int, int]]] = [[] for _ in ROWS]
    for name, setting in choices.items():
        if setting != NONE:
            stages[int(name[len("stage")]) - 1].append(SETTINGS[setting])
    return proxylessnas(stages, classes)
