"""ProxylessNAS on ImageNet: arXiv 1812.00332, section 3.1 and 4.2; the widths and strides of
mit-han-lab/once-for-all ofa/imagenet_classification/elastic_nn/networks/ofa_proxyless.py.

The space is MnasNet's and MobileNetV2's kind: stages of up to four inverted residuals, each with
kernel 3, 5 or 7 and expansion 3 or 6, and a last stage of one. The authors let each block but the
first of its stage be nothing; of equal networks, that with its blocks first stands for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

from flopscope.analytic.blocks import conv_bn_act, inverted_residual
from flopscope.analytic.operators import flatten, global_pool, linear
from flopscope.analytic.tape import Feature
from flopscope.designspaces.slots import NONE, blocks_of_stage, placed
from flopscope.designspaces.space import Choices, DesignSpace
from flopscope.facts import Function


class Row(NamedTuple):
    """A stage: output channels, stride of its first block, the most blocks."""

    c: int
    s: int
    n: int


STEM, FIRST, LAST = 32, 16, 1280
STAGES = (
    Row(24, 2, 4),
    Row(40, 2, 4),
    Row(80, 2, 4),
    Row(96, 1, 4),
    Row(192, 2, 4),
    Row(320, 1, 1),
)
OPTIONS: Mapping[str, tuple[int, int]] = {
    f"k{kernel}e{expansion}": (kernel, expansion)
    for kernel, expansion in product((3, 5, 7), (3, 6))
}
"""Kernel and expansion of each option."""


def network(x: Feature, choices: Choices) -> Feature:
    """(B, 3, H, W) → (B, 1000): the network of these choices."""
    scope = x.tape.scope
    with scope("stem"):
        x = conv_bn_act(x, STEM, 3, stride=2, function=Function.RELU6)
    with scope("first"):
        x = inverted_residual(x, FIRST, expansion=1)
    for stage, row in enumerate(STAGES, start=1):
        for block in range(1, row.n + 1):
            name = f"stage{stage}.block{block}"
            if choices[name] != NONE:
                kernel, expansion = OPTIONS[choices[name]]
                stride = row.s if block == 1 else 1
                with scope(name):
                    x = inverted_residual(
                        x, row.c, expansion=expansion, kernel=kernel, stride=stride
                    )
    with scope("head"):
        x = conv_bn_act(x, LAST, 1, function=Function.RELU6)
        return linear(flatten(global_pool(x)), 1000, name="classifier")


PROXYLESSNAS = DesignSpace(
    "proxylessnas",
    network,
    tuple(
        slot
        for number, row in enumerate(STAGES, start=1)
        for slot in blocks_of_stage(f"stage{number}", tuple(OPTIONS), 1, row.n, placed(1, row.n))
    ),
    "arXiv 1812.00332, section 4.2",
    encoded="an option for each of 21 blocks, which may be nothing where it is not a stage's first",
    module="proxylessnas",
)
