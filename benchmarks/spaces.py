"""How long exact answers about design spaces take, and what they are.

Once-for-all MobileNetV3 at 224 cold and from the cache; uniform samples against the exact
distribution; proofs by CP-SAT; NSGA-II's hypervolume against the exact frontier; and the additive
predictor of NAS-Bench-Macro. `spaces.py 192 250` tries another resolution and budget.
"""

from __future__ import annotations

import os
import sys
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter

from flopscope.choosing.found import How
from flopscope.choosing.search import search
from flopscope.designspaces import store
from flopscope.designspaces.distribution import Distribution
from flopscope.designspaces.known import space_named
from flopscope.designspaces.sampling import Sampler
from flopscope.designspaces.tables import tables
from flopscope.quantities import QUANTITIES

DRAWS, PARTS = 2000, 20


def main(res: int = 224, millions: int = 300) -> None:
    space = space_named("ofa_mobilenetv3")
    begin = perf_counter()
    (table,) = tables(space, [QUANTITIES["macs"]], res)
    distribution = Distribution(table)
    counted = distribution.counted
    most = millions * 10**6
    within = counted.most(most)
    seconds = perf_counter() - begin
    print(f"{space.name} at {res}: {counted.total:,} networks, {distribution.distinct:,} costs")
    print(f"  at most {millions} M MACs: {within:,} (cold {seconds:.1f} s)")
    for limit in (200, 400):
        print(f"  at most {limit} M MACs: {counted.most(limit * 10**6):,}")
    print(f"  number 10^18 costs {counted.cost(counted.kth(10**18)):,}")
    begin = perf_counter()
    again = Distribution(table).counted.most(most)
    print(f"  again, from the cache: {perf_counter() - begin:.3f} s, the same: {again == within}")
    fit(Sampler(Distribution(table)), counted, most, within)
    proofs(res)
    heuristic(res, millions)
    predictor()


def fit(sampler: Sampler, counted: object, most: int, within: int) -> None:
    """Draws by cost in PARTS parts of equal numbers of networks: Pearson's statistic."""
    begin = perf_counter()
    rng = Random(0)
    costs = [sampler.draw(rng, most)[1] for _ in range(DRAWS)]
    seconds = perf_counter() - begin
    edges = [counted.cost(counted.kth(within * n // PARTS)) for n in range(1, PARTS + 1)]
    shares, statistic, before = [], 0.0, 0
    for edge, low in zip(edges, [0, *edges[:-1]], strict=True):
        upto = counted.most(edge)
        expected = DRAWS * (min(upto, within) - before) / within
        drawn = sum(low < cost <= edge for cost in costs)
        statistic += (drawn - expected) ** 2 / expected
        shares.append(drawn)
        before = upto
    print(
        f"  {DRAWS} uniform draws in {seconds:.1f} s: Pearson's statistic {statistic:.1f} with "
        f"{PARTS - 1} degrees of freedom (95 % below 30.1)"
    )


def proofs(res: int) -> None:
    """The largest network by params within MACs and a synthetic additive score within both."""
    rng = Random(7)
    space = space_named("ofa_mobilenetv3")
    with TemporaryDirectory() as folder:
        path = os.path.join(folder, "scores.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.write("slot,option,score\n")
            for slot in space.slots:
                for option in slot.options:
                    score = 0 if option == "-" else rng.randrange(1000, 4000)
                    file.write(f"{slot.name},{option},{score}\n")
        for macs, params in ((300, 5.5), (200, 4.5), (400, 6.0)):
            limits = {"macs": macs * 10**6, "params": int(params * 10**6)}
            begin = perf_counter()
            found = search(space, accuracy=path, most=limits, res=res)
            seconds = perf_counter() - begin
            print(
                f"  CP-SAT under {macs} M MACs and {params} M params, drawn scores: proven "
                f"{found.proven}, {seconds:.2f} s with its tables"
            )


def heuristic(res: int, millions: int) -> None:
    """NSGA-II against the exact frontier of params within MACs."""
    begin = perf_counter()
    found = search(
        "ofa_mobilenetv3",
        maximise="params",
        most={"macs": millions * 10**6},
        res=res,
        how=How(method="nsga2"),
    )
    evolved = found.evolved
    assert evolved is not None
    print(
        f"  NSGA-II, {evolved.tried:,} designs in {perf_counter() - begin:.1f} s: "
        f"{evolved.share:.4f} of the exact hypervolume"
    )


def predictor() -> None:
    """The additive predictor from 300 networks, over ten draws of them."""
    found = []
    for seed in range(10):
        how = How(fit_rows=300, seed=seed)
        fit = search("nas_bench_macro", accuracy="measured", how=how).objective.fit
        assert fit is not None
        found.append(fit.spearman)
    print(f"nas_bench_macro: Spearman on the rest from 300, ten draws: {min(found):.4f} to "
          f"{max(found):.4f}")  # fmt: skip


if __name__ == "__main__":
    with TemporaryDirectory() as cache:
        os.environ[store.VARIABLE] = cache
        main(*map(int, sys.argv[1:]))
