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
from flopscope.present.audit import audit_document, headline
from flopscope.present.render import FORMATS, render
from flopscope.reconciling import audit as module
from flopscope.reconciling.audit import FigureVerdict, Finding, audit, variant_of
from flopscope.reconciling.chance import LIKELY
from flopscope.reconciling.digits import Digits

QUANTITIES = ("params", "compute", "acts")


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
        sum(getattr(figure, quantity) is not None for quantity in QUANTITIES)
        for family in families
        if has_figures(family)
        for figure in figures(family)
    )
    assert len(everything()) == stated


def test_what_is_equal_rounds_to_what_is_stated() -> None:
    """Counted again from the ledger: parameters, and MACs."""
    equal = [f for f in judged(FigureVerdict.EQUAL) if f.quantity != "acts"]
    assert len(equal) > 850
    for finding in equal:
        figure = finding.figure
        ledger = variant_of(figure).ledger(figure.resolution)
        exact = int(ledger.params() if finding.quantity == "params" else ledger.macs())
        assert finding.exact == exact
        value, half = finding.reported.value, finding.reported.unit / 2
        assert value - half <= exact < value + half


def test_what_a_tool_explains_is_the_tool_s_count() -> None:
    named = [f for f in everything() if f.because in CONVENTIONS]
    assert len(named) > 6
    for finding in named:
        figure = finding.figure
        ledger = variant_of(figure).ledger(figure.resolution)
        count = int(ledger.flops(finding.because).value)
        assert finding.reported.digits(count) is Digits.ROUNDED


def test_the_headline_is_what_the_verdicts_add_up_to() -> None:
    explained = judged(FigureVerdict.EXPLAINED)
    doubtful = judged(FigureVerdict.COINCIDENCE)
    assert len(explained) > 340
    assert len(doubtful) < len(everything()) / 50
    assert all(f.explained.confirmed or f.explained.chance <= LIKELY for f in explained)
    assert not any(f.explained.confirmed or f.explained.chance <= LIKELY for f in doubtful)
    text = render(audit_document(everything()), "table")
    assert " ".join(headline(everything()).split()) in " ".join(text.split())


KNOWN = {
    ("shufflenetv1_g2_x1.0", "140M", "arXiv"): "macs; without the classifier",
    ("shufflenetv1_g4_x1.0", "133M", "arXiv"): "macs; without the classifier",
    ("shufflenetv1_g8_x1.0", "137M", "arXiv"): "macs; without the classifier",
    ("regnetx_800mf", "0.81G", "huggingface"): "fvcore; pooling in gates not seen",
    ("regnetx_800mf", "0.81G", "open-mmlab"): "mmcv; without the classifier",
    ("efficientformer_l7", "10.2G", "arXiv"): "fvcore",
}
"""Numbers whose siblings are given by the same reading."""

REFUTED = [
    ("ghostnet_130", "226M", "arXiv"),
    ("resnet101", "44.6M", "arXiv"),
    ("efficientnet_b2", "9.2M", "arXiv"),
    ("mobilenetv3_large:width=1.25", "356M", "arXiv"),
]
"""Numbers that a reading gives which their siblings refute."""

DOUBTFUL = [
    ("ghostnet_130", "7.3M", "arXiv"),
    ("mobilenetv3_large:width=1.25", "7.5M", "arXiv"),
    ("mobilenetv1:width=0.5", "1.34M", "tensorflow"),
]
"""Numbers whose siblings allow a reading that needs their own digits, which are few."""


def found(network: str, text: str, source: str) -> list[Finding]:
    """The findings on a number in tables whose citation begins so."""
    those = [
        finding
        for finding in everything()
        if (finding.subject, finding.reported.text) == (network, text)
        and finding.figure.source.startswith(source)
    ]
    assert those, (network, text, source)
    return those


@pytest.mark.parametrize("number", KNOWN, ids=" ".join)
def test_a_table_is_read_by_one_mechanism(number: tuple[str, str, str]) -> None:
    for finding in found(*number):
        assert finding.because == KNOWN[number]
        assert finding.verdict is not FigureVerdict.EXCEPTION
        assert finding.explained.agreeing > 1


@pytest.mark.parametrize("number", REFUTED, ids=" ".join)
def test_a_reading_that_siblings_refute_explains_nothing(number: tuple[str, str, str]) -> None:
    for finding in found(*number):
        assert (finding.verdict, finding.because) == (FigureVerdict.EXCEPTION, "")


@pytest.mark.parametrize("number", DOUBTFUL, ids=" ".join)
def test_few_digits_say_that_it_could_be_a_coincidence(number: tuple[str, str, str]) -> None:
    for finding in found(*number):
        assert finding.verdict is FigureVerdict.COINCIDENCE
        assert finding.explained.chance > LIKELY


def test_what_flopscope_inferred_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    figures = module.figures
    asked = [(f.verdict, f.because) for f in audit(family="ghostnet")]
    monkeypatch.setattr(
        module, "figures", lambda name: tuple(f._replace(counted="fvcore") for f in figures(name))
    )
    assert [(f.verdict, f.because) for f in audit(family="ghostnet")] == asked


def test_some_figures_are_judged_as_all_are() -> None:
    """Their siblings in other families are counted too."""
    alone = audit(family="poolformer")
    among = [f for f in everything() if f.figure.model.startswith("poolformer")]
    assert [(f.verdict, f.because, f.explained) for f in alone] == [
        (f.verdict, f.because, f.explained) for f in among
    ]


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
    assert verdicts[FigureVerdict.EXPLAINED] >= 32
    assert verdicts[FigureVerdict.COINCIDENCE] == verdicts[FigureVerdict.OPEN] == 0
    by_a_window = [f for f in found if f.verdict is FigureVerdict.EXCEPTION]
    assert {f.figure.model for f in by_a_window} == {"mobilenetv1"}


def test_a_figure_without_reading_or_cause_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    (first, *_) = module.figures("mobilenetv1")
    stock = (first._replace(compute="400M", params=None),)
    monkeypatch.setattr(module, "figures", lambda family: stock)
    (finding,) = audit(["mobilenetv1"])
    assert (finding.verdict, finding.because) == (FigureVerdict.OPEN, "")


@pytest.mark.parametrize(
    ("compute", "because", "verdict"),
    [
        ("568M", "macs, truncated", FigureVerdict.COINCIDENCE),
        ("1137M", "2 × macs", FigureVerdict.EXPLAINED),
        ("578.9M", "fvcore", FigureVerdict.EXPLAINED),
        ("568.741M", "macs + bias", FigureVerdict.EXPLAINED),
    ],
)
def test_readings_of_figures(
    compute: str, because: str, verdict: FigureVerdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number without siblings is explained in the fewest steps, whatever its unit is called."""
    (first, *_) = module.figures("mobilenetv1")
    stock = (first._replace(compute=compute, params=None),)
    monkeypatch.setattr(module, "figures", lambda family: stock)
    (finding,) = audit(["mobilenetv1"])
    assert (finding.because, finding.verdict) == (because, verdict)
    assert finding.explained.siblings == 0


# --- the command ----------------------------------------------------------------------------------


def test_the_summary_counts_what_the_table_lists(capsys) -> None:
    assert main(["audit", "--family", "mobilenetv2", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "flopscope.audit/2"
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
