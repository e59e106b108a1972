"""Closed forms and laws, as formulas and as pages of formulas."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

from flopscope.api.given import text
from flopscope.api.public import public
from flopscope.api.subject import Shapes, shapes
from flopscope.closedform import Formula
from flopscope.errors import BadInput
from flopscope.present.report import Report

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    from flopscope.api.derive import DerivationReport
    from flopscope.facts import InputSpec
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


@public(inputs=shapes)
def formula(
    name: str | nn.Module,
    quantity: str = "macs",
    *,
    inputs: Shapes = (),
    free: str | Sequence[str] = (),
) -> Formula:
    """The cost of a model, a block or another network as a formula, which computes with `.at(H=224,
    W=224, B=1)`. Of a model it is the closed form, of another network that of its code or graph.

    `free` names options of a model that are left free too: "width", or a list such as ["width",
    "depth"]. `inputs` are those of another network, such as ("B", 3, "H", "W"); without them its
    first layer tells their shape. Raises BadInput, UnknownName.

    >>> print(formula("separable_conv"))
      B·C_in · H·W · (K² + C_out)
    """
    if is_traced(name):
        return _traced(name, inputs, [quantity], free).formula(quantity)
    return _closed(str(name), inputs, [quantity], free)[2][0]


@public(inputs=shapes)
def formulas(
    name: str | nn.Module,
    *,
    quantities: str | Sequence[str] = ("macs", "params"),
    inputs: Shapes = (),
    free: str | Sequence[str] = (),
    assume: str | None = None,
    ideal: bool = False,
) -> FormulaReport:
    """The formulas of a model, a block or another network, as `flopscope formula` prints them.

    `inputs` are those of another network. `assume` says that sizes are multiples, as in "H, W
    multiples of 32"; `ideal` drops every rounding: both are for the catalogue and ONNX files.
    Raises BadInput, UnknownName.

    >>> print(formulas("mobilenetv2", quantities="params").page.formulas[0].at())
    3504872
    """
    from flopscope.answers import formula as answers
    from flopscope.present.formula import FormulaPage

    if is_traced(name):
        return FormulaReport(_traced(name, inputs, quantities, free, assume, ideal).document())
    title, source, found = _closed(str(name), inputs, quantities, free)
    shaped = answers.reshaped(found, answers.parse_multiples(assume) if assume else {}, ideal)
    return FormulaReport(FormulaPage(title, source, shaped, cautions(quantities)))


def is_traced(name: Any) -> bool:
    """Is it a network whose formula its code tells: a module, or a text that names one?"""
    from flopscope.answers.target import is_own
    from flopscope.laws import is_law

    return not isinstance(name, str) or (is_own(name) and not is_law(name))


def _traced(
    network: str | nn.Module,
    inputs: Sequence[InputSpec],
    quantities: Sequence[str],
    *closed: object,
) -> DerivationReport:
    """The formulas of code. Raises BadInput for what only a closed form has."""
    from flopscope.api.derive import of_network

    if any(closed):
        named = network if isinstance(network, str) else type(network).__name__
        raise BadInput(
            f"{named} is not of the catalogue, and free, assume and ideal are for it; leave them "
            "out, or see fs.derive"
        )
    return of_network(network, inputs, quantities)


def _closed(
    name: str, inputs: Sequence[InputSpec], quantities: Sequence[str], free: Sequence[str]
) -> tuple[str, str, list[Formula]]:
    """The title, source and formulas of a closed form or a graph. Raises BadInput for inputs of a
    closed form, which has its own."""
    from flopscope.answers import formula as answers
    from flopscope.answers.graph_formula import graph_formulas, graph_source, is_graph
    from flopscope.laws import is_law

    if is_graph(name):
        found, on = graph_formulas(name, quantities, tuple(free), inputs)
        return name, graph_source(on), found
    if is_law(name):
        raise BadInput(f"{name} is a law, which has formulas of its own; see fs.law({name!r})")
    made = [answers.formula(name, quantity, tuple(free)) for quantity in quantities]
    if inputs:
        raise BadInput(f"{name} is free in the sizes of its inputs already; leave inputs out")
    return *answers.publication(name), made


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
