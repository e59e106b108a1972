"""NAS-Bench-201 on CIFAR-10, its costs: arXiv 2001.00326, section 2; D-X-Y/AutoDL-Projects
xautodl/models/cell_infers/tiny_network.py and cell_operations.py.

A cell of four nodes has six edges, and each edge one of five operations, so that there are 15,625
cells. Five equal cells stand in each of three stages of 16, 32 and 64 channels, with a residual
block of stride 2 before the second and the third. An operation is ReLU, convolution and norm; all
of an edge's fifteen copies belong to one choice.

Many cells compute the same function; their costs as they are written down differ, so that each of
the 15,625 is a network of its own here. Additions at the nodes are not rows.
"""

from __future__ import annotations

from itertools import combinations

from flopscope.analytic.blocks import conv_bn_act
from flopscope.analytic.operators import (
    activation,
    add,
    avg_pool2d,
    batch_norm,
    conv2d,
    flatten,
    global_pool,
    linear,
)
from flopscope.analytic.tape import Feature
from flopscope.designspaces.slots import independent
from flopscope.designspaces.space import Choices, DesignSpace
from flopscope.facts import Function

RE = Function.RELU
STEM, WIDTHS, CELLS, NODES, CLASSES = 16, (16, 32, 64), 5, 4, 10
OPTIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = tuple(
    f"edge{j}_{i}" for i, j in sorted(combinations(range(NODES), 2), key=lambda e: e[::-1])
)
"""The edges by the node that they lead to and the node that they come from: edge1_0 first."""


def network(x: Feature, choices: Choices) -> Feature:
    """(B, 3, H, W) → (B, 10): the network whose cells have these operations."""
    scope = x.tape.scope
    with scope("stem"):
        x = batch_norm(conv2d(x, STEM, 3, name="conv"), name="bn")
    for stage, width in enumerate(WIDTHS, start=1):
        if stage > 1:
            with scope(f"reduction{stage - 1}"):
                x = _residual(x, width)
        for cell in range(1, CELLS + 1):
            with scope(f"stage{stage}.cell{cell}"):
                x = _cell(x, choices)
    with scope("head"):
        x = activation(batch_norm(x, name="bn"), RE)
        return linear(flatten(global_pool(x)), CLASSES, name="classifier")


def _cell(x: Feature, choices: Choices) -> Feature:
    """The rows of each edge. A node that nothing leads to is a map of zeros, of the same shape."""
    nodes = [x] * NODES
    for edge in EDGES:
        source = nodes[int(edge[-1])]
        with x.tape.scope(edge):
            _operation(source, choices[edge])
    return x


def _operation(x: Feature, option: str) -> Feature:
    if option == "avg_pool_3x3":
        return avg_pool2d(x, 3, stride=1, padding=1, include_padding=False)
    if option.startswith("nor_conv"):
        kernel = int(option[-1])
        y = conv2d(activation(x, RE, name="act"), x.channels, kernel, name="conv")
        return batch_norm(y, name="bn")
    return x


def _residual(x: Feature, width: int) -> Feature:
    """ResNet's basic block of stride 2; its shortcut is an average of 2×2 and a 1×1 convolution."""
    y = conv_bn_act(x, width, 3, stride=2, function=RE, name="first")
    y = conv_bn_act(y, width, 3, name="second")
    short = conv2d(avg_pool2d(x, 2, stride=2), width, 1, name="shortcut")
    return add(short, y)


NAS_BENCH_201 = DesignSpace(
    "nas_bench_201",
    network,
    tuple(independent(edge, OPTIONS) for edge in EDGES),
    "arXiv 2001.00326, section 2",
    res=32,
    encoded="an operation for each of six edges",
    module="nasbench201",
)
