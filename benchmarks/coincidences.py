"""How often a number that nobody published would be explained: the audit's null test.

Each published number is replaced by one within a tenth of it, drawn at random, and its table is
read with that. The share of those that are explained is compared with the chance that the audit
prints, and their ratio must not be above one by more than the draws explain.
"""

from __future__ import annotations

import math
import random

from flopscope.catalog.figures import figures, has_figures
from flopscope.catalog.models import MODELS
from flopscope.reconciling.audit import read_tables
from flopscope.reconciling.source_tables import numbers

DRAWS = 20
SEED = 0


def main() -> None:
    families = dict.fromkeys(model.family for model in MODELS.values())
    every = [f for name in families if has_figures(name) for f in figures(name)]
    stated, read, draw = numbers(every), read_tables(every), random.Random(SEED)
    sums: dict[str, list[float]] = {}
    for number in stated:
        column, place = read.place(number)
        row = column.rows[place]
        if len(column.rows) == 1:
            continue  # a number alone is looked for as far as it takes to explain it
        chance = float(column.explained(place).chance)
        digits = f"{min(row.significant, 5)} digits" + (" or more" if row.significant > 4 else "")
        found = sums.setdefault(digits, [0, 0.0, 0.0, 0.0])
        for _ in range(DRAWS):
            value = draw.randint(*row.near)
            found[0] += 1
            found[1] += column.explained(place, value).by is not None
            found[2] += chance
            found[3] += chance * (1 - chance)
    print("numbers drawn within a tenth of published ones, by digits")
    print("digits               drawn  explained  chance printed  deviations")
    for digits, (drawn, explained, chance, variance) in sorted(sums.items()):
        away = (explained - chance) / math.sqrt(variance) if variance else 0.0
        shares = f"{explained / drawn:9.2%} {chance / drawn:14.2%}"
        print(f"{digits:18} {drawn:6.0f} {shares} {away:+10.1f}")


if __name__ == "__main__":
    main()
