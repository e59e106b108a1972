"""Closed forms and laws, as formulas and as pages of formulas."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

from flopscope.api.given import text
from flopscope.api.public import public
from flopscope.closedform import Formula
from flopscope.errors import BadInput
from flopscope.present.report import Report

if TYPE_CHECKING:
    import pandas as pd

    from flopscope.present.formula import FormulaPage
    from flopscope.present.laws import LawPage
    from flopscope.present.render import Formats


class PageReport(Report):
    """A report that is a page of formulas, not of tables."""

    for_people: ClassVar[str] = "text"

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text("json"))
        return found

    def to_python(self) -> str:
        """The formulas as Python functions."""
        return self.text("python")

    def to_frame(self) -> pd.DataFrame:
        """Raises BadInput, because a page of formulas has no table."""
        raise BadInput(
            f"{type(self).__name__} has no table; it has text(), to_latex(), to_python() and "
            "to_dict()"
        )

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


class FormulaPages(PageReport):
    """A report on formulas of one network or block."""

    @property
    def formats(self) -> Formats:
        """The formats of formulas."""
        from flopscope.present.formula import FORMATS

        return FORMATS

    def to_frame(self) -> pd.DataFrame:
        """A line for each formula: its name, unit, convention, domain and text. Needs pandas."""
        from flopscope.extras import require_frames

        require_frames()
        import pandas as pd

        rows = [
            (f.name, f.unit, f.convention, f.domain, " ".join(str(f).split()))
            for f in self.document().formulas
        ]
        return pd.DataFrame(rows, columns=["name", "unit", "convention", "domain", "formula"])


@dataclass(frozen=True, repr=False)
class FormulaReport(FormulaPages):
    """The report that `formulas` returns. `page` holds its formulas."""

    page: FormulaPage

    def document(self) -> FormulaPage:
        """The formulas, with their source and notes."""
        return self.page

    @property
    def about(self) -> str:
        return ", ".join(formula.name for formula in self.page.formulas)


@dataclass(frozen=True, repr=False)
class LawReport(PageReport):
    """The report that `law` returns: laws with their derivations."""

    pages: tuple[LawPage, ...]

    def document(self) -> Any:
        """The law; of several, all of them under a table of contents."""
        return self.pages[0] if len(self.pages) == 1 else self.pages

    @property
    def formats(self) -> Formats:
        """The formats of one law, or of several."""
        from flopscope.present.laws import FORMATS, FORMATS_OF_ALL

        return FORMATS if len(self.pages) == 1 else FORMATS_OF_ALL

    @property
    def about(self) -> str:
        return ", ".join(page.name for page in self.pages)


@public()
def formula(name: str, quantity: str = "macs", *, free: str | Sequence[str] = ()) -> Formula:
    """The cost of a model or block as a formula, which computes with `.at(H=224, W=224, B=1)`.

    `free` names options of a model that are left free too: "width", or a list such as ["width",
    "depth"]. Raises BadInput, UnknownName.

    >>> print(formula("separable_conv"))
      B·C_in · H·W · (K² + C_out)
    """
    from flopscope.answers import formula as answers

    return answers.formula(name, quantity, tuple(free))


@public()
def formulas(
    name: str,
    *,
    quantities: str | Sequence[str] = ("macs", "params"),
    free: str | Sequence[str] = (),
    assume: str | None = None,
    ideal: bool = False,
) -> FormulaReport:
    """The closed forms of a model or block, as `flopscope formula` prints them.

    `assume` says that sizes are multiples, as in "H, W multiples of 32"; `ideal` drops every
    rounding. Raises BadInput, UnknownName.

    >>> print(formulas("mobilenetv2", quantities="params").page.formulas[0].at())
    3504872
    """
    from flopscope.answers import formula as answers
    from flopscope.present.formula import FormulaPage

    found = [answers.formula(name, quantity, tuple(free)) for quantity in quantities]
    shaped = answers.reshaped(found, answers.parse_multiples(assume) if assume else {}, ideal)
    return FormulaReport(FormulaPage(*answers.publication(name), shaped, cautions(quantities)))


@public(names=text)
def law(*names: str) -> LawReport:
    """Laws that follow from closed forms, such as "separable-ratio" or "width-law:mobilenetv2",
    each with its derivation; without a name, all of them. Raises BadInput, UnknownName.

    >>> law("separable-ratio")
    LawReport(separable-ratio)
    """
    from flopscope.laws import LAWS
    from flopscope.laws import law as derived
    from flopscope.present.laws import LawPage

    return LawReport(tuple(LawPage(name, derived(name)) for name in names or LAWS))


def cautions(quantities: Sequence[str]) -> list[str]:
    """What must be said of formulas of these quantities."""
    from flopscope.present import quantities as present
    from flopscope.quantities import formulas

    return present.cautions(formulas()[name] for name in quantities)
