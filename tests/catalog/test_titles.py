"""How people write the names of the catalogue's networks."""

import pytest

from flopscope.catalog.models import MODELS
from flopscope.catalog.names import TIMM
from flopscope.catalog.titles import EXCEPTIONS, FAMILIES, PREFIXES, title
from flopscope.catalog.variant import parse


def test_every_family_has_a_title():
    assert list(FAMILIES) == list(dict.fromkeys(model.family for model in MODELS.values()))
    assert set(EXCEPTIONS) <= set(MODELS)
    assert all(any(id.startswith(prefix) for id in MODELS) for prefix in PREFIXES)


def test_families_of_one_name_are_told_apart():
    assert len(set(FAMILIES.values())) == len(FAMILIES)
    assert FAMILIES["efficientvit"] == "EfficientViT (MIT)"
    assert FAMILIES["efficientvit_msra"] == "EfficientViT (Microsoft)"


def test_different_networks_have_different_titles():
    names = [*MODELS, *dict.fromkeys(TIMM.values())]
    titles = {name: title(parse(name)) for name in names}
    assert len(set(titles.values())) == len(titles)
    assert not any("_" in written or ":" in written for written in titles.values())


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("mobilenetv2", "MobileNetV2"),
        ("mobilenetv2:width=1.4", "MobileNetV2 1.4×"),
        ("mobilenetv1:width=0.25,rho=0.714", "MobileNetV1 0.25× (ρ=0.714)"),
        ("mobilenetv3_large:width=0.75,recipe=timm", "MobileNetV3-Large 0.75× (timm)"),
        ("efficientnet_b0", "EfficientNet-B0"),
        ("efficientnetv2_s", "EfficientNetV2-S"),
        ("shufflenetv1_g3_x0.25", "ShuffleNetV1 0.25× (g=3)"),
        ("shufflenetv2_x1.0", "ShuffleNetV2 1×"),
        ("ghostnet_050", "GhostNet 0.5×"),
        ("ghostnet_100:width=1.2", "GhostNet 1× (width=1.2)"),
        ("ghostnetv3_130:form=train", "GhostNetV3 1.3× (train)"),
        ("resnet101", "ResNet-101"),
        ("resnet50:groups=32,width_per_group=4", "ResNeXt-50 32×4d"),
        ("resnet50:width_per_group=128", "Wide ResNet-50-2"),
        ("regnety_1.6gf", "RegNetY-1.6GF"),
        ("convnext_tiny", "ConvNeXt-T"),
        ("poolformer_m36", "PoolFormer-M36"),
        ("efficientsam_ti", "EfficientSAM-Ti"),
        ("mobilevlm_v2_1.7b", "MobileVLM V2 1.7B"),
        ("efficientformerv2_s0", "EfficientFormerV2-S0"),
        ("mobilevit_xxs", "MobileViT-XXS"),
        ("efficientvit_b1", "EfficientViT-B1"),
        ("efficientvit_m1", "EfficientViT-M1"),
        ("starnet_s1", "StarNet-S1"),
        ("starnet_s050", "StarNet-S050"),
        ("mobilevitv2_075", "MobileViTv2 0.75×"),
        ("mobileclip2_l14", "MobileCLIP2-L/14"),
        ("mobileclip_s0:tokens=20,form=train", "MobileCLIP-S0 (train, tokens=20)"),
        ("efficientnet_b0:depth=2,classes=10", "EfficientNet-B0 (depth=2, classes=10)"),
    ],
)
def test_a_title_is_what_a_person_would_write(name, written):
    assert title(parse(name)) == written
