"""The catalogue's variants that tests of free widths run over."""

import re

from flopscope.catalog.models import MODELS
from flopscope.catalog.options import Choice

LEFT_OUT = re.compile(
    "efficientnet_b[1-7]|efficientnetv2_[ml]|ghostnet_(050|130)|ghostnetv[23]_.*|convnext_.*|resnet18"
    "|resnet(34|101|152)|shufflenetv1_g(?!3_x1.0).*|shufflenetv2_x(?!1.0).*|regnet(?!y_800mf).*"
    "|mobilenetv4_conv_(?!small).*|mobilenetv4_hybrid_large|mobileone_s[123]|repvit_m(?!0.9).*"
    "|starnet_(?!s050).*"
    "|wtconvnext_.*|poolformer_.*|efficientformer(v2)?_.*|mobilevit_x?s|mobilevitv2_.*"
)
"""Of formulas of one form all but one; MobileNetV4 with anti-aliasing, MobileViTv2, GhostNetV2 and
V3, ConvNeXt, WTConvNeXt, PoolFormer and both EfficientFormers, whose domains are not every size,
have their own tests."""


def with_width() -> tuple[str, ...]:
    """Every model that has a width, with each of its recipes."""
    found: list[str] = []
    for model in MODELS.values():
        options = {option.name: option for option in model.options}
        if "width" not in options or LEFT_OUT.fullmatch(model.id):
            continue
        recipe = options.get("recipe")
        choices = recipe.choices if isinstance(recipe, Choice) else ()
        found += [f"{model.id}:recipe={choice.value}" for choice in choices] or [model.id]
    return tuple(found)
