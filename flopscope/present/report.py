"""What the Python functions return: a result that prints as a table, and converts to what a
notebook or a paper needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from flopscope.present.render import render
from flopscope.present.style import Style, styled
from flopscope.present.table import Document

if TYPE_CHECKING:
    import pandas as pd


class Report(ABC):
    """A document of tables with its conversions. A subclass only says what the document is."""

    @abstractmethod
    def document(self) -> Document:
        """The tables and the data."""

    @property
    def data(self) -> dict[str, Any]:
        """The facts as one object."""
        return self.document().data

    def to_frame(self) -> pd.DataFrame:
        """The first table as a data frame of raw values."""
        import pandas as pd

        table = self.document().tables[0]
        return pd.DataFrame(table.raw(), columns=[column.key for column in table.columns])

    def to_dict(self) -> dict[str, Any]:
        """The object that `--format json` prints."""
        return self.data

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
        return render(styled(self.document(), style), "markdown")

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
        return render(styled(self.document(), style), "latex")

    def to_csv(self) -> str:
        """Raw values, separated by commas."""
        return render(self.document(), "csv")

    def __str__(self) -> str:
        return render(self.document(), "table")

    def _repr_html_(self) -> str:
        return render(self.document(), "html")
