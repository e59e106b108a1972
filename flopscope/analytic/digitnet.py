"""A small space of networks for images of digits, which differentiable searches choose from.

It is nobody's published network: a 3×3 stem, four layers and a classifier. Each layer has an
operator and a width to choose, so the cost of a layer depends on its operator, on its width and on
the width before it. 4⁴ operators times 3⁴ widths are 20,736 networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from flopscope.analytic.blocks import conv_bn_act
from flopscope.analytic.operators import (
    activation,
    batch_norm,
    conv2d,
    flatten,
    global_pool,
    linear,
)
from flopscope.analytic.tape import Feature, record
from flopscope.facts import Function
from flopscope.ledger import Ledger

STEM, CLASSES = 16, 10
STRIDES = (1, 1, 2, 1)
"""The stride of each layer."""
WIDTHS = (8, 16, 24)


class Choice(NamedTuple):
    """An operator: its kernel, and whether it is depthwise and then pointwise."""

    kernel: int
    separable: bool


OPERATORS: Mapping[str, Choice] = {
    "conv3": Choice(3, separable=False),
    "sep5": Choice(5, separable=True),
    "sep3": Choice(3, separable=True),
    "point": Choice(1, separable=False),
}

OPTIONS: Mapping[str, tuple[Any, ...]] = {
    f"{what}{layer}": options
    for layer in range(1, len(STRIDES) + 1)
    for what, options in (("op", tuple(OPERATORS)), ("width", WIDTHS))
}
"""The options of each slot: op1, width1, op2 and so on."""


def digitnet(x: Feature, choices: Mapping[str, Any], *, shared: bool = False) -> Feature:
    """(B, 1, H, W) → (B, 10): the network of these choices, an option for each slot of `OPTIONS`.

    With `shared`, rows name the tensors of a supernet in which both separable operators slice one
    depthwise kernel of 5×5, and both dense ones one kernel of 3×3. Domain: H, W ≥ 1.

    >>> ledger = digitnet_ledger({f"op{n}": "point" for n in range(1, 5)}
    ...                          | {f"width{n}": 8 for n in range(1, 5)}, 28)
    >>> ledger.macs().value  # 144·14², 16·8·14², 8²·14², 2·8²·7² and 8·10
    72208
    """
    scope = x.tape.scope
    with scope("stem"):
        x = conv_bn_act(x, STEM, 3, stride=2, function=Function.RELU)
    for layer, stride in enumerate(STRIDES, start=1):
        choice = OPERATORS[choices[f"op{layer}"]]
        sharing = "separable" if choice.separable else "dense"
        with scope(f"layer{layer}"), scope(sharing if shared else choices[f"op{layer}"]):
            x = _layer(x, choices[f"width{layer}"], choice, stride)
    with scope("head"):
        return linear(flatten(global_pool(x)), CLASSES, name="classifier")


def _layer(x: Feature, width: int, choice: Choice, stride: int) -> Feature:
    if choice.separable:
        x = conv2d(x, x.channels, choice.kernel, stride=stride, groups=x.channels, name="dw")
        x = conv2d(x, width, 1, name="pw")
    else:
        x = conv2d(x, width, choice.kernel, stride=stride)
    return activation(batch_norm(x, name="bn"), Function.RELU)


def digitnet_ledger(choices: Mapping[str, Any], res: int, *, shared: bool = False) -> Ledger:
    """The rows of a design for one image of this side."""
    return record(lambda x: digitnet(x, choices, shared=shared), (1, 1, res, res))
