"""What rules of shapes answer at plain sizes is what torch answers, and they refuse nothing else.

Arguments of every operator that is answered so are drawn, fitting ones and others. At each draw the
rule gives the shapes, strides and types of torch's own result, or leaves the call to torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import pytest
import torch
from torch import Tensor

from flopscope.tracing.shapes.plain import CONDITIONS, plain_result
from flopscope.tracing.shapes.remembered import answer

DRAWS = 60

Arguments = Callable[[Random], tuple[Any, ...]]


def tensor(random: Random, *shape: int) -> Tensor:
    """In order as a rule; else turned, of another type, or without elements."""
    dtype = random.choice((*[torch.float32] * 12, torch.float16, torch.int64))
    if len(shape) > 1 and not random.randrange(8):
        return torch.empty(shape[::-1], dtype=dtype, device="meta").permute(
            *range(len(shape))[::-1]
        )
    sizes = (0, *shape[1:]) if shape and not random.randrange(30) else shape
    return torch.empty(sizes, dtype=dtype, device="meta")


def sizes(random: Random, least: int, most: int) -> list[int]:
    return [random.choice((1, 2, 3, 4, 6)) for _ in range(random.randint(least, most))]


def nearly(random: Random, size: int) -> int:
    """The size that fits, as a rule."""
    return size if random.randrange(12) else random.choice((1, 2, 5))


def axes(random: Random, least: int = 0) -> list[int]:
    return [random.randint(-4, 3) for _ in range(random.randint(least, 2))]


def elementwise(random: Random) -> tuple[Any, ...]:
    return (tensor(random, *sizes(random, 0, 4)),)


def pairwise(random: Random) -> tuple[Any, ...]:
    shape = sizes(random, 0, 4)
    other = [random.choice((n, n, 1, 2)) for n in shape][random.randint(0, 2) :]
    return tensor(random, *shape), tensor(random, *other)


def scaled(random: Random) -> tuple[Any, ...]:
    return *elementwise(random), random.choice((2, 0.5, True, 1j))


def convolution(random: Random) -> tuple[Any, ...]:
    rank, groups = random.randint(1, 3), random.choice((1, 1, 2, 3))
    outputs, inputs = random.choice((2, 4, 6)), random.choice((1, 2))
    kernel = [random.choice((1, 2, 3)) for _ in range(rank)]
    x = tensor(random, *(2, nearly(random, inputs * groups), *sizes(random, rank, rank)))
    bias = tensor(random, nearly(random, outputs)) if random.randrange(2) else None
    stride, padding, dilation = (
        [random.choice(options)] * random.choice((1, rank))
        for options in ((1, 1, 2, 0), (0, 1, 2, -1), (1, 1, 2))
    )
    transposed, extra = not random.randrange(12), [0] * rank
    weight = tensor(random, outputs, inputs, *kernel)
    return x, weight, bias, stride, padding, dilation, transposed, extra, groups


def pool(random: Random, *options: Any) -> tuple[Any, ...]:
    kernel = [random.choice((1, 2, 3))] * random.choice((1, 2))
    stride = [random.choice((1, 2, 0))] * random.choice((0, 1, 2))
    padding = [random.choice((0, 0, 1, 2, -1))] * random.choice((1, 2))
    return tensor(random, *sizes(random, 3, 4)), kernel, stride, padding, *options


def max_pool(random: Random) -> tuple[Any, ...]:
    dilation = [random.choice((1, 1, 2, 0))] * random.choice((1, 2))
    return pool(random, dilation, random.choice((False, True)))


def average_pool(random: Random) -> tuple[Any, ...]:
    divisor = random.choice(((), (), (None,), (3,), (0,)))
    return pool(random, random.choice((False, True)), True, *divisor)


def batch_norm(random: Random) -> tuple[Any, ...]:
    shape = sizes(random, 1, 4)
    channels = shape[1] if len(shape) > 1 else 2
    given = [
        tensor(random, nearly(random, channels)) if random.randrange(5) else None for _ in range(4)
    ]
    return tensor(random, *shape), *given, random.choice((False, True)), 0.1, 1e-5


def layer_norm(random: Random) -> tuple[Any, ...]:
    shape = sizes(random, 1, 3)
    normalised = [nearly(random, n) for n in shape[random.randrange(len(shape)) :]]
    weights = [
        random.choice((None, tensor(random, *normalised), tensor(random, nearly(random, 2))))
        for _ in range(2)
    ]
    return tensor(random, *shape), normalised, *weights, 1e-5


def group_norm(random: Random) -> tuple[Any, ...]:
    batch, channels, *grid = shape = sizes(random, 3, 4)
    weights = [tensor(random, nearly(random, channels)) if random.randrange(4) else None] * 2
    positions = torch.Size(grid).numel()
    groups = random.choice((1, 1, 2, 3))
    return (
        tensor(random, *shape), *weights, nearly(random, batch), channels,
        nearly(random, positions), groups, 1e-5,
    )  # fmt: skip


def product(random: Random, *batch: int) -> tuple[Any, ...]:
    m, k, n = sizes(random, 3, 3)
    a, b = tensor(random, *batch, m, k), tensor(random, *batch, nearly(random, k), n)
    return (a, b) if random.randrange(2) else (a, tensor(random, *batch, n, k).mT)


def sum_of_products(random: Random) -> tuple[Any, ...]:
    a, b = product(random)
    return tensor(random, *random.choice(((b.shape[1],), (1,), (), (a.shape[0], 1), (3,)))), a, b


def joined(random: Random) -> tuple[Any, ...]:
    shape, dim = sizes(random, 1, 4), random.randint(-3, 3)
    parts = [[nearly(random, n) for n in shape] for _ in range(random.randint(1, 3))]
    return [tensor(random, *part) for part in parts], dim


DRAWN: Mapping[str, Arguments] = {
    "add": pairwise,
    "sub": pairwise,
    "mul": pairwise,
    "div": pairwise,
    "mm": lambda random: product(random, *random.choice(((), (), (), (2,)))),
    "bmm": lambda random: product(random, *random.choice(((2,), (2,), (3,), ()))),
    "addmm": sum_of_products,
    "mean": lambda random: (*elementwise(random), axes(random), random.choice((False, True))),
    "sum": lambda random: (*elementwise(random), axes(random), random.choice((False, True))),
    "cat": joined,
    "max_pool2d_with_indices": max_pool,
    "avg_pool2d": average_pool,
    "convolution": convolution,
    "native_batch_norm": batch_norm,
    "native_layer_norm": layer_norm,
    "native_group_norm": group_norm,
    "_softmax": lambda random: (
        *elementwise(random),
        *axes(random, 1)[:1],
        not random.randrange(9),
    ),
}


def operator(name: str) -> tuple[Any, Arguments]:
    packet, overload = name.split(".")
    draw = scaled if overload == "Scalar" else DRAWN.get(packet, elementwise)
    return getattr(getattr(torch.ops.aten, packet), overload), draw


def facts(result: Any) -> list[Any]:
    made = result if isinstance(result, tuple | list) else [result]
    return [(t.shape, t.stride(), t.dtype, t.device, t.storage_offset()) for t in made]


def outcome(call: Callable[..., Any], *args: Any) -> Any:
    """What comes of a call: the properties of its results, or its error."""
    try:
        return facts(call(*args))
    except Exception as error:
        return type(error), str(error)


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_rule_says_what_torch_says(name: str) -> None:
    function, draw = operator(name)
    answered = 0
    for seed in range(DRAWS):
        args = draw(Random(seed))
        expected = outcome(function, *args)
        found = plain_result(function, args, {})
        answered += found is not None
        assert found is None or facts(found) == expected, args
        assert outcome(lambda *a, f=function: answer(f, a, {}), *args) == expected, args
    assert answered >= 5


def test_options_by_name_are_left_to_torch() -> None:
    x = torch.empty(2, 3, device="meta")
    assert plain_result(torch.ops.aten.mean.dim, (x, [0]), {}) is not None
    assert plain_result(torch.ops.aten.mean.dim, (x, [0]), {"dtype": torch.float64}) is None
