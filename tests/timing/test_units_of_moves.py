"""What each runtime makes of rows that move data, and what such a unit asks for."""

from __future__ import annotations

import pytest

from flopscope.facts import Function, Kind, Movement, Operator, Weight, Window
from flopscope.readings import moved_bytes
from flopscope.timing.amounts import amounts
from flopscope.timing.categories import Category
from flopscope.timing.constants import BYTE, INDEXED_BYTE, MOVED_BYTE, NAMES, OTHER_LAUNCH
from flopscope.timing.precision import PRECISIONS
from flopscope.timing.runtimes import RUNTIMES
from flopscope.timing.units import units, without_moves
from flopscope.timing.work import works

EXPORTED = ("ort", "openvino", "tflite", "ncnn")
TOKENS, HEADS, MAP = (1, 16, 8), (1, 2, 16, 4), (1, 2, 16, 16)


def row(kind, path, shapes, output, reads, id, function=None):
    return Operator(kind, path, shapes, output, reads=reads, id=id, function=function)


def move(movement, id, reads, given=TOKENS, output=TOKENS):
    return row(Kind.MOVE, movement.value, (given,), output, reads, id, movement)


def linear(id, reads, path="fc"):
    weights = (Weight(f"{path}.weight", (8, 8)),)
    return row(Kind.LINEAR, path, (TOKENS,), TOKENS, reads, id)._replace(weights=weights)


def act(id, reads, path="act"):
    return row(Kind.ACTIVATION, path, (TOKENS,), TOKENS, reads, id, Function.RELU)


def names(runtime, rows):
    return ["+".join(each.path for each in unit.rows) for unit in units(rows, RUNTIMES[runtime])]


def shifted():
    """A norm, a roll, a partition into windows, and a linear layer with its activation."""
    norm = row(Kind.LAYER_NORM, "norm", (TOKENS,), TOKENS, (-1,), 0)
    return [norm, move(Movement.ROLL, 1, (0,)), move(Movement.PERMUTE, 2, (1,)), linear(3, (2,))]


def test_eager_launches_every_movement():
    assert names("eager", shifted()) == ["norm", "roll", "permutation", "fc"]


def test_a_compiler_writes_a_norm_where_the_movements_after_it_would():
    norm, _, permute, fc = shifted()
    windows = [norm, permute._replace(reads=(0,)), fc]
    assert names("inductor", windows) == ["norm+permutation", "fc"]


def test_a_compiler_rolls_by_computed_places_in_a_pass_of_its_own():
    assert names("inductor", shifted()) == ["norm", "roll", "permutation", "fc"]
    found = {unit.head.path: unit.category for unit in units(shifted(), RUNTIMES["inductor"])}
    assert (found["roll"], found["permutation"]) == (Category.INDEXED, Category.MOVE)
    eager = {unit.head.path: unit.category for unit in units(shifted(), RUNTIMES["eager"])}
    assert eager["roll"] is eager["permutation"] is Category.MOVE


@pytest.mark.parametrize("runtime", EXPORTED)
def test_movements_of_an_exported_graph_are_units(runtime):
    assert names(runtime, shifted()) == ["norm", "roll", "permutation", "fc"]


@pytest.mark.parametrize("runtime", ["eager", "inductor", *EXPORTED])
def test_a_concatenation_is_a_unit(runtime):
    both = (1, 32, 8)
    join = row(Kind.CONCATENATION, "cat", (TOKENS, TOKENS), both, (-1, -2), 0)
    after = row(Kind.ACTIVATION, "act", (both,), both, (0,), 1, Function.RELU)
    assert names(runtime, [join, after]) == ["cat", "act"]


def test_a_movement_and_what_follows_it_are_one_unit_of_a_compiler():
    rows = [move(Movement.PERMUTE, 0, (-1,)), act(1, (0,))]
    (unit,) = units(rows, RUNTIMES["inductor"])
    assert (unit.category, unit.head.path) == (Category.ELEMENTWISE, "act")


@pytest.mark.parametrize("runtime", ["eager", "inductor", *EXPORTED])
def test_a_movement_never_becomes_part_of_the_product_before_it(runtime):
    rows = [linear(0, (-1,)), move(Movement.ROLL, 1, (0,)), linear(2, (1,), "fc2")]
    assert names(runtime, rows) == ["fc", "roll", "fc2"]


@pytest.mark.parametrize("runtime", EXPORTED)
def test_a_movement_keeps_an_activation_from_its_product(runtime):
    assert names(runtime, [linear(0, (-1,)), act(1, (0,))]) == ["fc+act"]
    between = [linear(0, (-1,)), move(Movement.PERMUTE, 1, (0,)), act(2, (1,))]
    assert names(runtime, between) == ["fc", "permutation", "act"]


@pytest.mark.parametrize("runtime", EXPORTED)
def test_an_exported_graph_has_no_copies(runtime):
    rows = [linear(0, (-1,)), move(Movement.COPY, 1, (0,)), act(2, (1,))]
    assert names(runtime, rows) == ["fc+act"]
    (work,) = works(rows, RUNTIMES[runtime], PRECISIONS["float32"])
    assert (work.read, work.written) == (4 * 16 * 8, 4 * 16 * 8)


def test_copies_of_copies_and_of_the_input_are_dropped():
    copy = frozenset({Movement.COPY})
    rows = [move(Movement.COPY, 0, (-1,)), move(Movement.COPY, 1, (0,)), act(2, (1,))]
    assert [(each.id, each.reads) for each in without_moves(rows, copy)] == [(2, (-1,))]


def test_a_dead_row_before_a_last_copy_is_dropped_too():
    rows = [linear(0, (-1,)), act(1, (0,), "dead"), move(Movement.COPY, 2, (0,))]
    assert names("ort", rows) == ["fc"]


def padded(kind):
    """A padding and a row that reads the padded map."""
    image, wide, output = (1, 8, 4, 4), (1, 8, 6, 6), (1, 8, 4, 4)
    window = Window(kernel=(3, 3), stride=(1, 1), padding=(0, 0), dilation=(1, 1))
    weights = (Weight("conv.weight", (8, 8, 3, 3)),) if kind is Kind.CONVOLUTION else ()
    reader = row(kind, "reader", (wide,), output, (0,), 1)
    return [
        move(Movement.PAD, 0, (-1,), image, wide), reader._replace(window=window, weights=weights)
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [Kind.CONVOLUTION, Kind.MAX_POOL, Kind.AVERAGE_POOL])
@pytest.mark.parametrize("runtime", EXPORTED)
def test_convolutions_and_pools_of_an_exported_graph_pad_their_input(runtime, kind):
    copied = ["reader"] if runtime == "ort" and kind is Kind.CONVOLUTION else []
    assert names(runtime, padded(kind)) == ["padding+reader", *copied]
    work, *_ = works(padded(kind), RUNTIMES[runtime], PRECISIONS["float32"])
    assert work.category is (Category.STANDARD if kind is Kind.CONVOLUTION else Category.POOL)
    assert work.read == 4 * 8 * 4 * 4  # the image as it was before it was padded
    assert names("eager", padded(kind)) == ["padding", "reader"]


def test_a_padding_with_two_readers_stays():
    pad, pool = padded(Kind.MAX_POOL)
    again = pool._replace(path="again", id=2)
    last = row(Kind.ADD, "add", ((1, 8, 4, 4),) * 2, (1, 8, 4, 4), (1, 2), 3)
    assert names("ort", [pad, pool, again, last]) == ["padding", "reader", "again", "add"]


def scores():
    """Queries and keys in another order of axes, and their product."""
    return [
        move(Movement.PERMUTE, 0, (-1,), TOKENS, HEADS),
        move(Movement.PERMUTE, 1, (-2,), TOKENS, HEADS),
        row(Kind.MATMUL, "scores", (HEADS, HEADS), MAP, (0, 1), 2),
    ]


@pytest.mark.parametrize("runtime", EXPORTED)
def test_a_product_of_an_exported_graph_reads_in_another_order(runtime):
    assert names(runtime, scores()) == ["permutation+permutation+scores"]
    (work,) = works(scores(), RUNTIMES[runtime], PRECISIONS["float32"])
    assert work.category is Category.MATMUL
    assert work.read == 2 * 4 * 16 * 8


@pytest.mark.parametrize("runtime", ["eager", "inductor"])
def test_the_permutations_of_pytorch_run(runtime):
    assert names(runtime, scores()) == ["permutation", "permutation", "scores"]


def test_other_movements_stay_before_a_product():
    query, key, product = scores()
    rows = [query._replace(function=Movement.GATHER, path="gather"), key, product]
    assert names("ort", rows) == ["gather", "permutation+scores"]


def test_a_movement_asks_for_its_bytes_and_a_launch():
    roll = move(Movement.ROLL, 0, (-1,))
    (work,) = works([roll], RUNTIMES["eager"], PRECISIONS["float32"])
    by_direction = {each.direction.value: size for each, size in moved_bytes([roll]).items()}
    assert work.read == by_direction["activations read"] == 512
    assert work.written == by_direction["activations written"] == 512
    asked = dict(zip(NAMES, amounts(work), strict=True))
    assert {name for name, amount in asked.items() if amount} == {
        MOVED_BYTE.name, OTHER_LAUNCH.name
    }  # fmt: skip
    assert (asked[MOVED_BYTE.name], asked[BYTE.name], asked[OTHER_LAUNCH.name]) == (1024, 0, 1)


def test_a_roll_of_a_compiler_asks_for_bytes_by_index():
    (work,) = works([move(Movement.ROLL, 0, (-1,))], RUNTIMES["inductor"], PRECISIONS["float32"])
    asked = dict(zip(NAMES, amounts(work), strict=True))
    assert (asked[INDEXED_BYTE.name], asked[MOVED_BYTE.name]) == (1024, 0)
