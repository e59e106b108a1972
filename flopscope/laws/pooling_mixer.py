"""PoolFormer's block against a transformer block of the same width: arXiv 2111.11418, section 3.

Both have norms, an MLP of ratio 4, layer scales and shortcuts; only the mixer differs. The
transformer's mixer is self-attention with any number of heads and with biases in its projections.
"""

from __future__ import annotations

from fractions import Fraction

import sympy

from flopscope.analytic.attention import attend
from flopscope.analytic.named_blocks import INPUT
from flopscope.analytic.operators import add, conv2d, group_norm, scale
from flopscope.analytic.poolformer import mlp_block
from flopscope.analytic.tape import Feature, record
from flopscope.closedform.sympify import sympy_symbol
from flopscope.facts import Kind
from flopscope.laws.parts import Law, Step, Worked, form, letter, macs, model_ledger, params
from flopscope.ledger import Ledger
from flopscope.sizes import Shape, Size
from flopscope.symbolic import symbol

B, H, W = (sympy_symbol(name) for name in "BHW")
C_IN, C, N = sympy_symbol("C_in"), letter("C"), letter("N")
M_POOL, M_ATTENTION = letter("M_pool"), letter("M_attention")
P_POOL, P_ATTENTION = letter("P_pool"), letter("P_attention")
HEADS = symbol("heads")
NETWORKS = tuple(f"poolformer_{size}" for size in ("s12", "s24", "s36", "m36", "m48"))


def derive() -> Law:
    """With attention for pooling a block has 3/2 + N/(4·C) times the multiply-accumulates."""
    pooling, attention = form("poolformer_block"), _transformer(INPUT, HEADS)
    work = [_in_tokens(macs(side)) for side in (pooling, attention)]
    weights = [_in_tokens(params(side)) for side in (pooling, attention)]
    ratio = sympy.expand(work[1] / work[0])
    saved = sympy.factor(work[1] - work[0])
    return Law(
        Step("with attention a block has r times the MACs", letter("r"), ratio),
        (
            Step("MACs of PoolFormer's block, an image", M_POOL, work[0]),
            Step(
                "with attention: projections that grow as N, products that grow as N²",
                M_ATTENTION,
                work[1],
            ),
            Step("what pooling saves", M_ATTENTION - M_POOL, saved),
            Step(
                "as a share of the transformer block",
                (M_ATTENTION - M_POOL) / M_ATTENTION,
                sympy.factor(saved / work[1]),
            ),
            Step(
                "which on few tokens is that of the projections alone",
                sympy.Limit((M_ATTENTION - M_POOL) / M_ATTENTION, N, 0),
                sympy.limit(saved / work[1], N, 0),
            ),
            Step("parameters of PoolFormer's block", P_POOL, weights[0]),
            Step("with attention", P_ATTENTION, weights[1]),
            Step(
                "parameters that pooling saves",
                P_ATTENTION - P_POOL,
                sympy.factor(weights[1] - weights[0]),
            ),
        ),
        "N, C ≥ 1; any number of heads that divides C",
        (_stages(), _networks()),
        {"C": "channels", "N": "tokens: positions of the map of one image"},
    )


def _transformer(shape: Shape, heads: Size) -> Ledger:
    """PoolFormer's block with self-attention for its mixer."""

    def block(x: Feature) -> Feature:
        with x.tape.scope("mixer"):
            y = scale(_attention(group_norm(x, 1), heads), (x.channels, 1, 1), name="layer_scale")
            x = add(x, y)
        return mlp_block(x)

    return record(block, shape)


def _attention(x: Feature, heads: Size) -> Feature:
    """Self-attention on a map: projections as 1×1 convolutions, and products over its positions."""
    x.tape.multiple(x.channels, heads, "number of channels")
    qkv = conv2d(x, 3 * x.channels, 1, bias=True, name="qkv")
    tokens = qkv.view(x.batch, x.grid[0] * x.grid[1], x.channels)
    y = attend(tokens, tokens, tokens, heads).view(*x.shape)
    return conv2d(y, x.channels, 1, bias=True, name="project")


def _in_tokens(value: sympy.Expr) -> sympy.Expr:
    """The cost of one image, in N and C."""
    return sympy.expand(value.subs({B: 1, H: N / W, C_IN: C}))


def _mixed(ledger: Ledger) -> list[Shape]:
    """The maps that the network pools."""
    return [row.inputs[0] for row in ledger if row.kind is Kind.AVERAGE_POOL_INSIDE]


def _stages() -> Worked:
    rows = []
    for shape in dict.fromkeys(_mixed(model_ledger(NETWORKS[0]))):
        tokens, channels = int(shape[2]) * int(shape[3]), int(shape[1])
        pooling, attention = (int(_block(shape, heads).macs()) for heads in (0, 1))
        ratio = Fraction(attention, pooling)
        rows.append((f"{shape[2]}×{shape[3]}", tokens, channels, pooling, attention, ratio))
    return Worked(
        "A block of PoolFormer-S12 in each stage, for one image of 224×224:",
        ("Map", "N", "C", "M_pool", "M_attention", "r"),
        tuple(rows),
    )


def _block(shape: Shape, heads: int) -> Ledger:
    """The counts of a block on this map, with pooling or with attention of so many heads."""
    sizes = dict(zip(("B", "C_in", "H", "W"), shape, strict=True))
    return _transformer(shape, heads) if heads else form("poolformer_block").at(**sizes)


def _networks() -> Worked:
    rows = []
    for model in NETWORKS:
        ledger = model_ledger(model)
        pairs = [(_block(shape, 0), _block(shape, 1)) for shape in _mixed(ledger)]
        m, p = int(ledger.macs()), int(ledger.params())
        more = sum(int(b.macs()) - int(a.macs()) for a, b in pairs)
        stored = sum(int(b.params()) - int(a.params()) for a, b in pairs)
        rows.append((model, m, m + more, Fraction(m + more, m), p, p + stored))
    return Worked(
        "The networks at 224×224, with attention in place of every pooling:",
        ("Network", "M_pool", "M_attention", "r", "P_pool", "P_attention"),
        tuple(rows),
    )
