"""Two networks, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flopscope.api.given import flag, network
from flopscope.api.networks import formed, named
from flopscope.api.public import public
from flopscope.api.subject import Shapes, specs
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    from flopscope.answers.diff import Diff


@dataclass(frozen=True, repr=False)
class DiffReport(Report):
    """The report that `diff` returns. `found` holds the pairs of rows; with `everything` it shows
    those that are the same, too."""

    found: Diff
    everything: bool = False

    @property
    def same(self) -> bool:
        """Are the networks the same, row by row, whatever their rows are called?"""
        return self.found.same

    def document(self) -> Document:
        """The totals, and the rows that differ or the sums of their differences."""
        from flopscope.present.diff import diff_document

        return diff_document(self.found, everything=self.everything)

    @property
    def about(self) -> str:
        return named([self.found.before, self.found.after])

    def to_frame(self) -> pd.DataFrame:
        """The rows that differ, or the sums, as a data frame of raw values. Needs pandas."""
        from flopscope.extras import require_frames

        require_frames()
        import pandas as pd

        table = self.document().tables[-1]
        return pd.DataFrame(table.raw(), columns=[column.key for column in table.columns])


@public(before=network, after=network, everything=flag)
def diff(
    before: str | nn.Module,
    after: str | nn.Module,
    *inputs: Shapes,
    res: int | tuple[int, int] | None = None,
    batch: int = 1,
    convention: str = "macs",
    by: str | None = None,
    everything: bool = False,
    form: str | None = None,
    example: Mapping[str, int] | None = None,
) -> DiffReport:
    """Two networks matched row by row: what was added, removed and changed, with the cost of each.

    Each is a target of any kind, or a module; `inputs`, or `res` and `batch`, are those of both,
    and each has its own without them. `by` sums the differences by module, layer, block, stage or
    kind. A difference is the cost in `after` less that in `before`. Raises BadInput, UnknownName.

    >>> report = diff("mobilenetv2", "mobilenetv2:classes=10")
    >>> report.same, report.to_dict()["difference"]["params"]
    (False, -1268190)
    """
    from flopscope.answers import diff as answers

    first, second = formed([before, after], form)
    more: dict[str, Any] = {"inputs": specs(inputs), "example": example}
    found = answers.diff(
        first, second, res=res, batch=batch, convention_name=convention, by=by, **more
    )
    return DiffReport(found, everything)
