"""Closed forms and laws by name."""

from __future__ import annotations

from collections.abc import Sequence

from flopscope.api.public import public
from flopscope.closedform import Formula


@public()
def formula(name: str, quantity: str = "macs", *, free: str | Sequence[str] = ()) -> Formula:
    """The closed form of a model or block; see `flopscope.answers.formula.formula`.

    `free` names options of a model that are left free too: "width", or a list such as ["width",
    "depth"]. Raises BadInput, UnknownName.

    >>> print(formula("separable_conv"))
      B·C_in · H·W · (K² + C_out)
    """
    from flopscope.answers import formula as answers

    return answers.formula(name, quantity, tuple(free))
