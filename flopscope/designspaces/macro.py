"""NAS-Bench-Macro: arXiv 2103.11922, section 5.1; xiusu/NAS-Bench-Macro train/model.py.

Eight layers on CIFAR-10 in stages of 2, 3 and 3, each an identity (0), an inverted residual with
expansion 3 and kernel 3 (1), or one with expansion 6 and kernel 5 (2). The first layer of a stage
doubles the channels and halves the map, where the identity is a 1×1 convolution. At the other
layers it is nothing at all, so that 6,561 encodings are 3,969 networks; of equal ones, that with
its identities last stands for all.

`measured/nas_bench_macro.csv` has the accuracies of three trainings of each encoding, and their
mean: xiusu/NAS-Bench-Macro (Apache-2.0) data/nas-bench-macro_cifar10.json at 61a2bfc.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from flopscope.analytic.blocks import conv_bn_act, inverted_residual
from flopscope.analytic.operators import flatten, global_pool, linear
from flopscope.analytic.tape import Feature
from flopscope.designspaces.slots import Design, blocks_of_stage, independent, placed
from flopscope.designspaces.space import Choices, DesignSpace
from flopscope.facts import Function

STAGES = (2, 3, 3)
STEM, LAST, CLASSES = 32, 1280, 10
IDENTITY = "0"
OPTIONS: Mapping[str, tuple[int, int]] = {"1": (3, 3), "2": (6, 5)}
"""Expansion and kernel of each option that is a block."""

MEASURED = Path(__file__).parent / "measured" / "nas_bench_macro.csv"
"""The accuracies of all encodings."""


def network(x: Feature, choices: Choices) -> Feature:
    """(B, 3, H, W) → (B, 10): the network of these choices."""
    scope = x.tape.scope
    with scope("stem"):
        x = conv_bn_act(x, STEM, 3, function=Function.RELU)
    for stage, layers in enumerate(STAGES, start=1):
        channels = 2 * x.channels
        for layer in range(1, layers + 1):
            name = f"stage{stage}.layer{layer}"
            with scope(name):
                x = _layer(x, channels, choices[name], 2 if layer == 1 else 1)
    with scope("head"):
        x = conv_bn_act(x, LAST, 1, function=Function.RELU)
        return linear(flatten(global_pool(x)), CLASSES, name="classifier")


def _layer(x: Feature, channels: int, option: str, stride: int) -> Feature:
    if option != IDENTITY:
        expansion, kernel = OPTIONS[option]
        return inverted_residual(
            x,
            channels,
            expansion=expansion,
            kernel=kernel,
            stride=stride,
            function=Function.RELU,
        )
    return x if stride == 1 else conv_bn_act(x, channels, 1, stride=stride)


def with_identities_last(design: Design) -> Design:
    """The same network with the identities of each stage last, its first layer apart.

    >>> "".join(with_identities_last(tuple("20102001")))
    '20120010'
    """
    found, rest = [], list(design)
    for layers in STAGES:
        stage, rest = rest[:layers], rest[layers:]
        found += [*stage[:1], *sorted(stage[1:], key=lambda option: option == IDENTITY)]
    return tuple(found + rest)


NAS_BENCH_MACRO = DesignSpace(
    "nas_bench_macro",
    network,
    tuple(
        slot
        for number, layers in enumerate(STAGES, start=1)
        for slot in (
            independent(f"stage{number}.layer1", (IDENTITY, *OPTIONS)),
            *blocks_of_stage(
                f"stage{number}",
                tuple(OPTIONS),
                1,
                layers,
                placed(1, layers),
                each="layer",
                none=IDENTITY,
            )[1:],
        )
    ),
    "arXiv 2103.11922, section 5.1",
    res=32,
    encoded="an option for each of eight layers, identities at any of them",
    module="nasbenchmacro",
    measured=MEASURED,
    canonical=with_identities_last,
)
