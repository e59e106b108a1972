"""The rules of thumb by which the field picks an efficient network, as a literal table.

They say where a network is to run and how large it may be, and name networks. Nothing in them is
measured; `flopscope.choosing.advise` holds them against published accuracies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flopscope.catalog.models import MODELS

PLATFORMS: Mapping[str, str] = {
    "mobile": "a phone",
    "edge": "an embedded device",
    "server": "a server",
    "gpu": "a graphics card",
}
SMALL_ONES = ("mobile", "edge")
"""Where the size of a network decides."""
LOCAL, GLOBAL = "local", "global"
CONTEXTS: Mapping[str, str] = {
    LOCAL: "what is seen lies close together",
    GLOBAL: "what is seen depends on the whole image",
}

MILLION = 10**6


class Named(NamedTuple):
    """A network or family that a rule names, and the models of the catalogue that it means."""

    words: str
    models: tuple[str, ...]


class Rule(NamedTuple):
    """A row of the table: for which question it is, the most parameters of its networks where it
    says so, and the networks."""

    name: str
    words: str
    names: tuple[Named, ...]
    most: int | None = None
    least: int = 0


def _family(family: str, *beginnings: str) -> tuple[str, ...]:
    """The models of a family whose names begin so."""
    ids = (model.id for model in MODELS.values() if model.family == family)
    return tuple(name for name in ids if name.startswith(beginnings or ("",)))


TINY = Rule(
    "tiny",
    "under 1 M parameters: MobileNetV3-Small, ShuffleNetV2",
    (
        Named("MobileNetV3-Small", ("mobilenetv3_small",)),
        Named("ShuffleNetV2", _family("shufflenetv2")),
    ),
    MILLION,
)
SMALL = Rule(
    "small",
    "1 M to 10 M parameters: MobileNetV3-Large, EfficientNet-B0",
    (
        Named("MobileNetV3-Large", ("mobilenetv3_large",)),
        Named("EfficientNet-B0", ("efficientnet_b0",)),
    ),
    10 * MILLION,
    MILLION,
)
MEDIUM = Rule(
    "medium",
    "10 M to 50 M parameters: EfficientNet-B3, ConvNeXt-Tiny",
    (
        Named("EfficientNet-B3", ("efficientnet_b3",)),
        Named("ConvNeXt-Tiny", ("convnext_tiny",)),
    ),
    50 * MILLION,
    10 * MILLION,
)
SERVER = Rule(
    "server",
    "on a server or a graphics card: ResNet, ConvNeXt, EfficientNet-B7",
    (
        Named("ResNet", _family("resnet", "resnet")),
        Named("ConvNeXt", _family("convnext")),
        Named("EfficientNet-B7", ("efficientnet_b7",)),
    ),
)
LONG_RANGE = Rule(
    "long range",
    "global context: hybrids of convolution and attention",
    (
        Named("MobileViT", _family("mobilevit")),
        Named("MobileViTV2", _family("mobilevitv2")),
        Named("MobileNetV4-Hybrid", _family("mobilenetv4", "mobilenetv4_hybrid")),
        Named("EfficientFormer", _family("efficientformer")),
        Named("EfficientFormerV2", _family("efficientformerv2")),
        Named("EfficientViT (MIT)", _family("efficientvit")),
        Named("EfficientViT (Microsoft)", _family("efficientvit_msra")),
        Named("FastViT-SA", _family("fastvit", "fastvit_sa", "fastvit_ma")),
    ),
)
RULES = (TINY, SMALL, MEDIUM, SERVER, LONG_RANGE)


def rules_for(platform: str, most_params: int | None, context: str) -> tuple[Rule, ...]:
    """The rows that apply. On a phone or an embedded device the largest row that the parameters
    reach decides, and without a limit on them all rows of size apply.

    >>> [rule.name for rule in rules_for("mobile", 5_000_000, "local")]
    ['small']
    >>> [rule.name for rule in rules_for("gpu", 5_000_000, "local")]
    ['server']
    """
    if context == GLOBAL:
        return (LONG_RANGE,)
    if platform not in SMALL_ONES:
        return (SERVER,)
    sizes = (TINY, SMALL, MEDIUM)
    if most_params is None:
        return sizes
    reached = [rule for rule in sizes if rule.least < most_params]
    return (reached[-1],)
