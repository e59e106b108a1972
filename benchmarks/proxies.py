"""What zero-cost proxies know of accuracy: their rank correlation with NAS-Bench-Macro.

A seeded sample of its 6,561 networks, each with weights as PyTorch draws them from one seed, is
given random images. Spearman's coefficient with the mean of the three published accuracies is
printed for each proxy with its bootstrap interval, and the partial one given MACs. The rows are
those of `flopscope/catalog/proxies.py`; it takes half an hour and is not a part of `make bench`.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from flopscope.answers.proxies import rank_sum
from flopscope.designspaces.macro import MEASURED as PUBLISHED
from flopscope.designspaces.predictor import spearman
from flopscope.measured.proxies import MEASURED, measured_proxies
from reference_models.nasbenchmacro import NASBenchMacro

NETWORKS, SEED, BATCH, RES, CLASSES = 200, 0, 16, 32, 10
DRAWS = 2000
"""Bootstrap samples of an interval."""


def sample(number: int, seed: int) -> list[dict[str, str]]:
    """So many rows of the published accuracies, drawn without repetition."""
    with PUBLISHED.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    chosen = np.random.default_rng(seed).choice(len(rows), number, replace=False)
    return [rows[index] for index in sorted(chosen.tolist())]


def values(design: str, seed: int) -> dict[str, float | str]:
    """Every measured proxy of one network."""
    torch.manual_seed(seed)
    net = NASBenchMacro([int(option) for option in design], CLASSES)
    return measured_proxies(net, (BATCH, 3, RES, RES), CLASSES, MEASURED, seed)


def partial(x: Sequence[float], y: Sequence[float], given: Sequence[float]) -> float:
    """Spearman's coefficient of x and y where the ranks of a third are held fixed."""
    xy, xz, yz = spearman(x, y), spearman(x, given), spearman(y, given)
    return (xy - xz * yz) / float(np.sqrt((1 - xz**2) * (1 - yz**2)))


def interval(found: Sequence[float]) -> tuple[float, float]:
    """The middle 95 % of the bootstrap's values."""
    low, high = np.percentile([value for value in found if np.isfinite(value)], [2.5, 97.5])
    return float(low), float(high)


def coefficients(columns: dict[str, list[float]], accuracy: list[float]) -> None:
    """Print the row of each proxy."""
    macs, source = np.array(columns["macs"]), np.random.default_rng(SEED)
    draws = [source.integers(len(accuracy), size=len(accuracy)) for _ in range(DRAWS)]
    gained = np.array(accuracy)
    for name, column in columns.items():
        x = np.array(column)
        plain = interval([spearman(x[d], gained[d]) for d in draws])
        texts = [f"{value:.3f}" for value in (spearman(x, gained), *plain)]
        if name != "macs":
            held = interval([partial(x[d], gained[d], macs[d]) for d in draws])
            texts += [f"{value:.3f}" for value in (partial(x, gained, macs), *held)]
        print(f'    "{name}": Correlation({", ".join(texts)}),')


def main() -> None:
    """Measure what the file does not have yet, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=NETWORKS)
    parser.add_argument("--file", type=Path, default=Path("build/proxies.jsonl"))
    given = parser.parse_args()
    given.file.parent.mkdir(exist_ok=True)
    lines = given.file.read_text().splitlines() if given.file.exists() else []
    known = {row["design"]: row for row in map(json.loads, lines)}
    rows = sample(given.networks, SEED)
    with given.file.open("a") as file:
        for row in rows:
            if row["design"] not in known:
                found = {"design": row["design"], **values(row["design"], SEED)}
                known[row["design"]] = found
                file.write(json.dumps(found) + "\n")
                file.flush()
    columns = {name: [float(row[name]) for row in rows] for name in ("params", "macs")}
    columns |= {name: [float(known[row["design"]][name]) for row in rows] for name in MEASURED}
    parts = ("expressivity", "progressivity", "trainability", "macs")
    columns["az_nas"] = rank_sum([columns[name] for name in parts])
    print(f"{len(rows)} networks, seed {SEED}, batch {BATCH}")
    coefficients(columns, [float(row["accuracy"]) for row in rows])


if __name__ == "__main__":
    main()
