"""Rules of shapes against torch itself: at free sizes, at every size, with every refusal.

A use of an operator is traced at free sizes, at several examples. At each point that such a domain
has, the real operator must run on real tensors and give the shapes and types that the trace has
there; where it refuses, no trace may be had. At each point where it runs, the example at that point
must be accepted: so domains together leave out nothing.
"""

from random import Random

import pytest
import torch
from shape_table import ELEMENTS, WINDOWS
from torch import nn
from torch.nn import functional as F
from torch.nn.modules.module import register_module_forward_hook
from torch.utils import _pytree as pytree

from flopscope.symbolic import Polynomial
from flopscope.tracing import trace
from flopscope.tracing.inputs import Input
from flopscope.tracing.node import size_value

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*degrees of freedom is <= 0:UserWarning"),
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning"),
    pytest.mark.filterwarnings("ignore:Using a target size:UserWarning"),
]

POINTS = 3
"""Random sizes for each use, beside the extremes; one that was drawn twice is tried once."""


class Use(nn.Module):
    """An expression in `a`, `b`, `c`, as a module."""

    def __init__(self, expression):
        super().__init__()
        names = {"torch": torch, "F": F, "nn": nn}
        self.function = eval(f"lambda a, b=None, c=None, d=None: {expression}", names)

    def forward(self, *inputs):
        return self.function(*inputs)


def noted(result):
    """Shapes and types."""
    tensors = [leaf for leaf in pytree.tree_leaves(result) if isinstance(leaf, torch.Tensor)]
    return [(tuple(map(size_value, t.shape)), t.dtype) for t in tensors]


def inputs_of(text):
    """Shapes and types of 'A B, C:int64'."""
    for part in text.split(", "):
        shape, _, dtype = part.partition(":")
        sizes = tuple(int(n) if n.isdigit() else n for n in shape.split())
        yield Input(sizes, getattr(torch, dtype or "float32"))


def points_of(inputs, seed, largest):
    names = sorted({n for x in inputs for n in x.shape if isinstance(n, str)})
    random = Random(seed)
    ends = [dict.fromkeys(names, n) for n in (1, largest)]
    mixed = [{n: random.choice((1, 2, largest)) for n in names} for _ in range(2)]
    drawn = [{n: random.randint(1, largest) for n in names} for _ in range(POINTS)]
    found = ends + mixed + drawn
    return [point for n, point in enumerate(found) if point not in found[:n]]


def real(use, inputs, point):
    """What the operator gives on real tensors, or its error."""
    tensors = [
        torch.ones([point.get(n, n) for n in x.shape]).to(x.dtype) * (x.dtype != torch.int64)
        for x in inputs
    ]
    try:
        with torch.no_grad():
            return noted(use(*(t.to(x.dtype) for t, x in zip(tensors, inputs, strict=True))))
    except (RuntimeError, IndexError, ValueError, NotImplementedError) as error:
        return type(error)


def traced(use, inputs, example):
    """Results at free sizes and their domain, or the type of the error."""
    seen = []  # nothing of the module's own: a trace leaves that as it was
    hook = register_module_forward_hook(lambda _, __, result: seen.append(noted(result)))
    try:
        found = trace(use, *inputs, example=example)
    except (RuntimeError, IndexError, ValueError, NotImplementedError) as error:
        return type(error), ()
    finally:
        hook.remove()
    return seen[-1], found.ledger.conditions


def at(results, point):
    return [
        (tuple(n.evaluate(point) if isinstance(n, Polynomial) else n for n in shape), dtype)
        for shape, dtype in results
    ]


def check(expression, shapes, largest):
    inputs, use = list(inputs_of(shapes)), Use(expression)
    points = points_of(inputs, expression, largest)
    truths = [real(use, inputs, point) for point in points]
    for example, truth in zip(points, truths, strict=True):
        results, domain = traced(use, inputs, example)
        assert isinstance(results, type) == isinstance(truth, type), (example, results, truth)
        for point, here in zip(points, truths, strict=True):
            if not isinstance(results, type) and holds(domain, point):
                assert at(results, point) == here, (example, point)


def holds(domain, point):
    return all(condition.at(point).broken() is False for condition in domain)


@pytest.mark.parametrize("expression", ELEMENTS)
def test_operators_of_elements_fit_where_torch_s_do(expression):
    check(expression, ELEMENTS[expression], largest=6)


@pytest.mark.parametrize("expression", WINDOWS)
def test_operators_of_windows_fit_where_torch_s_do(expression):
    check(expression, WINDOWS[expression], largest=9)
