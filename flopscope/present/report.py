"""What the Python functions return: a result that prints as a table, and converts to what a
notebook or a paper needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from flopscope.present.render import render
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

    def to_markdown(self) -> str:
        """The tables in GitHub's Markdown."""
        return render(self.document(), "markdown")

    def to_latex(self) -> str:
        """The tables in LaTeX, by the package booktabs."""
        return render(self.document(), "latex")

    def to_csv(self) -> str:
        """Raw values, separated by commas."""
        return render(self.document(), "csv")

    def __str__(self) -> str:
        return render(self.document(), "table")

    def _repr_html_(self) -> str:
        return render(self.document(), "html")
