"""What other libraries call the catalogue's networks: literal tables of networks that have the same
structure there.

A test builds every network named here in its own library and finds the catalogue's parameters and
MACs. A name that is not here is not matched, because similar names often mean other networks
(`mobilenetv2_110d` is deeper, `mobilenetv3_small_minimal_100` has no gates).
"""

from __future__ import annotations

from collections.abc import Mapping

from flopscope.catalog.models import MODELS

TIMM: Mapping[str, str] = {
    "mobilenetv1_100": "mobilenetv1:recipe=timm",
    "mobilenetv1_125": "mobilenetv1:width=1.25,recipe=timm",
    "mobilenetv2_035": "mobilenetv2:width=0.35",
    "mobilenetv2_050": "mobilenetv2:width=0.5",
    "mobilenetv2_075": "mobilenetv2:width=0.75",
    "mobilenetv2_100": "mobilenetv2",
    "mobilenetv2_140": "mobilenetv2:width=1.4",
    "mobilenetv3_large_075": "mobilenetv3_large:width=0.75,recipe=timm",
    "mobilenetv3_large_100": "mobilenetv3_large",
    "mobilenetv3_small_050": "mobilenetv3_small:width=0.5,recipe=timm",
    "mobilenetv3_small_075": "mobilenetv3_small:width=0.75,recipe=timm",
    "mobilenetv3_small_100": "mobilenetv3_small",
    "tf_mobilenetv3_large_075": "mobilenetv3_large:width=0.75,recipe=timm",
    "tf_mobilenetv3_large_100": "mobilenetv3_large",
    "tf_mobilenetv3_small_075": "mobilenetv3_small:width=0.75,recipe=timm",
    "tf_mobilenetv3_small_100": "mobilenetv3_small",
    "mobilenetv4_conv_small_035": "mobilenetv4_conv_small:width=0.35,recipe=timm",
    "mobilenetv4_conv_small_050": "mobilenetv4_conv_small:width=0.5,recipe=timm",
    "mobilenetv4_conv_small": "mobilenetv4_conv_small",
    "mobilenetv4_conv_medium": "mobilenetv4_conv_medium",
    "mobilenetv4_conv_large": "mobilenetv4_conv_large",
    "mobilenetv4_hybrid_medium": "mobilenetv4_hybrid_medium",
    "mobilenetv4_hybrid_medium_075": "mobilenetv4_hybrid_medium:width=0.75,recipe=timm",
    "mobilenetv4_hybrid_large": "mobilenetv4_hybrid_large",
    "mobilenetv4_hybrid_large_075": "mobilenetv4_hybrid_large:width=0.75,recipe=timm",
    "mobilenetv4_conv_aa_medium": "mobilenetv4_conv_aa_medium",
    "mobilenetv4_conv_aa_large": "mobilenetv4_conv_aa_large",
    "mobilenetv4_conv_blur_medium": "mobilenetv4_conv_blur_medium",
    "efficientnet_b0": "efficientnet_b0",
    "efficientnet_b1": "efficientnet_b1",
    "efficientnet_b2": "efficientnet_b2",
    "efficientnet_b3": "efficientnet_b3",
    "efficientnet_b4": "efficientnet_b4",
    "efficientnet_b5": "efficientnet_b5",
    "efficientnet_b6": "efficientnet_b6",
    "efficientnet_b7": "efficientnet_b7",
    "tf_efficientnet_b0": "efficientnet_b0",
    "tf_efficientnet_b1": "efficientnet_b1",
    "tf_efficientnet_b2": "efficientnet_b2",
    "tf_efficientnet_b3": "efficientnet_b3",
    "tf_efficientnet_b4": "efficientnet_b4",
    "tf_efficientnet_b5": "efficientnet_b5",
    "tf_efficientnet_b6": "efficientnet_b6",
    "tf_efficientnet_b7": "efficientnet_b7",
    "efficientnetv2_s": "efficientnetv2_s",
    "efficientnetv2_m": "efficientnetv2_m",
    "efficientnetv2_l": "efficientnetv2_l",
    "tf_efficientnetv2_s": "efficientnetv2_s",
    "tf_efficientnetv2_m": "efficientnetv2_m",
    "tf_efficientnetv2_l": "efficientnetv2_l",
    "ghostnet_050": "ghostnet_050",
    "ghostnet_100": "ghostnet_100",
    "ghostnet_130": "ghostnet_130",
    "ghostnetv2_100": "ghostnetv2_100",
    "ghostnetv2_130": "ghostnetv2_130",
    "ghostnetv2_160": "ghostnetv2_160",
    "ghostnetv3_050": "ghostnetv3_050:form=train",
    "ghostnetv3_100": "ghostnetv3_100:form=train",
    "ghostnetv3_130": "ghostnetv3_130:form=train",
    "ghostnetv3_160": "ghostnetv3_160:form=train",
    "resnet18": "resnet18",
    "resnet34": "resnet34",
    "resnet50": "resnet50",
    "resnet101": "resnet101",
    "resnet152": "resnet152",
    "resnext50_32x4d": "resnet50:groups=32,width_per_group=4",
    "resnext101_32x4d": "resnet101:groups=32,width_per_group=4",
    "resnext101_32x8d": "resnet101:groups=32,width_per_group=8",
    "resnext101_64x4d": "resnet101:groups=64,width_per_group=4",
    "resnext101_32x16d": "resnet101:groups=32,width_per_group=16",
    "resnext101_32x32d": "resnet101:groups=32,width_per_group=32",
    "wide_resnet50_2": "resnet50:width_per_group=128",
    "wide_resnet101_2": "resnet101:width_per_group=128",
    "regnetx_002": "regnetx_200mf",
    "regnetx_004": "regnetx_400mf",
    "regnetx_006": "regnetx_600mf",
    "regnetx_008": "regnetx_800mf",
    "regnetx_016": "regnetx_1.6gf",
    "regnetx_032": "regnetx_3.2gf",
    "regnetx_040": "regnetx_4.0gf",
    "regnetx_064": "regnetx_6.4gf",
    "regnetx_080": "regnetx_8.0gf",
    "regnetx_120": "regnetx_12gf",
    "regnetx_160": "regnetx_16gf",
    "regnetx_320": "regnetx_32gf",
    "regnety_002": "regnety_200mf",
    "regnety_004": "regnety_400mf",
    "regnety_006": "regnety_600mf",
    "regnety_008": "regnety_800mf",
    "regnety_016": "regnety_1.6gf",
    "regnety_032": "regnety_3.2gf",
    "regnety_040": "regnety_4.0gf",
    "regnety_064": "regnety_6.4gf",
    "regnety_080": "regnety_8.0gf",
    "regnety_120": "regnety_12gf",
    "regnety_160": "regnety_16gf",
    "regnety_320": "regnety_32gf",
    "regnetx_004_tv": "regnetx_400mf:recipe=torchvision",
    "regnety_008_tv": "regnety_800mf:recipe=torchvision",
    "regnety_080_tv": "regnety_8.0gf:recipe=torchvision",
    "convnext_tiny": "convnext_tiny",
    "convnext_small": "convnext_small",
    "convnext_base": "convnext_base",
    "convnext_large": "convnext_large",
    "poolformer_s12": "poolformer_s12",
    "poolformer_s24": "poolformer_s24",
    "poolformer_s36": "poolformer_s36",
    "poolformer_m36": "poolformer_m36",
    "poolformer_m48": "poolformer_m48",
    "efficientformer_l1": "efficientformer_l1",
    "efficientformer_l3": "efficientformer_l3",
    "efficientformer_l7": "efficientformer_l7",
    "efficientformerv2_s0": "efficientformerv2_s0",
    "efficientformerv2_s1": "efficientformerv2_s1",
    "efficientformerv2_s2": "efficientformerv2_s2",
    "efficientformerv2_l": "efficientformerv2_l",
    "mobilevit_xxs": "mobilevit_xxs",
    "mobilevit_xs": "mobilevit_xs",
    "mobilevit_s": "mobilevit_s",
    "efficientvit_b0": "efficientvit_b0",
    "efficientvit_b1": "efficientvit_b1",
    "efficientvit_b2": "efficientvit_b2",
    "efficientvit_b3": "efficientvit_b3",
    "efficientvit_l1": "efficientvit_l1",
    "efficientvit_l2": "efficientvit_l2",
    "efficientvit_l3": "efficientvit_l3",
    "efficientvit_m0": "efficientvit_m0",
    "efficientvit_m1": "efficientvit_m1",
    "efficientvit_m2": "efficientvit_m2",
    "efficientvit_m3": "efficientvit_m3",
    "efficientvit_m4": "efficientvit_m4",
    "efficientvit_m5": "efficientvit_m5",
    "fastvit_t8": "fastvit_t8:form=train",
    "fastvit_t12": "fastvit_t12:form=train",
    "fastvit_s12": "fastvit_s12:form=train",
    "fastvit_sa12": "fastvit_sa12:form=train",
    "fastvit_sa24": "fastvit_sa24:form=train",
    "fastvit_sa36": "fastvit_sa36:form=train",
    "fastvit_ma36": "fastvit_ma36:form=train",
    "mobileone_s0": "mobileone_s0:form=train",
    "mobileone_s1": "mobileone_s1:form=train",
    "mobileone_s2": "mobileone_s2:form=train",
    "mobileone_s3": "mobileone_s3:form=train",
    "mobileone_s4": "mobileone_s4:form=train",
    "starnet_s1": "starnet_s1",
    "starnet_s2": "starnet_s2",
    "starnet_s3": "starnet_s3",
    "starnet_s4": "starnet_s4",
    "starnet_s050": "starnet_s050",
    "starnet_s100": "starnet_s100",
    "starnet_s150": "starnet_s150",
    "repvit_m0_9": "repvit_m0.9:form=train",
    "repvit_m1_0": "repvit_m1.0:form=train",
    "repvit_m1_1": "repvit_m1.1:form=train",
    "repvit_m1_5": "repvit_m1.5:form=train",
    "repvit_m2_3": "repvit_m2.3:form=train",
    "repvit_m1": "repvit_m1:form=train",
    "repvit_m2": "repvit_m2:form=train",
    "repvit_m3": "repvit_m3:form=train",
    "mobilevitv2_050": "mobilevitv2_050",
    "mobilevitv2_075": "mobilevitv2_075",
    "mobilevitv2_100": "mobilevitv2_100",
    "mobilevitv2_125": "mobilevitv2_125",
    "mobilevitv2_150": "mobilevitv2_150",
    "mobilevitv2_175": "mobilevitv2_175",
    "mobilevitv2_200": "mobilevitv2_200",
}
"""The names in timm 1.0, without the tag of the weights: `resnet50` for `resnet50.a1_in1k`."""

TORCHVISION: Mapping[str, str] = {
    "mobilenet_v2": "mobilenetv2",
    "mobilenet_v3_large": "mobilenetv3_large",
    "mobilenet_v3_small": "mobilenetv3_small",
    "efficientnet_b0": "efficientnet_b0",
    "efficientnet_b1": "efficientnet_b1",
    "efficientnet_b2": "efficientnet_b2",
    "efficientnet_b3": "efficientnet_b3",
    "efficientnet_b4": "efficientnet_b4",
    "efficientnet_b5": "efficientnet_b5",
    "efficientnet_b6": "efficientnet_b6",
    "efficientnet_b7": "efficientnet_b7",
    "efficientnet_v2_s": "efficientnetv2_s",
    "efficientnet_v2_m": "efficientnetv2_m",
    "efficientnet_v2_l": "efficientnetv2_l",
    "shufflenet_v2_x0_5": "shufflenetv2_x0.5:recipe=torchvision",
    "shufflenet_v2_x1_0": "shufflenetv2_x1.0:recipe=torchvision",
    "shufflenet_v2_x1_5": "shufflenetv2_x1.5:recipe=torchvision",
    "shufflenet_v2_x2_0": "shufflenetv2_x2.0:recipe=torchvision",
    "resnet18": "resnet18",
    "resnet34": "resnet34",
    "resnet50": "resnet50",
    "resnet101": "resnet101",
    "resnet152": "resnet152",
    "resnext50_32x4d": "resnet50:groups=32,width_per_group=4",
    "resnext101_32x8d": "resnet101:groups=32,width_per_group=8",
    "resnext101_64x4d": "resnet101:groups=64,width_per_group=4",
    "wide_resnet50_2": "resnet50:width_per_group=128",
    "wide_resnet101_2": "resnet101:width_per_group=128",
    "regnet_x_400mf": "regnetx_400mf:recipe=torchvision",
    "regnet_x_800mf": "regnetx_800mf",
    "regnet_x_1_6gf": "regnetx_1.6gf",
    "regnet_x_3_2gf": "regnetx_3.2gf",
    "regnet_x_8gf": "regnetx_8.0gf",
    "regnet_x_16gf": "regnetx_16gf",
    "regnet_x_32gf": "regnetx_32gf",
    "regnet_y_400mf": "regnety_400mf",
    "regnet_y_800mf": "regnety_800mf:recipe=torchvision",
    "regnet_y_1_6gf": "regnety_1.6gf",
    "regnet_y_3_2gf": "regnety_3.2gf",
    "regnet_y_8gf": "regnety_8.0gf:recipe=torchvision",
    "regnet_y_16gf": "regnety_16gf",
    "regnet_y_32gf": "regnety_32gf",
    "convnext_tiny": "convnext_tiny",
    "convnext_small": "convnext_small",
    "convnext_base": "convnext_base",
    "convnext_large": "convnext_large",
}
"""The names in torchvision 0.28."""

NAMESAKES: Mapping[str, str] = {
    "efficientvit": "Those with b or l are MIT's (arXiv 2205.14756), those with m are Microsoft's "
    "(arXiv 2305.07027)",
}
"""Names of two families, and what tells their networks apart."""


def apart(name: str) -> str:
    """What tells networks apart that share this name; empty if none does.

    >>> apart("EfficientViT_")[:27], apart("resnet")
    ("Those with b or l are MIT's", '')
    """
    return NAMESAKES.get(name.lower().rstrip("_-"), "")


def catalog_name(name: str) -> str | None:
    """The catalogue's network that a name stands for, as text for `parse`, or None.

    The name may be the catalogue's own or one of the tables, with options; a name of timm's may
    have the tag of its weights.

    >>> catalog_name("mobilenetv2_140.ra_in1k"), catalog_name("vit_tiny_patch16_224")
    ('mobilenetv2:width=1.4', None)
    >>> catalog_name("mobilenetv2_140:classes=10")
    'mobilenetv2:width=1.4,classes=10'
    """
    base, colon, options = name.partition(":")
    if base in MODELS:
        return name
    known = TORCHVISION.get(base) or TIMM.get(base.partition(".")[0])
    if known is None or not colon:
        return known
    return f"{known}{',' if ':' in known else ':'}{options}"
