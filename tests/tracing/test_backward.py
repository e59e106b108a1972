"""Backward passes: work of gradients against torch's counter, what is kept against a real run."""

import json

import pytest
import torch
from nets import Net
from profiles import FOLDER, NUMBERS, printed
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from flopscope.errors import BadInput
from flopscope.facts import Kind
from flopscope.tracing import trace
from flopscope.tracing.operators.gradients import GRADIENTS
from flopscope.tracing.shapes.gradients import GRADIENT_SHAPES


def passes(traced):
    """Ledgers of the forward and the backward pass."""
    ledger = traced.ledger
    return ledger.filter(lambda row: not row.backward), ledger.filter(lambda row: row.backward)


def macs(traced):
    return tuple(int(part.macs()) for part in passes(traced))


def counted_by_torch(module, shape):
    """MACs of both passes by FlopCounterMode, attention written out."""
    x = torch.ones(shape)
    with sdpa_kernel(SDPBackend.MATH):
        with FlopCounterMode(display=False) as forward:
            end = module.train()(x).sum()
        with FlopCounterMode(display=False) as backward:
            end.backward()
    return forward.get_total_flops() // 2, backward.get_total_flops() // 2


def saved_by_torch(module, shape):
    """Bytes of the storages that a real run keeps; parameters, buffers and inputs apart."""
    x, kept, alive = torch.ones(shape), {}, []
    apart = {t.untyped_storage().data_ptr() for t in (*module.parameters(), *module.buffers(), x)}

    def keep(tensor):
        storage = tensor.untyped_storage()
        alive.append(storage)
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with sdpa_kernel(SDPBackend.MATH), saved_tensors_hooks(keep, lambda tensor: tensor):
        alive.append(module.train()(x))
    return sum(size for at, size in kept.items() if at not in apart)


class Residual(nn.Module):
    def __init__(self, width, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width // stride, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.short = nn.Conv2d(width // stride, width, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        return F.relu(self.body(x) + self.short(x), inplace=True)


class Inverted(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, 6 * width, 1, bias=False),
            nn.BatchNorm2d(6 * width),
            nn.ReLU6(inplace=True),
            nn.Conv2d(6 * width, 6 * width, 3, 1, 1, groups=6 * width, bias=False),
            nn.BatchNorm2d(6 * width),
            nn.ReLU6(inplace=True),
            nn.Conv2d(6 * width, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x):
        return x + self.body(x)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        scores = (q * 0.5) @ k.transpose(-2, -1)
        mixed = (scores.softmax(-1) @ v).transpose(1, 2)
        return self.out(mixed.reshape(batch, tokens, width))


class Transformer(nn.Module):
    """A patch embedding and a block, as in a vision transformer."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 4, 4)
        self.first, self.attention = nn.LayerNorm(16), Attention(16, 4)
        self.second = nn.LayerNorm(16)
        self.mlp = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16))

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = x + self.attention(self.first(x))
        return (x + self.mlp(self.second(x))).mean(1)


def resnet():
    stem = nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
    blocks = Residual(8, 1), Residual(16, 2)
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 5))


def mobile():
    stem = nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU6(inplace=True)
    return nn.Sequential(*stem, Inverted(8))


def encoder():
    layer = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True)
    return nn.Sequential(nn.Conv2d(3, 16, 4, 4), nn.Flatten(2), Turned(), layer)


class Turned(nn.Module):
    def forward(self, x):
        return x.transpose(1, 2)


UNGROUPED = [resnet, Transformer, encoder]
SIZES = [(2, 32, 32), (5, 33, 61)]


@pytest.mark.parametrize("make", UNGROUPED)
def test_without_groups_both_passes_are_as_torch_counts_them(make):
    module = make()
    assert macs(trace(module, (2, 3, 32, 40), backward=True)) == counted_by_torch(
        module, (2, 3, 32, 40)
    )


@pytest.mark.parametrize("make", [*UNGROUPED, mobile])
def test_formulas_at_numbers_are_the_numbers(make):
    module = make()
    free = trace(module, ("B", 3, "H", "W"), backward=True)
    for batch, height, width in SIZES:
        known = trace(module, (batch, 3, height, width), backward=True)
        sizes = {"B": batch, "H": height, "W": width}
        for ours, theirs in zip(passes(free), passes(known), strict=True):
            assert ours.macs().formula.at(**sizes) == int(theirs.macs())
            assert ours.flops("all").formula.at(**sizes) == int(theirs.flops("all"))
            assert ours.at(**sizes).params().value == theirs.params().value


@pytest.mark.parametrize("make", [*UNGROUPED, mobile])
def test_saved_bytes_are_those_of_a_real_run(make):
    module = make()
    free = trace(module, ("B", 3, "H", "W"), backward=True).saved.bytes().formula
    for batch, height, width in SIZES:
        real = saved_by_torch(module, (batch, 3, height, width))
        known = trace(module, (batch, 3, height, width), backward=True)
        assert int(known.saved.bytes()) == real
        assert free.at(B=batch, H=height, W=width) == real


def test_saved_bytes_by_type_and_origin():
    module = nn.Sequential(nn.Conv2d(3, 4, 1), nn.MaxPool2d(2))
    saved = trace(module, (2, 3, 8, 8), backward=True).saved
    values, places = 2 * 4 * 8 * 8, 2 * 4 * 4 * 4  # the pool keeps its input and int64 indices
    assert int(saved.bytes()) == 4 * values + 8 * places
    assert int(saved.bytes("float16")) == 2 * values + 8 * places
    assert int(saved.input_bytes()) == 4 * 2 * 3 * 8 * 8
    assert {kept.name for kept in saved.tensors if kept.name} == {"0.weight"}


class Apart(nn.Module):
    """A grouped convolution as separate ones."""

    def __init__(self, layer):
        super().__init__()
        self.groups = layer.groups
        kind = type(layer)
        options = (layer.kernel_size, layer.stride, layer.padding)
        self.parts = nn.ModuleList(
            kind(layer.in_channels // self.groups, layer.out_channels // self.groups, *options)
            for _ in range(self.groups)
        )

    def forward(self, x):
        pieces = x.chunk(self.groups, 1)
        return torch.cat([p(piece) for p, piece in zip(self.parts, pieces, strict=True)], 1)


GROUPED = [
    pytest.param(nn.Conv2d(8, 16, 3, 2, 1, groups=4), id="grouped"),
    pytest.param(nn.Conv2d(8, 8, 5, 1, 2, groups=8), id="depthwise"),
    pytest.param(nn.ConvTranspose2d(8, 16, 3, 2, 1, groups=4), id="transposed"),
    pytest.param(nn.ConvTranspose2d(8, 8, 2, 2, groups=8), id="transposed depthwise"),
]


@pytest.mark.parametrize("layer", GROUPED)
def test_groups_are_as_much_work_as_separate_convolutions(layer):
    whole, apart = (nn.Sequential(nn.Conv2d(3, 8, 1), part) for part in (layer, Apart(layer)))
    shape = (2, 3, 9, 14)
    ours = macs(trace(whole, shape, backward=True))
    assert ours == macs(trace(apart, shape, backward=True)) == counted_by_torch(apart, shape)
    # what torch's counter says of the same work in one call
    forward, backward = counted_by_torch(whole, shape)
    assert forward == ours[0]
    assert backward > 1.5 * ours[1]


def test_torch_s_counter_takes_a_depthwise_gradient_for_a_full_one():
    module = nn.Sequential(nn.Conv2d(3, 64, 1), nn.Conv2d(64, 64, 3, 1, 1, groups=64))
    ours = macs(trace(module, (1, 3, 16, 16), backward=True))[1]
    depthwise, first = 16 * 16 * 64 * 9, 16 * 16 * 64 * 3
    assert ours == 2 * depthwise + first
    assert counted_by_torch(module, (1, 3, 16, 16))[1] > 20 * ours


LAYERS = [
    *GROUPED,
    pytest.param(nn.Conv2d(8, 6, 3, 2, dilation=2), id="dilated"),
    pytest.param(nn.ConvTranspose2d(8, 6, 3, 2), id="plain transposed"),
]


@pytest.mark.parametrize("layer", LAYERS)
def test_each_gradient_of_a_convolution_is_as_much_work_as_the_convolution(layer):
    traced = trace(nn.Sequential(nn.Conv2d(3, 8, 1), layer), ("B", 3, "H", "W"), backward=True)
    forward, backward = (part.filter(lambda row: row.path == "1") for part in passes(traced))
    to_weight, to_bias, to_input = backward.rows
    one = forward.macs().value
    for row in (to_weight, to_input):
        assert backward.filter(lambda each, row=row: each is row).macs().value == one
    others, own, *kernel = to_weight.output
    assert (own, others, *kernel) == tuple(layer.weight.shape)
    assert to_bias.output == tuple(layer.bias.shape)
    assert to_input.output == forward.rows[0].inputs[0]
    assert {to_weight.kind, to_input.kind} <= {Kind.CONVOLUTION, Kind.TRANSPOSED_CONVOLUTION}


def test_the_input_and_frozen_parameters_have_no_gradient():
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3))
    forward, backward = passes(trace(module, (1, 3, 9, 9), backward=True))
    first, second = (int(row) for row in (7 * 7 * 8 * 27, 5 * 5 * 8 * 72))
    assert int(backward.macs()) == first + 2 * second
    module[0].requires_grad_(False)
    assert macs(trace(module, (1, 3, 9, 9), backward=True)) == (first + second, second)
    assert int(forward.params()) == sum(p.numel() for p in module.parameters())


class Made(nn.Module):
    """Weights that are made as the network runs: kept in the place of others, and made anew."""

    def __init__(self):
        super().__init__()
        self.kept, self.layer = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        self.kept.weight = nn.Parameter(self.kept.weight.detach().clone())
        x = self.layer(self.kept(x))
        return F.linear(nn.Linear(8, 8)(x), nn.Parameter(torch.ones(8, 8), requires_grad=False))


def test_weights_that_are_made_on_the_way_have_gradients():
    assert macs(trace(Made(), (2, 5, 8), backward=True)) == counted_by_torch(Made(), (2, 5, 8))


FUNCTIONS = [
    nn.ReLU(), nn.ReLU6(), nn.Hardtanh(), nn.Sigmoid(), nn.Tanh(), nn.SiLU(), nn.GELU(),
    nn.GELU("tanh"), nn.Hardswish(), nn.Hardsigmoid(), nn.LeakyReLU(), nn.ELU(), nn.PReLU(),
    nn.Softplus(), nn.Mish(), nn.LogSigmoid(), nn.GLU(1), nn.Softmax(1), nn.LogSoftmax(1),
    nn.BatchNorm2d(8), nn.BatchNorm2d(8, affine=False), nn.GroupNorm(2, 8),
    nn.GroupNorm(2, 8, affine=False), nn.MaxPool2d(2), nn.AvgPool2d(3, 2, 1),
    nn.AdaptiveAvgPool2d((3, 4)), nn.AdaptiveMaxPool2d((3, 4)), nn.AdaptiveAvgPool2d(1),
    nn.Upsample(scale_factor=2), nn.Upsample(scale_factor=2, mode="bilinear"),
    nn.Upsample(scale_factor=2, mode="bicubic"), nn.PixelShuffle(2), nn.ZeroPad2d(1),
    nn.Dropout(), nn.Flatten(),
]  # fmt: skip


@pytest.mark.parametrize("layer", FUNCTIONS, ids=repr)
def test_gradients_of_layers_are_known_and_as_large_as_their_inputs(layer):
    module = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), layer)
    free = trace(module, ("B", 3, "H", "W"), backward=True)
    known = trace(module, (2, 3, 10, 12), backward=True)
    assert free.ledger.complete
    assert known.ledger.complete
    assert free.ledger.flops("all").formula.at(B=2, H=10, W=12) == int(known.ledger.flops("all"))
    # the convolution's weight gradient reads a gradient of the convolution's output
    to_weight = passes(known)[1].filter(lambda row: row.path == "0").rows[0]
    assert to_weight.weights[0].shape == (8, 2, 10, 12)
    assert int(known.saved.bytes()) == saved_by_torch(module, (2, 3, 10, 12))


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.norm = nn.Embedding(11, 8), nn.RMSNorm(8)

    def forward(self, ids):
        return self.norm(self.table(ids))[:, 0]


def test_look_ups_add_each_gradient_once():
    ids = torch.zeros(2, 5, dtype=torch.int64)
    traced = trace(Words(), ids, backward=True)
    assert traced.ledger.complete
    added = passes(traced)[1].filter(lambda row: row.path == "table")
    assert [row.output for row in added] == [(11, 8)]
    assert int(added.flops("all")) == 2 * 5 * 8


@pytest.mark.parametrize(
    ("layer", "acts"),
    [
        (nn.ReLU(), 1),  # compare
        (nn.Sigmoid(), 3),  # g·y·(1 − y)
        (nn.Tanh(), 3),  # g·(1 − y·y)
        (nn.Hardswish(), 5),  # two comparisons, division, addition, multiplication
        (nn.Upsample(scale_factor=2, mode="bilinear"), 4 * (4 + 4)),  # 4 outputs of 4 samples
        (nn.AvgPool2d(2), 1 + 1 / 4),  # an addition each, a division for four
        # a division each; along a side the windows hold 2 + 6·3 + 2 = 22 elements of the map
        (nn.AvgPool2d(3, 1, 1, count_include_pad=False), 1 + 22 * 22 / 64),
    ],
)
def test_acts_of_a_gradient_for_each_element(layer, acts):
    module = nn.Sequential(nn.Conv2d(3, 8, 1), layer)
    backward = passes(trace(module, (2, 3, 8, 8), backward=True))[1]
    assert int(backward.filter(lambda row: row.path == "1").flops("all")) == acts * 2 * 8 * 8 * 8


def test_backward_rows_are_at_the_module_that_ran_forward():
    module = resnet()
    forward, backward = passes(trace(module, (2, 3, 32, 32), backward=True))
    assert {row.path for row in backward} <= {row.path for row in forward}
    places = {row.path for row in forward if row.kind is Kind.CONVOLUTION}
    assert places == {row.path for row in backward if row.kind is Kind.CONVOLUTION}


@pytest.mark.parametrize("table", [GRADIENTS, GRADIENT_SHAPES])
def test_the_tables_name_operators_that_torch_has(table):
    assert [name for name in table if not hasattr(torch.ops.aten, name)] == []


class Sampled(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        return F.grid_sample(self.conv(x), x.new_zeros(1, 4, 4, 2), align_corners=False)


def test_a_gradient_without_products_leaves_multiply_accumulates_exact():
    backward = passes(trace(Sampled(), (1, 3, 8, 8), backward=True))[1]
    assert str(backward.macs()) == f"{12 * 64} MACs (macs)"
    assert backward.flops("all").missing == (":grid_sampler_2d_backward",)


class Factored(nn.Module):
    def __init__(self):
        super().__init__()
        self.matrix = nn.Parameter(torch.eye(3))

    def forward(self, x):
        return x @ torch.linalg.cholesky(self.matrix)


def test_an_unknown_gradient_makes_a_lower_bound():
    backward = passes(trace(Factored(), (1, 3), backward=True))[1]
    assert not backward.complete
    assert set(backward.macs().missing) == {":linalg_solve_triangular"}


def test_the_module_is_left_as_it_was():
    module = resnet().eval()
    module[1].train()
    trace(module, (2, 3, 32, 32), backward=True)
    training = {name for name, part in module.named_modules() if part.training}
    assert training == {"1"}
    assert all(p.grad is None and p.device.type == "cpu" for p in module.parameters())
    assert int(module[1].num_batches_tracked) == 0


def test_what_cannot_run_backward_says_so():
    with pytest.raises(BadInput) as error:
        trace(nn.ReLU(), (1, 3), backward=True)
    assert str(error.value) == (
        "no output depends on a parameter that requires a gradient, so nothing runs backward; "
        "trace it without backward"
    )
    with pytest.raises(BadInput) as error:
        trace(nn.LSTM(3, 4), (5, 1, 3), backward=True)
    assert str(error.value) == (
        "the backward pass of lstm is not known; trace the network without backward"
    )


@pytest.fixture
def _here(monkeypatch):
    """The targets are files of this folder."""
    monkeypatch.chdir(FOLDER)


@pytest.mark.usefixtures("_here")
def test_a_profile_prints_both_passes(capsys):
    text = printed(capsys, "nets.py:Net", *NUMBERS, "--backward")
    ours = trace_of_net()
    forward, backward = macs(ours)
    lines = [line.split() for line in text.splitlines()]
    assert ["forward", f"{forward:,}"] in lines
    assert ["backward", f"{backward:,}"] in lines
    assert ["total", f"{forward + backward:,}"] in lines
    assert f"saved for the backward pass: {int(ours.saved.bytes()):,} bytes" in text
    assert "Pass " not in printed(capsys, "nets.py:Net", *NUMBERS)


@pytest.mark.usefixtures("_here")
def test_a_profile_s_data_has_both_passes(capsys):
    data = json.loads(printed(capsys, "nets.py:Net", *NUMBERS, "--backward", "--format", "json"))
    ours = trace_of_net()
    forward, backward = macs(ours)
    assert data["passes"] == {"forward": forward, "backward": backward, "total": forward + backward}
    assert data["saved_bytes"] == int(ours.saved.bytes())
    assert data["macs"] == forward + backward
    marked = [row for row in data["operators"] if row.get("backward")]
    assert sum(row["macs"] for row in marked) == backward


def trace_of_net():
    return trace(Net(), (1, 3, 32, 32), backward=True)
