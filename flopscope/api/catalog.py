"""What the catalogue holds."""

from __future__ import annotations

from dataclasses import dataclass

from flopscope.api.public import public
from flopscope.present.report import Report
from flopscope.present.table import Document


@dataclass(frozen=True, repr=False)
class ListReport(Report):
    """The report of a list: `list_models` and `list_conventions`."""

    page: Document
    words: str

    def document(self) -> Document:
        """The list."""
        return self.page

    @property
    def about(self) -> str:
        return self.words


@public()
def list_models() -> ListReport:
    """The models of the catalogue, with their options and papers.

    >>> "mobilenetv2" in list_models().to_csv()
    True
    """
    from flopscope.present.catalog import list_document

    return ListReport(list_document(), "the models of the catalogue")


@public()
def list_conventions() -> ListReport:
    """What each tool and the papers count.

    >>> "fvcore" in list_conventions().to_csv()
    True
    """
    from flopscope.present.catalog import conventions_document

    return ListReport(conventions_document(), "the conventions")
