"""Training schedules of a paper and of its released code, and claimed savings of time, as tables
below the published figures."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from flopscope.catalog.training import IMAGES, SOURCE, TABLE_6
from flopscope.present.numbers import scientific
from flopscope.present.table import Column, Table
from flopscope.reconciling.schedules import FIRST, STAGES, ScheduleFinding, TimeFinding, Work

SOURCES = {"paper": TABLE_6, "code": SOURCE}


def schedule_table(found: Sequence[ScheduleFinding]) -> Table:
    """Each schedule with its work, and that at its last size from the first step on."""
    columns = [
        Column("model", "Model", numeric=False),
        Column("schedule", "By", numeric=False),
        Column("sizes", "Sizes", numeric=False),
        Column("randaugment", "Rand-\nAugment", numeric=False),
        Column("dropout", "Drop-\nout", numeric=False),
        Column("flops", "FLOPs", scientific),
        Column("fixed", "At the last\nsize alone", scientific),
        Column("saved", "Saved\n%", _percent, raw=_raw),
    ]
    rows = [
        [finding.network if one is finding.paper else None, *_row(one)]
        for finding in found
        for one in (finding.paper, finding.code)
    ]
    title = (
        "Training schedules, which differ between the paper and the released code. FLOPs are those "
        f"of both passes, two a MAC, of all epochs of {IMAGES:,} images, equally many in each "
        "stage."
    )
    notes = [f"{by.capitalize()}: {source}." for by, source in SOURCES.items()]
    return Table(columns, rows, title, notes, aside=True)


def _row(one: Work) -> list[Any]:
    sizes = " ".join(map(str, one.sizes))
    ends = [_ends(one.randaugment), _ends(one.dropout)]
    return [one.by, sizes, *ends, one.flops, one.fixed, one.saved]


def _ends(values: tuple[float, float]) -> str:
    first, last = values
    return f"{first:g}" if first == last else f"{first:g} to {last:g}"


def _percent(share: Fraction) -> str:
    return f"{float(100 * share):.1f}"


def _raw(share: Fraction) -> str:
    return f"{float(share):.6g}"


def time_table(found: Sequence[TimeFinding]) -> Table:
    """The claimed savings of time beside those of work."""
    columns = [
        Column("model", "Model", numeric=False),
        Column("inference", "Inference"),
        Column("fixed", "Fixed\nhours"),
        Column("progressive", "Progressive\nhours"),
        Column("time", "Time saved\n%"),
        Column("work", "Work saved\n%", numeric=False),
        Column("verdict", "Saves", numeric=False),
        Column("source", "Ref."),
    ]
    references = list(dict.fromkeys(each.claim.source for each in found))
    rows = [
        [
            each.claim.network, each.claim.size, f"{float(each.claim.fixed):g}",
            f"{float(each.claim.progressive):g}", each.claim.saved,
            f"{_percent(each.least)} to {_percent(each.most)}", each.verdict,
            f"[{references.index(each.claim.source) + 1}]",
        ]
        for each in found
    ]  # fmt: skip
    title = "Hours of training that the paper states, and work, fixed and by progressive learning."
    notes = [
        f"Work is that of both passes over {STAGES} stages that rise from {FIRST} to the size of "
        "inference or to four fifths of it: the paper does not state at what size each of these "
        "networks ended, but that training images are about a fifth smaller (section 5.1).",
        *(f"[{n}] {source}." for n, source in enumerate(references, start=1)),
    ]
    return Table(columns, rows, title, notes, aside=True)


def training_data(
    schedules: Sequence[ScheduleFinding], times: Sequence[TimeFinding]
) -> dict[str, Any]:
    """Both tables for JSON, with every count in full."""
    return {
        "schedules": [
            {
                "model": each.network,
                **{
                    one.by: {
                        "sizes": list(one.sizes),
                        "randaugment": list(one.randaugment),
                        "dropout": list(one.dropout),
                        "flops": one.flops,
                        "fixed_flops": one.fixed,
                        "saved": float(one.saved),
                        "source": SOURCES[one.by],
                    }
                    for one in (each.paper, each.code)
                },
            }
            for each in schedules
        ],
        "times": [
            {
                "model": each.claim.network,
                "inference_size": each.claim.size,
                "fixed_hours": float(each.claim.fixed),
                "progressive_hours": float(each.claim.progressive),
                "time_saved": each.claim.saved / 100,
                "work_saved": [float(each.least), float(each.most)],
                "verdict": each.verdict,
                "source": each.claim.source,
            }
            for each in times
        ],
    }
