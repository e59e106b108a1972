"""What papers and repositories state of networks for other tasks than ImageNet-1k classification:
values of other metrics, each with its name and its citation.

No value of one metric is ever ranked beside one of another, nor beside an ImageNet-1k top-1. The
data are the tables under `published/metrics/`, one file a family, one row a value. Networks of
those families have no top-1 in `figures`.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from flopscope.brief import short
from flopscope.catalog.figures import KINDS, folder


class Metric(NamedTuple):
    """What a value says. name: that of its column. heading: above the column, with the unit. words:
    in a sentence. unit: "%", or "points". detail: how it is measured, for those who ask."""

    name: str
    heading: str
    words: str
    unit: str = "%"
    detail: str = ""

    @property
    def told(self) -> str:
        """The words for its column."""
        return f"published {self.words}{self.detail}, in {self.unit}"

    def said(self, value: str) -> str:
        """A value in a sentence.

        >>> METRICS["gqa"].said("59.3")
        'GQA accuracy 59.3 %'
        """
        return f"{self.words} {value} {self.unit}"


VITDET = ", zero-shot from the boxes of ViTDet-H"

METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("zero_shot", "Zero-shot\n%", "zero-shot top-1 on ImageNet-1k"),
        Metric("zero_shot_38", "38 sets\n%", "zero-shot average over 38 data sets"),
        Metric("coco_ap", "COCO\nAP %", "COCO mask AP", detail=VITDET),
        Metric("lvis_ap", "LVIS\nAP %", "LVIS mask AP", detail=VITDET),
        Metric("coco_box", "COCO box\nmIoU %", "COCO mIoU from a box"),
        Metric("coco_click", "COCO click\nmIoU %", "COCO mIoU from 1 click"),
        Metric("coco_clicks", "COCO clicks\nmIoU %", "COCO mIoU from 3 clicks"),
        Metric("lvis_box", "LVIS box\nmIoU %", "LVIS mIoU from a box"),
        Metric("lvis_click", "LVIS click\nmIoU %", "LVIS mIoU from 1 click"),
        Metric("lvis_clicks", "LVIS clicks\nmIoU %", "LVIS mIoU from 3 clicks"),
        Metric("gqa", "GQA\n%", "GQA accuracy"),
        Metric("sqa", "SQA\n%", "ScienceQA accuracy", detail=" on questions with an image"),
        Metric("textvqa", "TextVQA\n%", "TextVQA accuracy"),
        Metric("pope", "POPE\n%", "POPE", detail=" on imagined objects"),
        Metric("mme", "MME\npoints", "MME perception", "points", ", of 2,000 at most"),
        Metric("mmbench", "MMBench\n%", "MMBench accuracy", detail=" on the dev set"),
    )
}
"""The metrics by their names, in the order in which they are told."""


class Score(NamedTuple):
    """One value of one metric, as one source states it of one network.

    model, variant, resolution, kind, source, note: as in a `Figure`. metric: a name in `METRICS`.
    value: as stated, in the unit of the metric.
    """

    model: str
    variant: str
    resolution: tuple[int, int]
    metric: str
    value: str
    kind: str
    source: str
    note: str | None

    def __repr__(self) -> str:
        return short(self, f"{self.model}, {self.metric} {self.value}, {self.source}")

    @property
    def of(self) -> Metric:
        """Its metric."""
        return METRICS[self.metric]

    @property
    def said(self) -> str:
        """What it says, in a sentence.

        >>> scores("mobileclip_s0", "mobileclip", "", (256, 256))[0].said
        'zero-shot top-1 on ImageNet-1k 67.8 %'
        """
        return self.of.said(self.value)


@cache
def family_scores(family: str) -> tuple[Score, ...]:
    """All scores of a family, in the order of its file. Empty for a family without a file.

    >>> family_scores("mobilenetv2")
    ()
    """
    names = [entry.name for entry in (folder() / "metrics").iterdir()]
    # The name is looked up in the listing first, so that "../x" cannot leave the folder.
    if f"{family}.csv" not in names:
        return ()
    with (folder() / "metrics" / f"{family}.csv").open(encoding="utf-8") as file:
        return tuple(_score(row) for row in csv.DictReader(file))


def scores(
    model: str, family: str, variant: str, resolution: tuple[object, object] | None
) -> tuple[Score, ...]:
    """The scores of one network at one resolution, (height, width) in pixels, in the order of
    `METRICS`; the most authoritative kind of source comes first within a metric.

    >>> [score.metric for score in scores("mobilevlm_v2_3b", "mobilevlm", "", (336, 336))][:3]
    ['gqa', 'sqa', 'textvqa']
    """
    order = list(METRICS)
    asked = (model, variant, resolution)
    found = [s for s in family_scores(family) if (s.model, s.variant, s.resolution) == asked]
    return tuple(sorted(found, key=lambda s: (order.index(s.metric), KINDS.index(s.kind))))


def _score(row: dict[str, str]) -> Score:
    height, width = row["resolution"].split("x")
    return Score(
        row["model"],
        row["variant"],
        (int(height), int(width)),
        row["metric"],
        row["value"],
        row["kind"],
        row["source"],
        row["note"] or None,
    )
