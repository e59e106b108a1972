"""A calibrated device as tables: its constants, its errors beside baselines, and by family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flopscope.answers.calibrate import Calibration
from flopscope.brief import number_of
from flopscope.present.table import Column, Document, Table
from flopscope.timing.clock import PROCESSOR
from flopscope.timing.constants import CONSTANTS, Constant, rate
from flopscope.timing.device import LEVELS, Device
from flopscope.timing.device_file import device_facts

SCHEMA = "flopscope.calibrate/1"


def calibration_document(found: Calibration) -> Document:
    """Its errors, those of each family, and its constants. The data are a device file."""
    tables = [_errors(found), _families(found), _constants(found.device)]
    return Document(tables, lambda: _data(found))


def tenth(number: float) -> str:
    """One decimal.

    >>> tenth(7.52)
    '7.5'
    """
    return f"{number:.1f}"


def signed(number: float) -> str:
    """Whole percent with a sign.

    >>> signed(-38.2), signed(7.0)
    ('−38', '+7')
    """
    return f"{number:+.0f}".replace("-", "−")


def _errors(found: Calibration) -> Table:
    device = found.device
    held = device.held_out
    columns = [
        Column("predictor", "Predictor", numeric=False),
        Column("median", "Median error\n(%)", tenth),
    ]
    rows: list[list[Any]] = [["this device", held.median], *map(list, held.baselines.items())]
    title = (
        f"{device.name}: {device.protocol}; {device.calibration.networks} networks of "
        f"{len(device.calibration.families)} families, {held.protocol}"
    )
    covered = " and ".join(f"{held.coverage[level]:.0f}" for level in LEVELS)
    notes = [
        f"Nine in ten networks are predicted within {held.p90:.1f} %, {held.within_10:.0f} % of "
        f"them within 10 %. Kendall's τ is {held.kendall:.3f}. The intervals for "
        f"{' and '.join(LEVELS)} % covered {covered} % of the networks held out.",
        _repeated(device),
        *_cautions(found),
    ]
    return Table(columns, rows, title, [note for note in notes if note])


def _repeated(device: Device) -> str:
    if device.repeatability is None:
        return "The table does not say how well a measurement repeats."
    return (
        f"Half of the rounds of a measurement lie within {device.repeatability:g} % of its time, "
        "which no prediction can undercut."
    )


def _cautions(found: Calibration) -> list[str]:
    """What kept the measurements from being one of each network on an idle machine."""
    notes = []
    if found.device.clock == PROCESSOR:
        notes.append(
            "Other programs kept the machine busy while it was measured, so that processor time "
            "stands for wall time; calibrate it again when it is idle."
        )
    if found.repeated:
        notes.append(
            f"{number_of(range(found.repeated), 'row')} of the table measured a network again at "
            "the same size and batch; the median of its times was taken."
        )
    if found.drift is not None:
        notes.append(
            "The machine changed its speed while it was measured: a product of matrices of one "
            f"size took up to {found.drift:.2f} times its shortest time. Processor time stands for "
            "wall time, where the table has it."
        )
    return notes


def _families(found: Calibration) -> Table:
    columns = [
        Column("family", "Family", numeric=False),
        Column("networks", "Networks"),
        Column("signed", "Median error\n(%)", signed),
        Column("absolute", "Without sign\n(%)", tenth),
    ]
    ordered = sorted(found.families, key=lambda each: -abs(each.signed))
    rows = [[each.family, each.networks, each.signed, each.absolute] for each in ordered]
    left = [f"Left out, {name}: {why}." for name, why in found.left_out.items()]
    return Table(columns, rows, "Each family when it is held out, the worst first", left)


def _constants(device: Device) -> Table:
    columns = [
        Column("constant", "Constant", _words, numeric=False, raw=_name),
        Column("rate", "Rate"),
        Column("value", "Seconds", shown=False),
        Column("unit", "Unit", numeric=False, shown=False),
    ]
    rows: list[list[Any]] = [
        [each, rate(each, device.constants[each.name]), device.constants[each.name], each.unit]
        for each in CONSTANTS
    ]
    joined = {"sum": "is the sum of", "max": "is the longer of"}[device.rule]
    title = f"Its constants; the time of a unit {joined} arithmetic and memory"
    return Table(columns, rows, title, aside=True)


def _words(constant: Constant) -> str:
    return constant.words


def _name(constant: Constant) -> str:
    return constant.name


def _data(found: Calibration) -> dict[str, Any]:
    """The device file, and beside it what the tables show more."""
    return {
        **device_facts(found.device),
        "schema": SCHEMA,
        "families": [vars(each) for each in found.families],
        "predictions": _predictions(found),
        "left_out": dict(found.left_out),
    }


def _predictions(found: Calibration) -> Sequence[dict[str, Any]]:
    fitted = found.fitted
    return [
        {"model": model, "measured": float(measured), "predicted": float(predicted)}
        for model, measured, predicted in zip(
            found.models, fitted.measured, fitted.predicted, strict=True
        )
    ]
