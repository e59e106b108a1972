"""Attention in closed form: loops, and what counters miss where torch fuses it."""

from functools import partial
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from witnesses import PROFILE, on_meta

import flopscope as fs
from flopscope.agreement import Verdict, agree
from flopscope.analytic.attention import attend, fused_self_attention
from flopscope.analytic.tape import record
from flopscope.measured import measure
from flopscope.tracing import trace
from reference_models.efficientsam import SelfAttention
from reference_models.layers import join_heads, split_heads

few = st.integers(1, 4)


@PROFILE
@given(batch=few, n=few, m=few, heads=few, d=few)
def test_attention_is_as_many_products_as_loops_make(batch, n, m, heads, d):
    shapes = (batch, n, heads * d), *[(batch, m, heads * d)] * 2
    scores = [1 for _ in product(*map(range, (batch, heads, n, m, d)))]
    mixed = [1 for _ in product(*map(range, (batch, heads, n, d, m)))]
    found = record(lambda q, k, v: attend(q, k, v, heads), *shapes)
    assert int(found.macs()) == len(scores) + len(mixed)


class Fused(SelfAttention):
    """The same attention in one call of torch."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (split_heads(part, self.heads) for part in self.qkv(x).chunk(3, dim=-1))
        y: Tensor = self.proj(join_heads(F.scaled_dot_product_attention(q, k, v)))
        return y


def test_fused_attention_computes_the_same():
    torch.manual_seed(0)
    ours, fused = SelfAttention(32, 4), Fused(32, 4)
    fused.load_state_dict(ours.state_dict())
    x = torch.rand(2, 9, 32)
    torch.testing.assert_close(ours(x), fused(x))


def test_what_counters_miss_of_fused_attention_is_the_attention_term_of_the_formula():
    batch, n, c = 2, 9, 32
    ledger = record(lambda x: fused_self_attention(x, 4), (batch, n, c))
    formula = trace(SelfAttention(c, 4), ("B", "n", c)).ledger.macs().formula
    attention = 2 * batch * n * n * c
    assert formula.at(B=batch, n=n) - 4 * batch * n * c * c == attention
    measured = measure(Fused(c, 4), (batch, n, c))
    assert int(ledger.macs()) - measured.fvcore.macs == attention
    assert int(ledger.macs()) - measured.torch.macs == attention
    assert [skip.operator for skip in measured.fvcore.skipped] == ["scaled_dot_product_attention"]
    agreement = agree(ledger, measured)
    _, linear, matmul = agreement.classes
    assert matmul.verdict is Verdict.NOT_COUNTED
    assert linear.verdict is Verdict.AGREES
    assert agreement.differences == ()
    assert not agreement


@pytest.mark.parametrize("attention", [SelfAttention, Fused])
def test_torchs_counter_confirms_both_without_arithmetic(attention):
    ledger = record(lambda x: fused_self_attention(x, 4), (2, 9, 32))
    assert agree(ledger, on_meta(partial(attention, 32, 4), (2, 9, 32)))


@pytest.mark.parametrize("learns", [True, False])
def test_a_root_mean_square_norm_is_one_row_whether_it_learns_or_not(learns):
    """Torch takes it apart where it does not."""
    (row,) = fs.trace(nn.RMSNorm(8, elementwise_affine=learns), ("B", "n", 8)).rows
    assert row.kind.value == "rms norm"
    assert [weight.shape for weight in row.weights] == ([(8,)] if learns else [])
    assert str(row.groups) == "B·n"
