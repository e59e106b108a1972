"""An additive predictor of accuracy, fitted on networks that were measured.

Accuracies are turned into ranks first: an additive model of ranks orders networks better than one
of the accuracies themselves, which a few bad networks distort. A score is thus the share of the
measured networks, in per cent, that a design is predicted to beat. How well it orders networks that
it has not seen is measured and always said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flopscope.designspaces.listed import ListedSpace
from flopscope.designspaces.scores import MILLIONTH, Scores, by_option, number_in, rows_of
from flopscope.designspaces.slots import Design
from flopscope.designspaces.space import DesignSpace
from flopscope.errors import BadInput, FlopscopeError

FOLDS = 5
"""So many parts are held out, one after the other, where all rows are fitted in the end."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """A fitted predictor: on how many networks, and Spearman's rank correlation of its scores with
    the accuracies of `held` networks that it was not fitted on."""

    scores: Scores
    fitted: int
    held: int
    spearman: float
    folds: int = 0
    column: str = "accuracy"

    @property
    def words(self) -> str:
        """The sentence that stands beside every score."""
        if self.folds:
            how = f"on all of them, in {self.folds} parts that were held out in turn,"
        else:
            how = f"on the other {self.held:,}"
        return (
            f"The score is an additive predictor of the rank of {self.column}, fitted on "
            f"{self.fitted:,} measured networks; its Spearman rank correlation {how} is "
            f"{self.spearman:.3f}."
        )


def read_measured(
    space: DesignSpace | ListedSpace, path: Path, column: str | None = None
) -> tuple[str, dict[Design, float]]:
    """The column and the mean accuracy of each measured network, from a CSV with the columns design
    and accuracy, or another `column`.

    Raises BadInput for columns that are missing and a row whose design or number cannot be read.
    """
    header, rows = rows_of(path)
    name = column or "accuracy"
    for needed in ("design", name):
        if needed not in header:
            raise BadInput(
                f"{path} has no column {needed}; its columns are {', '.join(header)}; give one "
                "with design and accuracy, or name another column as in FILE:top1"
            )
    found: dict[Design, list[Fraction]] = {}
    for place, row in enumerate(rows, start=2):
        try:
            design = space.design(row["design"])
        except FlopscopeError as error:
            raise BadInput(f"line {place} of {path}: {error}") from None
        found.setdefault(design, []).append(number_in(path, place, name, row[name]))
    return name, {design: float(sum(each) / len(each)) for design, each in found.items()}


def fitted(
    space: DesignSpace,
    measured: Mapping[Design, float],
    *,
    rows: int | None = None,
    seed: int = 0,
    column: str = "accuracy",
    source: str = "",
) -> Fit:
    """The predictor fitted on `rows` of the networks, drawn with this seed, and held against the
    rest; without `rows`, on all of them, and held against parts that are left out in turn.

    Raises BadInput where there are fewer networks than coefficients, and where an option is in none
    of those that it is fitted on.
    """
    designs = list(measured)
    Random(seed).shuffle(designs)
    values = np.array([measured[design] for design in designs])
    ones = _one_hot(space, designs)
    free = 1 + sum(len(slot.options) - 1 for slot in space.slots)
    taken = len(designs) if rows is None else rows
    least = free if rows is not None else -(-free * FOLDS // (FOLDS - 1))
    if taken < least or taken > len(designs) - (rows is not None) * 2:
        raise BadInput(_too_few(space, free, least, taken, len(designs), rows is not None))
    if rows is None:
        guessed = np.empty(len(designs))
        for part in range(FOLDS):
            held = np.arange(len(designs)) % FOLDS == part
            guessed[held] = ones[held] @ _solved(ones[~held], values[~held])
        coefficient = spearman(guessed, values)
        held_out, folds = len(designs), FOLDS
    else:
        weights = _solved(ones[:taken], values[:taken])
        coefficient = spearman(ones[taken:] @ weights, values[taken:])
        held_out, folds = len(designs) - taken, 0
    _check_covered(space, designs[:taken])
    final = _solved(ones[:taken], values[:taken])
    scores = _scores(space, final, f"predicted rank of {column}", source, measured)
    return Fit(scores, taken, held_out, coefficient, folds, column)


def _too_few(space: DesignSpace, free: int, least: int, taken: int, there: int, drawn: bool) -> str:
    if drawn and taken >= free:
        return (
            f"the file measures {there:,} networks, so that at most {max(there - 2, 0):,} can be "
            f"fitted and some be held out, not {taken:,}"
        )
    return (
        f"an additive predictor of {space.name} has {free} coefficients and needs at least "
        f"{least} measured networks, not {taken:,}; measure more"
    )


def _check_covered(space: DesignSpace, designs: Sequence[Design]) -> None:
    for n, slot in enumerate(space.slots):
        seen = {design[n] for design in designs}
        for option in slot.options:
            if option not in seen:
                raise BadInput(
                    f"the measured networks do not cover {space.name}: none of the "
                    f"{len(designs):,} fitted has {option} at {slot.name}; measure one that does"
                )


def _one_hot(space: DesignSpace, designs: Sequence[Design]) -> Floats:
    """(designs, 1 + options of all slots): 1 for every design and for the options it picks."""
    columns = [(n, option) for n, slot in enumerate(space.slots) for option in slot.options]
    picked = [[1.0, *(design[n] == option for n, option in columns)] for design in designs]
    return np.array(picked, dtype=np.float64)


def _solved(ones: Floats, values: Floats) -> Floats:
    """The least squares of the ranks in per cent, of the smallest norm."""
    percent = 100 * (ranks(values) + 0.5) / len(values)
    return np.linalg.lstsq(ones, percent, rcond=None)[0].astype(np.float64)


def _scores(
    space: DesignSpace, weights: Floats, words: str, source: str, measured: Mapping[Design, float]
) -> Scores:
    units = [round(Fraction(float(weight)) / MILLIONTH) for weight in weights]
    base, rest = units[0], iter(units[1:])
    slots = [{option: next(rest) for option in slot.options} for slot in space.slots]
    return by_option(space, slots, base=base, words=words, source=source, measured=measured)


def ranks(values: Any) -> Floats:
    """The rank of each value from 0, and for equal ones the mean of theirs.

    >>> ranks([3.0, 1.0, 3.0]).tolist()
    [1.5, 0.0, 1.5]
    """
    _, place, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    means = (2 * ends - counts - 1) / 2
    found: Floats = means[place].astype(np.float64)
    return found


def spearman(left: Any, right: Any) -> float:
    """Spearman's rank correlation: that of the ranks. C. Spearman, Am. J. Psychol. 15 (1904), 72.
    It is 0 where all values of one side are equal.

    >>> spearman([1, 2, 3], [10, 20, 15])
    0.5
    """
    a, b = ranks(left), ranks(right)
    a -= a.mean()
    b -= b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return round(float(a @ b) / scale, 12) if scale else 0.0
