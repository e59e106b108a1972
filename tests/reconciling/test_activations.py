"""Activations as fvcore counts them, and as pycls does, which counts max pools too."""

from __future__ import annotations

import warnings
from functools import cache

import pytest
import torch
from fvcore.nn import ActivationCountAnalysis
from torch import nn

from flopscope.catalog.variant import parse
from flopscope.facts import Kind
from flopscope.reconciling.activations import ACTIVATION_COUNTINGS
from flopscope.reconciling.audit import FigureVerdict, Finding, audit
from flopscope.sizes import elements

SIDE = 64
PLAIN, LAYERS, POOLED, CONVOLVED = ACTIVATION_COUNTINGS


@cache
def found(source: str) -> tuple[Finding, ...]:
    return tuple(f for f in audit() if f.quantity == "acts" and source in f.figure.source)


@pytest.mark.parametrize("model", ["resnet18", "efficientnet_b0", "mobilevit_xxs"])
def test_the_plain_count_is_fvcore_s(model: str) -> None:
    variant = parse(model)
    net: nn.Module = variant.build().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        analysis = ActivationCountAnalysis(net, torch.zeros(1, 3, SIDE, SIDE))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
        total = int(analysis.total())
    assert PLAIN.count(variant.ledger((SIDE, SIDE)).rows) == total


def test_the_countings_differ_by_what_they_name() -> None:
    rows = parse("mobilevit_xxs").ledger((256, 256)).rows

    def outputs(kind: Kind) -> int:
        return sum(int(elements(row.output)) for row in rows if row.kind is kind)

    assert PLAIN.count(rows) - LAYERS.count(rows) == outputs(Kind.MATMUL) > 0
    assert LAYERS.count(rows) - CONVOLVED.count(rows) == outputs(Kind.LINEAR) > 0
    pooled = parse("resnet50").ledger((224, 224)).rows
    assert POOLED.count(pooled) - LAYERS.count(pooled) == 64 * 56 * 56


def test_every_figure_of_timm_is_equal() -> None:
    findings = found("huggingface/pytorch-image-models")
    assert len(findings) == 235
    assert {f.verdict for f in findings} == {FigureVerdict.EQUAL}


def test_six_resnets_of_pycls_have_the_outputs_of_their_max_pool_more() -> None:
    findings = found("dev/model_complexity.json")
    more = [f for f in findings if f.verdict is FigureVerdict.EXPLAINED]
    assert len(more) == 6
    assert {f.reported.value - f.exact for f in more} == {64 * 56 * 56}
    assert {f.because for f in more} == {POOLED.name}
    rest = [f for f in findings if f not in more]
    assert {f.figure.model.rstrip("0123456789.gmf") for f in rest} == {
        "efficientnet_b", "regnetx_", "regnety_",
    }  # fmt: skip
    assert all(f.reported.value == f.exact for f in rest)
