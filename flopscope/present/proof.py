"""Proofs as a document: for each model or block, every total on both sides and their difference."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from flopscope.agreement.blocks import Case
from flopscope.agreement.proof import Proof
from flopscope.alphabet import text_of
from flopscope.catalog.variant import Variant
from flopscope.present.numbers import count_text
from flopscope.present.table import Column, Document, Table
from flopscope.present.words import lengths
from flopscope.sizes import is_symbolic

ProofSubject = Variant | Case

SHOWN = 5
"""The most differing rows that are written out; after one row too many, every later row differs."""


def proof_document(proofs: Sequence[tuple[ProofSubject, Proof]]) -> Document:
    """A table for each model and each block. The cases of a block stand side by side."""
    tables = []
    for block, found in groupby(proofs, key=lambda pair: getattr(pair[0], "block", None)):
        pairs = list(found)
        models = [_model(s, p) for s, p in pairs if isinstance(s, Variant)]
        tables += models if block is None else [_block(block, pairs)]
    data = {
        "schema": "flopscope.proof/1",
        "models": [_model_data(s) | _data(p) for s, p in proofs if isinstance(s, Variant)],
        "blocks": [_block_data(s) | _data(p) for s, p in proofs if isinstance(s, Case)],
    }
    return Document(tables, data)


def _model(variant: Variant, proof: Proof) -> Table:
    at = ",\n".join([*(["224"] if variant.takes_image else []), *lengths(variant)])
    columns = [
        Column("quantity", "Total", numeric=False),
        Column("closed_form", f"Closed form at {at}", count_text),
        Column("difference", "Closed form − traced", str),
        Column("verdict", "Verdict", numeric=False),
    ]
    rows = [
        [
            identity.name,
            _at_224(identity.closed_form, variant),
            identity.difference,
            _proved(identity.proved),
        ]
        for identity in proof.totals
    ]
    title = _title(variant, f"the free sizes {_free(variant)}")
    return Table(columns, rows, title, _notes(variant, proof))


def _block(block: str, proofs: Sequence[tuple[ProofSubject, Proof]]) -> Table:
    """The table of a block, with a row for each total and a column for each case."""
    cases = [f"case {n}" for n in range(1, len(proofs) + 1)] if len(proofs) > 1 else [""]
    totals = [{identity.name: identity for identity in proof.totals} for _, proof in proofs]
    columns = [
        Column("quantity", "Total", numeric=False),
        *(
            Column(
                f"difference {case}".strip().replace(" ", "_"),
                f"Closed form − traced\n{case}".strip(),
                str,
            )
            for case in cases
        ),
        Column("verdict", "Verdict", numeric=False),
    ]
    rows = []
    for name in dict.fromkeys(name for of_case in totals for name in of_case):
        found = [of_case.get(name) for of_case in totals]
        proved = all(identity is None or identity.proved for identity in found)
        differences = [identity and identity.difference for identity in found]
        rows.append([name, *differences, _proved(proved)])
    notes = [
        f"{case}: {note}" if case else note
        for case, pair in zip(cases, proofs, strict=True)
        for note in _notes(*pair)
    ]
    return Table(columns, rows, _title(block, "all its sizes together"), notes)


def _title(subject: ProofSubject | str, free: str) -> str:
    return (
        f"{subject}: the paper's closed form and the formula traced from the PyTorch code, in "
        f"{free}."
    )


def _notes(subject: ProofSubject, proof: Proof) -> list[str]:
    notes = [str(mismatch) for mismatch in proof.mismatches[:SHOWN]]
    if (more := len(proof.mismatches) - SHOWN) > 0:
        notes.append(f"and {more} rows more that differ")
    notes += [f"assumed by the trace: {assumption}" for assumption in proof.assumptions]
    same = proof.rows - len(proof.mismatches)
    sizes = subject.bounds if isinstance(subject, Case) else proof.domain
    ways = f", in each of the {proof.pieces} ways of the code" if proof.pieces > 1 else ""
    verdict = f"{same} of {proof.rows} rows identical for all {sizes}{ways}; {_proved(bool(proof))}"
    return [*notes, f"{subject}: {verdict}"]


def _proved(truth: bool) -> str:
    return "proved" if truth else "NOT PROVED"


def _free(variant: Variant) -> str:
    """The free sizes of a model as text: 'B, H, W, T (tokens)'."""
    usual = [name for name in ("B", "H", "W") if name in variant.sizes]
    return ", ".join([*usual, *(f"{text_of(name)} ({name})" for name in variant.free_lengths)])


def _at_224(value: Any, variant: Variant) -> Any:
    if not is_symbolic(value):
        return value
    return value.evaluate({"B": 1, "H": 224, "W": 224, **variant.lengths})


def _model_data(variant: Variant) -> dict[str, Any]:
    return {"model": variant.model.id, "variant": variant.options_text}


def _block_data(case: Case) -> dict[str, Any]:
    return {"block": case.block, "where": list(case.where), "bounds": case.bounds}


def _data(proof: Proof) -> dict[str, Any]:
    return {
        "proved": bool(proof),
        "rows": proof.rows,
        "pieces": proof.pieces,
        "mismatches": [str(mismatch) for mismatch in proof.mismatches],
        "assumptions": list(proof.assumptions),
        "totals": [
            {
                "quantity": identity.name,
                "closed_form": str(identity.closed_form),
                "traced": str(identity.traced),
                "difference": str(identity.difference),
            }
            for identity in proof.totals
        ],
    }
