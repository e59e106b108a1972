"""Energy by a table: arithmetic and memory by hand, types, what it says of itself."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from flopscope import analyze, compare
from flopscope.cli import main
from flopscope.errors import UnknownName
from flopscope.facts import Kind, Operator
from flopscope.quantities import QUANTITIES
from flopscope.readings.energy import CAUTION, HOROWITZ, arithmetic_energy, energy, memory_energy

LEDGER = analyze("mobilenetv2")
UNKNOWN = Operator(Kind.UNKNOWN, "fft", ((1, 8),), (1, 8))


def picojoules(of: str, dtype: str) -> Fraction:
    return Fraction(getattr(HOROWITZ, of)[dtype], 1000)


def test_the_table_has_the_published_figures() -> None:
    float32, half, int8 = "float32", "float16", "int8"
    assert [picojoules("multiply", t) for t in (float32, half, int8)] == [
        Fraction("3.7"), Fraction("1.1"), Fraction("0.2"),
    ]  # fmt: skip
    assert [picojoules("add", t) for t in (float32, half, int8)] == [
        Fraction("0.9"), Fraction("0.4"), Fraction("0.03"),
    ]  # fmt: skip
    assert 4 * HOROWITZ.moved_byte == 640_000


@pytest.mark.parametrize(("dtype", "mac"), [("float32", 4600), ("float16", 1500), ("int8", 230)])
def test_arithmetic_and_memory_stand_apart_and_add_up(dtype: str, mac: int) -> None:
    arithmetic, memory = arithmetic_energy(LEDGER.rows, dtype), memory_energy(LEDGER.rows, dtype)
    assert arithmetic.value == mac * 300_774_272
    assert memory.value == 160_000 * int(LEDGER.traffic_bytes(dtype))
    whole = energy(LEDGER.rows, dtype)
    assert whole == arithmetic + memory
    assert (whole.unit, whole.convention) == ("fJ", f"horowitz-45nm, {dtype}")


@pytest.mark.parametrize(
    ("short", "dtype", "mac"), [("fp16", "float16", 1500), ("int8", "int8", 230)]
)
def test_each_type_of_the_table_can_be_a_column(short: str, dtype: str, mac: int) -> None:
    parts = [f"energy_{short}", f"energy_arithmetic_{short}", f"energy_memory_{short}"]
    row = compare("mobilenetv2", columns=parts).to_frame().iloc[0]
    whole, arithmetic, memory = (
        int(row[f"energy_fj_{dtype}{part}"]) for part in ("", "_arithmetic", "_memory")
    )
    assert arithmetic == mac * 300_774_272
    assert memory == 160_000 * int(LEDGER.traffic_bytes(dtype))
    assert whole == arithmetic + memory


def test_a_type_without_a_row_is_refused() -> None:
    with pytest.raises(UnknownName) as raised:
        energy(LEDGER.rows, "bfloat16")
    assert str(raised.value) == "unknown dtype 'bfloat16'; did you mean float16 or float32?"


def test_work_that_is_unknown_makes_it_a_lower_bound() -> None:
    assert energy([UNKNOWN], "float32").missing == ("fft",)


def test_a_comparison_has_it_apart_and_says_what_it_is_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["compare", "mobilenetv2", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    (model,) = data["models"]
    assert model["energy_fj_arithmetic"] == 4600 * 300_774_272
    assert model["energy_fj_memory"] == 160_000 * 173_065_024
    assert model["energy_fj"] == model["energy_fj_arithmetic"] + model["energy_fj_memory"]
    assert data["cautions"] == [CAUTION]


@pytest.mark.parametrize(
    "command",
    [
        ["compare", "mobilenetv2", "--columns", "energy"],
        ["compare", "mobilenetv2", "--columns", "energy_memory"],
        ["pareto", "--x", "energy", "--family", "ghostnet"],
        ["pareto", "--max-energy", "30T", "--family", "ghostnet"],
        ["solve", "mobilenetv2", "--energy", "20T", "--free", "width"],
        ["assert", "mobilenetv2", "--max-energy", "30T"],
        ["formula", "separable_conv", "--of", "energy"],
    ],
    ids=" ".join,
)
def test_wherever_it_is_shown_it_is_for_ratios_only(
    capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert main(command) == 0
    assert CAUTION in " ".join(capsys.readouterr().out.split())


def test_the_caution_says_the_table_s_numbers() -> None:
    mac = picojoules("multiply", "float32") + picojoules("add", "float32")
    assert f"{float(mac)} pJ for a multiply-accumulate in float32" in CAUTION
    for dtype in ("float16", "int8"):
        mac = picojoules("multiply", dtype) + picojoules("add", dtype)
        assert f"{float(mac)} pJ in {dtype}" in CAUTION
    assert f"{4 * HOROWITZ.moved_byte // 1000} pJ for 32 bits" in CAUTION
    assert HOROWITZ.source in CAUTION
    assert "for ratios only" in QUANTITIES["energy"].words
