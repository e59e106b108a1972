"""A quantised network as a document: its bytes term by term, and its layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

from flopscope.answers.quantize import Layer, Quantised
from flopscope.present.numbers import integer, ratio
from flopscope.present.table import Column, Document, Table
from flopscope.quantising.terms import Terms

if TYPE_CHECKING:
    from flopscope.answers.quantised.run import Run

WORDS = {
    "weights": "W · bits/8: weights of the quantised layers",
    "scales": "4 · (C + C_b + n_a): of weights, of biases, of activations",
    "zero_points": "C · bits/8 + 4 · C_b + n_a",
    "biases": "4 · C_b: int32",
    "untouched": "numbers that stay in floating point",
    "constants": "shapes, axes and single numbers of the graph",
}
"""What each term is. W, C and C_b are summed over layers: elements of weights, scales of a weight,
elements of a bias (for its scales, one where a tensor has one); n_a are quantised activations."""

SHOWN = 12
"""Layers that are shown unless all are asked for."""


def quantize_document(found: Quantised, *, everything: bool = False) -> Document:
    """The terms, and the layers: those with the most noise first where they were measured."""
    return Document([_terms(found), _layers(found, everything)], partial(_data, found))


# --- terms ----------------------------------------------------------------------------------------


def _terms(found: Quantised) -> Table:
    run = found.run
    columns = [
        Column("term", "Term", numeric=False),
        Column("what", "What it is", numeric=False),
        Column("predicted", "Predicted\nbytes", integer),
        *([Column("file", "Bytes in\nthe file", integer)] if run else []),
    ]
    stored = run.stored if run else None
    rows = [
        [each.name.replace("_", " "), WORDS[each.name], *_both(found.terms, stored, each.name)]
        for each in fields(Terms)
        if run is not None or each.name != "constants"
    ]
    rows.append(["tensors", "all of these", *_both(found.terms, stored, "total")])
    if run is not None:
        rows.append(["graph", "nodes, names and headers", None, run.graph])
        rows.append(["file", "all of it", None, run.file_bytes])
    return Table(columns, rows, _title(found), _notes(found), aside=False)


def _both(predicted: Terms, stored: Terms | None, name: str) -> list[int]:
    return [getattr(each, name) for each in (predicted, stored) if each is not None]


def _title(found: Quantised) -> str:
    shape = " and ".join("×".join(map(str, shape)) for shape in found.shapes)
    return f"{found.target.name} quantised, input {shape}: {found.scheme.words}."


def _notes(found: Quantised) -> list[str]:
    share = ratio(Fraction(found.terms.total, found.plain))
    notes = [
        f"In float32, norms folded, its tensors have {found.plain:,} bytes; quantised, {share} of "
        f"them."
    ]
    if found.run is None:
        notes.append(
            f"Nodes and names of the file come on top, and are an exporter's: about "
            f"{found.graph:,} bytes with {found.activations} quantised activations. Constants of "
            "the graph, such as shapes, are some thousand bytes more at most. `--runtime ort` "
            "writes the file."
        )
    left = sorted(found.left.items(), key=lambda each: -each[1])
    if left:
        kinds = ", ".join(f"{name} ({size:,} bytes)" for name, size in left)
        notes.append(f"What stays in float32 and stores numbers: {kinds}.")
    return notes if found.run is None else [*notes, *_run_notes(found, found.run)]


def _run_notes(found: Quantised, run: Run) -> list[str]:
    plain, quantised = run.milliseconds
    notes = [_verdict(found, run)]
    notes.append(
        f"Output against float32: SQNR {decibels(run.sqnr)} dB, the largest value at the same "
        f"place for {100 * run.same_class:.0f} % of the images it was tried on."
    )
    notes.append(
        f"Processor time of one run in {run.version} on one thread of this machine: "
        f"{plain:.2f} ms in float32, {quantised:.2f} ms quantised, the least of several each."
    )
    notes.append(f"Calibrated on {run.images}, by their smallest and largest values.")
    if run.made_up:
        notes.append(
            "These images are made up: bytes and times hold, and errors say nothing about "
            "pictures; give yours with --images FOLDER."
        )
    if run.drawn:
        notes.append("Its weights are drawn at random, not trained.")
    if run.reduced_range:
        notes.append("Weights have 7 of their 8 bits, since this processor has no VNNI.")
    return notes


def _verdict(found: Quantised, run: Run) -> str:
    apart = {
        each.name: getattr(run.planned, each.name) - getattr(found.terms, each.name)
        for each in fields(Terms)
    }
    constants = apart.pop("constants")
    changes = [f"{name} {size:+,}" for name, size in apart.items() if size]
    if run.planned != run.stored:
        return "The file's tensors are not those that the formula gives for its graph."
    graph = f"the graph's constants ({constants:,} bytes) apart" if constants else "to the byte"
    if not changes:
        return f"The file has every term as predicted, {graph}."
    said = ", ".join(changes).replace("zero_points", "zero points")
    return (
        f"The file has every term as the formula gives it for the exported graph. That differs "
        f"from the prediction, since the exporter writes the network in another way: {said}."
    )


def decibels(value: float) -> str:
    """A ratio with one decimal.

    >>> decibels(12.345), decibels(math.inf)
    ('12.3', '∞')
    """
    return "∞" if value == math.inf else f"{value:.1f}"


# --- layers ---------------------------------------------------------------------------------------


def _layers(found: Quantised, everything: bool) -> Table:
    run = found.run
    errors = {each.name: each for each in run.errors} if run else {}
    order = {name: place for place, name in enumerate(errors)}
    rows = (
        sorted(found.layers, key=lambda each: order.get(each.name, len(order)))
        if run
        else [*sorted(found.layers, key=lambda each: -each.skipping)]
    )
    shown = rows if everything else rows[:SHOWN]
    alone = run is not None and any(each.alone is not None for each in run.errors)
    columns = [
        Column("layer", "Layer", numeric=False),
        Column("operator", "Operator", numeric=False),
        Column("bits", "Bits", _bits),
        Column("bytes", "Bytes", integer),
        Column("skipping", "Skipping it\nadds bytes", integer),
        *([Column("sqnr", "SQNR of its\noutput, dB", decibels)] if run else []),
        *([Column("alone", "SQNR if it\nalone is, dB", decibels)] if alone else []),
    ]
    cells = []
    for layer in shown:
        error = errors.get(layer.name)
        more = [error.sqnr if error else None] if run else []
        more += [error.alone if error else None] if alone else []
        cells.append([layer.name, layer.operator, layer.bits, layer.bytes, layer.skipping, *more])
    return Table(columns, cells, _layers_title(found, alone), _rest(rows, shown), aside=True)


def _layers_title(found: Quantised, alone: bool) -> str:
    if found.run is None:
        return "Layers, those first that would cost most in float32:"
    if alone:
        return "Layers, those first that hurt the output most where they alone are quantised:"
    return "Layers, those first whose outputs have the most noise:"


def _bits(bits: int) -> str:
    return str(bits)


def _rest(rows: Sequence[Layer], shown: Sequence[Layer]) -> list[str]:
    more = len(rows) - len(shown)
    return [f"{more} more layers; --all shows them."] if more else []


# --- JSON -----------------------------------------------------------------------------------------


def _data(found: Quantised) -> dict[str, Any]:
    scheme, run = found.scheme, found.run
    errors = {each.name: each for each in run.errors} if run else {}
    data: dict[str, Any] = {
        "schema": "flopscope.quantize/1",
        "network": found.target.name,
        "inputs": [list(shape) for shape in found.shapes],
        "scheme": {
            "bits": scheme.bits,
            "mixed": [{"pattern": pattern, "bits": bits} for pattern, bits in scheme.mixed],
            "per_channel": scheme.per_channel,
            "skip": list(scheme.skip),
            "activations": scheme.activations,
        },
        # a closed form does not know the constants of a graph
        "bytes": {k: n for k, n in _terms_data(found.terms).items() if k != "constants"},
        "float32_bytes": found.plain,
        "quantised_activations": found.activations,
        "graph_bytes_about": found.graph,
        "left": dict(found.left),
        "layers": [_layer_data(layer, errors.get(layer.name)) for layer in found.layers],
    }
    if run is not None:
        data["run"] = _run_data(run)
    return data


def _terms_data(terms: Terms) -> dict[str, int]:
    return {
        **{each.name: getattr(terms, each.name) for each in fields(Terms)},
        "total": terms.total,
    }


def _layer_data(layer: Layer, error: Any) -> dict[str, Any]:
    data = layer._asdict()
    if error is not None:
        data |= {"sqnr_db": _finite(error.sqnr), "alone_sqnr_db": _finite(error.alone)}
    return data


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _run_data(run: Run) -> dict[str, Any]:
    return {
        "runtime": run.version,
        "bytes": _terms_data(run.stored),
        "bytes_of_the_formula": _terms_data(run.planned),
        "graph_bytes": run.graph,
        "file_bytes": run.file_bytes,
        "float32_file_bytes": run.plain_file_bytes,
        "nodes": run.nodes,
        "sqnr_db": _finite(run.sqnr),
        "same_class": run.same_class,
        "float32_ms": run.milliseconds[0],
        "quantised_ms": run.milliseconds[1],
        "reduced_range": run.reduced_range,
        "calibrated_on": run.images,
        "made_up": run.made_up,
        "untrained": run.drawn,
    }
