"""Random networks for hypothesis: layers, functions, branches, shared modules, attention.

A step is drawn for a rank (axes after the channels: 1, 2 or 3) and a number of channels, on the
meta device. `STEPS` lists them all.
"""

from __future__ import annotations

import copy
import math
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


# --- what real code keeps and rounds -------------------------------------------------------------


def rows(x: Tensor) -> Tensor:
    return torch.arange(x.shape[-1], dtype=torch.float32, device=x.device)


def attribute(s: Any, x: Tensor) -> Tensor:
    if getattr(s, "kept", None) is None or s.kept.shape[0] != x.shape[-1]:
        s.kept = rows(x).cos()
    return x * s.kept


def listed(s: Any, x: Tensor) -> Tensor:
    s.__dict__.setdefault("seen", []).append(x)
    s.__dict__.setdefault("table", {})[x.shape[-1]] = rows(x)
    return x + s.table[x.shape[-1]]


def lazy_buffer(s: Any, x: Tensor) -> Tensor:
    if "mask" not in s._buffers:
        s.register_buffer("mask", rows(x) > 0)
    return x.masked_fill(s.mask, 0)


def counting(s: Any, x: Tensor) -> Tensor:
    s.calls = getattr(s, "calls", 0) + 1
    s.total.add_(1)
    return x * s.total if s.calls > 0 else x


def made(s: Any, x: Tensor) -> Tensor:
    if "head" not in s._modules:
        s.head = nn.Linear(x.shape[1], 3, bias=False)
    return s.head(x.movedim(1, -1)).movedim(-1, 1)


def asking(s: Any, x: Tensor) -> Tensor:
    if bool((rows(x) >= 0).all()):
        x = x * s.strides[0]
    if x.amax() > 1:
        s.warned = True
    return x


KEEPERS = (attribute, listed, lazy_buffer, counting, made, asking)


@st.composite
def keeper(draw, rank, c):
    """A layer that writes to itself as it runs."""
    net = Calls(draw(st.sampled_from(KEEPERS)))
    net.register_buffer("total", torch.zeros((), device="cpu"))
    net.strides = torch.tensor([2.0, 4.0], device="cpu")
    return net


SCALES = (0.7, 0.3, 0.1, 1.1, 1.4, 120 / 88, 0.55, 2.3, 1 / 3)


@st.composite
def scaled(draw, rank, c):
    """Sizes times a float, rounded as code rounds them."""
    scale = draw(st.sampled_from(SCALES))
    whole = draw(st.sampled_from([int, math.floor, math.ceil, round]))

    def first(_: Any, x: Tensor) -> Tensor:
        """Some of the places, as pruning keeps them."""
        return x[..., : max(1, min(int(x.shape[-1] * scale), x.shape[-1]))]

    def resized(_: Any, x: Tensor) -> Tensor:
        grid = [max(1, whole(n * scale)) for n in x.shape[2:]]
        return F.interpolate(x, size=grid, mode="nearest")

    def by_factor(_: Any, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=scale, mode="nearest")

    return Calls(draw(st.sampled_from([first, resized, by_factor])))


@st.composite
def stepped(draw, rank, c):
    """As many layers as a size has parts: their number is a step of the size."""
    part, layer = draw(st.integers(2, 5)), kept(rank, c, 1)

    def forward(s: Any, x: Tensor) -> Tensor:
        for i in range(x.shape[-1] // part):
            x = s.layer(x) if i % 2 else x
        return x

    return Calls(forward, layer=layer)


@st.composite
def aliased(draw, rank, c):
    """One layer under several names, in lists and tables."""
    layer = kept(rank, c, draw(st.sampled_from([1, 3])))
    net = Calls(lambda s, x: s.again(s.names["a"](s.plain[0](x))), layer=layer, again=layer)
    net.plain, net.names, net.blocks = [layer], {"a": layer}, nn.ModuleList([layer, layer])
    return net


STEPS = (convolution, transposed_convolution, functional_convolution, pool, adaptive_pool,
         interpolation, norm, activation, function, pointwise, branches, attention,
         keeper, scaled, stepped, aliased)  # fmt: skip


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
                # a copy, so that the step has written nothing yet; who asks for values gets shapes
                same = getattr(step, "function", None) is asking
                y = x if same else copy.deepcopy(step)(x)
            except (RuntimeError, ValueError):
                continue
            if 0 < y.numel() < 10**7 and y.shape[1] <= 64:
                chosen, x = [*chosen, step], y
        assume(chosen)
    return Network(nn.Sequential(*chosen).eval(), shape, other)
