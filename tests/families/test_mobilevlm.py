"""MobileVLM V2: components by the published configs, small copies against every witness, proofs."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from small_mobilevlm import DESIGN, PIXELS, SEEN, shrink
from torch import Tensor, nn
from witnesses import PROFILE, assert_all_agree, on_meta

import flopscope as fs
from flopscope.agreement import agree
from flopscope.agreement.proof import prove_variant
from flopscope.analytic import mobilevlm as closed
from flopscope.analytic.switches import Phase
from flopscope.analytic.tape import record
from flopscope.catalog.variant import parse
from flopscope.errors import BadInput, OutsideDomain, UnknownName
from flopscope.facts import InputSpec
from flopscope.ledger import Level
from flopscope.measured import without_memory
from reference_models import mobilevlm as module
from reference_models.clipvision import VisionLayer

MODELS = ("mobilevlm_v2_1.7b", "mobilevlm_v2_3b")
CONFIGS = {
    # hidden_size, intermediate_size, num_hidden_layers, num_attention_heads of the configs
    "mobilevlm_v2_1.7b": (2048, 5632, 24, 16),
    "mobilevlm_v2_3b": (2560, 6912, 32, 32),
}
VOCABULARY, CONTEXT = 32000, 2048
CLIP_WIDTH, CLIP_HIDDEN, CLIP_LAYERS, PATCH, PATCHES = 1024, 4096, 24, 14, 24 * 24


def clip_layer(n: int) -> int:
    """MACs of n vectors in one layer: matrices of attention and MLP, and all pairs twice."""
    linear = 4 * CLIP_WIDTH**2 + 2 * CLIP_WIDTH * CLIP_HIDDEN
    return n * linear + 2 * n * n * CLIP_WIDTH


def stages(model: str, reading: str) -> dict[str, int]:
    groups = fs.analyze(model).group_by(Level.STAGE)
    return {stage: int(getattr(part, reading)()) for stage, part in groups.items()}


@pytest.mark.parametrize("model", MODELS)
def test_parameters_of_each_component_are_those_of_the_configs(model):
    c, f, layers, _ = CONFIGS[model]
    clip_norms, clip_biases = 4 * CLIP_WIDTH, 4 * CLIP_WIDTH + CLIP_HIDDEN + CLIP_WIDTH
    clip = CLIP_LAYERS * (4 * CLIP_WIDTH**2 + 2 * CLIP_WIDTH * CLIP_HIDDEN)
    clip += CLIP_LAYERS * (clip_norms + clip_biases)
    clip += 3 * PATCH**2 * CLIP_WIDTH + CLIP_WIDTH + (1 + PATCHES) * CLIP_WIDTH + clip_norms
    expected = {
        "vision_tower": clip,
        "projector": (CLIP_WIDTH + 1) * c + (c + 1) * c + (9 + 1) * c,
        "language_model": 2 * VOCABULARY * c + layers * (4 * c * c + 3 * c * f + 2 * c) + c,
    }
    assert clip == 303_507_456
    assert stages(model, "params") == expected
    assert stages(f"{model}:phase=decode", "params") == expected
    with torch.device("meta"):
        assert sum(p.numel() for p in fs.build(model).parameters()) == sum(expected.values())


@pytest.mark.parametrize("model", MODELS)
def test_macs_of_each_component_are_those_of_the_configs(model):
    c, f, layers, _ = CONFIGS[model]
    text = 100
    n = 144 + text
    per_token = layers * (4 * c * c + 3 * c * f)
    assert stages(f"{model}:tokens={text}", "macs") == {
        "vision_tower": PATCHES * 3 * PATCH**2 * CLIP_WIDTH + 23 * clip_layer(1 + PATCHES),
        "projector": PATCHES * (CLIP_WIDTH * c + c * c) + 144 * 9 * c,
        "language_model": n * (per_token + VOCABULARY * c) + layers * 2 * n * n * c,
    }
    step = stages(f"{model}:phase=decode,tokens={text}", "macs")
    assert step["language_model"] == per_token + VOCABULARY * c + layers * 2 * n * c
    assert (step["vision_tower"], step["projector"]) == (0, 0)


def test_the_layer_that_the_authors_code_runs_and_does_not_read():
    unread = record(closed.unread_layer, (1, 1 + PATCHES, CLIP_WIDTH))
    assert int(unread.macs()) == clip_layer(1 + PATCHES)
    whole = stages(MODELS[0], "macs")["vision_tower"] + int(unread.macs())
    assert whole == PATCHES * 3 * PATCH**2 * CLIP_WIDTH + CLIP_LAYERS * clip_layer(1 + PATCHES)


@pytest.mark.parametrize("model", MODELS)
def test_state_dict_has_the_names_of_the_checkpoint(model):
    c, f, layers, _ = CONFIGS[model]
    tower, projector = "model.vision_tower.vision_tower.vision_model", "model.mm_projector"
    expected = {
        "model.embed_tokens.weight": (VOCABULARY, c),
        "model.norm.weight": (c,),
        "lm_head.weight": (VOCABULARY, c),
        f"{projector}.mlp.mlp.0.weight": (c, CLIP_WIDTH),
        f"{projector}.mlp.mlp.0.bias": (c,),
        f"{projector}.mlp.mlp.2.weight": (c, c),
        f"{projector}.mlp.mlp.2.bias": (c,),
        f"{projector}.peg.peg.0.weight": (c, 1, 3, 3),
        f"{projector}.peg.peg.0.bias": (c,),
        f"{tower}.embeddings.class_embedding": (CLIP_WIDTH,),
        f"{tower}.embeddings.patch_embedding.weight": (CLIP_WIDTH, 3, PATCH, PATCH),
        f"{tower}.embeddings.position_embedding.weight": (1 + PATCHES, CLIP_WIDTH),
    }
    for norm in ("pre_layrnorm", "post_layernorm"):
        expected |= {f"{tower}.{norm}.{key}": (CLIP_WIDTH,) for key in ("weight", "bias")}
    for layer in range(layers):
        own = f"model.layers.{layer}"
        expected |= {f"{own}.self_attn.{key}_proj.weight": (c, c) for key in "qkvo"}
        expected |= {f"{own}.mlp.{key}_proj.weight": (f, c) for key in ("gate", "up")}
        expected[f"{own}.mlp.down_proj.weight"] = (c, f)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            expected[f"{own}.{norm}.weight"] = (c,)
    for layer in range(CLIP_LAYERS):
        own = f"{tower}.encoder.layers.{layer}"
        for key in ("q_proj", "k_proj", "v_proj", "out_proj"):
            expected[f"{own}.self_attn.{key}.weight"] = (CLIP_WIDTH, CLIP_WIDTH)
            expected[f"{own}.self_attn.{key}.bias"] = (CLIP_WIDTH,)
        expected[f"{own}.mlp.fc1.weight"] = (CLIP_HIDDEN, CLIP_WIDTH)
        expected[f"{own}.mlp.fc1.bias"] = (CLIP_HIDDEN,)
        expected[f"{own}.mlp.fc2.weight"] = (CLIP_WIDTH, CLIP_HIDDEN)
        expected[f"{own}.mlp.fc2.bias"] = (CLIP_WIDTH,)
        for norm in ("layer_norm1", "layer_norm2"):
            expected |= {f"{own}.{norm}.{key}": (CLIP_WIDTH,) for key in ("weight", "bias")}
    state = without_memory(partial(fs.build, model)).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == expected


@pytest.mark.parametrize("model", [*MODELS, *(f"{model}:phase=decode" for model in MODELS)])
def test_the_closed_form_is_proved_in_batch_and_tokens(model):
    proof = prove_variant(parse(model))
    assert proof, proof.mismatches
    image = "" if "decode" in model else "H, W = 336; "
    assert proof.domain == f"B ≥ 1; {image}T one of 1…1904"


# --- small copies -------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch):
    shrink(monkeypatch)


def built(phase: str) -> nn.Module:
    return module.MobileVLM(module.DecoderSizes(*DESIGN), phase)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("phase", list(Phase))
def test_all_witnesses_agree(phase):
    @settings(PROFILE, max_examples=5)
    @given(batch=st.integers(1, 3), tokens=st.integers(1, 30))
    def at(batch: int, tokens: int) -> None:
        inputs: list[InputSpec] = [
            InputSpec(None, (batch, 3, PIXELS, PIXELS)),
            InputSpec(None, (batch, tokens), "int64"),
        ]
        if phase is Phase.DECODE:
            kept = InputSpec(None, (batch, 4, SEEN + tokens - 1, 4))
            inputs = [InputSpec(None, (batch, 1), "int64"), *[kept] * 4]
        ledger = record(
            lambda *x: closed.mobilevlm(x, closed.DecoderSizes(*DESIGN), phase),
            *(given.shape for given in inputs),
        )
        assert_all_agree(agree(ledger, on_meta(partial(built, phase.value), *inputs)), ledger)

    at()


@pytest.mark.usefixtures("small")
def test_one_token_more_is_what_all_at_once_says_of_it():
    torch.manual_seed(0)
    once, step = built("prefill").eval(), built("decode").eval()
    step.load_state_dict(once.state_dict(), strict=True)
    image, tokens = torch.rand(2, 3, PIXELS, PIXELS), torch.randint(50, (2, 7))
    with torch.no_grad():
        whole, kept = once(image, tokens)
        _, cache = once(image, tokens[:, :4])
        for n in range(4, 7):
            scores, cache = step(tokens[:, n : n + 1], *cache)
            torch.testing.assert_close(scores[:, 0], whole[:, SEEN + n], rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(cache, kept, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("small")
def test_vision_layers_are_torchs_encoder_layers():
    torch.manual_seed(0)
    ours = VisionLayer().eval()
    theirs = nn.TransformerEncoderLayer(
        32, 4, 40, 0.0, lambda x: x * torch.sigmoid(1.702 * x), batch_first=True, norm_first=True
    ).eval()
    own, attention = ours.self_attn, theirs.self_attn
    projections = (own.q_proj, own.k_proj, own.v_proj)
    with torch.no_grad():
        attention.in_proj_weight.copy_(torch.cat([p.weight for p in projections]))
        attention.in_proj_bias.copy_(torch.cat([p.bias for p in projections]))
    for there, here in (
        (attention.out_proj, own.out_proj),
        (theirs.linear1, ours.mlp.fc1),
        (theirs.linear2, ours.mlp.fc2),
    ):
        there.load_state_dict(here.state_dict())
    x = torch.rand(2, 9, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x))


def by_complex_numbers(x: Tensor, start: int) -> Tensor:
    """Rotary positions as LLaMA's paper has them, for the pairs (i, i + d/2)."""
    d = x.shape[-1]
    frequencies = 1.0 / 10000 ** (torch.arange(d // 2, dtype=torch.float64) * 2 / d)
    angles = torch.outer(torch.arange(start, start + x.shape[2], dtype=torch.float64), frequencies)
    pairs = torch.complex(x[..., : d // 2].double(), x[..., d // 2 :].double())
    turned = pairs * torch.polar(torch.ones_like(angles), angles)
    return torch.cat((turned.real, turned.imag), dim=-1).float()


@pytest.mark.usefixtures("small")
def test_the_language_model_is_a_llama():
    """Against SDPA with torch's own causal mask, complex numbers and torch's norms."""
    torch.manual_seed(0)
    model = built("prefill").model.eval()
    x = y = torch.rand(2, 9, 16)
    with torch.no_grad():
        for layer in model.layers:
            own, h = layer.self_attn, F.rms_norm(y, (16,), layer.input_layernorm.weight, 1e-6)
            q, k, v = (
                F.linear(h, p.weight).reshape(2, 9, 4, 4).transpose(1, 2)
                for p in (own.q_proj, own.k_proj, own.v_proj)
            )
            q, k = by_complex_numbers(q, 0), by_complex_numbers(k, 0)
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            y = y + F.linear(mixed.transpose(1, 2).reshape(2, 9, 16), own.o_proj.weight)
            h = F.rms_norm(y, (16,), layer.post_attention_layernorm.weight, 1e-6)
            gate = F.silu(h @ layer.mlp.gate_proj.weight.T)
            y = y + (gate * (h @ layer.mlp.up_proj.weight.T)) @ layer.mlp.down_proj.weight.T
        expected = F.rms_norm(y, (16,), model.norm.weight, 1e-6)
        torch.testing.assert_close(model(x, ())[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.usefixtures("small")
def test_it_trains():
    model = built("prefill")
    scores, _ = model(torch.rand(1, 3, PIXELS, PIXELS), torch.randint(50, (1, 5)))
    scores.mean().backward()
    still = [name for name, p in model.named_parameters() if p.grad is None]
    tower = "model.vision_tower.vision_tower.vision_model"
    assert still
    assert all(n.startswith((f"{tower}.encoder.layers.2.", f"{tower}.post_")) for n in still)


# --- refusals -----------------------------------------------------------------------------------


def test_what_is_refused():
    wanted = {
        ("mobilevlm_v2_3b", 224): (
            OutsideDomain,
            "MobileVLM takes images of 336×336, but one of 224×224 is given",
        ),
        ("mobilevlm_v2_3b:tokens=1905", None): (
            OutsideDomain,
            "2049 tokens, 144 of them the image's, exceed the context of MobileVLM; it takes at "
            "most 2048",
        ),
        ("mobilevlm_v2_3b:phase=decode,tokens=1905", None): (
            OutsideDomain,
            "2049 tokens, 144 of them the image's, exceed the context of MobileVLM; it takes at "
            "most 2048",
        ),
        ("mobilevlm_v2_3b:phase=decode", 336): (
            BadInput,
            "mobilevlm_v2_3b:phase=decode takes no image, so it has no resolution; the sizes of "
            "its input are options: tokens",
        ),
        ("mobilevlm_v2_3b:phase=train", None): (
            UnknownName,
            "unknown phase 'train'; known are prefill, decode",
        ),
    }
    for (model, res), (error, message) in wanted.items():
        with pytest.raises(error) as refused:
            fs.analyze(model, res=res)
        assert str(refused.value) == message
    assert int(fs.analyze("mobilevlm_v2_3b:tokens=1904").macs()) > 0


@pytest.mark.usefixtures("small")
def test_what_the_module_refuses():
    model, tokens = built("prefill"), torch.zeros(1, 37, dtype=torch.int64)
    with pytest.raises(ValueError, match="image") as refused:
        model(torch.zeros(1, 3, 56, 42), tokens)
    assert str(refused.value) == "an image of 56×42 pixels was given; MobileVLM takes 56×56"
    with pytest.raises(ValueError, match="tokens") as refused:
        model(torch.zeros(1, 3, 56, 56), tokens)
    assert str(refused.value) == "41 tokens were given; MobileVLM takes at most 40"
    with pytest.raises(ValueError, match="phase") as refused:
        module.mobilevlm_v2_3b("train")
    assert str(refused.value) == "phase 'train' is neither 'prefill' nor 'decode'"
