"""Ways of counting work that reported numbers follow, as one literal, ordered table.

Each is a convention: those of `flopscope.conventions`, each tool's answer for layers written as
functions, the counting scripts of repositories, and multiply-accumulates with named terms.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from typing import NamedTuple

from flopscope.conventions import CONVENTIONS, Convention, Countable, Weights
from flopscope.conventions.convention import NOTHING
from flopscope.facts import Arithmetic, Function, Interpolation, Kind, Reduction

_AN_INPUT = {Countable.INPUTS: 1}
_AN_OUTPUT = {Countable.OUTPUTS: 1}
_POSITIONS = {Countable.POSITIONS: 1}
_MACS_AND_BIAS = {Countable.MACS: 1, Countable.BIAS: 1}
_TWO_AN_ELEMENT = {Countable.INPUTS: 1, Countable.AFFINE_INPUTS: 1}

_FIVE_AN_ELEMENT = {Countable.INPUTS: 4, Countable.AFFINE_INPUTS: 1}

_WEIGHTED = (Kind.CONVOLUTION, Kind.TRANSPOSED_CONVOLUTION, Kind.LINEAR)
_NORMS = (Kind.BATCH_NORM, Kind.BATCH_NORM_TRAINING, Kind.LAYER_NORM, Kind.GROUP_NORM)
_AVERAGES = (Kind.AVERAGE_POOL, Kind.AVERAGE_POOL_INSIDE)
_POOLS = (Kind.MAX_POOL, *_AVERAGES, Kind.GLOBAL_POOL, Kind.ADAPTIVE_POOL)
_RESIZED = (Kind.RESIZE, *Interpolation)


class NamedWeights(NamedTuple):
    """What some kinds count, under a name."""

    name: str
    weights: Mapping[Kind | Arithmetic, Weights]


@dataclass(frozen=True)
class Counting:
    """A convention, and how many steps it is from plain multiply-accumulates."""

    convention: Convention
    steps: int

    @property
    def name(self) -> str:
        return self.convention.name

    @property
    def tool(self) -> str:
        """The name of the convention from which it is derived."""
        return self.name.replace(" +", ",").partition(",")[0]

    @property
    def own(self) -> bool:
        """Is it a convention itself, without added terms or functions in place of layers?"""
        return self.name == self.tool

    def with_weights(self, more: NamedWeights) -> Counting:
        """The same with these weights in place of its own, one step further."""
        weights = {**self.convention.weights, **more.weights}
        named = replace(self.convention, name=f"{self.name}, {more.name}", weights=weights)
        return Counting(named, self.steps + 1)


ATTENTION_UNSEEN = NamedWeights("products of two inputs not counted", {Kind.MATMUL: NOTHING})
"""What tools leave out that see neither a fused attention kernel nor the operator @."""

MMCV = Convention(
    "mmcv",
    "MACs",
    "as macs with bias of convolutions, plus 2 an element of norm, 1 of ReLU, ReLU6, LeakyReLU, "
    "PReLU, ELU, pooling and interpolation; matmul not seen",
    "open-mmlab/mmcv mmcv/cnn/utils/flops_counter.py",
    {
        Kind.CONVOLUTION: _MACS_AND_BIAS,
        Kind.TRANSPOSED_CONVOLUTION: _MACS_AND_BIAS,
        Kind.LINEAR: {Countable.MACS: 1},
        **dict.fromkeys(_NORMS, _TWO_AN_ELEMENT),
        **dict.fromkeys(_POOLS, _AN_INPUT),
        **dict.fromkeys(
            (
                Function.RELU,
                Function.RELU6,
                Function.LEAKY_RELU,
                Function.PRELU,
                Function.ELU,
            ),
            _AN_OUTPUT,
        ),
        Kind.RESIZE: _AN_OUTPUT,
    },
)

IMGCLSMOB = Convention(
    "imgclsmob",
    "FLOPs",
    "two per multiply-accumulate, less one a pair of channels of a convolution without bias; "
    "4 an element of batch norm, 1 of ReLU, 2 of hard-swish, 4 of sigmoid, 5 of SiLU, pooling",
    "osmr/imgclsmob gluon/metrics.py measure_model",
    {
        Kind.CONVOLUTION: {Countable.MACS: 2, Countable.CHANNEL_PAIRS: -1},
        Kind.LINEAR: {Countable.MACS: 2},
        Kind.BATCH_NORM: {Countable.INPUTS: 4},
        Kind.MAX_POOL: {Countable.WINDOWS: 1},
        Kind.AVERAGE_POOL: {Countable.WINDOWS: 1},
        Kind.AVERAGE_POOL_INSIDE: {Countable.WINDOWS: 1},
        Kind.GLOBAL_POOL: _AN_OUTPUT,
        Function.RELU: _AN_OUTPUT,
        Function.RELU6: _AN_OUTPUT,
        Function.SIGMOID: {Countable.OUTPUTS: 4},
        Function.SILU: {Countable.OUTPUTS: 5},
        Function.HARD_SIGMOID: _AN_OUTPUT,
        Function.HARD_SWISH: {Countable.OUTPUTS: 2},
    },
)

_TWICE_AND_BIAS = {Countable.MACS: 2, Countable.BIAS: 1}

PNNX = Convention(
    "pnnx",
    "FLOPs",
    "two per multiply-accumulate, and bias, of a graph whose norms are folded; 1 an element of "
    "ReLU, sums and gates, 3 of hard-sigmoid, 4 of hard-swish, 6 of sigmoid, SiLU and tanh, 10 of "
    "GELU, 5 of softmax; windows of pooling",
    "Tencent/ncnn tools/pnnx/src/model_stat.cpp",
    {
        **dict.fromkeys(_WEIGHTED, _TWICE_AND_BIAS),
        Kind.MATMUL: {Countable.MACS: 2},
        Kind.SOFTMAX: {Countable.OUTPUTS: 5},
        Kind.MAX_POOL: {Countable.WINDOWS: 1, Countable.OUTPUTS: -1},
        Kind.AVERAGE_POOL: {Countable.WINDOWS: 1},
        Kind.AVERAGE_POOL_INSIDE: {Countable.WINDOWS: 1},
        Kind.GLOBAL_POOL: _AN_INPUT,
        Kind.ADD: _AN_OUTPUT,
        Kind.MULTIPLY: _AN_OUTPUT,
        Function.RELU: _AN_OUTPUT,
        Function.RELU6: _AN_OUTPUT,
        Function.HARD_SIGMOID: {Countable.OUTPUTS: 3},
        Function.HARD_SWISH: {Countable.OUTPUTS: 4},
        Function.SIGMOID: {Countable.OUTPUTS: 6},
        Function.SILU: {Countable.OUTPUTS: 6},
        Function.TANH: {Countable.OUTPUTS: 6},
        Function.GELU: {Countable.OUTPUTS: 10},
        Function.GELU_TANH: {Countable.OUTPUTS: 10},
    },
)

SCRIPTS = (MMCV, IMGCLSMOB, PNNX)
"""The counting scripts of repositories that publish many figures, as their sources have them, and
what a converter prints."""


SPELLINGS: Mapping[str, tuple[NamedWeights, ...]] = {
    "thop": (
        NamedWeights("pooling as functions, not seen", dict.fromkeys(_POOLS, NOTHING)),
        NamedWeights("average pooling as a function, not seen", dict.fromkeys(_AVERAGES, NOTHING)),
        NamedWeights("interpolation as a function, not seen", dict.fromkeys(_RESIZED, NOTHING)),
        NamedWeights("softmax as a function, not seen", {Kind.SOFTMAX: NOTHING}),
    ),
    "ptflops": (
        NamedWeights("pooling as functions, once", dict.fromkeys(_POOLS, _AN_INPUT)),
        NamedWeights("average pooling as a function, once", dict.fromkeys(_AVERAGES, _AN_INPUT)),
        NamedWeights("interpolation as a function, once", dict.fromkeys(_RESIZED, _AN_OUTPUT)),
        NamedWeights("ReLU as a function, once", {Function.RELU: _AN_OUTPUT}),
        NamedWeights("softmax as a method, not seen", {Kind.SOFTMAX: NOTHING}),
        ATTENTION_UNSEEN,
    ),
    "deepspeed": (
        NamedWeights("interpolation to a size, its positions", dict.fromkeys(_RESIZED, _POSITIONS)),
        NamedWeights("ReLU6 as a function", {Function.RELU6: _AN_OUTPUT}),
        NamedWeights("softmax as a method, not seen", {Kind.SOFTMAX: NOTHING}),
    ),
    "fvcore": (NamedWeights("batch norm in training", {Kind.BATCH_NORM: _FIVE_AN_ELEMENT}),),
    "mmcv": (
        NamedWeights("layer norm of an own class, not seen", {Kind.LAYER_NORM: NOTHING}),
        NamedWeights("mean over positions as pooling", {Reduction.MEAN: _AN_INPUT}),
    ),
    "imgclsmob": (NamedWeights("global pooling by a window", {Kind.GLOBAL_POOL: _AN_INPUT}),),
}
"""What tools answer if layers that they expect as modules are written as functions, and the other
way round, or if the network is in training mode."""

EXTRAS = (
    NamedWeights("bias", dict.fromkeys(_WEIGHTED, _MACS_AND_BIAS)),
    NamedWeights("norm", dict.fromkeys(_NORMS, _TWO_AN_ELEMENT)),
    NamedWeights("activation", {Kind.ACTIVATION: _AN_OUTPUT, Kind.SOFTMAX: _AN_OUTPUT}),
    NamedWeights("pooling", dict.fromkeys(_POOLS, _AN_INPUT)),
    NamedWeights("sums and gates", {Kind.ADD: _AN_OUTPUT, Kind.MULTIPLY: _AN_OUTPUT}),
)
"""Terms beside multiply-accumulates: bias counts one for each output, norm two for each element,
the others one."""


@cache
def countings() -> tuple[Counting, ...]:
    """The table, simplest first: macs, the tools, macs with terms, scripts, tools on functions in
    place of layers."""
    return tuple(sorted(_all(), key=lambda counting: counting.steps))


def _all() -> Iterator[Counting]:
    plain = Counting(CONVENTIONS["macs"], 0)
    yield plain
    for name, convention in CONVENTIONS.items():
        if name != plain.name:
            yield Counting(convention, 1)
    for parts in _subsets(EXTRAS):
        yield Counting(_with_extras(plain.convention, parts), len(parts))
    scripts = {script.name: script for script in SCRIPTS}
    for script in SCRIPTS:
        yield Counting(script, 1)
    for tool, spelled in SPELLINGS.items():
        for parts in _subsets(spelled):
            counting = Counting({**CONVENTIONS, **scripts}[tool], 1)
            for part in parts:
                counting = counting.with_weights(part)
            yield counting


def _with_extras(plain: Convention, parts: tuple[NamedWeights, ...]) -> Convention:
    """The plain convention with these parts added, named as in 'macs + bias + norm'."""
    weights = dict(plain.weights)
    for part in parts:
        weights.update(part.weights)
    name = " + ".join((plain.name, *(part.name for part in parts)))
    return replace(plain, name=name, weights=weights)


def _subsets(parts: tuple[NamedWeights, ...]) -> Iterator[tuple[NamedWeights, ...]]:
    """Every subset except the empty one, small ones first."""
    for size in range(1, len(parts) + 1):
        yield from combinations(parts, size)
