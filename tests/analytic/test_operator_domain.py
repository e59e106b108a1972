"""Outside its domain an operator raises, exactly where PyTorch's module does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from flopscope.analytic import operators
from flopscope.analytic.tape import Feature, record
from flopscope.errors import BadInput, OutsideDomain

# A kernel of size 0 warns as its weight is initialised, and raises only when the module is called.
pytestmark = pytest.mark.filterwarnings("ignore:Initializing zero-element tensors:UserWarning")

many = settings(max_examples=250, deadline=None)


def pairs_of(*values: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.sampled_from(values), st.sampled_from(values))


USUAL: dict[str, st.SearchStrategy[Any]] = {
    "kernel_size": pairs_of(1, 2, 3, 4),
    "stride": pairs_of(1, 2, 3),
    "padding": pairs_of(0, 0, 0, 1, 2),
    "output_padding": pairs_of(0, 0, 0, 1, 2),
    "dilation": pairs_of(1, 1, 2, 3),
    "groups": st.sampled_from((1, 1, 1, 2, 3)),
}
"""Legal together where the window fits the map, groups divide the channels, paddings are small;
what is repeated is drawn more often, so that a good part of the draws is legal."""

NEVER: dict[str, tuple[Any, ...]] = {
    "kernel_size": ((0, 2), (2, -1)),
    "stride": ((0, 1), (1, -1)),
    "padding": ((-1, 0), (1, -1)),
    "output_padding": ((-1, 0), (0, -1)),
    "dilation": ((0, 1), (1, -1)),
    "groups": (0, -1),
}


@st.composite
def arguments(draw: Any, *names: str) -> dict[str, Any]:
    """Usual values of these, in one draw out of four with one that is never legal."""
    chosen = {name: draw(USUAL[name]) for name in names}
    if draw(st.integers(0, 3)) == 3:
        name = draw(st.sampled_from(names))
        chosen[name] = draw(st.sampled_from(NEVER[name]))
    return chosen


def shape_or_refusal(
    build: Callable[[], tuple[int, ...]], *refusals: type[Exception]
) -> tuple[int, ...] | None:
    try:
        return build()
    except refusals:
        return None


def agree(
    operator: Callable[[Feature], Feature],
    module: Callable[[], nn.Module],
    shape: tuple[int, ...],
) -> None:
    """Both give the same shape or both refuse; no other error comes from either.

    An empty result is a refusal too: some of PyTorch's kernels return one where others raise.
    """
    ours = shape_or_refusal(lambda: record(operator, shape).rows[0].output, OutsideDomain, BadInput)
    real = shape_or_refusal(lambda: module()(torch.zeros(shape)).shape, RuntimeError, ValueError)
    assert ours == (None if real is None or 0 in real else real)


def renamed(chosen: dict[str, Any]) -> dict[str, Any]:
    """PyTorch's names as the operators'."""
    kernel = chosen["kernel_size"]
    return {"kernel": kernel} | {k: v for k, v in chosen.items() if k != "kernel_size"}


channels = st.sampled_from((1, 2, 4, 6, 6, 6))
shapes = st.tuples(st.just(1), channels, st.integers(1, 8), st.integers(1, 8))


@many
@given(arguments("kernel_size", "stride", "padding", "dilation", "groups"), shapes, channels)
def test_a_convolution_raises_where_pytorch_does(
    chosen: dict[str, Any], shape: tuple[int, ...], out: int
) -> None:
    module = partial(nn.Conv2d, shape[1], out, **chosen)
    agree(partial(operators.conv2d, channels=out, **renamed(chosen)), module, shape)


@many
@given(
    arguments("kernel_size", "stride", "padding", "output_padding", "dilation", "groups"),
    shapes,
    channels,
)
def test_a_transposed_convolution_raises_where_pytorch_does(
    chosen: dict[str, Any], shape: tuple[int, ...], out: int
) -> None:
    module = partial(nn.ConvTranspose2d, shape[1], out, **chosen)
    operator = partial(operators.conv_transpose2d, channels=out, **renamed(chosen))
    if min(chosen["dilation"]) < 1:
        # PyTorch refuses it too, but for some grouped 1×1 kernels, where it has no effect
        with pytest.raises((OutsideDomain, BadInput)):
            record(operator, shape)
    else:
        agree(operator, module, shape)


@pytest.mark.parametrize(
    ("operator", "module"),
    [(operators.max_pool2d, nn.MaxPool2d), (operators.avg_pool2d, nn.AvgPool2d)],
)
@many
@given(arguments("kernel_size", "stride", "padding"), shapes)
def test_a_pool_raises_where_pytorch_does(
    operator: Callable[..., Feature],
    module: type[nn.Module],
    chosen: dict[str, Any],
    shape: tuple[int, ...],
) -> None:
    agree(partial(operator, **renamed(chosen)), partial(module, **chosen), shape)


# --- messages -------------------------------------------------------------------------------------

conv, transposed, pool = operators.conv2d, operators.conv_transpose2d, operators.max_pool2d
MESSAGES: dict[str, tuple[Callable[[Feature], Feature], type[Exception], str]] = {
    "kernel larger than the map": (
        lambda x: conv(x, 8, 7, padding=0),
        OutsideDomain,
        "input 5 padded by 0 less the span of kernel 7, plus 1, is -1, but must be at least 1",
    ),
    "even kernel without padding": (
        lambda x: conv(x, 8, 2),
        OutsideDomain,
        "span of the window less 1 (dilation × (kernel − 1)), to be centred, is 1, "
        "which 2 does not divide",
    ),
    "stride 0": (
        lambda x: conv(x, 8, 3, stride=0),
        OutsideDomain,
        "kernel, stride or dilation is 0, but must be at least 1",
    ),
    "negative padding": (
        lambda x: conv(x, 8, 3, padding=-1),
        OutsideDomain,
        "padding is -1, but must be at least 0",
    ),
    "groups that do not divide": (
        lambda x: conv(x, 8, 3, groups=3),
        OutsideDomain,
        "number of channels is 4, which 3 does not divide",
    ),
    "no groups": (
        lambda x: conv(x, 8, 3, groups=0),
        OutsideDomain,
        "number of groups is 0, but must be at least 1",
    ),
    "output cropped away": (
        lambda x: transposed(x, 8, 1, padding=3),
        OutsideDomain,
        "output size of the transposed convolution is -1, but must be at least 1",
    ),
    "large output padding": (
        lambda x: transposed(x, 8, 3, stride=2, output_padding=2),
        OutsideDomain,
        "the larger of stride and dilation less output padding is 0, but must be at least 1",
    ),
    "pool larger than the map": (
        lambda x: pool(x, 7, stride=1),
        OutsideDomain,
        "input 5 padded by 0 less the span of kernel 7, plus 1, is -1, but must be at least 1",
    ),
    "pool of padding alone": (
        lambda x: pool(x, 3, stride=1, padding=2),
        OutsideDomain,
        "kernel less twice the padding is -1, but must be at least 0",
    ),
    "group norm": (
        lambda x: operators.group_norm(x, 3),
        OutsideDomain,
        "number of channels is 4, which 3 does not divide",
    ),
    "inner sizes of a product": (
        lambda x: operators.matmul(x, x._replace(shape=(1, 4, 6, 5))),
        BadInput,
        "matmul of (1, 4, 5, 5) and (1, 4, 6, 5): the inner sizes differ",
    ),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_the_message_names_value_and_rule(case: str) -> None:
    network, error, message = MESSAGES[case]
    with pytest.raises(error) as caught:
        record(network, (1, 4, 5, 5))
    assert str(caught.value) == message
