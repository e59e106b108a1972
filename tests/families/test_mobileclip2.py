"""MobileCLIP2: the names of its checkpoints, image encoders against timm's, text encoders against
torch's own attention, closed forms against all."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from open_clip_text import OpenCLIPText
from public_models import assert_near, meta, stirred, timm
from torch import nn
from witnesses import PROFILE, check

from flopscope.agreement.proof import prove_variant
from flopscope.analytic.fastvit import Hybrid as ClosedHybrid
from flopscope.analytic.fastvit import fastvit as closed
from flopscope.analytic.switches import NetworkForm
from flopscope.answers.formula import formula
from flopscope.catalog.variant import parse
from flopscope.errors import BadInput, UnknownName
from reference_models import fastvit, mobileclip2
from reference_models.layers import Stages
from reference_models.mobileone import fold
from reference_models.transformer import TextEncoder

TOWERS = {
    "mobileclip2_s0": ("fastvit_mci0", 512),
    "mobileclip2_s2": ("fastvit_mci2", 512),
    "mobileclip2_s3": ("fastvit_mci3", 768),
    "mobileclip2_s4": ("fastvit_mci4", 768),
}
SMALL = ((8, 16, 32, 32, 64), (1, 1, 2, 1, 1))
MCI = {"attending": 2, "layer_norm": True, "pointwise": False}
each_form = pytest.mark.parametrize("form", [form.value for form in NetworkForm])


def checkpoint(name: str) -> nn.Module:
    """A network of the names and shapes of a checkpoint's."""
    encoder, width = TOWERS[name]
    model = nn.Module()
    model.visual = nn.Module()
    model.visual.trunk = timm().create_model(encoder, num_classes=width)
    model.text = OpenCLIPText(12, 49_408, width, width // 64)
    model.logit_scale = nn.Parameter(torch.zeros(()))
    return model


@pytest.mark.parametrize("name", TOWERS)
def test_a_checkpoint_s_names_load_strictly(name: str) -> None:
    theirs, ours = meta(checkpoint, name), meta(getattr(mobileclip2, name), "train")
    ours.load_state_dict(theirs.state_dict(), strict=True, assign=True)
    ledger = parse(f"{name}:form=train").ledger((64, 64))
    assert ledger.params().value == sum(p.numel() for p in theirs.parameters())


def small_image(form: str) -> nn.Module:
    return fastvit.FastViT(fastvit.Hybrid(Stages(*SMALL), act=True, **MCI), form, 24)


@torch.no_grad()
def test_outputs_of_the_image_encoder_are_timms() -> None:
    """Of the structure of MCi3 and MCi4, in both forms."""
    file = timm().models.fastvit
    timm().layers.set_fused_attn(False)
    theirs = stirred(
        file.FastVit(
            layers=SMALL[1],
            embed_dims=SMALL[0],
            mlp_ratios=(4,) * 5,
            downsamples=(False, True, True, True, True),
            se_downsamples=(False,) * 5,
            pos_embs=(None, None, None, file.RepConditionalPosEnc, file.RepConditionalPosEnc),
            token_mixers=("repmixer",) * 3 + ("attention",) * 2,
            lkc_use_act=True,
            norm_layer=lambda *a, **k: timm().layers.LayerNorm2d(*a, eps=1e-5, **k),
            stem_use_scale_branch=False,
            num_classes=24,
        )
    )
    ours, deployed = (small_image(form).eval() for form in ("train", "deploy"))
    ours.load_state_dict(theirs.state_dict(), strict=True)
    fold(ours, deployed)
    for side in ((97, 65), (64, 130)):
        x = torch.randn(2, 3, *side)
        expected = theirs(x)
        assert_near(ours(x), expected)
        assert_near(deployed(x), expected)


@torch.no_grad()
@pytest.mark.parametrize("tokens", [77, 20])
def test_the_text_encoder_is_torchs_attention(tokens: int) -> None:
    theirs = stirred(OpenCLIPText(2, 50, 16, 2))
    text = TextEncoder(2, "deploy", vocabulary=50, channels=16, heads=2, features=16)
    ours = mobileclip2.MobileCLIP2(nn.Identity(), text).eval()
    text.load_state_dict(theirs.state_dict(), strict=True)
    ids = torch.randint(0, 49, (2, tokens))
    ids[0, tokens // 2] = ids[1, tokens - 1] = 49  # the ends
    torch.testing.assert_close(ours.text(ids), theirs(ids), rtol=1e-4, atol=1e-4)
    images, words, scale = ours(torch.randn(2, 16), ids)
    torch.testing.assert_close(images.norm(dim=-1), torch.ones(2))
    torch.testing.assert_close(words.norm(dim=-1), torch.ones(2))
    assert float(scale) == pytest.approx(1 / 0.07)


# README of apple/ml-mobileclip, in millions, deployed. It has 42.4 for the text encoder of S0,
# whose configuration has 12 layers all the same; it cuts the 123.65 of S3 and S4 off.
@pytest.mark.parametrize(
    ("name", "image", "words"),
    [
        ("mobileclip2_s0", 11.4, 63.428096),
        ("mobileclip2_s2", 35.7, 63.428096),
        ("mobileclip2_s3", 125.1, 123.650304),
        ("mobileclip2_s4", 321.6, 123.650304),
    ],
)
def test_counts_are_the_published_ones(name: str, image: float, words: float) -> None:
    ledger = parse(name).ledger((256, 256))
    towers = [ledger.filter(lambda r, t=t: r.path.startswith(t)) for t in ("image.", "text.")]
    assert round(int(towers[0].params()) / 1e6, 1) == image
    assert int(towers[1].params()) == round(words * 1e6)


# --- the closed forms -----------------------------------------------------------------------------


@settings(PROFILE, max_examples=2)
@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 2))
@each_form
def test_every_witness_agrees_on_image_encoders(
    form: str, height: int, width: int, batch: int
) -> None:
    """Of the structure of MCi3 and MCi4."""
    stages = ClosedHybrid(*SMALL, activated=True, **MCI)
    check(
        lambda x: closed(x, stages, form=NetworkForm(form), classes=24),
        lambda: small_image(form),
        (batch, 3, height, width),
    )


@pytest.mark.parametrize("name", ["mobileclip2_s3", "mobileclip2_s3:form=train"])
def test_the_closed_form_is_the_traced_one_for_all_sizes(name: str) -> None:
    proof = prove_variant(parse(name))
    assert proof.mismatches == ()
    assert proof


def test_its_formula_is_free_in_tokens_and_sizes() -> None:
    exact = formula("mobileclip2_s3")
    assert exact.at(B=1, H=256, W=256, tokens=77) == 21_461_846_016
    assert exact.domain == "B, H, W ≥ 1; T one of 1…77"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mobileclip2_s3:form=fast", "unknown form 'fast'; known are train, deploy"),
        (
            "mobileclip2_s3:tokens=78",
            "tokens=78 is more than the model takes; give at most 77",
        ),
    ],
)
def test_options_are_refused_in_one_sentence(name: str, message: str) -> None:
    with pytest.raises((BadInput, UnknownName)) as error:
        parse(name)
    assert str(error.value) == message


def test_the_reference_network_refuses_in_one_sentence() -> None:
    with pytest.raises(ValueError) as form:
        mobileclip2.mobileclip2_s0("fast")
    assert str(form.value) == "form must be 'train' or 'deploy', but 'fast' was given"
