"""How people write the names of networks: MobileNetV2 1.4×, and not mobilenetv2:width=1.4."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flopscope.catalog.models import Model
from flopscope.catalog.options import FORM, GROUPS, RHO, WIDTH, WIDTH_PER_GROUP
from flopscope.catalog.variant import Variant

FAMILIES: Mapping[str, str] = {
    "mobilenetv1": "MobileNetV1",
    "mobilenetv2": "MobileNetV2",
    "mobilenetv3": "MobileNetV3",
    "mobilenetv4": "MobileNetV4",
    "efficientnet": "EfficientNet",
    "efficientnetv2": "EfficientNetV2",
    "shufflenetv1": "ShuffleNetV1",
    "shufflenetv2": "ShuffleNetV2",
    "ghostnet": "GhostNet",
    "ghostnetv2": "GhostNetV2",
    "ghostnetv3": "GhostNetV3",
    "resnet": "ResNet",
    "regnet": "RegNet",
    "convnext": "ConvNeXt",
    "wtconvnext": "WTConvNeXt",
    "poolformer": "PoolFormer",
    "efficientsam": "EfficientSAM",
    "mobilevlm": "MobileVLM",
    "mobilevit": "MobileViT",
    "mobilevitv2": "MobileViTv2",
    "efficientformer": "EfficientFormer",
    "efficientformerv2": "EfficientFormerV2",
    "efficientvit": "EfficientViT (MIT)",
    "efficientvit_msra": "EfficientViT (Microsoft)",
    "fastvit": "FastViT",
    "mobileclip": "MobileCLIP",
    "mobileclip2": "MobileCLIP2",
    "mobileone": "MobileOne",
    "starnet": "StarNet",
    "repvit": "RepViT",
}
"""A family, and how it is written."""

PREFIXES: Mapping[str, str] = {
    **{family: name for family, name in FAMILIES.items() if "(" not in name},
    "efficientvit": "EfficientViT",
    "regnetx": "RegNetX",
    "regnety": "RegNetY",
    "mobilevlm_v2": "MobileVLM V2",
}
"""What an id begins with, and how that is written: without the maker, whom its next letter
tells."""

EXCEPTIONS: Mapping[str, str] = {
    "mobilenetv3_large": "MobileNetV3-Large",
    "mobilenetv3_small": "MobileNetV3-Small",
    "mobilenetv4_conv_small": "MobileNetV4-Conv-S",
    "mobilenetv4_conv_medium": "MobileNetV4-Conv-M",
    "mobilenetv4_conv_large": "MobileNetV4-Conv-L",
    "mobilenetv4_hybrid_medium": "MobileNetV4-Hybrid-M",
    "mobilenetv4_hybrid_large": "MobileNetV4-Hybrid-L",
    "mobilenetv4_conv_aa_medium": "MobileNetV4-Conv-AA-M",
    "mobilenetv4_conv_aa_large": "MobileNetV4-Conv-AA-L",
    "mobilenetv4_conv_blur_medium": "MobileNetV4-Conv-Blur-M",
    "mobileclip2_l14": "MobileCLIP2-L/14",
    "efficientsam_ti": "EfficientSAM-Ti",
    "mobilevlm_v2_1.7b": "MobileVLM V2 1.7B",
    "mobilevlm_v2_3b": "MobileVLM V2 3B",
}
"""The models whose names the rule would not find."""

SIZES: Mapping[str, str] = {"tiny": "T", "small": "S", "base": "B", "large": "L"}
"""Words for sizes of which people write the letter."""

_WIDTH = re.compile(r"x([0-9.]+)")
_PERCENT = re.compile(r"[0-9]{3}")
_GROUPS = re.compile(r"g([0-9]+)")


def title(variant: Variant) -> str:
    """The name of a network as a person would write it in a figure.

    >>> from flopscope.catalog.variant import parse
    >>> for name in ("mobilenetv2:width=1.4", "shufflenetv1_g3_x0.5", "regnety_1.6gf"):
    ...     print(title(parse(name)))
    MobileNetV2 1.4×
    ShuffleNetV1 0.5× (g=3)
    RegNetY-1.6GF
    """
    name, width, others = _of_model(variant.model)
    given = dict(variant.options)
    options = {o.name: (o, given[o.name]) for o in variant.model.options if o.name in given}
    for key in [key for key, (option, value) in options.items() if value == option.default]:
        del options[key]
    name = _grouped(name, options)
    if WIDTH.name in options and not width:
        option, value = options.pop(WIDTH.name)
        width = f" {option.text(value)}×"
    others += [_option_text(key, option.text(value)) for key, (option, value) in options.items()]
    return f"{name}{width}" + (f" ({', '.join(others)})" if others else "")


def _of_model(model: Model) -> tuple[str, str, list[str]]:
    """The name of a model, the width that its id states, and what stands in brackets."""
    if model.id in EXCEPTIONS:
        return EXCEPTIONS[model.id], "", []
    prefix = max((p for p in PREFIXES if model.id.startswith(p)), key=len)
    name, width, others = PREFIXES[prefix], "", []
    for part in filter(None, model.id.removeprefix(prefix).split("_")):
        if match := _WIDTH.fullmatch(part):
            width = f" {float(match[1]):g}×"
        elif _PERCENT.fullmatch(part) and "_" in model.id:
            width = f" {int(part) / 100:g}×"
        elif match := _GROUPS.fullmatch(part):
            others.append(f"g={match[1]}")
        else:
            name += f"-{SIZES.get(part, part.upper())}"
    return name, width, others


def _grouped(name: str, options: dict[str, Any]) -> str:
    """A ResNet with groups is a ResNeXt, and one with wider groups is a Wide ResNet. The options
    that say so are taken out."""
    number = name.rpartition("-")[2]
    wide = options.get(WIDTH_PER_GROUP.name, (None, 64))[1]
    if GROUPS.name in options and WIDTH_PER_GROUP.name in options:
        groups = options.pop(GROUPS.name)[1]
        del options[WIDTH_PER_GROUP.name]
        return f"ResNeXt-{number} {groups}×{wide}d"
    if WIDTH_PER_GROUP.name in options and wide % 64 == 0:
        del options[WIDTH_PER_GROUP.name]
        return f"Wide ResNet-{number}-{wide // 64}"
    return name


def _option_text(name: str, value: str) -> str:
    """An option in brackets: a recipe, form or phase by its word, any other with its name."""
    if name in ("recipe", FORM.name, "phase"):
        return value
    return f"ρ={value}" if name == RHO.name else f"{name}={value}"
