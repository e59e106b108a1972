"""What a search maximises: an additive score, or any function of a design."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from flopscope.designspaces.predictor import Fit, fitted, read_measured
from flopscope.designspaces.scores import Scores, from_table, read_scores, rows_of
from flopscope.designspaces.slots import Design
from flopscope.designspaces.space import Choices, DesignSpace
from flopscope.designspaces.tables import tables
from flopscope.errors import BadInput, FlopscopeError
from flopscope.extras import require_witnesses
from flopscope.quantities import QUANTITIES

Predictor: TypeAlias = Callable[[Choices], float]
"""Any function from the options of a design, by slot, to a number that is to be large."""

MEASURED = "measured"
"""Names the published accuracies that come with a space."""


class Objective(NamedTuple):
    """A score in `words`, either additive or any function; with the `fit` of a fitted one."""

    words: str
    scores: Scores | None = None
    function: Predictor | None = None
    fit: Fit | None = None

    @property
    def notes(self) -> list[str]:
        """Where scores come from, in sentences."""
        if self.fit is not None:
            return [self.fit.words]
        if self.scores is not None and self.scores.source:
            return [f"The score is the sum of {self.scores.source}."]
        return []


def objective(
    space: DesignSpace,
    accuracy: str | Predictor | None,
    maximise: str | None,
    *,
    fit_rows: int | None = None,
    seed: int = 0,
    res: int,
) -> Objective:
    """The objective of a search: `accuracy` is 'measured', a CSV of measured networks or of scores,
    'file.py:function' or a function; `maximise` is the name of
    a quantity.

    Raises BadInput for anything else, for both and for neither.
    """
    check_one_goal(accuracy, maximise)
    if maximise is not None:
        refuse_rows(fit_rows)
        (table,) = tables(space, [QUANTITIES[maximise]], res)
        return Objective(maximise, from_table(table, QUANTITIES[maximise].noun))
    if callable(accuracy):
        refuse_rows(fit_rows)
        return Objective("score", function=accuracy)
    assert accuracy is not None
    if ".py:" in accuracy:
        refuse_rows(fit_rows)
        return Objective("score", function=loaded(accuracy))
    return _from_file(space, accuracy, fit_rows, seed)


def check_one_goal(accuracy: str | Predictor | None, maximise: str | None) -> None:
    """Raises BadInput where both are given, and where neither is."""
    if (accuracy is None) == (maximise is None):
        raise BadInput(
            "a search maximises one thing; give either accuracy, such as a CSV with the columns "
            "design and accuracy of networks that you measured, or maximise, such as params"
        )


def refuse_rows(fit_rows: int | None) -> None:
    """Raises BadInput for a number of rows to fit."""
    if fit_rows is not None:
        raise BadInput("fit-rows is for a CSV of measured networks, and nothing is fitted here")


def _from_file(space: DesignSpace, text: str, fit_rows: int | None, seed: int) -> Objective:
    path, column = _path_of(space, text)
    header, _ = rows_of(path)
    if {"slot", "option", "score"} <= set(header) and column is None:
        refuse_rows(fit_rows)
        return Objective("score", read_scores(space, path))
    name, measured = read_measured(space, path, column)
    found = fitted(space, measured, rows=fit_rows, seed=seed, column=name, source=str(path))
    return Objective("score", found.scores, fit=found)


def _path_of(space: DesignSpace, text: str) -> tuple[Path, str | None]:
    """The file and the column of a text such as 'measured', 'own.csv' or 'own.csv:top1'."""
    if text != MEASURED:
        return with_column(text)
    if space.measured is None:
        raise none_measured(space.name)
    return space.measured, None


def none_measured(name: str) -> BadInput:
    """The refusal of 'measured' for a space of this name."""
    return BadInput(
        f"{name} comes without measured accuracies; give a CSV of your own, with the columns "
        f"design and accuracy (`flopscope space {name} --sample 300` draws designs to measure)"
    )


def with_column(text: str) -> tuple[Path, str | None]:
    """The file and the column of 'own.csv' or 'own.csv:top1'."""
    name, colon, column = text.rpartition(":")
    return (Path(name), column) if colon and name.endswith(".csv") else (Path(text), None)


def loaded(target: str) -> Predictor:
    """The function of 'file.py:function'. Raises BadInput where it is none."""
    require_witnesses()
    from flopscope.tracing.loading.targets import maker

    found: Any = maker(target)
    if not callable(found):
        raise BadInput(
            f"{target} is no function; name one that takes the options of a design by slot and "
            "gives a number"
        )
    return found  # type: ignore[no-any-return, unused-ignore]


def asked(function: Predictor, space: DesignSpace, design: Design) -> float:
    """What a function says of a design. Raises BadInput where that is no finite number."""
    return finite(function, space.choices(design), space.text(design))


def finite(function: Callable[[Any], float], choices: Mapping[str, Any], design: str) -> float:
    """What a function says of choices. Raises BadInput, which names the design, where that is no
    finite number."""
    try:
        value = float(function(choices))
    except (TypeError, ValueError):
        value = math.nan
    except FlopscopeError:
        raise
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise BadInput(f"the accuracy of the design '{design}' raises {said}") from error
    if not math.isfinite(value):
        raise BadInput(
            f"the accuracy of the design '{design}' is no finite number; the function must return "
            "one for each design"
        )
    return value
