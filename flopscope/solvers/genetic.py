"""A frontier of cost and any score, searched for with pymoo's NSGA-II: K. Deb et al., IEEE Trans.
Evol. Comput. 6 (2002), 182.

It proves nothing, and takes any function of a design for a score. It starts from designs that are
given, which should be uniform samples of those within the budgets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from flopscope.designspaces.slots import FREE, Design
from flopscope.designspaces.space import DesignSpace
from flopscope.extras import require_nsga2

Evaluate = Callable[[Design], tuple[float, float, float]]
"""The cost of a design, its score, and by how much it breaks budgets; at most 0 if it keeps all."""


def evolve(
    space: DesignSpace,
    evaluate: Evaluate,
    start: Sequence[Design],
    *,
    evaluations: int,
    seed: int = 0,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> bool:
    """Evaluate about so many designs, beginning with these; was it done to the end? An interrupt
    from the keyboard ends it early. Raises BadInput where pymoo cannot be imported.

    `evaluate` is asked once for each design, and keeps what it wants to know. The number of designs
    at the start is that of each generation.
    """
    require_nsga2()
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.core.problem import Problem
    from pymoo.operators.crossover.ux import UniformCrossover
    from pymoo.operators.mutation.pm import PolynomialMutation
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.optimize import minimize

    known: dict[Design, tuple[float, float, float]] = {}

    class Designs(Problem):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            most = [len(slot.options) - 1 for slot in space.slots]
            super().__init__(
                n_var=len(most), n_obj=2, n_ieq_constr=1, xl=np.zeros(len(most)), xu=most, vtype=int
            )

        def _evaluate(self, x: Any, out: Any, *args: Any, **kwargs: Any) -> None:
            found = []
            for numbers in x:
                design = decoded(space, numbers)
                if design not in known:
                    known[design] = evaluate(design)
                found.append(known[design])
            tell(min(len(known), evaluations), evaluations)
            costs, scores, broken = np.array(found).T
            out["F"], out["G"] = np.column_stack([costs, -scores]), broken[:, None]

    algorithm = NSGA2(
        pop_size=len(start),
        sampling=np.array([encoded(space, design) for design in start]),
        crossover=UniformCrossover(repair=RoundingRepair()),
        mutation=PolynomialMutation(eta=3, repair=RoundingRepair()),
        eliminate_duplicates=True,
    )
    try:
        minimize(Designs(), algorithm, ("n_eval", evaluations), seed=seed, verbose=False)
    except KeyboardInterrupt:
        return False
    return True


def encoded(space: DesignSpace, design: Design) -> list[int]:
    """The places of a design's options in those of their slots."""
    pairs = zip(space.slots, design, strict=True)
    return [slot.options.index(option) for slot, option in pairs]


def decoded(space: DesignSpace, numbers: Sequence[Any]) -> Design:
    """A design from any numbers: the option of that place where it can be picked, and another that
    can be picked otherwise. It inverts `encoded`."""
    state, design = FREE, []
    for n, (slot, value) in enumerate(zip(space.slots, numbers, strict=True)):
        option = slot.options[int(value)]
        moves = space.open(n, state)
        own = [move for move in moves if move.option == option]
        move = own[0] if own else moves[int(value) % len(moves)]
        design.append(move.option)
        state = move.after
    return tuple(design)
