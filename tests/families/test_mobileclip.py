"""MobileCLIP: image encoders against timm's, text encoders against torch's own transformer layers,
deployed forms against training forms, closed forms against all."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import assert_near, layers, meta, state_shapes, stirred, timm
from torch import Tensor, nn
from torch.nn import functional
from training import assert_it_trains
from witnesses import PROFILE, check

from flopscope.agreement import check_variant
from flopscope.agreement.proof import prove_variant
from flopscope.analytic import fastvit as closed
from flopscope.analytic.mobilecliptowers import class_token, text_encoder, vision_transformer
from flopscope.analytic.stages import Stages as ClosedStages
from flopscope.analytic.switches import NetworkForm
from flopscope.analytic.tape import record
from flopscope.answers.formula import formula
from flopscope.catalog.models import MODELS
from flopscope.catalog.options import FORM
from flopscope.catalog.variant import parse, with_form
from flopscope.cli import main
from flopscope.errors import BadInput, OutsideDomain, UnknownName
from flopscope.facts import InputSpec
from reference_models import fastvit, mobileclip, transformer
from reference_models.folding import fold
from reference_models.layers import Stages

ENCODERS = {"s0": fastvit.MCI0, "s1": fastvit.MCI1, "s2": fastvit.MCI2}
VARIANTS = (
    *(f"mobileclip_{size}:form={form.value}" for size in ENCODERS for form in NetworkForm),
    "mobileclip_b",
)
SMALL = Stages((16, 32, 32, 64), (1, 2, 1, 1))
each_form = pytest.mark.parametrize("form", list(NetworkForm))
widths = st.integers(1, 3)
sides = st.integers(1, 80)


def text(layers: int, form: str = "train", **options: bool) -> nn.Module:
    sizes = {"vocabulary": 50, "channels": 16, "heads": 2, "features": 8}
    return transformer.TextEncoder(layers, form, **options, **sizes)


def closed_text(layers: int, form: NetworkForm, **options: bool) -> Callable[..., object]:
    sizes = {"vocabulary": 50, "channels": 16, "heads": 2, "features": 8}
    return lambda ids: text_encoder(ids, layers, form, **options, **sizes)


def texts(batch: int, tokens: int) -> InputSpec:
    return InputSpec(None, (batch, tokens), "int64")


# --- image encoders -------------------------------------------------------------------------------


def public(stages: Stages, features: int = 512) -> nn.Module:
    """timm's MCi, of these sizes."""
    file = timm().models.fastvit
    timm().layers.set_fused_attn(False)
    position = partial(file.RepConditionalPosEnc, spatial_shape=(7, 7))
    return file.FastVit(
        layers=stages.blocks,
        embed_dims=stages.channels,
        mlp_ratios=(3,) * 4,
        se_downsamples=(False, False, True, True),
        pos_embs=(None, None, None, position),
        token_mixers=("repmixer", "repmixer", "repmixer", "attention"),
        lkc_use_act=True,
        num_classes=features,
    )


def authors(model: nn.Module) -> dict[str, Tensor]:
    """The state of an image encoder as it lies in the authors' checkpoints."""
    return {f"image_encoder.model.{k}": v for k, v in model.state_dict().items()}


@pytest.mark.parametrize("size", ENCODERS)
def test_names_are_those_that_timm_reads_from_the_authors_checkpoints(size: str) -> None:
    """Its conversion renames ours, each to one of its own, and adds a bias of zeros."""
    theirs = meta(getattr(timm().models.fastvit, f"fastvit_mci{size[1]}"))
    theirs.reset_classifier(512)
    ours = authors(meta(fastvit.ImageEncoder, ENCODERS[size], "train"))
    renamed = timm().models.fastvit.checkpoint_filter_fn(ours, theirs)
    assert {k: tuple(v.shape) for k, v in renamed.items()} == state_shapes(theirs)


@torch.no_grad()
def test_outputs_are_timms() -> None:
    ours = stirred(fastvit.ImageEncoder(SMALL, "train", 24))
    theirs = public(SMALL, 24).eval()
    state = timm().models.fastvit.checkpoint_filter_fn(authors(ours), theirs)
    theirs.load_state_dict(state, strict=True)
    for side in ((97, 65), (64, 130)):
        x = torch.randn(2, 3, *side)
        assert_near(ours(x), theirs(x))


@torch.no_grad()
def test_what_timm_deploys_is_what_is_folded_here() -> None:
    """Kernel by kernel: the same convolutions, whoever folds the branches."""
    ours, deployed = (fastvit.ImageEncoder(SMALL, form, 24) for form in ("train", "deploy"))
    theirs = public(SMALL, 24).eval()
    state = timm().models.fastvit.checkpoint_filter_fn(authors(stirred(ours)), theirs)
    theirs.load_state_dict(state, strict=True)
    fold(ours, deployed)
    folded = timm().utils.reparameterize_model(theirs)
    expected = [layer for layer in layers(folded, nn.Conv2d) if layer.bias is not None]
    found = {tuple(layer.weight.shape) for layer in layers(deployed, nn.Conv2d)}
    assert found >= {tuple(layer.weight.shape) for layer in expected}
    x = torch.randn(2, 3, 97, 65)
    assert_near(deployed.eval()(x), folded(x))
    assert sum(p.numel() for p in folded.parameters()) == 24 + sum(
        p.numel() for p in deployed.parameters()
    )


@torch.no_grad()
@pytest.mark.parametrize("side", [(97, 65), (64, 130), (256, 256)])
def test_the_deployed_image_encoder_computes_the_same(side: tuple[int, int]) -> None:
    trained, deployed = (fastvit.ImageEncoder(SMALL, form, 24) for form in ("train", "deploy"))
    fold(stirred(trained), deployed)
    x = torch.randn(2, 3, *side)
    assert_near(deployed.eval()(x), trained(x))


@torch.no_grad()
def test_outputs_of_the_vision_transformer_are_timms() -> None:
    """With the authors' padding in the stem and their ε, which timm's has otherwise."""
    hybrid = timm().models.vision_transformer_hybrid
    ours = stirred(transformer.VisionTransformer(64, 2, 4, 24))
    stem = hybrid.ConvStem(
        channels=(16, 16, 64), stride=(4, 2, 2), kernel_size=(4, 2, 2), padding=0, act_layer=nn.GELU
    )
    theirs = timm().models.vision_transformer.VisionTransformer(
        embed_layer=partial(timm().layers.HybridEmbed, backbone=stem, proj=False),
        patch_size=1, embed_dim=64, depth=2, num_heads=4, no_embed_class=True, num_classes=24,
    ).eval()  # fmt: skip
    state = hybrid.checkpoint_filter_fn(authors(ours), theirs)
    theirs.load_state_dict(state, strict=True)
    for norm in layers(theirs, nn.LayerNorm):
        norm.eps = 1e-5
    theirs.patch_embed.backbone[0].conv.padding = (1, 1)
    x = torch.randn(2, 3, 224, 224)
    assert_near(ours(x), theirs(x))


def test_names_of_the_vision_transformer_are_those_that_timm_reads() -> None:
    hybrid = timm().models.vision_transformer_hybrid
    theirs = meta(partial(hybrid.vit_base_mci_224, num_classes=512))
    renamed = hybrid._convert_mobileclip(authors(meta(transformer.VisionTransformer)), theirs)
    assert {k: tuple(v.shape) for k, v in renamed.items()} == state_shapes(theirs)


def test_it_trains() -> None:
    torch.manual_seed(0)
    assert_it_trains(fastvit.ImageEncoder(SMALL, "train", 4), side=64, steps=16)


# --- text encoders --------------------------------------------------------------------------------


def twin(layer: transformer.TransformerLayer) -> nn.Module:
    """torch's own layer with the same weights."""
    norm, attention = layer.pre_norm_mha
    other, expand, _, _, project = layer.pre_norm_ffn
    size = norm.normalized_shape[0]
    theirs = nn.TransformerEncoderLayer(
        size, attention.heads, expand.out_features, 0.0, "gelu", batch_first=True, norm_first=True
    )
    pairs = {
        "self_attn.in_proj_": attention.qkv_proj,
        "self_attn.out_proj.": attention.out_proj,
        "linear1.": expand,
        "linear2.": project,
        "norm1.": norm,
        "norm2.": other,
    }
    state = {k + n: getattr(part, n) for k, part in pairs.items() for n in ("weight", "bias")}
    theirs.load_state_dict(state, strict=True)
    return theirs.eval()


@torch.no_grad()
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("tokens", [77, 20, 1])
def test_a_text_encoder_is_torchs_layers(causal: bool, tokens: int) -> None:
    ours = stirred(text(3, causal=causal))
    ids = torch.randint(0, 49, (2, tokens))
    ids[0, tokens // 2] = ids[1, tokens - 1] = 49  # the ends
    mask = nn.Transformer.generate_square_subsequent_mask(tokens) if causal else None
    x = ours.embedding_layer.weight[ids] + ours.positional_embedding.table[0, 0, :tokens]
    for layer in ours.transformer:
        x = twin(layer)(x, mask)
    x = ours.final_layer_norm(x)
    expected = torch.stack((x[0, tokens // 2], x[1, tokens - 1])) @ ours.projection_layer
    torch.testing.assert_close(ours(ids), expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_what_follows_the_end_changes_nothing_under_a_causal_mask() -> None:
    """So a short text may be computed alone."""
    ours = stirred(text(2, causal=True))
    ids = torch.randint(0, 40, (2, 77))
    ids[:, 9] = 49
    torch.testing.assert_close(ours(ids[:, :10]), ours(ids), rtol=1e-4, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("tokens", [77, 5])
def test_the_deployed_text_encoder_computes_the_same(tokens: int) -> None:
    trained, deployed = (text(1, form, mixing=True) for form in ("train", "deploy"))
    fold(stirred(trained), deployed)
    ids = torch.randint(0, 50, (2, tokens))
    torch.testing.assert_close(deployed.eval()(ids), trained(ids), rtol=1e-4, atol=1e-4)
    kernel = deployed.transformer[0].token_mixer.reparam_conv.weight
    assert kernel.shape == (16, 1, 1, 11)


@torch.no_grad()
def test_repmixer_of_a_text_is_its_equation() -> None:
    """x + s·(norm(conv(x)) + norm(x) − norm(x)), along the tokens."""
    mixer = stirred(text(1, mixing=True)).transformer[0].token_mixer
    x = torch.randn(2, 16, 1, 30)
    branch = mixer.mixer.rbr_conv[0]
    along = functional.conv1d(x[:, :, 0], branch.conv.weight[:, :, 0], padding=5, groups=16)
    mixed = branch.bn(along.unsqueeze(2)) + mixer.mixer.rbr_skip(x)
    expected = x + mixer.layer_scale * (mixed - mixer.norm.rbr_skip(x))
    torch.testing.assert_close(mixer(x), expected, rtol=1e-4, atol=1e-5)


def test_names_of_a_text_encoder_are_the_authors() -> None:
    """As apple/ml-mobileclip mobileclip/text_encoder.py and modules/ name them."""
    layer = ["pre_norm_mha.0", "pre_norm_mha.1.qkv_proj", "pre_norm_mha.1.out_proj",
             "pre_norm_ffn.0", "pre_norm_ffn.1", "pre_norm_ffn.4"]  # fmt: skip
    mixer = ["token_mixer.norm.rbr_skip", "token_mixer.mixer.rbr_skip",
             "token_mixer.mixer.rbr_conv.0.bn", "convffn.conv.bn", "convffn.fc1",
             "convffn.fc2"]  # fmt: skip
    alone = ["embedding_layer.weight", "positional_embedding.pos_embed.pos_embed",
             "projection_layer"]  # fmt: skip
    kernels = ["token_mixer.mixer.rbr_conv.0.conv.weight", "token_mixer.layer_scale",
               "convffn.conv.conv.weight", "layer_scale"]  # fmt: skip

    def names() -> Iterator[str]:
        yield from alone
        for index, parts in enumerate((mixer, layer, mixer)):
            for part in parts:
                yield from (f"transformer.{index}.{part}.{n}" for n in ("weight", "bias"))
            if parts is mixer:
                yield from (f"transformer.{index}.{kernel}" for kernel in kernels)
        yield from ("final_layer_norm.weight", "final_layer_norm.bias")

    found = [name for name, _ in text(1, mixing=True).named_parameters()]
    assert sorted(found) == sorted(names())


# --- the whole ------------------------------------------------------------------------------------


@torch.no_grad()
def test_both_embeddings_have_length_1_and_the_scale_is_bounded() -> None:
    image = fastvit.ImageEncoder(SMALL, "deploy", 8)
    model = stirred(mobileclip.MobileCLIP(image, text(1, "deploy")))
    ids = torch.randint(0, 50, (2, 6))
    images, words, scale = model(torch.randn(2, 3, 64, 64), ids)
    torch.testing.assert_close(images.norm(dim=-1), torch.ones(2))
    torch.testing.assert_close(words.norm(dim=-1), torch.ones(2))
    assert float(scale) == pytest.approx(1 / 0.07)
    model.logit_scale.fill_(9)
    assert model(torch.randn(1, 3, 32, 32), ids[:1])[2] == 100
    prefixes = {name.split(".")[0] for name in model.state_dict()}
    assert prefixes == {"image_encoder", "text_encoder", "logit_scale"}


# Parameters of both towers and the scale: README of apple/ml-mobileclip, in millions. The text
# tower of S0 in training form, and MACs, are those of the authors' modules.
@pytest.mark.parametrize(
    ("name", "image", "words", "macs"),
    [
        ("mobileclip_s0", 11.4, 42.4, 2.385 + 1.318),
        ("mobileclip_s1", 21.5, 63.4, 4.658 + 2.980),
        ("mobileclip_s2", 35.7, 63.4, 7.834 + 2.980),
        ("mobileclip_b", 86.3, 63.4, 17.708 + 2.980),
    ],
)
def test_counts_are_the_published_ones(name: str, image: float, words: float, macs: float) -> None:
    variant = parse(name)
    ledger, module = variant.ledger(variant.resolution()), meta(variant.build)
    towers = (
        ledger.filter(lambda r: r.path.startswith("image.")),
        ledger.filter(lambda r: r.path.startswith("text.")),
    )
    assert [round(int(t.params()) / 1e6, 1) for t in towers] == [image, words]
    assert ledger.params().value == sum(p.numel() for p in module.parameters())
    assert ledger.macs().value / 1e9 == pytest.approx(macs, abs=1e-3)


# timm 1.0.31 with a projection of 512: it has a bias of that. MACs and activations of convolutions,
# linear layers and matmuls.
@pytest.mark.parametrize(
    ("stages", "form", "params", "macs", "activations"),
    [
        (closed.MCI0, NetworkForm.TRAIN, 11_406_976, 2_392_653_824, 18_287_104),
        (closed.MCI1, NetworkForm.TRAIN, 21_541_632, 4_667_736_064, 32_836_096),
        (closed.MCI1, NetworkForm.DEPLOY, 21_461_056, 4_658_266_112, 27_298_304),
    ],
)
def test_image_encoders_count_as_timms(
    stages: ClosedStages, form: NetworkForm, params: int, macs: int, activations: int
) -> None:
    ledger = record(partial(closed.image_encoder, stages=stages, form=form), (1, 3, 256, 256))
    assert ledger.params().value + 512 == params
    assert (ledger.macs().value, ledger.activations().value) == (macs, activations)


def test_the_vision_transformer_counts_as_timms() -> None:
    ledger = record(vision_transformer, (1, 3, 224, 224))
    assert ledger.params().value + 512 == 86_349_056
    assert (ledger.macs().value, ledger.activations().value) == (17_707_960_320, 24_647_696)


# --- the closed forms -----------------------------------------------------------------------------


@settings(PROFILE, max_examples=4)
@given(st.tuples(widths, widths, widths), sides, sides, st.integers(1, 2))
@each_form
def test_every_witness_agrees_on_image_encoders(
    form: NetworkForm, times: tuple[int, ...], height: int, width: int, batch: int
) -> None:
    """A stage's channels are a multiple of those before it, the last one's one of 32."""
    first = 8 * times[0]
    second, third = first * times[1], first * times[1] * times[2]
    channels, blocks = (first, second, third, 4 * third), (1, 1, 1, 2)
    check(
        lambda x: closed.image_encoder(x, ClosedStages(channels, blocks), form, 9),
        lambda: fastvit.ImageEncoder(Stages(channels, blocks), form.value, 9),
        (batch, 3, height, width),
    )


@settings(PROFILE, max_examples=4)
@given(st.integers(14, 80), st.integers(14, 80), st.integers(1, 2))
def test_every_witness_agrees_on_the_vision_transformer(
    height: int, width: int, batch: int
) -> None:
    check(
        lambda x: (vision_transformer(x, 32, 2, 4, 9), class_token(x, 32)),
        lambda: transformer.VisionTransformer(32, 2, 4, 9),
        (batch, 3, height, width),
    )


@settings(PROFILE, max_examples=6)
@given(st.integers(1, 77), st.integers(1, 3), st.booleans(), st.booleans())
@each_form
def test_every_witness_agrees_on_text_encoders(
    form: NetworkForm, tokens: int, batch: int, causal: bool, mixing: bool
) -> None:
    options = {"causal": causal, "mixing": mixing}
    check(
        closed_text(2, form, **options),
        lambda: text(2, form.value, **options),
        texts(batch, tokens),
    )


@pytest.mark.parametrize("name", VARIANTS)
def test_the_closed_form_is_the_traced_one_for_all_sizes(name: str) -> None:
    proof = prove_variant(parse(name))
    assert proof.mismatches == ()
    assert proof


def test_every_witness_agrees_on_a_whole_network() -> None:
    assert check_variant(parse("mobileclip_s0:tokens=9"), (64, 33), 2)


def test_its_formula_is_free_in_tokens_and_sizes() -> None:
    exact = formula("mobileclip_b")
    assert exact.at(B=1, H=224, W=224, tokens=77) == 20_687_730_688
    assert exact.domain == "B ≥ 1; H, W ≥ 14; T one of 1…77"
    params = [formula(f"mobileclip_s0:form={form.value}", "params").at() for form in NetworkForm]
    assert params == [53_847_681, 53_792_065]
    assert formula("mobileclip_s0", "params").at() == params[1]


# --- forms on the command line, and bad input -----------------------------------------------------


def test_one_option_sets_the_form_of_every_model_that_has_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = ("mobileclip_s0", "mobilenetv2", "mobileclip_s1:tokens=20")
    assert with_form(names, None) == names
    assert with_form(names, "train") == (
        "mobileclip_s0:form=train", "mobilenetv2", "mobileclip_s1:tokens=20,form=train",
    )  # fmt: skip
    assert main(["compare", "mobileclip_s0", "--form", "train"]) == 0
    assert "53,847,681" in capsys.readouterr().out
    assert main(["compare", "mobileclip_s0", "--form", "deploy"]) == 0
    assert "53,792,065" in capsys.readouterr().out
    assert main(["show", "mobileclip_s0", "--form", "train", "--by", "stage"]) == 0
    assert "11,406,464" in capsys.readouterr().out
    small = ["--res", "32", "--form", "train"]
    assert main(["check", "mobileclip_s0:tokens=3", *small]) == 0
    assert "mobileclip_s0:form=train,tokens=3: agrees" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["compare", "show", "check"])
def test_a_form_that_no_model_has_is_refused(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "mobileclip_b", "--form", "train"]) == 2
    assert capsys.readouterr() == (
        "",
        "flopscope: --form train is given, but mobileclip_b has no forms; models with forms are "
        f"{', '.join(id for id, model in MODELS.items() if FORM in model.options)}\n",
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mobileclip_s0:form=fast", "unknown form 'fast'; known are train, deploy"),
        (
            "mobileclip_b:form=train",
            "unknown option of mobileclip_b 'form'; the only one is tokens",
        ),
        (
            "mobileclip_s1:tokens=78",
            "tokens=78 is more than the model takes; give at most 77",
        ),
        (
            "mobileclip_s1:tokens=0",
            "tokens=0 is not a positive integer; give one such as 77",
        ),
        (
            "mobileclip_s1:form=train,form=deploy",
            "form is given twice in 'mobileclip_s1:form=train,form=deploy'; give it once",
        ),
    ],
)
def test_options_are_refused_in_one_sentence(name: str, message: str) -> None:
    with pytest.raises((BadInput, UnknownName)) as error:
        parse(name)
    assert str(error.value) == message


def test_sizes_that_do_not_fit_are_refused_in_one_sentence() -> None:
    with pytest.raises(OutsideDomain) as small:
        record(vision_transformer, (1, 3, 13, 224))
    assert str(small.value) == (
        "input 1 padded by 0 less the span of kernel 2, plus 1, is 0, but must be at least 1"
    )
    with pytest.raises(OutsideDomain) as long:
        record(lambda ids: text_encoder(ids, 12), (1, 80))
    assert str(long.value) == (
        "context of 77 tokens less the 80 of the text is -3, but must be at least 0"
    )
    with pytest.raises(ValueError) as given:
        text(1)(torch.zeros(1, 80, dtype=torch.int64))
    assert str(given.value) == "a text has at most 77 tokens, but 80 were given"
    with pytest.raises(ValueError) as form:
        mobileclip.mobileclip_s0("fast")
    assert str(form.value) == "form must be 'train' or 'deploy', but 'fast' was given"
