"""The published figures: hygiene of the tables, the loader, and figures typed from the papers."""

import csv
import re
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flopscope.catalog import figures as module
from flopscope.catalog.figures import CAUSES, KINDS, Figure, figures, published, stated
from flopscope.catalog.models import MODELS as CATALOG

FOLDER = Path(module.__file__).parent / "published"
FAMILIES = sorted(path.stem for path in FOLDER.glob("*.csv"))
MODELS = {
    "efficientnet": {f"efficientnet_b{n}" for n in range(8)},
    "efficientnetv2": {"efficientnetv2_s", "efficientnetv2_m", "efficientnetv2_l"},
    "mobilenetv1": {"mobilenetv1"},
    "mobilenetv2": {"mobilenetv2"},
    "mobilenetv3": {"mobilenetv3_large", "mobilenetv3_small"},
    "mobilenetv4": {m.id for m in CATALOG.values() if m.family == "mobilenetv4"},
    "shufflenetv1": {m.id for m in CATALOG.values() if m.family == "shufflenetv1"},
    "shufflenetv2": {f"shufflenetv2_x{width}" for width in (0.5, 1.0, 1.5, 2.0)},
    "ghostnet": {"ghostnet_050", "ghostnet_100", "ghostnet_130"},
    "ghostnetv2": {"ghostnetv2_100", "ghostnetv2_130", "ghostnetv2_160"},
    "ghostnetv3": {model.id for model in CATALOG.values() if model.family == "ghostnetv3"},
    "resnet": {f"resnet{layers}" for layers in (18, 34, 50, 101, 152)},
    "regnet": {model.id for model in CATALOG.values() if model.family == "regnet"},
    "convnext": {f"convnext_{size}" for size in ("tiny", "small", "base", "large")},
    "fastvit": {model.id for model in CATALOG.values() if model.family == "fastvit"},
    "repvit": {m.id for m in CATALOG.values() if m.family == "repvit"},
    "mobileone": {model.id for model in CATALOG.values() if model.family == "mobileone"},
    "mobileclip": {f"mobileclip_{size}" for size in ("s0", "s1", "s2", "b")},
    "mobileclip2": {f"mobileclip2_{size}" for size in ("s0", "s2", "s3", "s4", "b", "l14")},
    "wtconvnext": {f"wtconvnext_{size}" for size in ("tiny", "small", "base")},
    "efficientformer": {f"efficientformer_{size}" for size in ("l1", "l3", "l7")},
    "efficientvit_msra": {f"efficientvit_m{size}" for size in range(6)},
    "efficientformerv2": {f"efficientformerv2_{size}" for size in ("s0", "s1", "s2", "l")},
    "mobilevit": {f"mobilevit_{size}" for size in ("xxs", "xs", "s")},
    "mobilevitv2": {f"mobilevitv2_{width:03}" for width in range(50, 201, 25)},
    "poolformer": {f"poolformer_{size}" for size in ("s12", "s24", "s36", "m36", "m48")},
    "starnet": {model.id for model in CATALOG.values() if model.family == "starnet"},
}
UNITS = {
    None,
    "MACs",
    "MACs (fvcore total: MACs incl. norm)",
    "FLOPs (fvcore total: MACs incl. norm)",
    "FLOPS (2 per MAC)",
    "FLOPS (MACs)",
    "FLOPs (MACs)",
    "FLOPs (MACs without attention products)",
    "FLOPs (fvcore total without the classifier)",
    "FLOPs (MACs incl. norm)",
    "FLOPs/2 (MACs incl. norm, activation, pooling)",
    "FLOPs (MACs incl. norm, activation)",
    "FLOPs (MACs incl. norm, activation, pooling)",
    "Flops (MACs incl. norm, activation, pooling)",
    "Flops (MACs)",
    "Flops (fvcore total: MACs incl. norm)",
    "GFLOPS (MACs)",
    "GMACs (MACs)",
    "MAdds (MACs)",
    "MFLOPs (MACs incl. bias)",
    "MFLOPs (MACs)",
    "Mult-Adds (MACs)",
    "Multiply-Adds (MACs)",
    "flops (MACs incl. bias)",
    "flops (MACs)",
    "gmacs (fvcore total: MACs incl. norm)",
    "macs (MACs without the classifier)",
}
# Width 1 is the empty variant; other widths show no needless zero. A recipe needs a width, since
# at width 1 the recipes agree, and "paper" is the default that is never written. ShuffleNetV2's
# widths are models of their own. ResNeXt is a ResNet in groups. The deployed form is the default.
WIDTH = r"width=(?!1(?:,|$))(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?"
OTHERS = r"recipe=torchvision|form=train|groups=\d+,width_per_group=\d+"
VARIANT = re.compile(rf"(?:{WIDTH}(?:,recipe=(?:torchvision|timm))?|{OTHERS})?")

each_family = pytest.mark.parametrize("family", FAMILIES)


def rows(family: str) -> list[dict[str, str]]:
    """The file as text, read without the loader under test."""
    with (FOLDER / f"{family}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- the tables ----------------------------------------------------------------------------------


def test_every_family_has_a_file_of_its_own_models() -> None:
    assert {family: {row["model"] for row in rows(family)} for family in MODELS} == MODELS


@each_family
def test_columns_are_the_fields_of_a_figure(family: str) -> None:
    """A family needs no column for what none of its figures has, such as a judgement."""
    named = tuple(rows(family)[0]) if rows(family) else Figure._fields
    assert named == tuple(field for field in Figure._fields if field in named)
    assert set(Figure._fields) - set(named) <= set(Figure._field_defaults)


@each_family
def test_every_row_is_whole_and_tidy(family: str) -> None:
    for row in rows(family):
        assert None not in row.values(), f"a cell is missing in {row}"
        assert all(cell == " ".join(cell.split()) and cell.isascii() for cell in row.values()), row


@each_family
def test_no_source_states_a_network_twice(family: str) -> None:
    keys = [
        (f.model, f.variant, f.resolution, f.source, f.precision or "") for f in figures(family)
    ]
    assert sorted(keys) == sorted(set(keys))


@each_family
def test_every_figure_is_a_number_with_a_unit(family: str) -> None:
    for figure in figures(family):
        texts = [text for text in (figure.params, figure.compute, figure.acts) if text is not None]
        assert texts or figure.top1, f"nothing is stated in {figure}"
        assert all(stated(text)[0] > 0 for text in texts)
        assert (figure.unit is None) == (figure.compute is None), figure
        as_said = figure.unit == figure.counted
        assert (figure.unit if as_said else f"{figure.unit} ({figure.counted})") in UNITS
        assert (figure.counted is None) == (figure.unit is None)


@each_family
def test_every_figure_has_a_citation_of_a_table_or_a_file(family: str) -> None:
    table, file = r"arXiv \d{4}\.\d{5} .*(?:Tables?|Figure) \d+", r"[\w.-]+/[\w.-]+ \S+\.\w+"
    citation = re.compile(rf"{table}|{file}|torchvision \d")
    for figure in figures(family):
        assert citation.match(figure.source), figure.source


@each_family
def test_no_text_names_a_path_of_a_machine(family: str) -> None:
    for row in rows(family):
        assert not re.search(r"(?<![\w.)-])[/~\\]\w|[A-Z]:\\|file:", "|".join(row.values())), row


@each_family
def test_resolutions_are_positive_and_written_one_way(family: str) -> None:
    assert all(re.fullmatch(r"[1-9]\d*x[1-9]\d*", row["resolution"]) for row in rows(family))
    assert all(min(figure.resolution) > 0 for figure in figures(family))


@each_family
def test_variants_are_canonical(family: str) -> None:
    assert [f.variant for f in figures(family) if not VARIANT.fullmatch(f.variant)] == []


@pytest.mark.parametrize("text", ["width=0.75", "width=1.4", "width=2", "width=10", ""])
def test_canonical_variants_pass(text: str) -> None:
    assert VARIANT.fullmatch(text)


@pytest.mark.parametrize(
    "text",
    ["width=1", "width=1.0", "width=0.50", "width=.5", "width=01.4", "width=1,recipe=timm",
     "recipe=timm", "width=0.5,recipe=paper", "width=0.5, recipe=timm"],
)  # fmt: skip
def test_other_variants_do_not(text: str) -> None:
    assert not VARIANT.fullmatch(text)


@each_family
def test_kinds_are_known_and_in_order(family: str) -> None:
    ranks = [KINDS.index(figure.kind) for figure in figures(family)]
    assert ranks == sorted(ranks)


@each_family
def test_a_source_has_one_kind(family: str) -> None:
    of_source = {(re.split(r"[ ;]", f.source)[0], f.kind) for f in figures(family)}
    assert len(of_source) == len({source for source, _ in of_source})


@each_family
def test_top1_is_a_percentage_as_printed(family: str) -> None:
    for row, figure in zip(rows(family), figures(family), strict=True):
        assert re.fullmatch(r"(\d+\.\d+)?", row["top1"]), row
        # Above 1, and not above 0: a fraction such as 0.706 is the mistake to expect.
        assert figure.top1 is None or 1 < float(figure.top1) < 100


@each_family
def test_notes_are_short_sentences(family: str) -> None:
    for figure in figures(family):
        note = figure.note or "None."
        assert note.endswith("."), note
        assert len(note) <= 160, note


@each_family
def test_judgements_are_known_and_have_their_evidence(family: str) -> None:
    for figure in figures(family):
        if figure.verdict is None:
            continue
        of, _, cause = figure.verdict.rpartition(": ")
        assert cause in CAUSES
        assert of in ("", "params", "compute", "acts")
        assert figure.note


def test_a_judgement_is_of_both_numbers_or_of_one() -> None:
    figure = figures("mobilenetv1")[0]
    misprint = figure._replace(verdict="compute: misprint")
    assert (misprint.cause("params"), misprint.cause("compute")) == (None, "misprint")
    assert figure._replace(verdict="nominal").cause("params") == "nominal"
    assert figure.cause("params") is None


# --- the loader ----------------------------------------------------------------------------------


@each_family
def test_loader_drops_and_changes_nothing(family: str) -> None:
    for row, figure in zip(rows(family), figures(family), strict=True):
        height, width = figure.resolution
        texts = figure._asdict() | {"resolution": f"{height}x{width}"}
        assert {name: value or "" for name, value in texts.items() if name in row} == row


def test_resolution_is_height_by_width() -> None:
    # No source states an oblong input, so the order of the two needs a row of its own.
    row = rows("mobilenetv1")[0] | {"resolution": "192x256"}
    assert module._figure(row).resolution == (192, 256)


def test_figures_are_read_once() -> None:
    assert figures("mobilenetv1") is figures("mobilenetv1")


@pytest.mark.parametrize("family", ["mobilenet", "", "../published/mobilenetv1", "mobilenetv1.csv"])
def test_unknown_family_is_refused_with_the_known_ones(family: str) -> None:
    known = ", ".join(FAMILIES)
    expected = f"no published figures for family '{family}'; known are {known}"
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        figures(family)


@each_family
def test_published_finds_every_figure_once(family: str) -> None:
    keys = {(f.model, f.variant, f.resolution) for f in figures(family)}
    found = [f for m, v, r in keys for f in published(m, family, v, r)]
    assert sorted(found, key=repr) == sorted(figures(family), key=repr)


def test_published_orders_by_kind_and_keeps_the_order_within_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sample, quantised = published("mobilenetv1", "mobilenetv1", "width=0.25", (128, 128))
    assert (sample.precision, quantised.precision) == (None, "int8")
    mixed = [(kind, source) for source in "ab" for kind in reversed(KINDS)]
    stock = tuple(sample._replace(kind=kind, source=source) for kind, source in mixed)
    monkeypatch.setattr(module, "figures", lambda family: stock)
    answer = published("mobilenetv1", "mobilenetv1", "width=0.25", (128, 128))
    assert [(f.kind, f.source) for f in answer] == [(k, s) for k in KINDS for s in "ab"]


@pytest.mark.parametrize(
    ("model", "variant", "resolution"),
    [
        ("mobilenetv3", "", (224, 224)),
        ("mobilenetv3_small", "width=0.5", (96, 96)),
        ("mobilenetv3_small", "width=1", (224, 224)),
        ("mobilenetv3_small", "", (224, 192)),
    ],
)
def test_published_matches_exactly_or_finds_nothing(
    model: str, variant: str, resolution: tuple[int, int]
) -> None:
    assert published(model, "mobilenetv3", variant, resolution) == ()


def test_a_recipe_is_another_variant() -> None:
    paper = published("mobilenetv3_small", "mobilenetv3", "width=0.5", (224, 224))
    timm = published("mobilenetv3_small", "mobilenetv3", "width=0.5,recipe=timm", (224, 224))
    assert {f.compute for f in paper if f.kind == "paper"} == {"21M", "23M"}
    assert {f.compute for f in timm} == {"0.03G", "0.02G"}


def test_import_is_light() -> None:
    heavy = {"numpy", "pandas", "sympy", "torch", "matplotlib"}
    code = f"import sys, flopscope.catalog.figures; print(sorted({heavy} & set(sys.modules)))"
    root = FOLDER.parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


# --- numbers from text ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value", "half"),
    [
        ("4.2M", 4_200_000, 50_000),
        ("569M", 569_000_000, 500_000),
        ("300M", 300_000_000, 500_000),
        ("0.22B", 220_000_000, 5_000_000),
        ("0.070G", 70_000_000, 500_000),
        ("1.5T", 1_500_000_000_000, 50_000_000_000),
        ("12K", 12_000, 500),
        ("3504872", 3_504_872, Fraction(1, 2)),
        ("0.25", Fraction(1, 4), Fraction(1, 200)),
        ("3e8", 300_000_000, 50_000_000),
        ("3.00E+8", 300_000_000, 500_000),
        ("25e-2", Fraction(1, 4), Fraction(1, 200)),
    ],
)
def test_stated(text: str, value: int | Fraction, half: int | Fraction) -> None:
    assert stated(text) == (value, half)


@given(
    digits=st.text("0123456789", min_size=1, max_size=12),
    decimals=st.text("0123456789", max_size=12),
    scale=st.sampled_from([("", 0), ("K", 3), ("M", 6), ("G", 9), ("B", 9), ("T", 12)]),
)
def test_stated_agrees_with_decimal(digits: str, decimals: str, scale: tuple[str, int]) -> None:
    number = f"{digits}.{decimals}" if decimals else digits
    value, half = stated(number + scale[0])
    power = Fraction(10) ** scale[1]
    assert value == Fraction(Decimal(number)) * power
    assert half == Fraction(Decimal(5).scaleb(-len(decimals) - 1)) * power
    assert type(value) is type(half) is Fraction


@pytest.mark.parametrize(
    "text",
    ["", "M", "4,2M", "470,072", "4.2 M", " 4.2M", "4.2M\n", "-4M", "+4M", "4.M", ".5M", "4.2m",
     "4.2MM", "4.2MB", "1e6M", "e6", "1e", "1e999", "4.2.1M", "٤M", "~4M", "nan"],
)  # fmt: skip
def test_other_text_is_refused_in_one_sentence(text: str) -> None:
    expected = (
        f"'{text}' is not a stated figure; expected digits, at most one decimal point and "
        "at most one of K, M, G, B, T or an exponent, as in 4.2M, 4.2e6 or 3504872"
    )
    with pytest.raises(ValueError) as caught:
        stated(text)
    assert str(caught.value) == expected


# --- typed from the papers -----------------------------------------------------------------------

TYPED = {
    # arXiv 1704.04861 Tables 6 and 7
    ("mobilenetv1", "", 224): ("4.2M", "569M", "70.6", "arXiv 1704.04861 Tables 6 and 7"),
    ("mobilenetv1", "width=0.75", 224): ("2.6M", "325M", "68.4", "arXiv 1704.04861 Table 6"),
    ("mobilenetv1", "width=0.5", 224): ("1.3M", "149M", "63.7", "arXiv 1704.04861 Table 6"),
    ("mobilenetv1", "width=0.25", 224): ("0.5M", "41M", "50.6", "arXiv 1704.04861 Table 6"),
    ("mobilenetv1", "", 192): ("4.2M", "418M", "69.1", "arXiv 1704.04861 Table 7"),
    ("mobilenetv1", "", 128): ("4.2M", "186M", "64.4", "arXiv 1704.04861 Table 7"),
    # arXiv 1801.04381 Table 4
    ("mobilenetv2", "", 224): ("3.4M", "300M", "72.0", "arXiv 1801.04381 Table 4"),
    ("mobilenetv2", "width=1.4", 224): ("6.9M", "585M", "74.7", "arXiv 1801.04381 Table 4"),
    # arXiv 1905.02244 Tables 3 and 9
    ("mobilenetv3_large", "", 224): ("5.4M", "219M", "75.2", "arXiv 1905.02244 Table 3"),
    ("mobilenetv3_large", "", 256): ("5.4M", "282M", "76.0", "arXiv 1905.02244 Table 9"),
    ("mobilenetv3_large", "width=1.25", 224): ("7.5M", "356M", "76.6", "arXiv 1905.02244 Table 9"),
    ("mobilenetv3_small", "", 224): (
        "2.5M", "56M", "67.4", "arXiv 1905.02244 (final version, ICCV 2019) Table 3",
    ),
    ("mobilenetv3_small", "width=0.35", 224): (
        "1.4M", "12M", "49.8", "arXiv 1905.02244 (final version, ICCV 2019) Table 9",
    ),
    # arXiv 1905.11946 Table 2
    ("efficientnet_b0", "", 224): ("5.3M", "0.39B", "77.1", "arXiv 1905.11946 Table 2"),
    ("efficientnet_b4", "", 380): ("19M", "4.2B", "82.9", "arXiv 1905.11946 Table 2"),
    ("efficientnet_b7", "", 600): ("66M", "37B", "84.3", "arXiv 1905.11946 Table 2"),
    # arXiv 2104.00298 Table 7
    ("efficientnetv2_s", "", 384): ("22M", "8.8B", "83.9", "arXiv 2104.00298 Table 7"),
    # arXiv 1707.01083 Tables 1 and 2
    ("shufflenetv1_g3_x1.0", "", 224): (None, "137M", "67.4", "arXiv 1707.01083 Tables 1 and 2"),
    # arXiv 1807.11164 Table 8
    ("shufflenetv2_x1.0", "", 224): (None, "146M", "69.4", "arXiv 1807.11164 Table 8"),
    # arXiv 1911.11907 Table 7
    ("ghostnet_100", "", 224): ("5.2M", "141M", "73.9", "arXiv 1911.11907 Table 7"),
    # arXiv 2211.12905 Table 2
    ("ghostnetv2_100", "", 224): ("6.1M", "167M", "75.3", "arXiv 2211.12905 Table 2"),
    # arXiv 1512.03385 Table 1
    ("resnet50", "", 224): (None, "3.8G", None, "arXiv 1512.03385 Table 1"),
    # arXiv 2003.13678 Figures 15 and 16
    ("regnetx_3.2gf", "", 224): ("15.3M", "3.2B", "78.3", "arXiv 2003.13678 Figure 15"),
    ("regnety_400mf", "", 224): ("4.3M", "0.4B", "74.1", "arXiv 2003.13678 Figure 16"),
    # arXiv 2110.02178 Figure 6 and Table 3
    ("mobilevit_xs", "", 256): ("2.3M", "0.7G", "74.8", "arXiv 2110.02178 Figure 6 and Table 3"),
    # arXiv 2206.01191 Table 1
    ("efficientformer_l1", "", 224): ("12.3M", "1.3G", "79.2", "arXiv 2206.01191 Table 1"),
    # arXiv 2201.03545 Table 1
    ("convnext_tiny", "", 224): ("29M", "4.5G", "82.1", "arXiv 2201.03545 Table 1"),
}  # fmt: skip


@pytest.mark.parametrize(("model", "variant", "side"), TYPED)
def test_first_published_figure_is_the_paper_s(model: str, variant: str, side: int) -> None:
    first = published(model, CATALOG[model].family, variant, (side, side))[0]
    found = (first.params, first.compute, first.top1, first.source)
    assert found == TYPED[model, variant, side]
    assert first.kind == "paper"


def test_both_tables_of_the_v3_paper_are_kept() -> None:
    large = published("mobilenetv3_large", "mobilenetv3", "", (224, 224))
    small = published("mobilenetv3_small", "mobilenetv3", "", (224, 224))
    assert [f.compute for f in large if f.kind == "paper"] == ["219M", "217M"]
    # Final Table 3, final Table 9, then both tables of the early version.
    assert [f.compute for f in small if f.kind == "paper"] == ["56M", "57M", "66M", "66M"]


def test_the_unconfirmed_row_says_so() -> None:
    (paper,) = published("mobilenetv3_small", "mobilenetv3", "", (192, 192))
    assert "unconfirmed" in (paper.note or "")
