"""What the Python functions return: a result that prints as a table, and converts to what a
notebook or a paper needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from flopscope.brief import short
from flopscope.errors import BadInput
from flopscope.present.render import FORMATS, Formats, render
from flopscope.present.style import Style, styled
from flopscope.present.table import Document

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


class Report(ABC):
    """An answer with its conversions. It prints as the command of its name prints.

    A subclass says what its document is, or another kind of page that its `formats` write. It is
    false where a check failed or a budget is broken.
    """

    for_people: ClassVar[str] = "table"
    """The format in which it prints."""

    @abstractmethod
    def document(self) -> Any:
        """The tables and the data."""

    @property
    def formats(self) -> Formats:
        """The formats in which it can be written, by name."""
        return FORMATS

    @property
    def about(self) -> str:
        """What it is about, for its short form."""
        return str(self.document().tables[0].title)

    @property
    def holds(self) -> bool:
        """Did every check pass, and is every budget kept? True where there is neither."""
        return True

    @property
    def data(self) -> dict[str, Any]:
        """The facts as one object."""
        found: dict[str, Any] = self.document().data
        return found

    def to_frame(self) -> pd.DataFrame:
        """The first table as a data frame of raw values. Needs pandas."""
        from flopscope.extras import require_frames

        require_frames()
        import pandas as pd

        table = self.document().tables[0]
        return pd.DataFrame(table.raw(), columns=[column.key for column in table.columns])

    def to_dict(self) -> dict[str, Any]:
        """The object that `--format json` prints."""
        return self.data

    def to_json(self) -> str:
        """The same object as text."""
        return self.text("json")

    def to_markdown(
        self,
        units: str | None = None,
        digits: int | None = None,
        caption: str | None = None,
        bold: bool = False,
    ) -> str:
        """The tables in GitHub's Markdown, in a style; see `flopscope.present.style.Style`.

        Raises BadInput for a style that is none or does not fit the tables.
        """
        style = Style(units, digits, caption, bold=bold)
        return self._in_style("markdown", style)

    def to_latex(
        self,
        units: str | None = None,
        digits: int | None = None,
        caption: str | None = None,
        label: str | None = None,
        bold: bool = False,
    ) -> str:
        """The tables in LaTeX, by the packages that its first lines name, in a style.

        `units` and `digits` write counts as in "M" with so many decimals, a `caption` makes it a
        table with that caption and `label`, and `bold` marks the best values; see
        `flopscope.present.style.Style`. Raises BadInput as `to_markdown` does.
        """
        style = Style(units, digits, caption, label, bold)
        return self._in_style("latex", style)

    def to_csv(self) -> str:
        """Raw values, separated by commas."""
        return self.text("csv")

    def text(self, format_name: str) -> str:
        """The report in a format by its name. Raises UnknownName for a format that it has not."""
        return render(self.document(), format_name, self.formats)

    def _in_style(self, format_name: str, style: Style) -> str:
        page = self.document()
        if isinstance(page, Document):
            return render(styled(page, style), format_name, self.formats)
        if style != Style():
            raise BadInput(
                "units, digits, captions, labels and bold are for tables; leave them out"
            )
        return self.text(format_name)

    def plot(self, ax: Axes | None = None, **look: Any) -> Axes:
        """Raises BadInput, because this kind of report has no picture."""
        raise BadInput(
            f"{type(self).__name__} has no picture; fs.compare, fs.pareto and fs.profile give "
            "reports that can be drawn"
        )

    def __bool__(self) -> bool:
        return self.holds

    def __str__(self) -> str:
        return self.text(self.for_people).rstrip("\n")

    def __repr__(self) -> str:
        return short(self, self.about)

    def _repr_html_(self) -> str:
        return self.text("html")
