"""Random networks for hypothesis: layers, functions, branches, shared modules, attention.

A step is drawn for a rank (axes after the channels: 1, 2 or 3) and a number of channels, on the
meta device. `STEPS` lists them all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from hypothesis import assume
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from witnesses import Calls

CONV = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
MAX_POOL = (nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
AVG_POOL = (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
ADAPTIVE_AVG = (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
ADAPTIVE_MAX = (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)
BATCH_NORM = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
INSTANCE_NORM = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
FUNCTIONAL_CONV = (F.conv1d, F.conv2d, F.conv3d)
SMOOTH = ("linear", "bilinear", "trilinear")


def divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def axes(rank: int, low: int, high: int) -> st.SearchStrategy[Any]:
    """One number for all axes, or one for each."""
    number = st.integers(low, high)
    return number | st.tuples(*[number] * rank)


def largest(value: Any) -> int:
    return max(value) if isinstance(value, tuple) else value


@st.composite
def convolution(draw, rank, c):
    groups = draw(st.sampled_from(divisors(c)))
    stride = draw(axes(rank, 1, 3))
    same = largest(stride) == 1 and draw(st.booleans())
    return CONV[rank - 1](
        c,
        groups * draw(st.integers(1, 3)),
        draw(axes(rank, 1, 4)),
        stride,
        "same" if same else draw(axes(rank, 0, 2)),
        draw(axes(rank, 1, 2)),
        groups,
        draw(st.booleans()),
        draw(st.sampled_from(["zeros", "zeros", "reflect", "replicate", "circular"])),
    )


@st.composite
def transposed_convolution(draw, rank, c):
    groups, stride = draw(st.sampled_from(divisors(c))), draw(st.integers(1, 3))
    return TRANSPOSED[rank - 1](
        c,
        groups * draw(st.integers(1, 3)),
        draw(axes(rank, 1, 4)),
        stride,
        draw(axes(rank, 0, 1)),
        draw(st.integers(0, stride - 1)),
        groups,
        draw(st.booleans()),
        draw(st.integers(1, 2)),
    )


@st.composite
def functional_convolution(draw, rank, c):
    """The weight is no layer's; another parameter is never used."""
    groups = draw(st.sampled_from(divisors(c)))
    weight = nn.Parameter(torch.empty(2 * groups, c // groups, *[3] * rank))
    net = Calls(lambda s, x: FUNCTIONAL_CONV[rank - 1](x, s.weight, padding=1, groups=groups))
    net.weight, net.unused = weight, nn.Parameter(torch.empty(5))
    return net


@st.composite
def pool(draw, rank, c):
    kernel, stride, ceil = (
        draw(st.integers(1, 3)),
        draw(st.none() | st.integers(1, 3)),
        draw(st.booleans()),
    )
    padding = draw(st.integers(0, kernel // 2))
    if draw(st.booleans()):
        return MAX_POOL[rank - 1](kernel, stride, padding, draw(st.integers(1, 2)), False, ceil)
    return AVG_POOL[rank - 1](kernel, stride, padding, ceil, draw(st.booleans()))


@st.composite
def adaptive_pool(draw, rank, c):
    kind = draw(st.sampled_from([ADAPTIVE_AVG, ADAPTIVE_MAX]))
    return kind[rank - 1](draw(axes(rank, 1, 3)))


@st.composite
def interpolation(draw, rank, c):
    smooth = draw(st.booleans())
    mode = SMOOTH[rank - 1] if smooth else draw(st.sampled_from(["nearest", "area"]))
    options = {"mode": mode, **({"align_corners": draw(st.booleans())} if smooth else {})}
    if draw(st.booleans()):
        options["size"] = draw(axes(rank, 1, 5))
    else:
        options["scale_factor"] = draw(st.sampled_from([2, 0.5, 1.5, 0.7, 1.3]))
    return Calls(lambda _, x: F.interpolate(x, **options))


@st.composite
def norm(draw, rank, c):
    return draw(
        st.sampled_from(
            [
                BATCH_NORM[rank - 1](c),
                INSTANCE_NORM[rank - 1](c, affine=True),
                nn.GroupNorm(draw(st.sampled_from(divisors(c))), c),
                Calls(lambda s, x: s.n(x.movedim(1, -1)).movedim(-1, 1), n=nn.LayerNorm(c)),
                Calls(lambda s, x: s.n(x.movedim(1, -1)).movedim(-1, 1), n=nn.RMSNorm(c)),
                Calls(lambda _, x: F.normalize(x, dim=1)),
            ]
        )
    )


ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.GELU, nn.SiLU, nn.Hardswish, nn.Sigmoid, nn.PReLU, nn.ELU,
               nn.Mish, nn.Softplus, nn.LeakyReLU, nn.Tanh)  # fmt: skip


@st.composite
def activation(draw, rank, c):
    return draw(st.sampled_from(ACTIVATIONS))()


FUNCTIONS: tuple[Callable[[Tensor], Tensor], ...] = (
    lambda x: torch.cat([*x.chunk(2, 1), x], 1),
    lambda x: x.softmax(-1) * x,
    lambda x: F.pad(x, (1, 2)),
    lambda x: torch.roll(x, 1, -1).flip(-1),
    lambda x: x - x.mean(1, keepdim=True),
    lambda x: F.glu(torch.cat([x, x], 1), 1),
    lambda x: x[..., ::2],
    lambda x: torch.stack([x, x], 2).flatten(1, 2),
    lambda x: x.transpose(-1, -2) if x.dim() > 3 else x,
    lambda x: x @ x.transpose(-1, -2),  # of a batch of matrices with itself
    lambda x: x.clamp(0, 1).sqrt(),
)


@st.composite
def function(draw, rank, c):
    chosen = draw(st.sampled_from(FUNCTIONS))
    return Calls(lambda _, x: chosen(x))


@st.composite
def pointwise(draw, rank, c):
    """Channels last, through a linear layer and back."""
    layer = nn.Linear(c, draw(st.integers(1, 9)), bias=draw(st.booleans()))
    return Calls(lambda s, x: s.fc(x.movedim(1, -1)).movedim(-1, 1), fc=layer)


def kept(rank: int, c: int, kernel: int = 3, groups: int = 1) -> nn.Module:
    """A convolution that keeps the shape."""
    return CONV[rank - 1](c, c, kernel, padding=kernel // 2, groups=groups)


@st.composite
def branches(draw, rank, c):
    """Residual, joined or gated; or one module called twice."""
    conv = kept(rank, c, draw(st.sampled_from([1, 3, 5])), draw(st.sampled_from(divisors(c))))
    gate = nn.Sequential(ADAPTIVE_AVG[rank - 1](1), kept(rank, c, 1), nn.Sigmoid())
    forward = draw(
        st.sampled_from(
            [
                lambda s, x: x + s.a(x),
                lambda s, x: torch.cat([s.a(x), x, F.relu(x)], 1),
                lambda s, x: s.a(x) * s.b(x),
                lambda s, x: s.a(F.relu(s.a(x))),
            ]
        )
    )
    return Calls(forward, a=conv, b=gate)


# --- attention over all places -----------------------------------------------------------------


def over_tokens(f: Callable[[Any, Tensor], Tensor], **children: nn.Module) -> nn.Module:
    """f on (B, T, C), and back to the shape of the map."""

    def forward(self: Any, x: Tensor) -> Tensor:
        return f(self, x.flatten(2).transpose(1, 2)).transpose(1, 2).reshape(x.shape)

    return Calls(forward, **children)


def split(s: Any, t: Tensor, heads: int) -> tuple[Tensor, ...]:
    batch, tokens, c = t.shape
    return s.qkv(t).reshape(batch, tokens, 3, heads, c // heads).permute(2, 0, 3, 1, 4).unbind(0)


def joined(y: Tensor) -> Tensor:
    return y.transpose(1, 2).flatten(2)


@st.composite
def attention(draw, rank, c):
    heads = draw(st.sampled_from(divisors(c)[:4]))
    causal, weights, first = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())

    def explicit(s: Any, t: Tensor) -> Tensor:
        q, k, v = split(s, t, heads)
        return s.out(joined((q @ k.transpose(-2, -1) * 0.5).softmax(-1) @ v))

    def einsum(s: Any, t: Tensor) -> Tensor:
        q, k, v = split(s, t, heads)
        scores = torch.einsum("bhqd,bhkd->bhqk", q, k).softmax(-1)
        return s.out(joined(torch.einsum("bhqk,bhkd->bhqd", scores, v)))

    def fused(s: Any, t: Tensor) -> Tensor:
        q, k, v = split(s, t, heads)
        return s.out(joined(F.scaled_dot_product_attention(q, k, v, is_causal=causal)))

    def reduced(s: Any, t: Tensor) -> Tensor:
        """Half of the tokens are keys."""
        return s.layer(t, t[:, ::2], t[:, ::2], need_weights=weights)[0]

    own = {"qkv": nn.Linear(c, 3 * c, bias=causal), "out": nn.Linear(c, c)}
    layer = nn.MultiheadAttention(c, heads, batch_first=True, bias=first)
    encoder = nn.TransformerEncoderLayer(c, heads, 2 * c, batch_first=True, norm_first=first)
    return draw(
        st.sampled_from(
            [
                over_tokens(explicit, **own),
                over_tokens(einsum, **own),
                over_tokens(fused, **own),
                over_tokens(reduced, layer=layer),
                over_tokens(lambda s, t: s.layer(t, t, t, need_weights=weights)[0], layer=layer),
                over_tokens(lambda s, t: s.layer(t), layer=encoder),
            ]
        )
    )


STEPS = (convolution, transposed_convolution, functional_convolution, pool, adaptive_pool,
         interpolation, norm, activation, function, pointwise, branches, attention)  # fmt: skip


class Network(NamedTuple):
    """A module, the shape that it was drawn for, and another of the same rank."""

    module: nn.Module
    shape: tuple[int, ...]
    other: tuple[int, ...]


@st.composite
def networks(draw, steps=STEPS, most=5):
    """Steps one after the other; those that the size has become too small for are left out."""
    rank, c = draw(st.integers(1, 3)), draw(st.sampled_from([4, 6, 8]))
    sizes = st.tuples(st.integers(1, 3), st.just(c), *[st.integers(1, 19 - 4 * rank)] * rank)
    shape, other = draw(sizes), draw(sizes)
    chosen: list[nn.Module] = []
    with torch.device("meta"), torch.no_grad():
        x = torch.empty(shape)
        for kind in draw(st.lists(st.sampled_from(steps), min_size=1, max_size=most)):
            step = draw(kind(rank, x.shape[1])).eval()
            try:
                y = step(x)
            except (RuntimeError, ValueError):
                continue
            if 0 < y.numel() < 10**7 and y.shape[1] <= 64:
                chosen, x = [*chosen, step], y
        assume(chosen)
    return Network(nn.Sequential(*chosen).eval(), shape, other)
