"""EfficientSAM: closed form, traced module and counters agree, and figures are the authors' code's.

What comes from the authors' code was computed by running yformer/EfficientSAM efficient_sam/*.py
(built for the image's size) under torch's FlopCounterMode on fake tensors.
"""

import hashlib

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import timm
from witnesses import PROFILE, assert_all_agree, on_meta

import flopscope as fs
from flopscope.agreement import agree
from flopscope.agreement.proof import prove_variant
from flopscope.catalog.variant import parse
from flopscope.errors import OutsideDomain
from flopscope.ledger import Level
from reference_models.efficientsam import Block

MODELS = ("efficientsam_ti", "efficientsam_s")

AUTHORS = [
    # model, size, batch, queries, points; image encoder, prompt encoder's points, mask decoder, all
    ("efficientsam_ti", 1024, 1, 1, 2, 102273908736, 1536, 1844144128, 104119102976),
    ("efficientsam_ti", 512, 2, 3, 1, 22145925120, 9216, 2915856384, 25062052864),
    ("efficientsam_ti", 224, 1, 2, 9, 1371611136, 3072, 239814656, 1611479040),
    ("efficientsam_ti", 250, 1, 1, 6, 1604620800, 1536, 132728576, 1737408512),
    ("efficientsam_s", 1024, 1, 1, 2, 245618442240, 1536, 1844144128, 247463636480),
    ("efficientsam_s", 512, 2, 3, 1, 64827162624, 9216, 2915856384, 67743290368),
    ("efficientsam_s", 224, 1, 2, 9, 4708515840, 3072, 239814656, 4948383744),
    ("efficientsam_s", 250, 1, 1, 6, 5465318400, 1536, 132728576, 5598106112),
]

STATE_DICTS = {
    "efficientsam_ti": "3fb8f11fcb8ebe76dbdbe93ad3feb643a4846a161d4e2f578b9b68ded4839872",
    "efficientsam_s": "7f1f678c841a9b30b1c38ffc0cee04980f4d1ffdec170b6fec45a579c68cc694",
}
"""Of the names and shapes in the authors' state dict, sorted, a line each."""


@pytest.mark.parametrize(
    ("model", "size", "batch", "queries", "points", "image", "prompt", "mask", "total"), AUTHORS
)
def test_counts_are_those_of_the_authors_code(
    model, size, batch, queries, points, image, prompt, mask, total
):
    ledger = fs.analyze(f"{model}:queries={queries},prompts={points}", res=size, batch=batch)
    stages = {key: int(part.macs()) for key, part in ledger.group_by(Level.STAGE).items()}
    grid = total - image - prompt - mask  # the places of the grid, outside all three modules there
    assert stages == {
        "image_encoder": image,
        "prompt_encoder": prompt + grid,
        "mask_decoder": mask,
    }
    assert int(ledger.macs()) == total


@pytest.mark.parametrize("model", MODELS)
def test_state_dict_is_the_authors(model):
    with torch.device("meta"):
        state = fs.build(model).state_dict()
    text = "\n".join(f"{name} {tuple(state[name].shape)}" for name in sorted(state))
    assert hashlib.sha256(text.encode()).hexdigest() == STATE_DICTS[model]


@settings(PROFILE, max_examples=6)
@given(
    model=st.sampled_from(MODELS),
    size=st.integers(16, 70),
    batch=st.integers(1, 2),
    queries=st.integers(1, 3),
    points=st.integers(1, 8),
)
def test_all_witnesses_agree(model, size, batch, queries, points):
    variant = parse(f"{model}:queries={queries},prompts={points}")
    ledger = variant.ledger((size, size), batch)
    measured = on_meta(variant.build, *variant.inputs((size, size), batch))
    assert_all_agree(agree(ledger, measured), ledger)


@pytest.mark.parametrize("model", MODELS)
def test_the_closed_form_is_proved_in_batch_size_queries_and_points(model):
    proof = prove_variant(parse(model))
    assert proof, proof.mismatches
    assert proof.domain == "B, P, Q ≥ 1; H, W ≥ 16; H = W"


def test_cost_is_linear_in_queries_and_constant_in_points():
    def macs(queries: int, points: int) -> int:
        return int(fs.analyze(f"efficientsam_ti:queries={queries},prompts={points}").macs())

    one, two, three = (macs(queries, 2) for queries in (1, 2, 3))
    assert three - two == two - one > 0
    assert {macs(1, points) for points in (1, 6, 40)} == {one}


def test_a_prompt_is_padded_and_cut_to_six_points():
    torch.manual_seed(0)
    model = fs.build("efficientsam_ti").eval()
    image, points = torch.rand(1, 3, 32, 32), 32 * torch.rand(1, 2, 8, 2)
    labels = torch.randint(1, 4, (1, 2, 8))
    nowhere, none = torch.full((1, 2, 4, 2), -1.0), torch.full((1, 2, 4), -1)
    with torch.no_grad():
        two = model(image, points[:, :, :2], labels[:, :, :2])
        padded = (
            torch.cat((points[:, :, :2], nowhere), dim=2),
            torch.cat((labels[:, :, :2], none), 2),
        )
        for ours, theirs in zip(two, model(image, *padded), strict=True):
            assert torch.equal(ours, theirs)
        six = model(image, points[:, :, :6], labels[:, :, :6])
        for ours, theirs in zip(model(image, points, labels), six, strict=True):
            assert torch.equal(ours, theirs)
    assert [tuple(y.shape) for y in two] == [(1, 2, 3, 32, 32), (1, 2, 3)]


def test_positions_at_the_size_they_were_learnt_at_are_not_changed():
    encoder = fs.build("efficientsam_ti").image_encoder
    torch.nn.init.normal_(encoder.pos_embed)
    resized = encoder._positions(14, 14).permute(0, 2, 3, 1).flatten(1, 2)
    assert torch.equal(resized, encoder.pos_embed[:, 1:])


def test_blocks_of_the_encoder_are_timms():
    theirs = timm().models.vision_transformer.Block(32, 4, qkv_bias=True).eval()
    ours = Block(32, 4).eval()
    for norm in (theirs.norm1, theirs.norm2):
        norm.eps = 1e-6
    ours.load_state_dict(theirs.state_dict(), strict=True)
    x = torch.rand(2, 9, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x))


def test_it_trains():
    torch.manual_seed(0)
    model = fs.build("efficientsam_ti")
    points, labels = torch.rand(1, 1, 2, 2) * 16, torch.ones(1, 1, 2, dtype=torch.int64)
    masks, scores = model(torch.rand(1, 3, 16, 16), points, labels)
    (masks.mean() + scores.mean()).backward()
    without = {name for name, p in model.named_parameters() if p.grad is None}
    assert without == set()


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((32, 48), "EfficientSAM takes square images, but height and width are 32 and 48"),
        ((15, 15), "height of the input is 15, but must be at least 16"),
    ],
)
def test_other_images_are_refused(size, message):
    with pytest.raises(OutsideDomain) as refused:
        fs.analyze("efficientsam_s", res=size)
    assert str(refused.value) == message
    points, labels = torch.zeros(1, 1, 1, 2), torch.zeros(1, 1, 1)
    with pytest.raises(ValueError, match="EfficientSAM takes") as raised:
        fs.build("efficientsam_ti")(torch.zeros(1, 3, *size), points, labels)
    assert str(raised.value) == (
        f"an image of {size[0]}×{size[1]} pixels was given; EfficientSAM takes square ones of at "
        "least 16×16"
    )


def test_a_formula_refuses_images_that_are_not_square():
    macs = fs.formula("efficientsam_ti")
    assert macs.at(B=1, H=1024, W=1024, queries=1) == 104119102976
    with pytest.raises(OutsideDomain) as refused:
        macs.at(B=1, H=32, W=48, queries=1)
    assert str(refused.value) == ("outside the domain (H = W); given: B=1, H=32, W=48, queries=1")
