"""Fits the devices that come with flopscope to the published tables, and writes their files and the
error tables of docs/time.md.

    python benchmarks/devices.py [NAME ...]

Networks of timm are traced once for each input size, which takes about twenty minutes in all; the
traces are kept in build/traces/. Remove that folder where tracing has changed. Each fit is kept in
build/devices/, so that the page can be written after one device alone is fitted again.
"""

from __future__ import annotations

import csv
import json
import pickle
import re
import sys
from collections.abc import Iterable, Iterator, MutableMapping
from pathlib import Path
from typing import Any, NamedTuple

from flopscope.answers.calibrate import Calibration, calibrate
from flopscope.answers.measured_networks import TIMM_SOURCE
from flopscope.catalog.names import TIMM
from flopscope.ledger import Ledger
from flopscope.present.calibrate import calibration_document, signed
from flopscope.timing.builtin import ENDING, FOLDER
from flopscope.timing.constants import CONSTANTS, rate
from flopscope.timing.device import Device
from flopscope.timing.device_file import device_text, read_device
from flopscope.timing.measurement import Latency

ROOT = Path(__file__).parent.parent
TABLES = ROOT / "flopscope" / "catalog" / "published" / "latencies"
PAGE = ROOT / "docs" / "time.md"
TRACES = ROOT / "build" / "traces"
FITS = ROOT / "build" / "devices"
DAY = "2026-11-30"


class Table(NamedTuple):
    """A published table: its runtime and version, the layout of its tensors, what is held out, and
    the device whose constants are the start, as the table alone is too short."""

    name: str
    runtime: str
    version: str
    layout: str = "nchw"
    held_out: str = "families"
    sister: str = ""


PUBLISHED = (
    Table("rtx4090-eager-amp", "eager", "torch 2.4.0"),
    Table("rtx4090-inductor-amp", "inductor", "torch 2.4.0"),
    Table("rtx3090-eager-amp", "eager", "torch 2.4.0"),
    Table("rtx3090-eager-amp-train", "eager", "torch 1.12"),
    Table("i7-12700h-inductor", "inductor", "torch 2.4.0"),
    Table("pixel1-cpu-tflite", "tflite", "", "nhwc", "widths"),
    Table("pixel3-cpu-tflite", "tflite", "", "nhwc", "widths", "pixel1-cpu-tflite"),
)


class Kept(MutableMapping[tuple[str, tuple[int, int]], "Ledger | None"]):
    """Traces in a folder, a file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def _file(self, key: tuple[str, tuple[int, int]]) -> Path:
        name, (height, width) = key
        return self._folder / f"{re.sub('[^A-Za-z0-9_.-]', '+', name)}@{height}x{width}.pickle"

    def __getitem__(self, key: tuple[str, tuple[int, int]]) -> Ledger | None:
        if not self._file(key).exists():
            raise KeyError(key)
        found: Ledger | None = pickle.loads(self._file(key).read_bytes())
        return found

    def __setitem__(self, key: tuple[str, tuple[int, int]], value: Ledger | None) -> None:
        part = self._file(key).with_suffix(".part")
        part.write_bytes(pickle.dumps(value))
        part.rename(self._file(key))

    def __delitem__(self, key: tuple[str, tuple[int, int]]) -> None:
        self._file(key).unlink()

    def __iter__(self) -> Iterator[tuple[str, tuple[int, int]]]:
        raise NotImplementedError("names of files do not give names of networks back")

    def __len__(self) -> int:
        return sum(1 for _ in self._folder.iterdir())


def latencies(table: Table) -> list[Latency]:
    """The rows of a table that say what ran and at which size; the first of equal ones."""
    facts = _by("device", "devices")[table.name]
    sources = _by("source", "sources")
    found: dict[tuple[str, str, str], Latency] = {}
    for row in _rows(table.name):
        key = (row["model"], row["resolution"], row["batch"])
        if not row["resolution"] or not row["latency_ms"] or key in found:
            continue
        if table.runtime == "tflite" and not row["catalogue"]:
            continue  # networks that nothing here can count
        source = sources[row["source"]]
        size = int(row["resolution"])
        # timm measures networks in the form in which they are trained
        name = TIMM.get(row["model"]) if source["repository"] == TIMM_SOURCE else None
        found[key] = Latency(
            row["model"], facts["machine"], float(row["latency_ms"]), name or row["catalogue"],
            table.runtime, table.version, facts["dtype"],
            int(facts["threads"]) if facts["threads"] else None, table.layout,
            {"infer": "inference", "train": "training"}[facts["pass"]],
            int(row["batch"]) if row["batch"] else 1, (size, size),
            statistic=source["statistic"], source=source["repository"],
            table_or_file=f"{source['file']} at {source['commit'][:8]}",
        )  # fmt: skip
    return list(found.values())


def _rows(name: str) -> list[dict[str, str]]:
    with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _by(key: str, name: str) -> dict[str, dict[str, str]]:
    return {row[key]: row for row in _rows(name)}


def fitted(table: Table) -> Calibration:
    """The device of a table."""
    runs = latencies(table)
    sister = read_device(FOLDER / f"{table.sister}{ENDING}") if table.sister else None
    return calibrate(
        runs, table.name, sister, skip_unknown=True, day=DAY, protocol=table.held_out,
        progress=lambda done, of: _show(table.name, done, of), traces=Kept(TRACES),
    )  # fmt: skip


def _show(name: str, done: int, of: int) -> None:
    if done % 100 == 0:
        print(f"{name}: {done} of {of}", file=sys.stderr, flush=True)


class Fitted(NamedTuple):
    """A device, and the errors of each of its families."""

    device: Device
    families: list[dict[str, Any]]


def kept(names: Iterable[str]) -> list[Fitted]:
    """The fits of these devices that have been made."""
    files = [FITS / f"{name}{ENDING}" for name in names]
    made = [file for file in files if file.exists()]
    return [Fitted(read_device(f), json.loads(f.read_text("utf-8"))["families"]) for f in made]


def errors_table(found: list[Fitted]) -> str:
    """The errors of all devices beside the baselines, in Markdown."""
    baselines = list(found[0].device.held_out.baselines)
    heads = [
        "device", "networks", "families", "held out", "**device**", *baselines, "within 10 %",
        "Kendall's τ", "80 % covers", "90 % covers",
    ]  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for device, _ in found:
        held = device.held_out
        cells = [
            f"`{device.name}`", str(device.calibration.networks),
            str(len(device.calibration.families)), held.protocol.removesuffix(" held out"),
            f"**{held.median:.1f}**", *(f"{held.baselines[name]:.1f}" for name in baselines),
            f"{held.within_10:.0f}", f"{held.kendall:.2f}", f"{held.coverage['80']:.0f}",
            f"{held.coverage['90']:.0f}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


WORST = 8
"""Families that the page names for each device."""


def families_table(found: list[Fitted]) -> str:
    """The families of three networks or more that each device predicts worst."""
    lines = ["| device | families that it predicts worst, median error |", "|---|---|"]
    for device, families in found:
        several = [each for each in families if each["networks"] >= 3]
        worst = sorted(several, key=lambda each: -abs(each["signed"]))[:WORST]
        said = ", ".join(
            f"{each['family']} {signed(each['signed'])} % ({each['networks']})" for each in worst
        )
        lines.append(f"| `{device.name}` | {said or 'no family has three networks'} |")
    return "\n".join(lines) + "\n"


def constants_table(found: list[Fitted]) -> str:
    """The constants of all devices, as rates."""
    heads = ["constant", *(f"`{each.device.name}`" for each in found)]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for constant in CONSTANTS:
        cells = [rate(constant, each.device.constants[constant.name]) for each in found]
        lines.append(f"| {constant.words} | {' | '.join(cells)} |")
    rules = " | ".join(each.device.rule for each in found)
    return "\n".join([*lines, f"| arithmetic and memory | {rules} |"]) + "\n"


TABLES_OF_THE_PAGE = {
    "errors": errors_table, "families": families_table, "constants": constants_table
}  # fmt: skip


def with_tables(page: str, found: list[Fitted]) -> str:
    """The page with each table between its two marks written anew."""
    for name, table in TABLES_OF_THE_PAGE.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, rest = page.split(begin)
        page = f"{before}{begin}{table(found)}{end}{rest.split(end)[1]}"
    return page


def main(names: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    FITS.mkdir(parents=True, exist_ok=True)
    for table in PUBLISHED:
        if names and table.name not in names:
            continue
        found = fitted(table)
        (FOLDER / f"{table.name}{ENDING}").write_text(device_text(found.device), encoding="utf-8")
        facts = json.dumps(calibration_document(found).data, ensure_ascii=False)
        (FITS / f"{table.name}{ENDING}").write_text(facts, encoding="utf-8")
        for name, why in found.left_out.items():
            print(f"{table.name}: left out {name}: {why}", file=sys.stderr)
    every = kept(table.name for table in PUBLISHED)
    if len(every) == len(PUBLISHED) and PAGE.exists():
        PAGE.write_text(with_tables(PAGE.read_text("utf-8"), every), encoding="utf-8")
    print(errors_table(every), families_table(every), constants_table(every), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
