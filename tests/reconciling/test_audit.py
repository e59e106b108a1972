"""The audit leaves no published figure open, and its verdicts are those that the numbers allow."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache

import pytest

from flopscope.catalog.figures import Figure
from flopscope.catalog.models import MODELS
from flopscope.cli import main
from flopscope.conventions import CONVENTIONS
from flopscope.errors import UnknownName
from flopscope.present.audit import audit_document
from flopscope.present.render import FORMATS, render
from flopscope.reconciling import audit as module
from flopscope.reconciling.audit import FigureVerdict, Finding, audit, variant_of
from flopscope.reconciling.digits import Digits

QUANTITIES = ("params", "compute")


@cache
def everything() -> tuple[Finding, ...]:
    return audit()


def judged(verdict: FigureVerdict) -> list[Finding]:
    return [finding for finding in everything() if finding.verdict is verdict]


def test_no_figure_is_left_open() -> None:
    left = judged(FigureVerdict.OPEN)
    assert [(f.subject, f.quantity, f.reported.text, f.figure.source) for f in left] == []


def test_every_number_of_every_figure_has_a_verdict() -> None:
    from flopscope.catalog.figures import figures, has_figures

    families = dict.fromkeys(model.family for model in MODELS.values())
    stated = sum(
        (figure.params is not None) + (figure.compute is not None)
        for family in families
        if has_figures(family)
        for figure in figures(family)
    )
    assert len(everything()) == stated


def test_what_is_equal_rounds_to_what_is_stated() -> None:
    """Counted again from the ledger: parameters, and MACs, once or under the unit's convention."""
    equal = judged(FigureVerdict.EQUAL)
    assert len(equal) > 700
    for finding in equal:
        figure = finding.figure
        ledger = variant_of(figure).ledger(figure.resolution)
        exact = int(ledger.params() if finding.quantity == "params" else ledger.macs())
        assert finding.exact == exact
        value, half = finding.reported.value, finding.reported.unit / 2
        assert value - half <= exact < value + half


def test_what_a_tool_explains_is_the_tool_s_count() -> None:
    named = [f for f in judged(FigureVerdict.EXPLAINED) if f.because in CONVENTIONS]
    assert len(named) > 100
    for finding in named:
        figure = finding.figure
        ledger = variant_of(figure).ledger(figure.resolution)
        count = int(ledger.flops(finding.because).value)
        assert finding.reported.digits(count) is Digits.ROUNDED


def test_a_source_is_held_to_its_word() -> None:
    """Who says multiply-accumulates is not explained by norms, who says fvcore by nothing else."""
    work = [f for f in judged(FigureVerdict.EXPLAINED) if f.quantity == "compute"]
    by_fvcore = [f for f in work if "fvcore" in (f.figure.unit or "")]
    plain = [f for f in work if f not in by_fvcore and "incl." not in (f.figure.unit or "")]
    assert len(by_fvcore) > 200
    assert len(plain) > 25
    for findings, allowed in ((by_fvcore, {"fvcore"}), (plain, {"macs", "torch"})):
        for finding in findings:
            assert finding.because.partition(";")[0].partition(",")[0] in allowed, finding


def test_every_judgement_judges_a_number() -> None:
    """One that has become needless, because counting gives the number, is an error."""
    used: Counter[Figure] = Counter()
    for finding in everything():
        stated = finding.verdict in (FigureVerdict.STATED, FigureVerdict.IRREPRODUCIBLE)
        used[finding.figure] += stated
        cause = finding.figure.cause(finding.quantity)
        assert stated == (cause is not None and cause == finding.because)
    judged = {finding.figure for finding in everything() if finding.figure.verdict}
    assert judged == {figure for figure, times in used.items() if times}


def test_figures_that_five_digits_pin_down_are_those_of_the_script() -> None:
    """60 figures of one repository, stated to ten thousand, follow the rules of its source."""
    found = [
        f
        for f in everything()
        if f.figure.source.startswith("osmr/imgclsmob") and f.quantity == "compute"
    ]
    verdicts = Counter(f.verdict for f in found)
    assert verdicts[FigureVerdict.EXPLAINED] >= 36
    assert verdicts[FigureVerdict.OPEN] == verdicts[FigureVerdict.IRREPRODUCIBLE] == 0


def test_a_figure_without_reading_or_cause_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    (first, *_) = module.figures("mobilenetv1")
    stock = (first._replace(compute="400M", params=None),)
    monkeypatch.setattr(module, "figures", lambda family: stock)
    (finding,) = audit(["mobilenetv1"])
    assert (finding.verdict, finding.because) == (FigureVerdict.OPEN, "")


@pytest.mark.parametrize(
    ("compute", "unit", "because"),
    [
        ("568M", "MACs", "macs, truncated"),
        ("1137M", "FLOPS (2 per MAC)", "torch"),
        ("578.9M", "gmacs (fvcore total: MACs incl. norm)", "fvcore"),
        ("568.741M", "flops (MACs incl. bias)", "macs + bias"),
    ],
)
def test_readings_of_figures(
    compute: str, unit: str, because: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, *_) = module.figures("mobilenetv1")
    stock = (first._replace(compute=compute, unit=unit, params=None),)
    monkeypatch.setattr(module, "figures", lambda family: stock)
    (finding,) = audit(["mobilenetv1"])
    assert finding.because == because
    assert finding.verdict is FigureVerdict.EXPLAINED


# --- the command ----------------------------------------------------------------------------------


def test_the_summary_counts_what_the_table_lists(capsys) -> None:
    assert main(["audit", "--family", "mobilenetv2", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "flopscope.audit/1"
    counted = Counter(figure["verdict"] for figure in data["figures"])
    assert data["verdicts"] == {v.value: counted[v.value] for v in FigureVerdict}
    assert {figure["model"] for figure in data["figures"]} == {"mobilenetv2"}


def test_a_variant_has_its_own_figures(capsys) -> None:
    assert main(["audit", "mobilenetv2:width=1.4", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert {figure["variant"] for figure in data["figures"]} == {"width=1.4"}
    assert data["verdicts"]["not reproducible"] == 2


def test_tables_fit_80_columns() -> None:
    text = render(audit_document(everything()), "table")
    assert max(map(len, text.splitlines())) <= 80


def test_a_figure_left_open_is_a_failure(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    (first, *_) = module.figures("mobilenetv1")
    monkeypatch.setattr(module, "figures", lambda family: (first._replace(compute="400M"),))
    assert main(["audit", "mobilenetv1"]) == 1


FAMILIES = list(dict.fromkeys(model.family for model in MODELS.values()))

MESSAGES = {
    ("mobilenet",): str(UnknownName("model", "mobilenet", MODELS)),
    ("--family", "mobilenet"): str(UnknownName("family", "mobilenet", FAMILIES)),
    ("mobilenetv1", "--family", "resnet"): "give models or --family resnet, not both",
    ("--format", "xml"): f"unknown format 'xml'; known are {', '.join(FORMATS)}",
}


@pytest.mark.parametrize("arguments", MESSAGES)
def test_bad_input_is_said_in_a_sentence(arguments, capsys) -> None:
    assert main(["audit", *arguments]) == 2
    assert capsys.readouterr() == ("", f"flopscope: {MESSAGES[arguments]}\n")
