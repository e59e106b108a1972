"""Once-for-all MobileNetV3: arXiv 1908.09791, section 4.1; mit-han-lab/once-for-all
ofa/imagenet_classification/elastic_nn/networks/ofa_mbv3.py.

Five stages of two to four blocks, each with kernel 3, 5 or 7 and expansion 3, 4 or 6: 7,371 ways a
stage. The squeezed widths are multiples of 8 near a quarter of the hidden width. The authors store
a depth for each stage and a setting for each of its four blocks, those that are left out included.

The layer after the pooling is a 1×1 convolution there.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

from flopscope.analytic.blocks import conv_bn_act, mobilenetv3_block
from flopscope.analytic.operators import activation, conv2d, flatten, global_pool, linear
from flopscope.analytic.tape import Feature
from flopscope.designspaces.slots import NONE, blocks_of_stage
from flopscope.designspaces.space import Choices, DesignSpace
from flopscope.facts import Function
from flopscope.sizes import make_divisible

RE, HS = Function.RELU, Function.HARD_SWISH
SE, __ = True, False


class Row(NamedTuple):
    """A stage: output channels, stride of its first block, squeeze-excite, nonlinearity."""

    c: int
    s: int
    se: bool
    nl: Function


STEM = 16
STAGES = (
    Row(24, 2, __, RE),
    Row(40, 2, SE, RE),
    Row(80, 2, __, HS),
    Row(112, 1, SE, HS),
    Row(160, 2, SE, HS),
)
LAST, HEAD = 960, 1280
KERNELS, EXPANSIONS = (3, 5, 7), (3, 4, 6)
LEAST, MOST = 2, 4

OPTIONS: Mapping[str, tuple[int, int]] = {
    f"k{kernel}e{expansion}": (kernel, expansion)
    for kernel, expansion in product(KERNELS, EXPANSIONS)
}
"""Kernel and expansion of each option."""


def network(x: Feature, choices: Choices) -> Feature:
    """(B, 3, H, W) → (B, 1000): the sub-network of these choices."""
    scope = x.tape.scope
    with scope("stem"):
        x = conv_bn_act(x, STEM, 3, stride=2, function=HS)
    with scope("first"):
        x = mobilenetv3_block(x, STEM, hidden=STEM, kernel=3, stride=1, function=RE, squeeze=False)
    for number, row in enumerate(STAGES, start=1):
        for block in range(1, MOST + 1):
            name = f"stage{number}.block{block}"
            if choices[name] != NONE:
                with scope(name):
                    x = _block(x, row, choices[name], row.s if block == 1 else 1)
    with scope("head"):
        x = global_pool(conv_bn_act(x, LAST, 1, function=HS))
        x = activation(conv2d(x, HEAD, 1, name="mix"), HS, name="mix_act")
        return linear(flatten(x), 1000, name="classifier")


def _block(x: Feature, row: Row, option: str, stride: int) -> Feature:
    kernel, expansion = OPTIONS[option]
    return mobilenetv3_block(
        x,
        row.c,
        hidden=make_divisible(x.channels * expansion, 8),
        kernel=kernel,
        stride=stride,
        function=row.nl,
        squeeze=row.se,
    )


def keys(choices: Choices, res: int) -> dict[str, str]:
    """The names of all blocks in tables of latencies, by slot, or by part where all designs share
    it: mit-han-lab/once-for-all ofa/nas/efficiency_predictor/latency_lookup_table.py."""
    side, channels = -(-res // 2), STEM
    found = {
        "stem": f"first_conv-input:{res}x{res}x3-output:{side}x{side}x{STEM}",
        "first": _key(side, STEM, Row(STEM, 1, __, RE), 3, 1, 1),
    }
    for number, row in enumerate(STAGES, start=1):
        for block in range(1, MOST + 1):
            name = f"stage{number}.block{block}"
            if choices[name] != NONE:
                stride = row.s if block == 1 else 1
                found[name] = _key(side, channels, row, *OPTIONS[choices[name]], stride)
                side, channels = -(-side // stride), row.c
    out = f"{side}x{side}"
    found["expand"] = f"final_expand_layer-input:{out}x{channels}-output:{out}x{LAST}"
    found["mix"] = f"feature_mix_layer-input:1x1x{LAST}-output:1x1x{HEAD}"
    found["classifier"] = f"classifier-input:{HEAD}-output:1000"
    return found


def _key(side: int, channels: int, row: Row, kernel: int, expansion: int, stride: int) -> str:
    out = -(-side // stride)
    skip = int(stride == 1 and channels == row.c)
    return (
        f"MBConv-input:{side}x{side}x{channels}-output:{out}x{out}x{row.c}-expand:{expansion}"
        f"-kernel:{kernel}-stride:{stride}-idskip:{skip}-se:{int(row.se)}"
    )


def _settings(blocks: int) -> int:
    """The settings of the blocks that a stage of so many leaves out."""
    return int(len(OPTIONS) ** (MOST - blocks))


OFA_MOBILENETV3 = DesignSpace(
    "ofa_mobilenetv3",
    network,
    tuple(
        slot
        for number in range(1, len(STAGES) + 1)
        for slot in blocks_of_stage(f"stage{number}", tuple(OPTIONS), LEAST, MOST, _settings)
    ),
    "arXiv 1908.09791, section 4.1",
    encoded="a depth for each stage, and kernel and expansion of four blocks, used or not",
    module="ofamobilenetv3",
    keys=keys,
)
