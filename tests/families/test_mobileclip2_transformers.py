"""MobileCLIP2 B and L/14: the names of their checkpoints, vision transformers against timm's, text
encoders against torch's own attention, closed forms against all.

What OpenCLIP 3.3.0 itself builds of the authors' configurations was loaded strictly and gave the
same outputs; tests do not need it.
"""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from open_clip_text import OpenCLIPText
from public_models import assert_near, deviation, layers, meta, state_shapes, stirred, timm
from torch import nn
from witnesses import PROFILE, check

from flopscope.agreement.proof import prove_variant
from flopscope.analytic import visiontransformer as closed
from flopscope.analytic.mobilecliptowers import class_token
from flopscope.analytic.tape import Feature, record
from flopscope.answers.formula import formula
from flopscope.catalog.variant import parse
from flopscope.errors import BadInput, OutsideDomain, UnknownName
from reference_models import mobileclip2, visiontransformer
from reference_models.transformer import TextEncoder

TOWERS = {
    "mobileclip2_b": ("vit_base_mci_224", 512, True),
    "mobileclip2_l14": ("vit_large_patch14_clip_224", 768, False),
}
each_name = pytest.mark.parametrize("name", TOWERS)
each_encoder = pytest.mark.parametrize("encoder", ["vit_base_16", "vit_large_14"])


def checkpoint(name: str) -> nn.Module:
    """A network of the names and shapes of a checkpoint's."""
    encoder, width, causal = TOWERS[name]
    model = nn.Module()
    model.visual = nn.Module()
    model.visual.trunk = timm().create_model(encoder, num_classes=width, global_pool="token")
    model.text = OpenCLIPText(12, 49_408, width, width // 64, causal=causal)
    model.logit_scale = nn.Parameter(torch.zeros(()))
    return model


@each_name
def test_a_checkpoint_s_names_load_strictly(name: str) -> None:
    theirs, ours = meta(checkpoint, name), meta(getattr(mobileclip2, name))
    assert state_shapes(ours.visual) == state_shapes(theirs.visual)
    assert list(ours.visual.state_dict()) == list(theirs.visual.state_dict())
    norms = [[norm.eps for norm in layers(m.visual, nn.LayerNorm)] for m in (ours, theirs)]
    assert norms[0] == norms[1]
    assert ours.text.causal is theirs.text.causal
    ours.load_state_dict(theirs.state_dict(), strict=True, assign=True)
    ledger = parse(name).ledger((224, 224))
    assert ledger.params().value == sum(p.numel() for p in theirs.parameters())


@torch.no_grad()
@pytest.mark.parametrize(
    ("name", "build", "sizes"),
    [
        ("vit_base_mci_224", visiontransformer.vit_base_16, {}),
        (
            "vit_large_patch14_clip_224",
            partial(visiontransformer.vit_large_14, channels=128),
            {"embed_dim": 128, "num_heads": 2},
        ),
    ],
)
def test_outputs_of_the_image_encoders_are_timms(
    name: str, build: Callable[..., nn.Module], sizes: dict[str, int]
) -> None:
    theirs = timm().create_model(name, depth=2, num_classes=24, global_pool="token", **sizes)
    theirs = stirred(theirs)
    theirs.cls_token.normal_()
    theirs.pos_embed.normal_()
    ours = build(24, layers=2).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.randn(2, 3, 224, 224)
    assert_near(ours(x), theirs(x))


@torch.no_grad()
def test_initial_weights_are_distributed_as_timms() -> None:
    theirs = timm().create_model("vit_base_mci_224", depth=1, num_classes=24).state_dict()
    for name, a in visiontransformer.vit_base_16(24, layers=1).state_dict().items():
        if a.numel() > 5000:
            assert deviation(a) == pytest.approx(deviation(theirs[name]), rel=0.05), name
        elif a.dim() < 2 and not name.endswith("backbone.2.conv.bias"):
            assert torch.equal(a, theirs[name]), name


@torch.no_grad()
@pytest.mark.parametrize("tokens", [77, 20])
def test_a_causal_text_encoder_is_torchs_attention_under_a_mask(tokens: int) -> None:
    theirs = stirred(OpenCLIPText(2, 50, 16, 2, causal=True))
    text = TextEncoder(
        2, "deploy", causal=True, vocabulary=50, channels=16, heads=2, features=16
    ).eval()
    mobileclip2.MobileCLIP2(nn.Identity(), text)
    text.load_state_dict(theirs.state_dict(), strict=True)
    ids = torch.randint(0, 49, (2, tokens))
    ids[0, tokens // 2] = ids[1, tokens - 1] = 49  # the ends
    torch.testing.assert_close(text(ids), theirs(ids), rtol=1e-4, atol=1e-4)


# README of apple/ml-mobileclip, in millions; it has 304.3 for the image encoder of L/14, which the
# test below explains.
@pytest.mark.parametrize(
    ("name", "image", "words"),
    [("mobileclip2_b", 86.3, 63.428096), ("mobileclip2_l14", 304.0, 123.650304)],
)
def test_counts_are_the_published_ones(name: str, image: float, words: float) -> None:
    towers = [tower(name, path) for path in ("image.", "text.")]
    assert round(int(towers[0].params()) / 1e6, 1) == image
    assert int(towers[1].params()) == round(words * 1e6)


def test_the_published_parameters_of_l14_have_the_positions_of_336() -> None:
    """mlfoundations/open_clip docs/model_profile.csv, ViT-L-14-336: 427.94M, of which the image
    encoder is 304.29M. It differs from ViT-L-14 in the number of patches alone."""
    more = 1024 * ((336 // 14) ** 2 - (224 // 14) ** 2)
    counts = [int(ledger.params()) + more for ledger in (
        tower("mobileclip2_l14", "image."), parse("mobileclip2_l14").ledger((224, 224))
    )]  # fmt: skip
    assert [round(count / 1e6, 2) for count in counts] == [304.29, 427.94]


def test_multiply_adds_of_l14_are_those_of_openclip_s_profile() -> None:
    """mlfoundations/open_clip docs/model_profile.csv, ViT-L-14: 162.03 and 13.3 GFLOPs, 2 a MAC; an
    encoder of 304.0M beside one of 123.65M. Its text encoder is causal, which costs the same."""
    products = [2 * int(tower("mobileclip2_l14", path).macs()) for path in ("image.", "text.")]
    assert [round(count / 1e9, 2) for count in products] == [162.03, 13.3]


def tower(name: str, path: str):
    return parse(name).ledger((224, 224)).filter(lambda row: row.path.startswith(path))


# --- the closed forms -----------------------------------------------------------------------------


@each_encoder
@settings(PROFILE, max_examples=2)
@given(st.integers(1, 2), st.integers(1, 2), st.integers(1, 90))
def test_every_witness_agrees_on_image_encoders(
    encoder: str, batch: int, heads: int, features: int
) -> None:
    sizes = {"channels": 64 * heads, "layers": 1}

    def network(x: Feature) -> None:
        getattr(closed, encoder)(x, features, **sizes)
        class_token(x, 64 * heads)

    build = partial(getattr(visiontransformer, encoder), features, **sizes)
    check(network, build, (batch, 3, 224, 224))


@each_name
def test_the_closed_form_is_the_traced_one(name: str) -> None:
    proof = prove_variant(parse(name))
    assert proof
    assert proof.domain == "B ≥ 1; H, W = 224; T one of 1…77"


def test_its_formula_is_free_in_tokens() -> None:
    exact = formula("mobileclip2_l14")
    assert exact.at(B=1, H=224, W=224, tokens=77) == 87_662_610_432
    with pytest.raises(OutsideDomain) as error:
        exact.at(B=1, H=256, W=224, tokens=77)
    given = "given: B=1, H=256, W=224, tokens=77"
    assert str(error.value) == f"outside the domain (H = 224); {given}"


# --- bad input ------------------------------------------------------------------------------------


@each_encoder
def test_another_size_is_refused_in_one_sentence(encoder: str) -> None:
    with pytest.raises(OutsideDomain) as error:
        record(lambda x: getattr(closed, encoder)(x, 8), (1, 3, 224, 240))
    assert str(error.value) == (
        "the vision transformer takes images of 224×224, but one of 224×240 is given"
    )
    model = meta(partial(getattr(visiontransformer, encoder), 8, layers=1))
    with pytest.raises(ValueError) as refused:
        model(torch.empty(1, 3, 224, 240, device="meta"))
    assert str(refused.value) == (
        "an image of 224×240 pixels was given; the vision transformer takes 224×224"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "mobileclip2_b:form=train",
            "unknown option of mobileclip2_b 'form'; the only one is tokens",
        ),
        (
            "mobileclip2_l14:tokens=78",
            "tokens=78 is more than the model takes; give at most 77",
        ),
    ],
)
def test_options_are_refused_in_one_sentence(name: str, message: str) -> None:
    with pytest.raises((BadInput, UnknownName)) as error:
        parse(name)
    assert str(error.value) == message
