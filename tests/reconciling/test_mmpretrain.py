"""The exact integers of mmpretrain's metafiles: which reading gives them, and what was counted
where the network was another one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest

from flopscope.catalog.figures import figures
from flopscope.catalog.variant import parse
from flopscope.conventions import CONVENTIONS
from flopscope.facts import Kind, Operator
from flopscope.reconciling.amounts import Amounts
from flopscope.reconciling.audit import FigureVerdict, Finding, audit
from flopscope.reconciling.changes import without_classifier
from flopscope.reconciling.countings import countings
from flopscope.sizes import elements

FEATURES = {
    "convnext/metafile.yml": "mmcv, layer norm of an own class, not seen; "
    "global pooling not seen; without the classifier",
    "convnext/metafile.yml, models at 384": "fvcore; global pooling not seen; "
    "without the classifier",
    "efficientnet/metafile.yml": "fvcore, batch norm in training; without the classifier",
    "efficientformer/metafile.yml": "mmcv, mean over positions as pooling; without the classifier",
}
"""How the integers of a metafile were counted, all of networks without their classifiers."""


@cache
def integers(family: str) -> tuple[Finding, ...]:
    """The findings on the work in a family's metafile."""
    return tuple(
        finding
        for finding in audit(family=family)
        if "mmpretrain" in finding.figure.source
        and "metafile.yml" in finding.figure.source
        and finding.quantity == "compute"
    )


def stated(family: str, model: str) -> int:
    (found,) = (f for f in integers(family) if f.figure.model == model)
    return int(found.reported.value)


@pytest.mark.parametrize(
    ("family", "count"), [("convnext", 8), ("efficientnet", 8), ("efficientformer", 2)]
)
def test_one_reading_a_metafile_gives_its_integers_exactly(family: str, count: int) -> None:
    explained = [f for f in integers(family) if f.verdict is FigureVerdict.EXPLAINED]
    assert len(explained) == count
    for finding in explained:
        table = finding.figure.source.partition("configs/")[2]
        assert finding.because == FEATURES[table]
        assert finding.explained.chance < 1e-6
        assert finding.explained.agreeing == count // (2 if family == "convnext" else 1) - 1


def counted(counting: str, rows: Sequence[Operator]) -> int:
    convention = next(c.convention for c in countings() if c.name == counting)
    return sum(term.count for term in Amounts(without_classifier(rows)).terms(convention))


@pytest.mark.parametrize("size", "sml")
def test_efficientnetv2_was_counted_with_the_stride_after_the_expansion(size: str) -> None:
    """The first fused blocks of two stages expand at stride 1, at four times the positions, and
    their projections have stride 2."""
    model = f"efficientnetv2_{size}"
    (figure,) = (f.figure for f in integers("efficientnetv2") if f.figure.model == model)
    ledger = parse(model).ledger(figure.resolution)
    rows = list(ledger.rows)
    count = counted("fvcore, batch norm in training", rows)
    full = [
        row
        for row in rows
        if row.kind is Kind.CONVOLUTION
        and row.window is not None
        and row.window.kernel == (3, 3)
        and row.window.stride == (2, 2)
        and row.groups == 1
    ]
    expansions = full[1:]
    assert len(expansions) == 2
    macs = CONVENTIONS["macs"]
    for row in expansions:
        work = sum(term.count for term in Amounts([row]).terms(macs))
        count += 3 * (work + 5 * int(elements(row.output)))
    assert count == int(figure.compute or 0)


def test_efficientformer_l3_was_counted_with_one_block_of_attention() -> None:
    """A block of pooling in the place of a block of attention, three times."""
    channels, tokens, hidden = 512, 49, 2048
    elements_of_a_block = channels * tokens
    products = 2 * channels * hidden * tokens
    attention = (
        channels * (2 * 8 * 32 + 8 * 128) * tokens  # queries and keys, values
        + 8 * 128 * channels * tokens  # the projection
        + products
        + 2 * 2 * elements_of_a_block  # two layer norms
    )
    pooling = (
        products
        + elements_of_a_block  # the pooling
        + 3 * (hidden + channels) * tokens  # two biases and two batch norms
    )
    rows = parse("efficientformer_l3").ledger((224, 224)).rows
    count = counted("mmcv, mean over positions as pooling", rows)
    assert count - 3 * (attention - pooling) == stated("efficientformer", "efficientformer_l3")


def test_efficientformer_l1_was_counted_without_the_weights_of_its_stem() -> None:
    ledger = parse("efficientformer_l1").ledger((224, 224))
    stem = [row for row in ledger.rows if row.path and "stem" in str(row.path)]
    weights = {w.key: int(elements(w.shape)) for row in stem for w in row.weights}
    (figure,) = (
        f
        for f in figures("efficientformer")
        if f.model == "efficientformer_l1" and f.source.endswith("metafile.yml")
    )
    assert int(ledger.params()) - sum(weights.values()) == int(figure.params or 0)


def test_poolformer_s_integers_stay_unexplained() -> None:
    assert [f.verdict for f in integers("poolformer")] == [FigureVerdict.IRREPRODUCIBLE] * 5


def test_a_classifier_beside_another_is_left_out_with_it() -> None:
    """EfficientFormer has a second classifier, of distillation."""
    rows = parse("efficientformer_l1").ledger((224, 224)).rows
    kept = {row.id for row in without_classifier(rows)}
    left = [row for row in rows if row.id not in kept]
    assert [(row.kind, row.output[-1]) for row in left] == [(Kind.LINEAR, 1000)] * 2
