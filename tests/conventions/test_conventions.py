"""Each convention equals what the installed tool says, by operator and on a whole network."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import public_models
import pytest
import torch
from counters import COUNTERS, says
from torch import Tensor, nn
from torch.nn import functional as F

from flopscope.analytic import operators as ops
from flopscope.analytic.mobilenetv2 import mobilenetv2
from flopscope.analytic.tape import Feature, record
from flopscope.conventions import CONVENTIONS, convention
from flopscope.errors import UnknownName
from flopscope.facts import Function, Interpolation, Kind, Movement, Reduction

each_tool = pytest.mark.parametrize("tool", COUNTERS)
MAP = (3, 4, 6, 7)
TOKENS = (3, 7, 8)


class Calls(nn.Module):
    """A function as a module without layers of its own."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Case(NamedTuple):
    """The same operator for the tools and for the ledger."""

    module: nn.Module
    network: Callable[[Feature], Feature]
    shape: tuple[int, ...] = MAP


def convolution(channels: int, kernel: int, **options: int) -> Case:
    # PyTorch has a bias and no padding unless told, the analytic operators the reverse.
    options = {"bias": False, "padding": 0} | options
    module = nn.Conv2d(MAP[1], channels, kernel, **options)
    return Case(module, partial(ops.conv2d, channels=channels, kernel=kernel, **options))


def transposed(channels: int, kernel: int, **options: int) -> Case:
    options = {"bias": False} | options
    module = nn.ConvTranspose2d(MAP[1], channels, kernel, **options)
    return Case(module, partial(ops.conv_transpose2d, channels=channels, kernel=kernel, **options))


def function(module: nn.Module, of: Function) -> Case:
    return Case(module, partial(ops.activation, function=of))


def with_transpose(x: Feature) -> Feature:
    *batch, n, k = x.shape
    return ops.matmul(x, x._replace(shape=(*batch, k, n)))


def with_corner(x: Feature) -> Feature:
    return ops.multiply(x, x._replace(shape=(*x.shape[:2], 1, 1)))


def prelu(x: Feature) -> Feature:
    row = {"weights": (("weight", (1,)),), "function": Function.PRELU}
    return x.tape.record(Kind.ACTIVATION, "prelu", (x,), x.shape, **row)


def plain(kind: Kind) -> Callable[[Feature], Feature]:
    return lambda x: x.tape.record(kind, "", (x,), x.shape)


def computed(call: Callable[[torch.Tensor], torch.Tensor], of: Function) -> Case:
    """A function that has no layer."""

    def network(x: Feature) -> Feature:
        return x.tape.record(Kind.ELEMENTWISE, "", (x,), x.shape, function=of)

    return Case(Calls(call), network)


def reduced(call: Callable[[torch.Tensor], torch.Tensor], of: Reduction) -> Case:
    def network(x: Feature) -> Feature:
        return x.tape.record(Kind.REDUCTION, "", (x,), x.shape[:-1], function=of)

    return Case(Calls(call), network, TOKENS)


def sampled(mode: str, of: Interpolation) -> Case:
    """A map at given positions."""
    positions = torch.zeros(3, 2, 5, 2)

    def network(x: Feature) -> Feature:
        grid = x._replace(shape=tuple(positions.shape))
        return x.tape.record(Kind.GRID_SAMPLE, "", (x, grid), (3, 4, 2, 5), function=of)

    def call(x: Tensor) -> Tensor:
        return F.grid_sample(x, positions[: len(x)], mode=mode, align_corners=False)

    return Case(Calls(call), network)


def running_sum(x: Feature) -> Feature:
    return x.tape.record(Kind.REDUCTION, "", (x,), x.shape, function=Reduction.RUNNING_SUM)


def resized(mode: Interpolation, shape: tuple[int, ...] = MAP) -> Case:
    def network(x: Feature) -> Feature:
        output = (*x.shape[:2], *(2 * n for n in x.shape[2:]))
        return x.tape.record(Kind.RESIZE, "", (x,), output, function=mode)

    return Case(nn.Upsample(scale_factor=2, mode=mode.value), network, shape)


CASES: dict[str, Case] = {
    "convolution": convolution(6, 3, padding=1),
    "convolution with bias": convolution(6, 3, stride=2, bias=True),
    "pointwise": convolution(6, 1),
    "grouped": convolution(6, 3, groups=2),
    "depthwise": convolution(4, 3, groups=4, padding=1),
    "dilated": convolution(6, 3, dilation=2, padding=2),
    "transposed": transposed(6, 3, stride=2, output_padding=1),
    "transposed with bias": transposed(6, 3, stride=2, padding=1, bias=True),
    "transposed grouped": transposed(6, 2, stride=2, groups=2),
    "linear": Case(nn.Linear(9, 4), partial(ops.linear, features=4), (16, 9)),
    "linear without bias": Case(
        nn.Linear(9, 4, bias=False), partial(ops.linear, features=4, bias=False), (16, 9)
    ),
    "linear of tokens": Case(nn.Linear(8, 5), partial(ops.linear, features=5), TOKENS),
    "linear of tokens without bias": Case(
        nn.Linear(8, 5, bias=False), partial(ops.linear, features=5, bias=False), TOKENS
    ),
    "matmul": Case(Calls(lambda x: torch.matmul(x, x.transpose(1, 2))), with_transpose, TOKENS),
    "matmul of heads": Case(Calls(lambda x: torch.matmul(x, x.transpose(2, 3))), with_transpose),
    "batch norm of its batch": Case(
        nn.BatchNorm2d(4, track_running_stats=False),
        partial(ops.batch_norm, track_running_stats=False),
    ),
    "batch norm of its batch, without scale": Case(
        nn.BatchNorm2d(4, affine=False, track_running_stats=False),
        partial(ops.batch_norm, affine=False, track_running_stats=False),
    ),
    "batch norm": Case(nn.BatchNorm2d(4), ops.batch_norm),
    "batch norm without scale": Case(
        nn.BatchNorm2d(4, affine=False), partial(ops.batch_norm, affine=False)
    ),
    "layer norm": Case(nn.LayerNorm(8), ops.layer_norm, TOKENS),
    "layer norm without scale": Case(
        nn.LayerNorm(8, elementwise_affine=False), partial(ops.layer_norm, affine=False), TOKENS
    ),
    "group norm": Case(nn.GroupNorm(2, 4), partial(ops.group_norm, groups=2)),
    "group norm without scale": Case(
        nn.GroupNorm(2, 4, affine=False), partial(ops.group_norm, groups=2, affine=False)
    ),
    "relu": function(nn.ReLU(), Function.RELU),
    "relu6": function(nn.ReLU6(), Function.RELU6),
    "sigmoid": function(nn.Sigmoid(), Function.SIGMOID),
    "silu": function(nn.SiLU(), Function.SILU),
    "tanh": function(nn.Tanh(), Function.TANH),
    "gelu": function(nn.GELU(), Function.GELU),
    "hard-sigmoid": function(nn.Hardsigmoid(), Function.HARD_SIGMOID),
    "hard-swish": function(nn.Hardswish(), Function.HARD_SWISH),
    "gelu (tanh)": function(nn.GELU("tanh"), Function.GELU_TANH),
    "leaky relu": function(nn.LeakyReLU(), Function.LEAKY_RELU),
    "prelu": Case(nn.PReLU(), prelu),
    "elu": function(nn.ELU(), Function.ELU),
    "softplus": function(nn.Softplus(), Function.SOFTPLUS),
    "mish": function(nn.Mish(), Function.MISH),
    "log-sigmoid": function(nn.LogSigmoid(), Function.LOG_SIGMOID),
    "hard tanh": function(nn.Hardtanh(-1, 2), Function.CLAMP),
    "clamp": computed(lambda x: x.clamp(min=0.5), Function.BOUND),
    "negation": computed(lambda x: -x, Function.NEGATE),
    "absolute value": computed(torch.abs, Function.ABS),
    "rounding": computed(torch.floor, Function.ROUND),
    "square": computed(lambda x: x**2, Function.SQUARE),
    "cube": computed(lambda x: x**3, Function.CUBE),
    "power": computed(lambda x: x**4, Function.POWER),
    "square root": computed(torch.sqrt, Function.SQRT),
    "reciprocal": computed(torch.reciprocal, Function.RECIPROCAL),
    "reciprocal square root": computed(torch.rsqrt, Function.RECIPROCAL_SQRT),
    "exponential": computed(torch.exp, Function.EXP),
    "logarithm": computed(torch.log, Function.LOG),
    "error function": computed(torch.erf, Function.ERF),
    "sine": computed(torch.sin, Function.SIN),
    "elementary function": computed(torch.atan, Function.ELEMENTARY),
    "sum": reduced(lambda x: x.sum(-1), Reduction.SUM),
    "mean": reduced(lambda x: x.mean(-1), Reduction.MEAN),
    "extremum": reduced(lambda x: x.amax(-1), Reduction.EXTREMUM),
    "product": reduced(lambda x: x.prod(-1), Reduction.PRODUCT),
    "variance": reduced(lambda x: x.var(-1, correction=0), Reduction.VARIANCE),
    "standard deviation": reduced(lambda x: x.std(-1, correction=0), Reduction.DEVIATION),
    "euclidean norm": reduced(lambda x: x.norm(dim=-1), Reduction.NORM),
    "log-sum-exp": reduced(lambda x: x.logsumexp(-1), Reduction.LOG_SUM_EXP),
    "running sum": Case(Calls(lambda x: x.cumsum(-1)), running_sum, TOKENS),
    "rms norm": Case(nn.RMSNorm(8), ops.rms_norm, TOKENS),
    "log-softmax": Case(nn.LogSoftmax(dim=-1), plain(Kind.LOG_SOFTMAX), TOKENS),
    "division": Case(Calls(lambda x: x / (x + 1)), plain(Kind.DIVIDE)),
    "comparison": Case(Calls(lambda x: torch.maximum(x, x)), plain(Kind.COMPARE)),
    "adaptive pool": Case(nn.AdaptiveAvgPool2d((3, 2)), partial(ops.adaptive_pool, grid=(3, 2))),
    "adaptive maximum pool": Case(
        nn.AdaptiveMaxPool2d((3, 2)),
        partial(ops.adaptive_pool, grid=(3, 2), function=Reduction.EXTREMUM),
    ),
    "nearest": resized(Interpolation.NEAREST),
    "bilinear": resized(Interpolation.BILINEAR),
    "bicubic": resized(Interpolation.BICUBIC),
    "linear interpolation": resized(Interpolation.LINEAR, TOKENS),
    "trilinear": resized(Interpolation.TRILINEAR, (2, 4, 2, 3, 4)),
    "grid sample": sampled("bilinear", Interpolation.BILINEAR),
    "grid sample (nearest)": sampled("nearest", Interpolation.NEAREST),
    "softmax": Case(nn.Softmax(dim=-1), ops.softmax, TOKENS),
    "max pool": Case(nn.MaxPool2d(3, 2, 1), partial(ops.max_pool2d, kernel=3, stride=2, padding=1)),
    "average pool": Case(nn.AvgPool2d(2), partial(ops.avg_pool2d, kernel=2, stride=2)),
    "average pool (inside)": Case(
        nn.AvgPool2d(3, 1, 1, count_include_pad=False),
        partial(ops.avg_pool2d, kernel=3, stride=1, padding=1, include_padding=False),
    ),
    "global pool": Case(nn.AdaptiveAvgPool2d(1), ops.global_pool),
    "addition": Case(Calls(lambda x: x + x), lambda x: ops.add(x, x)),
    "multiplication": Case(Calls(lambda x: x * x[:, :, :1, :1]), with_corner),
    "data movement": Case(
        Calls(lambda x: torch.flip(x, (3,))),
        lambda x: x.tape.record(Kind.MOVE, "", (x,), x.shape, function=Movement.FLIP),
    ),
    "concatenation": Case(
        Calls(lambda x: torch.cat([x, x], dim=1)), lambda x: ops.concatenate([x, x])
    ),
}


def test_every_kind_and_function_meets_the_tools() -> None:
    rows = [row for case in CASES.values() for row in record(case.network, case.shape)]
    # no layer is of these kinds: two have no rule, one is a parameter without an operator, one
    # takes integers, which no other layer does and every tool counts 0 or by its parameters, and
    # two are tested apart
    apart = {Kind.UNKNOWN, Kind.OTHER, Kind.STORED, Kind.EMBEDDING}
    apart |= {Kind.DEFORMABLE_CONVOLUTION, Kind.SPARSE_MATMUL}
    assert {row.kind for row in rows} == set(Kind) - apart
    known = {*Function, *Reduction, *Interpolation} - {Interpolation.VARYING}
    assert {row.function for row in rows} - {*Movement} == {*known, None}


@each_tool
@pytest.mark.parametrize("case", CASES)
def test_an_operator_counts_what_the_tool_says(tool: str, case: str) -> None:
    module, network, shape = CASES[case]
    ledger = record(network, shape)
    assert ledger.rows[0].output == tuple(module.eval()(torch.zeros(shape)).shape)
    assert ledger.flops(tool).value == says(tool, module, shape)


# --- a whole network ------------------------------------------------------------------------------

SHAPES = [(1, 3, 224, 224), (3, 3, 224, 224), (1, 3, 193, 97), (3, 3, 193, 97)]


@pytest.fixture(scope="module")
def public_mobilenetv2() -> nn.Module:
    return public_models.torchvision().models.mobilenet_v2()


@each_tool
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_mobilenetv2_counts_what_the_tool_says(
    tool: str, shape: tuple[int, ...], public_mobilenetv2: nn.Module
) -> None:
    net = public_mobilenetv2
    modules = nn.Sequential(net.features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), net.classifier)
    assert record(mobilenetv2, shape).flops(tool).value == says(tool, modules, shape)


@each_tool
def test_torchvision_pools_with_a_function_that_two_tools_count_less(
    tool: str, public_mobilenetv2: nn.Module
) -> None:
    shape = (3, 3, 193, 97)
    ledger = record(mobilenetv2, shape)
    (pool,) = (row for row in ledger if row.kind is Kind.GLOBAL_POOL)
    b, c, h, w = pool.inputs[0]
    # thop hooks modules, so it misses inputs + outputs; ptflops counts the inputs once, not twice.
    missing = {"thop": b * c * h * w + b * c, "ptflops": b * c * h * w}.get(tool, 0)
    assert says(tool, public_mobilenetv2, shape) == ledger.flops(tool).value - missing


# --- one layer, four answers ----------------------------------------------------------------------

LINEAR_9_4 = {
    "macs": 16 * 9 * 4,
    "fvcore": 16 * 9 * 4,
    "thop": 16 * 9 * 4,
    "torchinfo": 16 * (9 * 4 + 4),
    "ptflops": 16 * (9 * 4 + 4),
    "torch": 2 * 16 * 9 * 4,
}


@pytest.mark.parametrize(("tool", "count"), LINEAR_9_4.items())
def test_one_linear_layer_has_four_answers(tool: str, count: int) -> None:
    assert set(LINEAR_9_4.values()) == {576, 640, 1152}
    module, network, shape = CASES["linear"]
    assert record(network, shape).flops(tool).value == count == says(tool, module, shape)


# --- the spelling that the tables are stated for --------------------------------------------------


SPELLINGS: dict[str, tuple[nn.Module, int]] = {
    "nn.ReLU()": (nn.ReLU(), 2 * 9),
    "F.relu(x)": (Calls(lambda x: F.relu(x)), 9),
    "x.relu()": (Calls(lambda x: x.relu()), 0),
    "x + x": (Calls(lambda x: x + x), 0),
    "torch.add(x, x)": (Calls(lambda x: torch.add(x, x)), 9),
    "x * x": (Calls(lambda x: x * x), 0),
    "torch.mul(x, x)": (Calls(lambda x: torch.mul(x, x)), 9),
    "x @ x": (Calls(lambda x: x @ x), 0),
    "torch.matmul(x, x)": (Calls(lambda x: torch.matmul(x, x)), 27),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_ptflops_counts_by_spelling(spelling: str) -> None:
    module, count = SPELLINGS[spelling]
    assert says("ptflops", module, (1, 3, 3)) == count


# --- the table ------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", ["fvcore", "torch", "thop", "ptflops", "torchinfo"])
def test_the_source_names_the_version_and_files_of_the_installed_tool(tool: str) -> None:
    source = re.fullmatch(r"(\w+) ([\d.]+): (.+)", convention(tool).source)
    assert source is not None
    name, checked, files = source.groups()
    assert name == tool
    assert re.match(rf"{re.escape(checked)}(?!\d)", version(tool))
    folder = Path(str(find_spec(tool).origin)).parent
    assert [file for file in files.split(", ") if not (folder / file).is_file()] == []


def test_every_convention_but_the_own_count_meets_a_tool() -> None:
    assert set(CONVENTIONS) == {*COUNTERS, "all"}


def test_a_misspelt_convention_is_offered_the_nearest_names() -> None:
    with pytest.raises(UnknownName) as caught:
        convention("torchinf")
    assert str(caught.value) == "unknown convention 'torchinf'; did you mean torchinfo?"
