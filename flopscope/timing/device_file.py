"""Device files: JSON that is checked whole when it is read, and written the same way every time."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from flopscope.brief import shown
from flopscope.errors import BadInput, listed
from flopscope.timing.constants import CONSTANTS, RULES
from flopscope.timing.device import LEVELS, Calibration, Device, HeldOut, Quantiles, Seen
from flopscope.timing.precision import PRECISIONS
from flopscope.timing.runtimes import RUNTIMES, Runtime

FORMAT = "flopscope.device/1"
"""The version of the format that this program reads and writes."""

TEXTS = ("name", "device", "version", "layout", "mode", "clock", "date")
"""The fields of a device that are plain text."""

UNITS = "units"
"""The field with the edition of the runtime's units that constants were fitted to; the first one
where there is none."""

DIGITS = 6
"""Significant digits of numbers that were fitted."""

MOST_SECONDS, MOST_LOG = 1, 10
"""What a constant may be at most, in seconds, and by which logarithm an interval may reach from the
prediction; anything beyond is no measurement, and its powers would not be numbers."""

Value = TypeVar("Value")


def read_device(path: str | Path) -> Device:
    """The device of a file. Raises BadInput, which names the file and the field."""
    name = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"cannot read '{name}': {error.strerror}; give a device file") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"'{name}' is not text in UTF-8; give a device file") from error
    return parse_device(text, name)


def parse_device(text: str, name: str) -> Device:
    """The device that a text describes, whose `name` stands in messages.

    >>> parse_device("{}", "a.json")
    Traceback (most recent call last):
    ...
    flopscope.errors.BadInput: a.json has no format; a device file says flopscope.device/1
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(
            f"{name} is not JSON: {error}; give a file that `flopscope calibrate` wrote"
        ) from error
    if not isinstance(data, dict):
        raise BadInput(f"{name} is no device file; give one that `flopscope calibrate` wrote")
    if data.get("format") != FORMAT:
        found = f"the format {shown(data['format'])}" if "format" in data else "no format"
        raise BadInput(f"{name} has {found}; a device file says {FORMAT}")
    return _Reading(name).device(data)


def device_text(device: Device) -> str:
    """The device as the text of a file. The same device always gives the same text."""
    return json.dumps(device_facts(device), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def device_facts(device: Device) -> dict[str, Any]:
    """The device as the object that a file has. Numbers that were fitted have `DIGITS` digits."""
    held, seen, calibration = device.held_out, device.seen, device.calibration
    edition = RUNTIMES[device.runtime].edition
    return {
        "format": FORMAT,
        **({} if edition == 1 else {UNITS: edition}),
        **{key: getattr(device, key) for key in ("name", "device", "runtime", "version", "dtype")},
        **{key: getattr(device, key) for key in ("threads", "layout", "mode", "clock", "date")},
        "rule": device.rule,
        "constants": {
            each.name: {"value": _rounded(device.constants[each.name]), "unit": each.unit}
            for each in CONSTANTS
        },
        "calibration": {
            "source": calibration.source,
            "sister": calibration.sister,
            "networks": calibration.networks,
            "families": dict(sorted(calibration.families.items())),
        },
        "repeatability_percent": device.repeatability,
        "held_out": {
            "protocol": held.protocol,
            **{f"{key}_percent": _rounded(getattr(held, key)) for key in _ERRORS},
            "kendall": _rounded(held.kendall),
            "log_quantiles": {
                level: [_rounded(held.quantiles[level].low), _rounded(held.quantiles[level].high)]
                for level in LEVELS
            },
            "coverage_percent": {level: _rounded(held.coverage[level]) for level in LEVELS},
            "baselines_percent": {key: _rounded(value) for key, value in held.baselines.items()},
        },
        "seen": {
            "macs": list(seen.macs),
            "batch": list(seen.batch),
            "usual_batch": seen.usual_batch,
            "kinds": sorted(seen.kinds),
        },
    }


_ERRORS = ("median", "p90", "within_10")


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


class _Reading:
    """The fields of a file, each checked. `name` is the file's, for messages."""

    def __init__(self, name: str) -> None:
        self._name = name

    def device(self, data: Mapping[str, Any]) -> Device:
        texts = {key: self._text(data, key) for key in TEXTS}
        if not texts["name"].strip():
            self._refuse("name", "empty", "the name of the device")
        runtime = self._one_of(data, "runtime", RUNTIMES)
        self._check_units(data, RUNTIMES[runtime])
        found = Device(
            **texts,
            runtime=runtime,
            dtype=self._one_of(data, "dtype", PRECISIONS),
            rule=self._one_of(data, "rule", RULES),
            threads=self._optional(data, "threads", self._count),
            constants=self._constants(self._object(data, "constants")),
            calibration=self._calibration(self._object(data, "calibration")),
            held_out=self._held_out(self._object(data, "held_out")),
            seen=self._seen(self._object(data, "seen")),
            repeatability=self._optional(data, "repeatability_percent", self._amount),
        )
        if not any(found.constants.values()):
            self._refuse("constants", "all 0", "at least one that is above 0")
        return found

    def _check_units(self, data: Mapping[str, Any], runtime: Runtime) -> None:
        """Raises BadInput for constants that were fitted to other units of the runtime."""
        fitted_to = data.get(UNITS, 1)
        if type(fitted_to) is not int or fitted_to != runtime.edition:
            raise BadInput(
                f"{self._name} was fitted to other units of {runtime.title} than are counted now "
                f"(edition {shown(fitted_to)}, and now {runtime.edition}); fit it again, as with "
                "`flopscope calibrate --from laptop.csv` from its measurements"
            )

    def _constants(self, data: Mapping[str, Any]) -> dict[str, float]:
        known = {each.name: each for each in CONSTANTS}
        for key in data:
            if key not in known:
                self._refuse(f"constants.{key}", "unknown", f"one of {listed(known)}")
        found = {}
        for key, constant in known.items():
            entry = self._object(data, key, "constants.")
            found[key] = self._amount(entry, "value", f"constants.{key}.")
            if found[key] > MOST_SECONDS:
                self._refuse(f"constants.{key}.value", shown(entry["value"]), "at most a second")
            if entry.get("unit") != constant.unit:
                self._refuse(f"constants.{key}.unit", shown(entry.get("unit")), constant.unit)
        return found

    def _calibration(self, data: Mapping[str, Any]) -> Calibration:
        where = "calibration."
        families = self._object(data, "families", where)
        counted = {key: self._count(families, key, f"{where}families.") for key in families}
        return Calibration(
            self._text(data, "source", where), self._count(data, "networks", where), counted,
            self._text(data, "sister", where),
        )  # fmt: skip

    def _held_out(self, data: Mapping[str, Any]) -> HeldOut:
        where = "held_out."
        errors = {key: self._amount(data, f"{key}_percent", where) for key in _ERRORS}
        quantiles = self._object(data, "log_quantiles", where)
        coverage = self._object(data, "coverage_percent", where)
        baselines = self._object(data, "baselines_percent", where)
        return HeldOut(
            protocol=self._text(data, "protocol", where),
            **errors,
            kendall=self._number(data, "kendall", where),
            quantiles={k: self._interval(quantiles, k, f"{where}log_quantiles.") for k in LEVELS},
            coverage={k: self._amount(coverage, k, f"{where}coverage_percent.") for k in LEVELS},
            baselines={
                k: self._amount(baselines, k, f"{where}baselines_percent.") for k in baselines
            },
        )

    def _seen(self, data: Mapping[str, Any]) -> Seen:
        where = "seen."
        kinds = self._get(data, "kinds", where)
        if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
            self._refuse("seen.kinds", shown(kinds), "a list of names")
        return Seen(
            self._range(data, "macs"), self._range(data, "batch"),
            self._count(data, "usual_batch", where), tuple(kinds),
        )  # fmt: skip

    def _range(self, data: Mapping[str, Any], key: str) -> tuple[int, int]:
        value = self._get(data, key, "seen.")
        whole = isinstance(value, list) and len(value) == 2 and all(type(n) is int for n in value)
        if not whole or not 0 < value[0] <= value[1]:
            self._refuse(f"seen.{key}", shown(value), "the least and the most, two integers from 1")
        return value[0], value[1]

    def _interval(self, data: Mapping[str, Any], key: str, where: str) -> Quantiles:
        value = self._get(data, key, where)
        numbers = isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))
        if not numbers or not -MOST_LOG <= value[0] <= value[1] <= MOST_LOG:
            wanted = f"two numbers from -{MOST_LOG} to {MOST_LOG}, the lower one first"
            self._refuse(f"{where}{key}", shown(value), wanted)
        return Quantiles(float(value[0]), float(value[1]))

    def _get(self, data: Mapping[str, Any], key: str, where: str = "") -> Any:
        if key not in data:
            raise BadInput(f"{self._name} has no {where}{key}, which every device file has")
        return data[key]

    def _object(self, data: Mapping[str, Any], key: str, where: str = "") -> Mapping[str, Any]:
        value = self._get(data, key, where)
        if not isinstance(value, dict):
            self._refuse(f"{where}{key}", shown(value), "an object")
        found: Mapping[str, Any] = value
        return found

    def _text(self, data: Mapping[str, Any], key: str, where: str = "") -> str:
        value = self._get(data, key, where)
        if not isinstance(value, str):
            self._refuse(f"{where}{key}", shown(value), "text")
        return str(value)

    def _one_of(self, data: Mapping[str, Any], key: str, known: Any) -> str:
        value = self._text(data, key)
        if value not in known:
            self._refuse(key, shown(value), listed(known))
        return value

    def _number(self, data: Mapping[str, Any], key: str, where: str = "") -> float:
        value = self._get(data, key, where)
        if not _is_number(value):
            self._refuse(f"{where}{key}", shown(value), "a finite number")
        return float(value)

    def _amount(self, data: Mapping[str, Any], key: str, where: str = "") -> float:
        value = self._number(data, key, where)
        if value < 0:
            self._refuse(f"{where}{key}", shown(data[key]), "a number from 0")
        return value

    def _count(self, data: Mapping[str, Any], key: str, where: str = "") -> int:
        value = self._get(data, key, where)
        if type(value) is not int or value < 1:
            self._refuse(f"{where}{key}", shown(value), "an integer from 1")
        return int(value)

    def _optional(
        self, data: Mapping[str, Any], key: str, read: Callable[[Mapping[str, Any], str], Value]
    ) -> Value | None:
        return None if self._get(data, key) is None else read(data, key)

    def _refuse(self, field: str, found: str, wanted: str) -> None:
        raise BadInput(f"{self._name}: {field} is {found}, and must be {wanted}")


def _is_number(value: object) -> bool:
    if type(value) is int:
        return abs(value) < 10**300  # more would be no finite number
    return type(value) is float and math.isfinite(value)
