"""What each runtime makes of the same rows, and what a unit asks for."""

from __future__ import annotations

from itertools import count

import pytest

import flopscope as fs
from flopscope.facts import Function, Kind, Operator, Weight, Window
from flopscope.timing.precision import PRECISIONS
from flopscope.timing.runtimes import RUNTIMES
from flopscope.timing.units import units, without_dead
from flopscope.timing.work import works

IMAGE, SEEN = (1, 8, 4, 4), (1, 16, 4, 4)


def block():
    """A pointwise convolution, its batch norm and activation, an addition to a shortcut, and a row
    that nothing reads."""
    number = count()
    pointwise = Window(kernel=(1, 1), stride=(1, 1), padding=(0, 0), dilation=(1, 1))
    weights = (Weight("conv.weight", (16, 8, 1, 1)),)
    conv = Operator(
        Kind.CONVOLUTION, "conv", (IMAGE,), SEEN, weights, window=pointwise, reads=(-1,),
        id=next(number),
    )  # fmt: skip
    norm = Operator(Kind.BATCH_NORM, "norm", (SEEN,), SEEN, reads=(0,), id=next(number))
    act = Operator(
        Kind.ACTIVATION, "act", (SEEN,), SEEN, reads=(1,), id=next(number), function=Function.SILU
    )
    dead = Operator(Kind.ELEMENTWISE, "dead", (SEEN,), SEEN, reads=(2,), id=next(number))
    add = Operator(Kind.ADD, "add", (SEEN, SEEN), SEEN, reads=(2, -2), id=next(number))
    return [conv, norm, act, dead, add]


def names(runtime, rows=None):
    found = units(rows or block(), RUNTIMES[runtime])
    return ["+".join(row.path for row in unit.rows) for unit in found]


def test_eager_launches_every_row():
    assert names("eager") == ["conv", "norm", "act", "dead", "add"]


@pytest.mark.parametrize("runtime", ["openvino", "tflite", "ncnn"])
def test_an_exported_graph_folds_and_drops(runtime):
    # act is read by the dead row as well, which is dropped first
    assert names(runtime) == ["conv+norm+act+add"]


def test_a_layout_of_blocks_keeps_what_is_in_the_usual_order_apart():
    # the sum has an input of the network, which is not in blocks
    conv, norm, act, _, add = block()
    relu = act._replace(function=Function.RELU)
    assert names("ort", [conv, norm, relu, add]) == ["conv+norm+act", "add", "add"]
    inside = add._replace(reads=(2, 0))
    assert names("ort", [conv, norm, relu, inside]) == ["conv", "norm", "act", "add", "add"]


def test_onnx_runtime_applies_some_functions_and_sums_behind_convolutions():
    conv, norm, act, _, add = block()
    relu, inside = act._replace(function=Function.RELU), add._replace(reads=(1, 0))
    gelu = act._replace(function=Function.GELU)
    assert names("ort", [conv, norm, relu]) == ["conv+norm+act", "act"]  # and a copy of the output
    assert names("ort", [conv, norm, gelu]) == ["conv+norm", "act", "act"]
    first = conv._replace(path="first", reads=(-1,), id=9)
    summed = inside._replace(reads=(1, 9))
    assert names("ort", [first, conv, norm, summed]) == ["first", "conv+norm+add", "add"]
    linear = Operator(Kind.LINEAR, "fc", ((1, 9),), (1, 9), reads=(-1,), id=0)
    residual = Operator(Kind.ADD, "add", ((1, 9), (1, 9)), (1, 9), reads=(0, -1), id=1)
    assert names("ort", [linear, residual]) == ["fc", "add"]
    assert names("openvino", [linear, residual]) == ["fc+add"]


def test_a_compiler_chains_what_is_element_by_element():
    assert names("inductor") == ["conv", "norm+act+add"]


def test_an_output_with_two_readers_is_not_swallowed():
    conv, norm, act, _, add = block()
    both = add._replace(reads=(2, 1))  # the norm is read by the activation and by the sum
    assert names("ort", [conv, norm, act, both]) == ["conv+norm", "act", "add", "add"]


def test_the_last_row_is_never_dead():
    conv, norm, act, dead, _ = block()
    assert [row.path for row in without_dead([conv, norm, act, dead])] == [
        "conv", "norm", "act", "dead"
    ]  # fmt: skip


def test_bytes_of_a_unit_are_those_that_cross_its_border():
    (work,) = works(block(), RUNTIMES["tflite"], PRECISIONS["float32"])
    image, seen = 8 * 16, 16 * 16
    assert work.macs == 8 * 16 * 16
    assert work.read == 4 * (image + seen)  # the image and the shortcut
    assert work.written == 4 * seen  # the sum alone
    assert work.weights == 4 * 8 * 16
    assert work.exponentials == seen


def test_half_precision_halves_the_bytes():
    (single,) = works(block(), RUNTIMES["tflite"], PRECISIONS["float32"])
    (half,) = works(block(), RUNTIMES["tflite"], PRECISIONS["float16"])
    assert (2 * half.moved, 2 * half.weights) == (single.moved, single.weights)
    assert half.macs == single.macs


def test_a_network_of_several_results_has_all_its_rows():
    """MobileCLIP gives an image's features, a text's features, and a factor, which comes last."""
    rows = fs.analyze("mobileclip_s0").rows
    assert without_dead(rows) == [row for row in rows if row.kind is not Kind.STORED]
