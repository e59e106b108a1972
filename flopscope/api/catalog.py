"""What the catalogue holds."""

from __future__ import annotations

from dataclasses import dataclass

from flopscope.api.budgets import budgets
from flopscope.api.given import text
from flopscope.api.public import public
from flopscope.brief import number_of
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


@public(patterns=text)
def list_models(*patterns: str, **limits: int | float | str | None) -> ListReport:
    """The models of the catalogue, with their options and papers: all of them, or those that a
    pattern such as "ghost*" names and that keep budgets such as max_macs="300M". Raises BadInput,
    UnknownName.

    >>> "mobilenetv2" in list_models().to_csv()
    True
    """
    from flopscope.choosing.listing import listing
    from flopscope.present.catalog import list_document

    found = listing(patterns, budgets(limits, "max_"))
    return ListReport(list_document(found), f"{number_of(found.models, 'model')} of the catalogue")


@public()
def list_conventions() -> ListReport:
    """What each tool and the papers count.

    >>> "fvcore" in list_conventions().to_csv()
    True
    """
    from flopscope.present.catalog import conventions_document

    return ListReport(conventions_document(), "the conventions")
