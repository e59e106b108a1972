"""pooling-mixer and attention-conv against counts made without them."""

import importlib
from typing import Any

import pytest
import sympy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from public_models import count, meta, timm
from relations import derived, put, right
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from flopscope.catalog.variant import parse
from flopscope.errors import BadInput
from flopscope.facts import Kind
from flopscope.laws import law
from flopscope.laws.parts import Law
from flopscope.ledger import Ledger
from reference_models.poolformer import Block

few = settings(deadline=None, max_examples=10, derandomize=True)


def worked(found: Law, table: int) -> list[dict[str, Any]]:
    columns, rows = found.worked[table].columns, found.worked[table].rows
    return [dict(zip(columns, row, strict=True)) for row in rows]


def counted(module: nn.Module, *shape: int) -> tuple[int, int]:
    """Parameters and MACs of a module, by torch's counter."""
    with FlopCounterMode(display=False) as counter:
        module(torch.empty(shape, device="meta"))
    return sum(p.numel() for p in module.parameters()), counter.get_total_flops() // 2


# --- pooling-mixer --------------------------------------------------------------------------------


@few
@given(st.integers(1, 3), st.integers(1, 8), st.integers(2, 6), st.integers(2, 6))
def test_both_blocks_are_torchs(heads: int, size: int, height: int, width: int) -> None:
    """A TransformerEncoderLayer is the block without its two layer scales."""
    channels, tokens = heads * size, height * width
    found, at = derived("pooling-mixer"), {"N": tokens, "C": channels}
    with torch.device("meta"):
        pooling = Block(channels, scale=1.0).eval()
        attention = nn.TransformerEncoderLayer(channels, heads, 4 * channels, batch_first=True)
    params, macs = counted(pooling, 1, channels, height, width)
    assert put(right(found, "M_pool"), **at) == macs
    assert put(right(found, "P_pool"), **at) == params
    more_params, more_macs = counted(attention, 1, tokens, channels)
    assert put(right(found, "M_attention"), **at) == more_macs
    assert put(found.statement.right, **at) == sympy.Rational(more_macs, macs)
    assert put(right(found, "M_attention - M_pool"), **at) == more_macs - macs
    saved = put(right(found, "P_attention - P_pool"), **at)
    assert saved == more_params + 2 * channels - params


@pytest.mark.parametrize(
    ("id", "depths", "dims"),
    [
        ("poolformer_s12", (2, 2, 6, 2), (64, 128, 320, 512)),
        ("poolformer_m36", (6, 6, 18, 6), (96, 192, 384, 768)),
    ],
)
def test_a_network_with_attention_is_timms_metaformer(
    id: str, depths: tuple[int, ...], dims: tuple[int, ...]
) -> None:
    """timm's MetaFormer takes either mixer; its attention has no biases, 4·C a block."""
    timm().layers.set_fused_attn(False)
    metaformer = importlib.import_module("timm.models.metaformer")
    network = meta(
        lambda: metaformer.MetaFormer(
            depths=depths,
            dims=dims,
            token_mixers=metaformer.Attention,
            norm_layers=nn.LayerNorm,
            mlp_act=nn.GELU,
            mlp_bias=True,
            downsample_norm=None,
            layer_scale_init_values=1e-5,
            res_scale_init_values=None,
            use_mlp_head=False,
        )
    )
    params, macs = count(network)
    (row,) = [row for row in worked(derived("pooling-mixer"), 1) if row["Network"] == id]
    biases = sum(4 * c * n for c, n in zip(dims, depths, strict=True))
    assert (row["M_attention"], row["P_attention"]) == (macs, params + biases)
    ledger = parse(id).ledger((224, 224))
    assert (row["M_pool"], row["P_pool"]) == (ledger.macs().value, ledger.params().value)
    assert row["r"] == sympy.Rational(macs, int(ledger.macs().value))


def test_the_table_of_stages_is_the_law() -> None:
    found = derived("pooling-mixer")
    table = worked(found, 0)
    assert [(row["N"], row["C"]) for row in table] == [
        (3136, 64),
        (784, 128),
        (196, 320),
        (49, 512),
    ]
    for row in table:
        assert put(found.statement.right, N=row["N"], C=row["C"]) == sympy.Rational(row["r"])


# --- attention-conv -------------------------------------------------------------------------------


def parts(model: str, height: int, width: int) -> tuple[int, int, int]:
    """MACs of products of attention, convolutions and linear layers, counted at numbers."""
    ledger: Ledger = parse(model).ledger((height, width))
    kinds = (Kind.MATMUL, Kind.CONVOLUTION, Kind.LINEAR)
    found = tuple(int(ledger.filter(lambda row, k=k: row.kind is k).macs()) for k in kinds)
    assert sum(found) == ledger.macs().value
    return found


def exceeds(model: str, against: str, side: int) -> bool:
    attention, convolutions, linear = parts(model, side, side)
    return attention > convolutions + (linear if against == "all the rest" else 0)


@pytest.mark.parametrize("model", ["mobilevit_xxs", "mobilevit_xs", "mobilevit_s"])
def test_the_parts_are_those_counted(model: str) -> None:
    found = derived(f"attention-conv:{model}")
    for side in (64, 256, 640):
        assert tuple(put(step.right, R=side) for step in found.steps[:3]) == parts(
            model, side, side
        )


@pytest.mark.parametrize("model", ["mobilevit_xxs", "mobilevit_s"])
def test_twice_the_tokens_cost_more_than_twice(model: str) -> None:
    """An image twice as wide has twice the tokens in every map."""
    found = derived(f"attention-conv:{model}")
    numbers = {step.left: step.right for step in found.steps if str(step.left) in ("a", "c")}
    beyond = right(found, "MACs_2N - 2*MACs_N").subs(numbers)
    for side in (64, 128, 256):
        once, twice = (sum(parts(model, side, side * times)) for times in (1, 2))
        assert put(beyond, R=side) == twice - 2 * once
    least = float(right(found, "R", 1).subs(numbers))
    for side in (64, 128, 256):
        assert (put(beyond, R=side) > 0) == (side > least)


@pytest.mark.parametrize("row", range(6))
def test_the_least_resolution_is_the_first_that_exceeds(row: int) -> None:
    """Rounded sizes change at R = 8·k + 1; every side around the answers is counted."""
    found = worked(derived("attention-conv"), 0)[row]
    model, against, least, always = (
        found[name] for name in ("Network", "against", "least R", "always from")
    )
    assert exceeds(model, against, least)
    assert not any(exceeds(model, against, side) for side in range(1, least, 8))
    assert not any(exceeds(model, against, side) for side in range(least - 20, least))
    assert not (always > least and exceeds(model, against, always - 1))
    assert all(exceeds(model, against, side) for side in range(always, always + 140))
    assert abs(found["law: R >"] - always) < 64


def test_the_roots_solve_the_idealised_equations() -> None:
    found = derived("attention-conv:mobilevit_xs")
    numbers = {step.left.name: step.right for step in found.steps if step.left.is_Symbol}
    a, v, linear, c = (numbers[name] for name in "avlc")
    beside_convolutions = put(found.statement.right, a=a, v=v)
    assert sympy.simplify(a * beside_convolutions**2 - v) == 0
    beside_all = put(right(found, "R", 0), a=a, b=v + linear, c=c)
    rest = (v + linear) * beside_all**2 + c
    assert sympy.simplify(a * beside_all**4 - rest) == 0
    assert found.domain == "H = W = R, a multiple of 64"


@pytest.mark.parametrize("model", ["mobilenetv1", "efficientformer_l1"])
def test_a_network_whose_attention_does_not_grow_is_refused_in_one_sentence(model: str) -> None:
    with pytest.raises(BadInput) as error:
        law(f"attention-conv:{model}")
    assert str(error.value) == (
        f"{model} has no attention whose products grow with the square of the tokens; networks "
        "that have are mobilevit_xxs, mobilevit_xs, mobilevit_s"
    )
