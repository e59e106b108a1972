"""The two passes of a training step: the work of each, and the bytes kept between them."""

from __future__ import annotations

from functools import partial
from typing import Any

from flopscope.answers.profile import Profile
from flopscope.closedform.text import one_line
from flopscope.conventions import Convention
from flopscope.present.numbers import integer
from flopscope.present.profile_columns import formula_column, number_text
from flopscope.present.profile_data import reading_data
from flopscope.present.table import Column, Table
from flopscope.quantities import MACS
from flopscope.readings import Reading
from flopscope.sizes import is_symbolic


def passes_table(profile: Profile, convention: Convention, *, free: bool) -> Table:
    """The table of forward pass, backward pass and both, with numbers or, at free sizes,
    formulas."""
    work = MACS.under(convention)
    text = partial(number_text, work)
    count = formula_column() if free else Column("count", work.line, text, raw=int)
    name = Column("pass", f"Pass, {work.line}" if free else "Pass", numeric=False)
    rows = [[each, reading] for each, reading in _passes(profile, convention).items()]
    return Table([name, count], rows, notes=[_saved(profile)])


def passes_data(profile: Profile, convention: Convention) -> dict[str, Any]:
    """The passes for JSON. The saved bytes are null if the trace does not tell them."""
    passes = _passes(profile, convention)
    saved = None if profile.saved is None else reading_data(profile.saved)
    counts = {name: reading_data(reading) for name, reading in passes.items()}
    return {"passes": counts, "saved_bytes": saved}


def _passes(profile: Profile, convention: Convention) -> dict[str, Reading]:
    ledger = profile.ledger
    forward = ledger.filter(lambda row: not row.backward)
    backward = ledger.filter(lambda row: row.backward)
    parts = {"forward": forward, "backward": backward, "total": ledger}
    return {name: MACS.under(convention).read(part) for name, part in parts.items()}


def _saved(profile: Profile) -> str:
    if profile.saved is None:
        return "saved for the backward pass: not known at free sizes; give numbers"
    value = profile.saved.value
    shown = one_line(value) if is_symbolic(value) else integer(int(value))
    return f"saved for the backward pass: {shown} bytes in float32, without parameters and inputs"
