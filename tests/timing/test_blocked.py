"""Tensors that ONNX Runtime puts into blocks of channels and back."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from flopscope.catalog.variant import parse
from flopscope.costs import cost
from flopscope.facts import Kind, Movement, Operator, Weight
from flopscope.symbolic import symbol
from flopscope.timing.blocked import with_reorders
from flopscope.timing.builtin import device_of
from flopscope.timing.categories import Category, category
from flopscope.timing.roofline import attoseconds
from flopscope.timing.runtimes import RUNTIMES
from flopscope.timing.units import units

REORDERS = {
    "mobilenetv1": 0, "mobilenetv3_large": 16, "efficientnet_b0": 32, "efficientnet_b3": 52,
    "shufflenetv1_g3_x1.0": 36, "shufflenetv1_g1_x0.75": 31, "shufflenetv1_g2_x0.25": 8,
    "shufflenetv2_x1.0": 31, "shufflenetv2_x0.5": 35, "ghostnetv3_050": 114, "resnet18": 0,
    "mobileone_s0": 0, "mobileone_s4": 23, "regnetx_400mf": 0, "regnetx_600mf": 32,
    "regnety_600mf": 30, "starnet_s1": 0, "convnext_tiny": 40, "poolformer_s12": 55,
    "mobilevit_xxs": 6, "mobilevitv2_050": 60, "efficientformer_l1": 59, "efficientvit_b0": 10,
    "fastvit_t8": 7, "repvit_m0.9": 40, "mobilenetv4_hybrid_medium": 32,
}  # fmt: skip
"""ReorderInput and ReorderOutput of maps of more than one place in what ONNX Runtime 1.32 ran of
the exported network, on a processor with AVX-512."""

PLAIN = {
    "mobilenetv2": 0, "shufflenetv1_g3_x1.0": 23, "shufflenetv2_x1.0": 11, "regnetx_600mf": 16,
    "ghostnet_050": 10, "fastvit_t8": 4,
}  # fmt: skip
"""Convolutions of more than one place there that were in the usual order."""

CONSTANTS = {
    "mac_standard": 2.3e-11, "mac_pointwise": 2.5e-11, "mac_depthwise": 3.3e-11,
    "mac_grouped": 2.9e-11, "mac_linear": 2.9e-11, "mac_matmul": 3.8e-11,
    "activation_byte": 7.1e-11, "moved_byte": 7.1e-11, "indexed_byte": 7.1e-11,
    "weight_byte": 8.1e-11, "exponential": 3.9e-10, "launch_product": 5e-6, "launch_other": 5e-6,
}  # fmt: skip
DEVICE = replace(device_of("pixel3-cpu-tflite"), runtime="ort", rule="max", constants=CONSTANTS)
"""About what one thread of a processor with AVX-512 takes."""


@pytest.mark.parametrize("name", REORDERS)
def test_there_are_as_many_copies_as_in_the_optimised_graph(name: str) -> None:
    variant = parse(name)
    found = units(variant.ledger(variant.resolution()).rows, RUNTIMES["ort"])
    rows = [row for unit in found for row in unit.rows]
    assert sum(row.function is Movement.COPY for row in rows) == REORDERS[name]


@pytest.mark.parametrize("name", PLAIN)
def test_as_many_convolutions_are_products_of_matrices(name: str) -> None:
    variant = parse(name)
    rows = with_reorders(variant.ledger(variant.resolution()).rows, 16)
    found = {row.path for row in rows if row.function is Movement.WINDOWS}
    assert len(found) == PLAIN[name]


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
            ["copy by conv1", *["windows by conv1"] * 2, "copy by conv2", "copy by conv2"],
        ),
        # windows of one place are in their second order alone
        ([conv(0, 3, 64), conv(1, 64, 32, 4)], ["copy by conv1", "windows by conv1"]),
        ([conv(0, 3, 24), conv(1, 24, 24, 24, 3)], ["copy by conv1"]),  # depthwise, by 4
        ([conv(0, 3, 26), conv(1, 26, 26, 26, 3)], ["copy by conv1", *["windows by conv1"] * 2]),
        ([conv(0, 3, 26), conv(1, 26, 64)], ["copy by conv1", "windows by conv1"]),
        ([conv(0, 3, 8), conv(1, 8, 32)], ["copy by conv1", "copy by conv1"]),  # read as it is
        ([conv(0, 3, 32), conv(1, 32, 64, 32, 3)], ["copy by conv1", *["windows by conv1"] * 2]),
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
    """As that of squeeze and excitation, and unlike a sum of two maps. A map of one place is the
    same in both orders."""
    first = conv(0, 3, 32)
    gate = Operator(Kind.GLOBAL_POOL, "gate", ((1, 32, 8, 8),), (1, 32, 1, 1), reads=(0,), id=1)
    both = ((1, 32, 8, 8), (1, 32, 1, 1))
    scale = Operator(Kind.MULTIPLY, "scale", both, (1, 32, 8, 8), reads=(0, 1), id=2)
    assert inserted(first, gate, scale) == ["copy by scale"]
    same = ((1, 32, 8, 8), (1, 32, 8, 8))
    total = Operator(Kind.ADD, "add", same, (1, 32, 8, 8), reads=(0, 0), id=1)
    assert inserted(first, total) == ["copy by add"]  # of the output


def concatenation(channels: int) -> list[str]:
    """What a concatenation of the outputs of two convolutions needs, before a third one."""
    first, second = conv(0, 3, channels), conv(1, 3, channels)._replace(reads=(-2,))
    maps = ((1, channels, 8, 8),) * 2
    both = Operator(Kind.CONCATENATION, "cat", maps, (1, 2 * channels, 8, 8), reads=(0, 1), id=2)
    return inserted(first, second, both, conv(3, 2 * channels, 64))


def test_whole_blocks_are_concatenated_in_blocks() -> None:
    assert concatenation(32) == ["copy by conv3"]  # of the output
    assert concatenation(24) == ["copy by cat", "copy by cat", "copy by conv3", "copy by conv3"]


def test_a_part_is_taken_in_the_usual_order() -> None:
    """As the halves of a split: the whole is put back, and the half into blocks again."""
    half = conv(1, 32, 32)._replace(reads=(0,))
    assert inserted(conv(0, 3, 64), half) == ["copy by conv1"] * 3


def test_pools_work_on_whole_blocks() -> None:
    def pooled(channels: int) -> list[str]:
        shape = (1, channels, 8, 8)
        pool = Operator(Kind.MAX_POOL, "pool", (shape,), shape, reads=(0,), id=1)
        return inserted(conv(0, 3, channels), pool, conv(2, channels, 64)._replace(reads=(1,)))

    assert pooled(64) == ["copy by conv2"]  # of the output
    assert pooled(24) == ["copy by pool", "copy by conv2", "copy by conv2"]


def test_channels_are_filled_up_to_whole_blocks() -> None:
    """The zeros are multiplied and stored like other numbers."""
    first, depthwise, last = with_reorders([conv(0, 3, 24), conv(1, 24, 24, 24, 3)], 16)
    assert (first.inputs, first.output) == (((1, 3, 8, 8),), (1, 32, 8, 8))
    assert (first.weights[0].shape, cost(first).macs) == ((32, 3, 1, 1), 32 * 3 * 64)
    assert (depthwise.groups, depthwise.weights[0].shape) == (32, (32, 1, 3, 3))
    assert category(depthwise) is Category.DEPTHWISE
    assert (last.inputs, last.output) == (((1, 32, 8, 8),), (1, 24, 8, 8))


def test_a_product_of_matrices_reads_its_windows() -> None:
    *_, product = with_reorders([conv(0, 26, 26, 26, 3)], 16)
    assert product.inputs == ((1, 26, 3, 3, 8, 8),)
    assert cost(product).macs == 26 * 9 * 64
    assert category(product) is Category.DEPTHWISE


@pytest.mark.parametrize("name", ["mobilenetv2", "mobilenetv3_large", "efficientnet_b0"])
def test_a_sweep_of_widths_has_the_times_of_its_designs(name: str) -> None:
    widths = [0.5, 0.75, 1.0]
    swept = parse(name).ledger((64, 64), width=np.array(widths))
    found = attoseconds(swept.rows, DEVICE).value
    for width, value in zip(widths, found, strict=True):
        one = parse(f"{name}:width={width}" if width != 1 else name).ledger((64, 64))
        assert attoseconds(one.rows, DEVICE).value == value


@pytest.mark.parametrize("name", ["ghostnet_100", "shufflenetv1_g3_x1.0", "resnet18"])
def test_where_the_width_decides_a_sweep_is_within_six_percent(name: str) -> None:
    """What a convolution takes into itself may then differ from design to design."""
    widths = [0.5, 0.64, 0.75, 0.9, 1.0, 1.3]
    swept = parse(name).ledger((64, 64), width=np.array(widths))
    found = attoseconds(swept.rows, DEVICE).value
    for width, value in zip(widths, found, strict=True):
        one = parse(f"{name}:width={width}" if width != 1 else name).ledger((64, 64))
        assert value == pytest.approx(attoseconds(one.rows, DEVICE).value, rel=0.06)


def grouped(inner: object) -> Operator:
    weight = Weight("w", (64, inner, 3, 3))
    return Operator(
        Kind.CONVOLUTION, "conv", ((1, 4 * inner, 8, 8),), (1, 64, 8, 8), (weight,), groups=4,
        reads=(-1,),
    )  # fmt: skip


def test_windows_of_a_swept_width_are_written_at_the_designs_that_need_them() -> None:
    for inner, times in ((32, []), (8, [1, 1]), (np.array([16, 32]), [])):
        rows = with_reorders([grouped(inner)], 16)
        assert [row.repeat for row in rows if row.function is Movement.WINDOWS] == times
    rows = with_reorders([grouped(np.array([8, 16]))], 16)
    windows = [row for row in rows if row.function is Movement.WINDOWS]
    assert [row.repeat.tolist() for row in windows] == [[1, 0], [1, 0]]
    (product,) = [row for row in rows if row.kind is Kind.CONVOLUTION]
    in_blocks, as_windows = product.inputs
    assert in_blocks[0].tolist() == [0, 1]
    assert as_windows[0].tolist() == [1, 0]


def test_a_free_width_gives_the_time_of_every_width() -> None:
    def rows(width: object) -> list[Operator]:
        first = conv(0, 3, 64)
        made = first._replace(
            output=(1, 4 * width, 8, 8), weights=(Weight("w", (4 * width, 3, 1, 1)),)
        )
        return [made, grouped(width)._replace(id=1, reads=(0,))]

    free = attoseconds(rows(symbol("width")), DEVICE).value
    for number in (4, 7, 8, 16, 24, 32, 48):
        assert free.evaluate({"width": number}) == attoseconds(rows(number), DEVICE).value


def test_other_runtimes_have_no_copies() -> None:
    rows = parse("convnext_tiny").ledger((64, 64)).rows
    for name in ("eager", "openvino", "tflite"):
        kinds = Counter(row.function for unit in units(rows, RUNTIMES[name]) for row in unit.rows)
        assert not kinds[Movement.COPY]
