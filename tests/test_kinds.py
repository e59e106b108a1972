"""Every table that a kind of operator must be in: a new `Kind` fails here with the files to touch.

A kind that a table does without stands in the last column, so that leaving it out is a decision.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import oracle
import pytest
import sampling

from flopscope.conventions import CONVENTIONS
from flopscope.costs import COSTS
from flopscope.costs.complex_numbers import COMPLEX_COSTS
from flopscope.facts import Kind

ROOT = Path(__file__).parent.parent

LOOPS: dict[Kind, Callable[..., object]] = {
    Kind.CONVOLUTION: oracle.conv2d,
    Kind.TRANSPOSED_CONVOLUTION: oracle.conv_transpose2d,
    Kind.DEFORMABLE_CONVOLUTION: sampling.deform_conv2d,
    Kind.LINEAR: oracle.linear,
    Kind.MATMUL: oracle.matmul,
    Kind.SPARSE_MATMUL: oracle.matmul,  # of the entries that are stored
    Kind.BATCH_NORM: oracle.batch_norm,
    Kind.BATCH_NORM_TRAINING: oracle.batch_norm_training,
    Kind.LAYER_NORM: oracle.layer_norm,
    Kind.GROUP_NORM: oracle.group_norm,
    Kind.RMS_NORM: oracle.rms_norm,
    Kind.ACTIVATION: oracle.activation,
    Kind.ELEMENTWISE: oracle.activation,
    Kind.SOFTMAX: oracle.softmax,
    Kind.LOG_SOFTMAX: oracle.log_softmax,
    Kind.MAX_POOL: oracle.max_pool2d,
    Kind.AVERAGE_POOL: oracle.avg_pool2d,
    Kind.AVERAGE_POOL_INSIDE: oracle.avg_pool2d_inside,
    Kind.GLOBAL_POOL: oracle.global_pool,
    Kind.ADAPTIVE_POOL: oracle.adaptive_pool,
    Kind.RESIZE: oracle.resize,
    Kind.GRID_SAMPLE: sampling.grid_sample,
    Kind.ADD: oracle.add,
    Kind.MULTIPLY: oracle.multiply,
    Kind.DIVIDE: oracle.divide,
    Kind.COMPARE: oracle.maximum,
    Kind.REDUCTION: oracle.reduction,
    Kind.CONCATENATION: oracle.concatenate,
}
"""The loop that counts what `costs` states."""


@cache
def named_in(pattern: str) -> frozenset[Kind]:
    """The kinds that the source of the files of this pattern writes as `Kind.NAME`."""
    files = sorted(ROOT.glob(pattern))
    assert files, f"{pattern} is gone"
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    names = {n.attr for n in nodes if isinstance(n, ast.Attribute) and _is_kind(n.value)}
    return frozenset(kind for kind in Kind if kind.name in names)


def _is_kind(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "Kind"


def weighed_by_a_tool() -> frozenset[Kind]:
    """Kinds that some tool counts, or of which nobody knows what it counts."""
    tools = [c for name, c in CONVENTIONS.items() if name not in ("macs", "all")]
    return frozenset(k for c in tools for k in {*c.weights, *c.unknown} if isinstance(k, Kind))


class Table(NamedTuple):
    """Where a kind is to be written, what is written there, and who does without it."""

    files: str
    says: str
    named: Callable[[], frozenset[Kind]]  # when it is asked, not when tests are collected
    without: frozenset[Kind] = frozenset()


NOT_STATED = frozenset({Kind.OTHER, Kind.UNKNOWN})
NO_OPERATOR = frozenset({Kind.STORED, *NOT_STATED})
ELEMENT_BY_ELEMENT = frozenset(
    {
        *(Kind.ADD, Kind.MULTIPLY, Kind.DIVIDE, Kind.COMPARE),
        *(Kind.ELEMENTWISE, Kind.REDUCTION, Kind.CONCATENATION, Kind.MOVE),
    }
)
TRACED_ALONE = frozenset({Kind.DEFORMABLE_CONVOLUTION, Kind.SPARSE_MATMUL, Kind.GRID_SAMPLE})
"""No network of the catalogue has one: they come from traces and ONNX files."""

TABLES = (
    Table("flopscope/costs/", "what it costs", lambda: frozenset(COSTS), NOT_STATED),
    Table(
        "flopscope/costs/complex_numbers.py",
        "what it costs on complex numbers",
        lambda: frozenset(COMPLEX_COSTS),
        # On complex numbers torch has none of these, or none without arithmetic of its own, and a
        # trace records them as other operators.
        frozenset(
            {
                *(Kind.BATCH_NORM, Kind.BATCH_NORM_TRAINING, Kind.LAYER_NORM, Kind.GROUP_NORM),
                *(Kind.RMS_NORM, Kind.ACTIVATION, Kind.SOFTMAX, Kind.LOG_SOFTMAX, Kind.MAX_POOL),
                *(Kind.AVERAGE_POOL, Kind.AVERAGE_POOL_INSIDE, Kind.GLOBAL_POOL),
                *(Kind.ADAPTIVE_POOL, Kind.RESIZE, *TRACED_ALONE, *NOT_STATED),
            }
        ),
    ),
    Table(
        "tests/support/oracle.py, tests/test_kinds.py",
        "the loop that counts it",
        lambda: frozenset(LOOPS),
        NO_OPERATOR | {Kind.EMBEDDING, Kind.MOVE},  # which have no arithmetic
    ),
    Table(
        "flopscope/conventions/tools.py, tests/conventions/test_conventions.py",
        "what each tool counts of it",
        weighed_by_a_tool,
        # Free in every tool, or weighed by the function that it applies.
        ELEMENT_BY_ELEMENT | {Kind.ACTIVATION, Kind.LOG_SOFTMAX, Kind.STORED, Kind.OTHER},
    ),
    Table(
        "flopscope/tracing/",
        "which of torch's operators are one",
        partial(named_in, "flopscope/tracing/**/*.py"),
    ),
    Table(
        "flopscope/onnxgraph/",
        "which of ONNX's operators are one",
        partial(named_in, "flopscope/onnxgraph/**/*.py"),
        # ONNX multiplies no sparse matrices and counts in inference.
        frozenset({Kind.SPARSE_MATMUL, Kind.BATCH_NORM_TRAINING}),
    ),
    Table(
        "flopscope/analytic/operators/",
        "its closed form",
        partial(named_in, "flopscope/analytic/operators/*.py"),
        # Those that no network of the catalogue has.
        TRACED_ALONE | NOT_STATED | {Kind.LOG_SOFTMAX, Kind.COMPARE},
    ),
    Table(
        "flopscope/measured/modules.py, flopscope/measured/functional.py",
        "the layer that runs one",
        partial(named_in, "flopscope/measured/**/*.py"),
        # Written as functions, and confirmed by their counts alone.
        (TRACED_ALONE | ELEMENT_BY_ELEMENT | NO_OPERATOR) - {Kind.UNKNOWN}
        | {Kind.LOG_SOFTMAX, Kind.RESIZE},
    ),
    Table(
        "flopscope/agreement/rows.py",
        "whether it is compared with its layer field by field",
        partial(named_in, "flopscope/agreement/rows.py"),
        TRACED_ALONE
        | ELEMENT_BY_ELEMENT
        | NO_OPERATOR
        | {Kind.MATMUL, Kind.SOFTMAX, Kind.LOG_SOFTMAX, Kind.RESIZE}
        | {Kind.BATCH_NORM_TRAINING, Kind.ADAPTIVE_POOL},
    ),
    Table(
        "flopscope/reconciling/countings.py",
        "what further tools and scripts count of it",
        partial(named_in, "flopscope/reconciling/countings.py"),
        (TRACED_ALONE | ELEMENT_BY_ELEMENT | NO_OPERATOR) - {Kind.ADD, Kind.MULTIPLY}
        | {Kind.EMBEDDING, Kind.RMS_NORM, Kind.LOG_SOFTMAX},
    ),
    Table(
        "flopscope/tracing: spelled.py",
        "whether tools see a call of it that is no module",
        partial(named_in, "flopscope/tracing/**/spelled.py"),
        ELEMENT_BY_ELEMENT
        | (TRACED_ALONE | NO_OPERATOR) - {Kind.UNKNOWN}
        | {Kind.EMBEDDING, Kind.RMS_NORM, Kind.ACTIVATION, Kind.SOFTMAX, Kind.LOG_SOFTMAX}
        | {Kind.MAX_POOL, Kind.AVERAGE_POOL, Kind.AVERAGE_POOL_INSIDE},
    ),
)


@pytest.mark.parametrize("kind", Kind, ids=lambda kind: kind.value)
def test_a_kind_is_in_every_table(kind: Kind) -> None:
    missing = {t.files: t.says for t in TABLES if kind not in t.named() | t.without}
    assert missing == {}, f"{kind} is missing in these files; write there, or leave it out here"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.files)
def test_nothing_is_left_out_that_the_table_has(table: Table) -> None:
    assert sorted(kind.value for kind in table.named() & table.without) == []


def test_a_kind_that_is_nowhere_is_named_with_every_file() -> None:
    """As a new kind is."""
    assert len({t.files for t in TABLES}) == len(TABLES) == 11
    assert all(t.named() and t.without < set(Kind) for t in TABLES)
    assert named_in("flopscope/alphabet.py") == frozenset()
