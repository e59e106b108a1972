"""NAS-Bench-201 on CIFAR-10, its costs: arXiv 2001.00326, section 2; D-X-Y/AutoDL-Projects
xautodl/models/cell_infers/tiny_network.py and cell_operations.py.

A cell of four nodes has six edges, and each edge one of five operations, so that there are 15,625
cells. Five equal cells stand in each of three stages of 16, 32 and 64 channels, with a residual
block of stride 2 before the second and the third. An operation is ReLU, convolution and norm; all
of an edge's fifteen copies belong to one choice.

Many cells compute the same function; their costs as they are written down differ, so that each of
the 15,625 is a network of its own here. A node adds the maps of all its edges, those of zeros too,
as the authors' code does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

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
    """The last node. Each is the sum of its edges, which all have one shape."""
    nodes = [x]
    for node in range(1, NODES):
        summed = _edge(nodes, node, 0, choices)
        for source in range(1, node):
            made = _edge(nodes, node, source, choices)
            with x.tape.scope(f"node{node}"):
                summed = add(summed, made, name=f"add{source}")
        nodes.append(summed)
    return nodes[-1]


def _edge(nodes: Sequence[Feature], node: int, source: int, choices: Choices) -> Feature:
    name = f"edge{node}_{source}"
    with nodes[source].tape.scope(name):
        return _operation(nodes[source], choices[name])


def _operation(x: Feature, option: str) -> Feature:
    if option == "avg_pool_3x3":
        return avg_pool2d(x, 3, stride=1, padding=1, include_padding=False)
    if option.startswith("nor_conv"):
        return _relu_conv_norm(x, x.channels, int(option[-1]))
    return x


def _relu_conv_norm(x: Feature, width: int, kernel: int, stride: int = 1) -> Feature:
    y = conv2d(activation(x, RE, name="act"), width, kernel, stride=stride, name="conv")
    return batch_norm(y, name="bn")


def _residual(x: Feature, width: int) -> Feature:
    """ResNet's basic block of stride 2; its shortcut is an average of 2×2 and a 1×1 convolution."""
    with x.tape.scope("first"):
        y = _relu_conv_norm(x, width, 3, 2)
    with x.tape.scope("second"):
        y = _relu_conv_norm(y, width, 3)
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
