"""What a tool answers of a network as it is written: its rules beside the tool itself, run here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from counters import says
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import prune

from flopscope.reconciling.tools import MODELS, Unmodelled, answer
from flopscope.tracing.spelling.spelled import spell

pytestmark = pytest.mark.filterwarnings(
    "ignore:enable_nested_tensor is True:UserWarning",  # said of each encoder that never nests
    "ignore:Implicit dimension choice:UserWarning",
    "ignore:LSTM with projections is not supported with oneDNN:UserWarning",
    "ignore:`nn.functional.upsample` is deprecated:UserWarning",
    "ignore:Using padding='same' with even kernel:UserWarning",
)

Shape = tuple[int, ...]


def modelled(module: nn.Module, shape: Shape) -> dict[str, int | Unmodelled]:
    """What the rules say; ptflops reports one image, times the batch here."""
    asked = spell(module, shape)
    one = asked if shape[0] == 1 else spell(module, (1, *shape[1:]))
    found: dict[str, int | Unmodelled] = {}
    for tool in MODELS:
        terms = answer(tool, one, shape[0]) if tool == "ptflops" else answer(tool, asked)
        unknown = isinstance(terms, Unmodelled)
        found[tool] = terms if unknown else sum(term.count for term in terms)
    return found


class Calls(nn.Module):
    """A function of itself and its inputs, with some parts."""

    def __init__(self, function: Callable[..., Tensor], **parts: nn.Module | nn.Parameter) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self, x)


# --- the networks of a report ---------------------------------------------------------------------


class Recurrent(nn.Module):
    """An LSTM over time, and a layer on its last step."""

    def __init__(self) -> None:
        super().__init__()
        self.recurrent = nn.LSTM(12, 8, batch_first=True)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.recurrent(x)[0][:, -1])


class Attention(nn.Module):
    """Attention of a sequence to itself."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True, **options)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x)[0]


def same() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding="same", bias=False), nn.Conv2d(8, 4, 1, bias=False)
    )


T, WIDTH, HIDDEN, CLASSES = 144, 12, 8, 5
GATES = 4 * HIDDEN
REPORTED = {
    # every parameter at each step, and those of the head once
    ("recurrent", "torchinfo"): T * GATES * (WIDTH + HIDDEN + 2) + CLASSES * (HIDDEN + 1),
    # a step's gates with their sums, and four operations a unit after them
    ("recurrent", "thop"): T * (GATES * (WIDTH + HIDDEN + 1 + 2) + 4 * HIDDEN) + CLASSES * HIDDEN,
    ("recurrent", "fvcore"): CLASSES * HIDDEN,
    ("recurrent", "torch"): 2 * CLASSES * HIDDEN,
    ("attention", "thop"): 0,
    ("attention", "torch"): 0,
    ("same", "fvcore"): 24 * 24 * 8 * 4,
}
NETWORKS: dict[str, tuple[Callable[[], nn.Module], Shape]] = {
    "recurrent": (Recurrent, (1, T, WIDTH)),
    "attention": (Attention, (1, 36, 16)),
    "same": (same, (1, 3, 24, 24)),
}


@pytest.mark.parametrize(("network", "tool"), REPORTED)
def test_what_was_reported_is_what_the_tool_answers(network: str, tool: str) -> None:
    make, shape = NETWORKS[network]
    reported = REPORTED[network, tool]
    assert modelled(make(), shape)[tool] == reported == says(tool, make(), shape)


def test_the_reported_numbers() -> None:
    assert list(REPORTED.values()) == [101_421, 110_632, 40, 80, 0, 0, 18_432]


def test_the_table_of_the_page_is_what_the_tools_answer() -> None:
    page = Path(__file__).parents[2] / "docs" / "reconcile.md"
    rows = [line.split(" | ") for line in page.read_text(encoding="utf-8").split("\n")]
    begin = next(n for n, row in enumerate(rows) if row[0] == "| network of your own")
    head, _, *lines = rows[begin : begin + 2 + len(NETWORKS)]
    tools = [name.rstrip(" |") for name in head[1:]]
    for (make, shape), line in zip(NETWORKS.values(), lines, strict=True):
        shown = [int(cell.rstrip(" |").replace(",", "")) for cell in line[1:]]
        found = modelled(make(), shape)
        assert [found[tool] for tool in tools] == shown
        assert [says(tool, make(), shape) for tool in tools] == shown


# --- layer by layer -------------------------------------------------------------------------------


class Case(NamedTuple):
    make: Callable[[], nn.Module]
    shape: Shape


MAP, TOKENS, VECTORS = (2, 4, 9, 8), (2, 5, 8), (3, 8)


def on_map(function: Callable[[Tensor], Tensor]) -> Case:
    """A function of what a convolution gives."""
    return Case(lambda: Calls(lambda net, x: function(net.conv(x)), conv=nn.Conv2d(4, 4, 1)), MAP)


def layer(make: Callable[[], nn.Module]) -> Case:
    return Case(lambda: nn.Sequential(nn.Conv2d(4, 4, 1), make()), MAP)


def first_of(make: Callable[[], nn.Module], shape: Shape) -> Case:
    """A layer that returns several things, of which the first counts."""

    def call(net: Any, x: Tensor) -> Tensor:
        found = net.part(x)
        return found[0] if isinstance(found, tuple) else found

    return Case(lambda: Calls(call, part=make()), shape)


def attention(need_weights: bool, **options: Any) -> Case:
    def call(net: Any, x: Tensor) -> Tensor:
        return net.attention(x, x, x, need_weights=need_weights)[0]

    options = {"embed_dim": 8, "num_heads": 2} | options
    return Case(lambda: Calls(call, attention=nn.MultiheadAttention(**options)), TOKENS)


def products(**options: Any) -> Case:
    """F.scaled_dot_product_attention of queries, keys and values of the options' widths."""

    def call(net: Any, x: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(net.query(x), x, net.value(x), **options)

    return Case(lambda: Calls(call, query=nn.Linear(8, 8), value=nn.Linear(8, 6)), (2, 2, 5, 8))


def explicit(net: Any, x: Tensor) -> Tensor:
    return (net.query(x) @ x.transpose(-1, -2)).softmax(-1) @ x


def by_functions(net: Any, x: Tensor) -> Tensor:
    scores = torch.matmul(net.query(x), x.transpose(-1, -2))
    return torch.matmul(F.softmax(scores, -1), x)


def under_two_parents() -> nn.Module:
    shared = nn.Linear(8, 8)
    return nn.Sequential(nn.Sequential(shared), nn.ReLU(), nn.Sequential(shared))


class Derived(nn.Conv2d):
    """A class of one's own is not in a tool's table."""


CASES: dict[str, Case] = {
    **{
        f"{kind.__name__} {options}": first_of(partial(kind, 6, 5, **options), (4, 3, 6))
        for kind in (nn.LSTM, nn.GRU, nn.RNN)
        for options in (
            {},
            {"bidirectional": True, "num_layers": 2},
            {"batch_first": True, "num_layers": 3, "bias": False},
        )
    },
    **{
        f"{kind.__name__}": first_of(partial(kind, 6, 5), (4, 6))
        for kind in (nn.LSTMCell, nn.GRUCell, nn.RNNCell)
    },
    "LSTM projected": first_of(partial(nn.LSTM, 6, 5, proj_size=2), (4, 3, 6)),
    "LSTM unbatched": first_of(partial(nn.LSTM, 6, 5), (4, 6)),
    **{
        f"attention {weights} {options}": attention(weights, **options)
        for weights in (True, False)
        for options in (
            {"batch_first": True},
            {"batch_first": False},
            {"batch_first": True, "num_heads": 1},
            {"batch_first": True, "bias": False},
            {"batch_first": True, "add_zero_attn": True},
        )
    },
    "attention frozen": Case(
        lambda: attention(False, batch_first=True).make().requires_grad_(False), TOKENS
    ),
    **{
        f"encoder {options}": Case(partial(nn.TransformerEncoderLayer, 8, 2, 16, **options), TOKENS)
        for options in ({"batch_first": True}, {}, {"batch_first": True, "norm_first": True})
    },
    "encoder frozen": Case(
        lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).requires_grad_(False),
        TOKENS,
    ),
    "encoder of a function": Case(
        partial(nn.TransformerEncoderLayer, 8, 2, 16, activation=F.silu, batch_first=True), TOKENS
    ),
    "encoders": Case(
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2),
        TOKENS,
    ),
    "products of other widths": products(),
    "products of equal widths": Case(
        lambda: Calls(
            lambda net, x: F.scaled_dot_product_attention(net.q(x), x, x), q=nn.Linear(8, 8)
        ),
        (2, 2, 5, 8),
    ),
    "products, causal": products(is_causal=True),
    "products written out": Case(lambda: Calls(explicit, query=nn.Linear(8, 8)), TOKENS),
    "products as functions": Case(lambda: Calls(by_functions, query=nn.Linear(8, 8)), TOKENS),
    **{
        f"convolution {padding} {kernel}": Case(
            partial(nn.Conv2d, 4, 6, kernel, padding=padding), MAP
        )
        for padding in ("same", "valid")
        for kernel in (3, 2)
    },
    "convolution over one axis": Case(
        partial(nn.Conv1d, 4, 6, 3, padding="same", dilation=2, groups=2), (2, 4, 9)
    ),
    "convolution, reflecting": Case(
        partial(nn.Conv2d, 4, 6, 3, padding=1, padding_mode="reflect"), MAP
    ),
    "convolution of volumes": Case(partial(nn.Conv3d, 4, 6, 3, stride=2), (2, 4, 9, 8, 7)),
    "convolution grouped": Case(partial(nn.Conv2d, 4, 8, 3, groups=4, bias=False), MAP),
    "transposed": Case(partial(nn.ConvTranspose2d, 4, 6, 3, 2, 1, 1, groups=2), MAP),
    "transposed over one axis": Case(partial(nn.ConvTranspose1d, 4, 6, 3, stride=2), (2, 4, 9)),
    "convolution as a function": Case(
        lambda: Calls(
            lambda net, x: F.linear(F.conv2d(x, net.a, padding=1), net.b),
            a=nn.Parameter(torch.zeros(6, 4, 3, 3)),
            b=nn.Parameter(torch.zeros(3, 8)),
        ),
        MAP,
    ),
    "transposed as a function": Case(
        lambda: Calls(
            lambda net, x: F.conv_transpose2d(x, net.a, stride=2),
            a=nn.Parameter(torch.zeros(4, 5, 3, 3)),
        ),
        MAP,
    ),
    **{
        f"F.{name}": on_map(getattr(F, name))
        for name in "relu gelu silu relu6 elu leaky_relu hardswish sigmoid selu celu tanh".split()
    },
    **{
        f"nn.{kind.__name__}": layer(kind)
        for kind in (nn.ReLU, nn.GELU, nn.SiLU, nn.ReLU6, nn.ELU, nn.LeakyReLU, nn.PReLU, nn.SELU)
    },
    "F.avg_pool2d": on_map(lambda x: F.avg_pool2d(x, 2)),
    "F.max_pool2d": on_map(lambda x: F.max_pool2d(x, 2)),
    "F.adaptive_avg_pool2d": on_map(lambda x: F.adaptive_avg_pool2d(x, (3, 2))),
    "F.adaptive_avg_pool2d to one": on_map(lambda x: F.adaptive_avg_pool2d(x, 1)),
    "F.adaptive_max_pool2d": on_map(lambda x: F.adaptive_max_pool2d(x, 2)),
    "a mean": on_map(lambda x: x.mean((2, 3))),
    "F.interpolate by a factor": on_map(lambda x: F.interpolate(x, scale_factor=2)),
    "F.interpolate by a fraction": on_map(
        lambda x: F.interpolate(x, scale_factor=1.5, mode="bicubic")
    ),
    "F.interpolate to a size": on_map(lambda x: F.interpolate(x, (5, 6), mode="bilinear")),
    "F.upsample": on_map(lambda x: F.upsample(x, scale_factor=2)),
    "F.grid_sample": on_map(
        lambda x: F.grid_sample(x, torch.zeros(len(x), 3, 3, 2), align_corners=False)
    ),
    "F.layer_norm": on_map(lambda x: F.layer_norm(x, (8,))),
    "F.group_norm": on_map(lambda x: F.group_norm(x, 2)),
    "F.instance_norm": on_map(F.instance_norm),
    "F.bilinear": on_map(lambda x: F.bilinear(x, x, torch.zeros(3, 8, 8))),
    "sums and products by name": on_map(lambda x: torch.add(x, x.mul(2)) * x.add(x[0, 0]) + 1),
    "einsum": on_map(lambda x: torch.einsum("bcij,bckj->bcik", x, x)),
    "products of stacks": on_map(lambda x: torch.bmm(x.flatten(2), x.flatten(2).mT)),
    "matrix by vector": on_map(lambda x: torch.mv(x[0, 0], x[0, 0, 0])),
    "tensordot": on_map(lambda x: torch.tensordot(x, x, dims=([2, 3], [2, 3]))),
    "AvgPool2d": layer(partial(nn.AvgPool2d, 2)),
    "AdaptiveAvgPool2d": layer(partial(nn.AdaptiveAvgPool2d, (3, 5))),
    "MaxPool2d": layer(partial(nn.MaxPool2d, 2)),
    "Upsample": layer(partial(nn.Upsample, scale_factor=2, mode="bilinear")),
    "UpsamplingBilinear2d": layer(partial(nn.UpsamplingBilinear2d, scale_factor=2)),
    "BatchNorm2d": layer(partial(nn.BatchNorm2d, 4)),
    "BatchNorm2d of its batch": layer(
        partial(nn.BatchNorm2d, 4, affine=False, track_running_stats=False)
    ),
    "GroupNorm": layer(partial(nn.GroupNorm, 2, 4)),
    "LayerNorm": layer(partial(nn.LayerNorm, 8)),
    "LayerNorm without shift": layer(partial(nn.LayerNorm, 8, bias=False)),
    "RMSNorm": layer(partial(nn.RMSNorm, 8)),
    "InstanceNorm2d": layer(partial(nn.InstanceNorm2d, 4, affine=True)),
    "Softmax": layer(partial(nn.Softmax, 1)),
    "Dropout": layer(nn.Dropout),
    "Linear alone": Case(partial(nn.Linear, 8, 4), TOKENS),
    "a class of one's own": Case(lambda: nn.Sequential(Derived(4, 6, 3), nn.BatchNorm2d(6)), MAP),
    "under two parents": Case(under_two_parents, VECTORS),
    "called twice": Case(lambda: Calls(lambda net, x: net.a(net.a(x)), a=nn.Linear(8, 8)), VECTORS),
    "not called": Case(
        lambda: Calls(lambda net, x: net.a(x), a=nn.Linear(8, 8), b=nn.LSTM(8, 8)), VECTORS
    ),
    "not used": Case(
        lambda: Calls(
            lambda net, x: (net.b(x), net.a(x))[1], a=nn.Conv2d(4, 4, 3), b=nn.Conv2d(4, 4, 3)
        ),
        MAP,
    ),
    "forward without a call": Case(
        lambda: Calls(lambda net, x: net.a.forward(x), a=nn.Linear(8, 8)), VECTORS
    ),
    "a weight without a layer": Case(
        lambda: Calls(lambda net, x: x @ net.w, w=nn.Parameter(torch.zeros(8, 3))), VECTORS
    ),
    "parametrized": Case(
        lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(8, 8))), VECTORS
    ),
    "double precision": Case(
        lambda: Calls(lambda net, x: net.a(x.double())[0], a=nn.LSTM(8, 5).double()), TOKENS
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_layer_counts_what_every_tool_says(case: str) -> None:
    make, shape = CASES[case]
    assert modelled(make(), shape) == {tool: says(tool, make(), shape) for tool in MODELS}


# --- small networks -------------------------------------------------------------------------------

CHANNELS = 8


@st.composite
def recurrent_part(draw: st.DrawFn) -> nn.Module:
    kind = draw(st.sampled_from([nn.LSTM, nn.GRU, nn.RNN]))
    both = draw(st.booleans())
    part = kind(
        CHANNELS,
        CHANNELS // 2 if both else CHANNELS,
        num_layers=draw(st.integers(1, 2)),
        bidirectional=both,
        batch_first=draw(st.booleans()),
        bias=draw(st.booleans()),
    )
    return Calls(lambda net, x: net.part(x)[0], part=part)


@st.composite
def attention_part(draw: st.DrawFn) -> nn.Module:
    heads, first = draw(st.sampled_from([1, 2, 4])), draw(st.booleans())
    weights = draw(st.booleans())
    part = nn.MultiheadAttention(
        CHANNELS, heads, batch_first=first, bias=draw(st.booleans())
    ).requires_grad_(True)
    return Calls(lambda net, x: x + net.part(x, x, x, need_weights=weights)[0], part=part)


@st.composite
def encoder_part(draw: st.DrawFn) -> nn.Module:
    return nn.TransformerEncoderLayer(
        CHANNELS,
        draw(st.sampled_from([1, 2])),
        12,
        activation=draw(st.sampled_from(["relu", "gelu"])),
        batch_first=draw(st.booleans()),
        norm_first=draw(st.booleans()),
    )


@st.composite
def written_part(draw: st.DrawFn) -> nn.Module:
    call = draw(
        st.sampled_from(
            [
                explicit,
                by_functions,
                lambda net, x: F.scaled_dot_product_attention(net.query(x), x, x),
                lambda net, x: F.scaled_dot_product_attention(*[net.query(x)[:, None]] * 3)[:, 0],
                lambda net, x: torch.einsum("bij,bkj,bkl->bil", net.query(x), x, x),
                lambda net, x: F.gelu(F.linear(x, net.query.weight)),
                lambda net, x: F.layer_norm(torch.add(x, net.query(x)), (CHANNELS,)),
            ]
        )
    )
    return Calls(call, query=nn.Linear(CHANNELS, CHANNELS, bias=draw(st.booleans())))


@st.composite
def convolution_part(draw: st.DrawFn) -> nn.Module:
    """On tokens as a sequence of vectors: over one axis, or as a map of two rows."""
    padding: Any = draw(st.sampled_from(["same", 1]))
    groups, bias = draw(st.sampled_from([1, 2, CHANNELS])), draw(st.booleans())
    options = {"padding": padding, "groups": groups, "bias": bias}
    if draw(st.booleans()):
        part: nn.Module = nn.Conv1d(CHANNELS, CHANNELS, 3, **options)
        return Calls(lambda net, x: net.part(x.mT).mT, part=part)
    part = nn.Sequential(
        nn.Conv2d(CHANNELS, 4, 3, **(options | {"groups": 1})),
        nn.ConvTranspose2d(4, CHANNELS, 3, padding=1, groups=draw(st.sampled_from([1, 4]))),
        draw(st.sampled_from([nn.BatchNorm2d(CHANNELS), nn.GroupNorm(2, CHANNELS), nn.Identity()])),
    )

    def call(net: Any, x: Tensor) -> Tensor:
        grid = x.mT.unflatten(2, (2, -1))
        return net.part(grid).flatten(2).mT

    return Calls(call, part=part)


@st.composite
def pooling_part(draw: st.DrawFn) -> nn.Module:
    call = draw(
        st.sampled_from(
            [
                lambda _, x: x * F.adaptive_avg_pool2d(x.mT[:, :, None], 1)[:, :, 0].mT,
                lambda _, x: F.avg_pool2d(x[:, None], 3, 1, 1)[:, 0],
                lambda _, x: F.max_pool1d(x.mT, 3, 1, 1).mT,
                lambda _, x: F.interpolate(x.mT, x.shape[1]).mT,
                lambda _, x: F.relu(x) + F.silu(x) * x.softmax(-1),
                lambda _, x: x - x.mean(1, keepdim=True),
            ]
        )
    )
    return Calls(call)


@st.composite
def layer_part(draw: st.DrawFn) -> nn.Module:
    makers: list[Callable[[], nn.Module]] = [
        lambda: nn.Linear(CHANNELS, CHANNELS, bias=False),
        lambda: nn.LayerNorm(CHANNELS),
        lambda: nn.RMSNorm(CHANNELS),
        lambda: nn.ReLU(inplace=True),
        nn.GELU,
        nn.SiLU,
        nn.PReLU,
        lambda: nn.Softmax(-1),
        lambda: nn.Dropout(0.5),
        lambda: nn.AdaptiveAvgPool1d(CHANNELS),
    ]
    return nn.Sequential(*(draw(st.sampled_from(makers))() for _ in range(draw(st.integers(1, 3)))))


PARTS = st.one_of(
    recurrent_part(),
    attention_part(),
    encoder_part(),
    written_part(),
    convolution_part(),
    pooling_part(),
    layer_part(),
)


@st.composite
def networks(draw: st.DrawFn) -> nn.Module:
    """Parts one after the other; one may be called twice, all may be frozen."""
    parts = draw(st.lists(PARTS, min_size=1, max_size=4))
    if draw(st.booleans()):
        parts.append(parts[0])
    return nn.Sequential(*parts).requires_grad_(draw(st.booleans()))


SEEN: Counter[bool] = Counter()
"""Whether an answer was modelled."""


EXPLORING = settings.get_current_profile_name() == "explore"


@settings(max_examples=300 if EXPLORING else 12)
@given(networks(), st.integers(1, 3), st.sampled_from([4, 6]))
def _answers_of_networks(net: nn.Module, batch: int, tokens: int) -> None:
    shape = (batch, tokens, CHANNELS)
    for tool, found in modelled(net, shape).items():
        SEEN[not isinstance(found, Unmodelled)] += 1
        if not isinstance(found, Unmodelled):
            assert found == says(tool, net, shape)


def test_a_network_counts_what_the_tool_says_or_is_not_modelled() -> None:
    """Of what is drawn here nearly all is modelled."""
    SEEN.clear()
    _answers_of_networks()
    assert SEEN[True] > 50
    assert SEEN[False] <= SEEN[True] / 50


# --- where it is not modelled ---------------------------------------------------------------------


class Doubled(torch.autograd.Function):
    """A function with a backward pass of its own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        return F.linear(x, weight)


class Making(nn.Module):
    """A layer that is registered as the network runs."""

    def forward(self, x: Tensor) -> Tensor:
        self.made = nn.Linear(8, 8)
        return self.made(x)


class Half(nn.Module):
    """A frozen attention behind a layer that learns."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.frozen = nn.MultiheadAttention(8, 2, batch_first=True).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return self.frozen(x, x, x)[0]


class Quiet(nn.Module):
    """Attention without gradients, by the network's own will."""

    def __init__(self) -> None:
        super().__init__()
        self.part = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            return self.part(x, x, x)[0]


class Padded(nn.Module):
    """An encoder that may take padding out."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.part = nn.TransformerEncoder(layer, 1)

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.zeros(x.shape[:2], dtype=torch.bool, device=x.device)
        return self.part(x, src_key_padding_mask=mask)


STOPS = "the tool itself stops with an error there"
GRADIENTS = "it depends on what learns and what is padded"
PADDING = "torch takes the padding out before it"
UNMODELLED: dict[tuple[str, str], tuple[Callable[[], nn.Module], Shape, tuple[str, str, str]]] = {
    ("an autograd function", "fvcore"): (
        lambda: Calls(lambda net, x: Doubled.apply(x, net.w), w=nn.Parameter(torch.zeros(3, 8))),
        VECTORS,
        ("aten::linear", "", "a trace shows an autograd function as one"),
    ),
    ("a softmax over no axis", "thop"): (
        lambda: nn.Sequential(nn.Softmax()),
        VECTORS,
        ("activation.Softmax", "0", STOPS),
    ),
    ("a call by keyword", "thop"): (
        lambda: Calls(lambda net, x: net.part(input=x), part=nn.Conv1d(5, 8, 1)),
        TOKENS,
        ("conv.Conv1d", "part", STOPS),
    ),
    ("matrix by vector", "fvcore"): (
        lambda: Calls(lambda net, x: x @ x[0]),
        VECTORS,
        ("aten::matmul", "", STOPS),
    ),
    ("a layer made", "thop"): (Making, VECTORS, ("Linear", "made", STOPS)),
    ("partly frozen", "ptflops"): (Half, (1, 5, 8), ("F.linear", "frozen", GRADIENTS)),
    ("partly frozen", "fvcore"): (Half, TOKENS, ("aten::transpose", "frozen", GRADIENTS)),
    ("gradients off", "fvcore"): (Quiet, TOKENS, ("aten::transpose", "part", GRADIENTS)),
    ("padding", "torch"): (Padded, TOKENS, ("aten::zeros_like", "part", PADDING)),
    ("padding", "thop"): (
        Padded,
        TOKENS,
        ("activation.MultiheadAttention", "part.layers.0.self_attn", PADDING),
    ),
    ("pruned", "torchinfo"): (
        lambda: prune.l1_unstructured(nn.Linear(8, 8), "weight", amount=3),
        VECTORS,
        ("linear.Linear", "", "what is pruned depends on values"),
    ),
}


@pytest.mark.parametrize(("case", "tool"), UNMODELLED)
def test_what_is_not_known_of_a_tool_is_no_number(case: str, tool: str) -> None:
    make, shape, (operator, path, why) = UNMODELLED[case, tool]
    assert answer(tool, spell(make(), shape)) == Unmodelled(tool, operator, path, why)


def test_an_unmodelled_answer_says_where_and_why() -> None:
    unknown = Unmodelled("thop", "Softmax", "head.2", STOPS)
    assert str(unknown) == f"what thop answers is not modelled (Softmax at head.2: {STOPS})"
    assert str(Unmodelled("mmcv", "", "", "no test runs it")) == (
        "what mmcv answers is not modelled (no test runs it)"
    )


def test_a_module_is_left_as_it_was() -> None:
    """Torch's functions and the module's tensors and hooks are those of before."""
    net = nn.Sequential(Half(), Padded()).train()

    def state() -> list[Any]:
        functions = (F.relu, F.linear, torch.matmul, torch.Tensor.matmul, torch.no_grad.__enter__)
        applied = vars(torch.autograd.Function)["apply"]
        weights = {name: parameter.data_ptr() for name, parameter in net.named_parameters()}
        hooks = [(part._forward_hooks, part._forward_pre_hooks) for part in net.modules()]
        modes = [part.training for part in net.modules()]
        return [functions, applied, vars(nn.MultiheadAttention)["forward"], weights, hooks, modes]

    before = state()
    spell(net, TOKENS)
    with pytest.raises(RuntimeError):
        spell(net, (2, 5, 9))
    assert state() == before
