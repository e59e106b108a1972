"""Tensors that ONNX Runtime puts into blocks of channels and back."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from flopscope.catalog.variant import parse
from flopscope.facts import Kind, Movement, Operator, Weight
from flopscope.timing.blocked import with_reorders
from flopscope.timing.builtin import device_of
from flopscope.timing.roofline import attoseconds
from flopscope.timing.runtimes import RUNTIMES
from flopscope.timing.units import units

REORDERS = {
    "mobilenetv1": 1, "mobilenetv2": 1, "mobilenetv4_conv_small": 1, "resnet18": 1, "resnet50": 1,
    "mobileone_s0": 1, "regnetx_400mf": 1, "starnet_s1": 1, "convnext_tiny": 40, "repvit_m0.9": 51,
}  # fmt: skip
"""ReorderInput and ReorderOutput in the graph that ONNX Runtime 1.32 writes of the exported network
with all optimisations, on a processor with AVX-512."""

DEVICE = replace(device_of("pixel3-cpu-tflite"), runtime="ort")


@pytest.mark.parametrize("name", REORDERS)
def test_there_are_as_many_copies_as_in_the_optimised_graph(name: str) -> None:
    variant = parse(name)
    found = units(variant.ledger(variant.resolution()).rows, RUNTIMES["ort"])
    rows = [row for unit in found for row in unit.rows]
    assert sum(row.function is Movement.COPY for row in rows) == REORDERS[name]
    assert not any(row.function is Movement.WINDOWS for row in rows)


def conv(number: int, inputs: int, outputs: int, groups: int = 1, kernel: int = 1) -> Operator:
    weight = Weight("w", (outputs, inputs // groups, kernel, kernel))
    shape = (1, inputs, 8, 8)
    return Operator(
        Kind.CONVOLUTION, f"conv{number}", (shape,), (1, outputs, 8, 8), (weight,), groups=groups,
        reads=(number - 1,), id=number,
    )  # fmt: skip


def inserted(*rows: Operator) -> list[str]:
    """What is put before each row, or behind the last."""
    return [
        f"{row.function.value} by {row.path}"
        for row in with_reorders(rows, 16)
        if row.kind is Kind.MOVE and row.function is not None
    ]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([conv(0, 3, 32), conv(1, 32, 64)], ["copy by conv1"]),  # the output alone
        ([conv(0, 32, 32)], ["copy by conv0", "copy by conv0"]),  # an input of whole blocks too
        ([conv(0, 3, 32), conv(1, 32, 32, 32, 3)], ["copy by conv1"]),  # depthwise
        ([conv(0, 3, 64), conv(1, 64, 64, 4, 3)], ["copy by conv1"]),  # groups of 16
        (
            [conv(0, 3, 64), conv(1, 64, 64, 8, 3), conv(2, 64, 64)],  # groups of 8
            ["copy by conv1", "windows by conv1", "copy by conv2", "copy by conv2"],
        ),
        ([conv(0, 3, 64), conv(1, 64, 32, 4)], ["copy by conv1"]),  # no windows of one place
    ],
)
def test_copies_stand_where_the_layout_changes(rows: list[Operator], expected: list[str]) -> None:
    assert inserted(*rows) == expected


def test_a_tensor_is_copied_once_for_all_its_readers() -> None:
    first, shape = conv(0, 3, 32), (1, 32, 8, 8)
    softmaxes = [
        Operator(Kind.SOFTMAX, f"softmax{n}", (shape,), shape, reads=(0,), id=n) for n in (1, 2)
    ]
    found = with_reorders([first, *softmaxes], 16)
    assert [row.path for row in found] == ["conv0", "softmax1", "softmax1", "softmax2"]
    copy = found[1]
    assert [row.reads for row in found[2:]] == [(copy.id,), (copy.id,)]


def test_a_broadcast_product_is_in_the_usual_order() -> None:
    """As that of squeeze and excitation, and unlike a sum of two maps."""
    first = conv(0, 3, 32)
    gate = Operator(Kind.GLOBAL_POOL, "gate", ((1, 32, 8, 8),), (1, 32, 1, 1), reads=(0,), id=1)
    both = ((1, 32, 8, 8), (1, 32, 1, 1))
    scale = Operator(Kind.MULTIPLY, "scale", both, (1, 32, 8, 8), reads=(0, 1), id=2)
    assert inserted(first, gate, scale) == ["copy by scale", "copy by scale"]
    same = ((1, 32, 8, 8), (1, 32, 8, 8))
    total = Operator(Kind.ADD, "add", same, (1, 32, 8, 8), reads=(0, 0), id=1)
    assert inserted(first, total) == ["copy by add"]  # of the output


@pytest.mark.parametrize("name", ["mobilenetv3_large", "efficientnet_b0", "repvit_m0.9"])
def test_a_sweep_of_widths_has_the_times_of_its_designs(name: str) -> None:
    widths = [0.5, 0.75, 1.0]
    swept = parse(name).ledger((64, 64), width=np.array(widths))
    found = attoseconds(swept.rows, DEVICE).value
    for width, value in zip(widths, found, strict=True):
        one = parse(f"{name}:width={width}" if width != 1 else name).ledger((64, 64))
        assert attoseconds(one.rows, DEVICE).value == value


def test_groups_of_a_swept_width_are_whole_where_they_are_at_all_widths() -> None:
    found = {}
    for inner in (32, 8, np.array([16, 32]), np.array([8, 16])):
        weight = Weight("w", (64, inner, 3, 3))
        given, groups = (1, 4 * inner, 8, 8), 4
        row = Operator(
            Kind.CONVOLUTION, "conv", (given,), (1, 64, 8, 8), (weight,), groups=groups,
            reads=(-1,),
        )  # fmt: skip
        rows = with_reorders([row], 16)
        found[str(inner)] = sum(each.function is Movement.WINDOWS for each in rows)
    assert found == {"32": 0, "8": 1, "[16 32]": 0, "[ 8 16]": 1}


def test_other_runtimes_have_no_copies() -> None:
    rows = parse("convnext_tiny").ledger((64, 64)).rows
    for name in ("eager", "openvino", "tflite"):
        kinds = Counter(row.function for unit in units(rows, RUNTIMES[name]) for row in unit.rows)
        assert not kinds[Movement.COPY]
