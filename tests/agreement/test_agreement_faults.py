"""A fault in a ledger makes the agreement false and is named: row, quantity and both values."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from torch import nn
from witnesses import Bottleneck, on_meta

from flopscope.agreement import FVCORE_TOTAL, TORCH_TOTAL, Verdict, agree
from flopscope.analytic import blocks
from flopscope.analytic.tape import Feature, record
from flopscope.facts import Function, Kind, Operator
from flopscope.ledger import Ledger
from flopscope.measured import Measurement
from flopscope.sizes import make_divisible

SHAPE = (2, 16, 9, 14)


def closed(x: Feature, **changes: Any) -> Feature:
    options: dict[str, Any] = {
        "hidden": 64,
        "kernel": 5,
        "stride": 1,
        "function": Function.RELU,
        "squeeze": True,
    }
    return blocks.mobilenetv3_block(x, 16, **(options | changes))


@pytest.fixture(scope="module")
def measurement() -> Measurement:
    build = partial(Bottleneck, 16, 64, 16, 5, 1, nn.ReLU, expand=True, squeezed=16)
    return on_meta(build, SHAPE)


def changed(ledger: Ledger, path: str, change: Callable[[Operator], Operator | None]) -> Ledger:
    """The ledger with one row changed, or left out where `change` gives None."""
    rows = [change(row) if row.path == path else row for row in ledger.rows]
    assert rows != list(ledger.rows)
    return Ledger(tuple(row for row in rows if row is not None))


def wider(row: Operator) -> Operator:
    """One channel more out of a convolution, in its output and its weight."""
    batch, channels, *grid = row.output
    (weight,) = row.weights
    out, *rest = weight.shape
    return row._replace(
        output=(batch, channels + 1, *grid), weights=(weight._replace(shape=(out + 1, *rest)),)
    )


def strided(row: Operator) -> Operator:
    assert row.window is not None
    return row._replace(window=row.window._replace(stride=(2, 1)))


WORK = ["MACs", "activations", FVCORE_TOTAL, TORCH_TOTAL]

FAULTS: list[tuple[str, Callable[[Operator], Operator], list[str]]] = [
    (
        "expand_conv",
        wider,
        [
            *("expand_conv: output", "expand_conv: weights", "expand_conv: MACs"),
            *("MACs of convolution", "parameters", *WORK),
        ],
    ),
    ("expand_conv", strided, ["expand_conv: window"]),
    ("expand_act", lambda row: row._replace(function=Function.SILU), ["expand_act: function"]),
    ("project_conv", lambda row: row._replace(groups=2), ["project_conv: groups"]),
    (
        "expand_bn",
        lambda row: row._replace(buffers=row.buffers[:1]),
        ["expand_bn: buffers", "buffers"],
    ),
    (
        "expand_bn",
        lambda row: row._replace(kind=Kind.LAYER_NORM),
        ["expand_bn: kind", FVCORE_TOTAL],
    ),
    (
        "se.pool",
        lambda row: row._replace(inputs=((2, 64, 1, 1),)),
        ["se.pool: input", FVCORE_TOTAL],
    ),
]


@pytest.mark.parametrize(("path", "change", "differing"), FAULTS)
def test_a_fault_in_one_row_is_named(
    path: str,
    change: Callable[[Operator], Operator],
    differing: list[str],
    measurement: Measurement,
) -> None:
    ledger = record(closed, SHAPE)
    assert agree(ledger, measurement)
    agreement = agree(changed(ledger, path, change), measurement)
    assert not agreement
    assert [difference.name for difference in agreement.differences] == differing
    faulty = [row.path for row in agreement.rows if row.verdict is Verdict.DIFFERS]
    assert faulty == [path]


@pytest.mark.parametrize(
    ("path", "module", "differing"),
    [
        ("expand_act", "layers.2", []),
        ("se.gate", "layers.6.layers.4", []),
        ("project_bn", "layers.8", ["parameters", "buffers", FVCORE_TOTAL]),
        ("se.reduce", "layers.6.layers.1", ["MACs of convolution", "parameters", *WORK]),
    ],
)
def test_a_missing_row_is_one_difference(
    path: str, module: str, differing: list[str], measurement: Measurement
) -> None:
    ledger = changed(record(closed, SHAPE), path, lambda row: None)
    agreement = agree(ledger, measurement)
    names = {difference.name for difference in agreement.differences}
    assert names == {f"{module}: row", "rows", *differing}
    (missing,) = (row for row in agreement.rows if row.verdict is Verdict.DIFFERS)
    assert (missing.path, missing.module) == ("", module)
    assert missing.checks[0].values["ledger"] == "none"
    assert not agreement


def test_a_row_too_many_is_one_difference(measurement: Measurement) -> None:
    ledger = record(closed, SHAPE)
    at = next(i for i, row in enumerate(ledger.rows) if row.path == "project_bn")
    extra = ledger.rows[at - 1]._replace(path="again", kind=Kind.MAX_POOL, weights=())
    agreement = agree(Ledger((*ledger.rows[:at], extra, *ledger.rows[at:])), measurement)
    assert [difference.name for difference in agreement.differences] == ["again: row", "rows"]
    assert str(agreement.differences[0]) == (
        "again: row: ledger max pool (2, 64, 9, 14) → (2, 16, 9, 14), module none"
    )


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"hidden": 60}, "expand_conv: output"),
        ({"kernel": 3}, "dw_conv: weights"),
        ({"stride": 2}, "dw_conv: output"),
        ({"function": Function.HARD_SWISH}, "expand_act: function"),
        ({"squeeze": False}, "layers.6.layers.0: row"),
    ],
)
def test_a_block_of_other_sizes_differs_where_it_first_does(
    changes: dict[str, Any], first: str, measurement: Measurement
) -> None:
    agreement = agree(record(partial(closed, **changes), SHAPE), measurement)
    assert agreement.differences[0].name == first


def test_a_gate_squeezed_from_the_wrong_width_is_named(measurement: Measurement) -> None:
    """From the block's input, 16/4, where it should be from the hidden width, 64/4."""

    def wrong(x: Feature) -> Feature:
        act = Function.RELU
        y = blocks.conv_bn_act(x, 64, 1, function=act, name="expand")
        y = blocks.conv_bn_act(y, 64, 5, groups=64, function=act, name="dw")
        y = blocks.squeeze_excite(y, make_divisible(x.channels / 4))
        return blocks.conv_bn_act(y, 16, 1, name="project")

    agreement = agree(record(wrong, SHAPE), measurement)
    faulty = [row.path for row in agreement.rows if row.verdict is Verdict.DIFFERS]
    assert faulty == ["se.reduce", "se.inner", "se.expand"]
    assert str(agreement.differences[0]) == (
        "se.reduce: output: ledger (2, 8, 1, 1), module (2, 16, 1, 1)"
    )
    assert not agreement


def test_rows_of_equal_kinds_pair_by_position() -> None:
    """The longest run of equal rows would pair the first two layers with the last two."""

    def kernels(*sizes: int) -> Callable[[Feature], Feature]:
        def network(x: Feature) -> Feature:
            for index, size in enumerate(sizes):
                with x.tape.scope(f"layer{index}"):
                    x = blocks.standard_conv(x, 4, size)
            return x

        return network

    layers = [nn.Conv2d(4, 4, size, padding=size // 2, bias=False) for size in (1, 1, 3)]
    measurement = on_meta(lambda: nn.Sequential(*layers), (1, 4, 6, 6))
    agreement = agree(record(kernels(3, 1, 1), (1, 4, 6, 6)), measurement)
    assert [(row.module, row.verdict is Verdict.DIFFERS) for row in agreement.rows] == [
        ("0", True),
        ("1", False),
        ("2", True),
    ]
    assert agree(record(kernels(1, 1, 3), (1, 4, 6, 6)), measurement)
