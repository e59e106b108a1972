"""What folding parallel branches into one convolution saves: RepVGG, arXiv 2101.03697, section 3.3;
MobileOne, arXiv 2206.04040, section 3.2; FastViT, arXiv 2303.14189, section 3.2.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import sympy

from flopscope.analytic.switches import NetworkForm
from flopscope.closedform.sympify import sympy_symbol
from flopscope.facts import Operator
from flopscope.laws.parts import (
    POSITIONS,
    Law,
    Step,
    Worked,
    by_positions,
    form,
    letter,
    macs,
    model_ledger,
    params,
    traffic,
)
from flopscope.ledger import Ledger

C, K = sympy_symbol("C_in"), sympy_symbol("K")
N = POSITIONS
TOWERS = (
    ("mobileclip_s0", "image"),
    ("mobileclip_s0", "text"),
    ("mobileclip_s1", "image"),
    ("mobileclip_s2", "image"),
)


def derive() -> Law:
    """K²/(K² + 1) of the MACs remain in both blocks, and a part of the moved elements."""
    (mixer, mixed), (block, folded) = (_forms(name) for name in ("repmixer", "mobileone"))
    ratio = sympy.factor(macs(mixed) / macs(mixer))
    moved = [by_positions(traffic(ledger)) for ledger in (mixer, mixed)]
    blocks_moved = [by_positions(traffic(ledger)) for ledger in (block, folded)]
    return Law(
        Step("deployed, a RepMixer has r times the MACs", letter("r"), ratio),
        (
            Step(
                "MACs of RepMixer in training, at n positions",
                letter("M_train"),
                sympy.factor(by_positions(macs(mixer))),
            ),
            Step("deployed", letter("M_deploy"), sympy.factor(by_positions(macs(mixed)))),
            Step("parameters that it does without", letter("P_saved"), _saved(mixer, mixed)),
            Step(
                f"elements moved in training, by {len(mixer)} operators",
                letter("T_train"),
                sympy.collect(sympy.expand(moved[0]), N),
            ),
            Step(
                f"deployed, by {_word(len(mixed))}",
                letter("T_deploy"),
                sympy.collect(sympy.expand(moved[1]), N),
            ),
            Step(
                "with many positions it moves so many times fewer",
                sympy.Limit(letter("T_train") / letter("T_deploy"), N, sympy.oo),
                sympy.limit(moved[0] / moved[1], N, sympy.oo),
            ),
            Step(
                "a MobileOne block that keeps its width has the same share of its MACs",
                letter("r_block"),
                sympy.factor(macs(folded) / macs(block)),
            ),
            Step(
                "parameters that this block does without",
                letter("P_block"),
                _saved(block, folded),
            ),
            Step(
                "and moves so many times fewer elements, with many positions",
                sympy.Limit(letter("T_train") / letter("T_deploy"), N, sympy.oo),
                sympy.limit(blocks_moved[0] / blocks_moved[1], N, sympy.oo),
            ),
        ),
        "stride 1, C_out = C_in, K odd, at least 3; every operator reads and writes its maps",
        (_towers(), _parts()),
        {"n": "positions, of all images"},
    )


def _forms(name: str) -> tuple[Ledger, Ledger]:
    """The ledgers of a block in training and deployed."""
    train, deploy = (form(f"{name}_{of.value}") for of in NetworkForm)
    return train, deploy


def _saved(train: Ledger, deploy: Ledger) -> sympy.Expr:
    return sympy.factor(params(train) - params(deploy))


def _word(count: int) -> str:
    return "one" if count == 1 else str(count)


def _tower(model: str, tower: str) -> list[Ledger]:
    whole = [model_ledger(f"{model}:form={of.value}") for of in NetworkForm]
    return [ledger.filter(lambda row: row.path.startswith(f"{tower}.")) for ledger in whole]


def _towers() -> Worked:
    rows = []
    for model, tower in TOWERS:
        train, deploy = _tower(model, tower)
        (p, m, t), (q, n, u) = (
            (int(x.params()), int(x.macs()), int(x.traffic_bytes("int8"))) for x in (train, deploy)
        )
        rows.append(
            (f"{model}, {tower}", p - q, m - n, Fraction(n, m), len(train), len(deploy),
             Fraction(u, t))
        )  # fmt: skip
    return Worked(
        "The towers of MobileCLIP at their own sizes: parameters and MACs saved, the share of MACs "
        "that remains, operators in training and deployed, the share of elements moved that "
        "remains:",
        ("Tower", "P saved", "M saved", "M", "train", "deploy", "T"),
        tuple(rows),
    )


PARTS = (
    ("RepMixer", ("token_mixer.",)),
    ("MobileOne", ("stem.", ".pw.", "head.")),
    ("large kernels", (".large.",)),
    ("positions", (".position.",)),
    ("the others", ("",)),
)
"""The blocks of an image encoder, by parts of their rows' paths. A row is in the first that
fits."""


def _parts() -> Worked:
    towers = _tower("mobileclip_s0", "image")
    rows = []
    for name, _ in PARTS:
        train, deploy = (tower.filter(_is_of(name)) for tower in towers)
        p, q = int(train.params()), int(deploy.params())
        rows.append((name, p, q, int(train.macs()), int(deploy.macs())))
    return Worked(
        "Where the image encoder of MobileCLIP-S0 saves them:",
        ("Blocks", "P train", "P deploy", "M train", "M deploy"),
        tuple(rows),
    )


def _is_of(part: str) -> Callable[[Operator], bool]:
    def fits(row: Operator) -> bool:
        found = (name for name, marks in PARTS if any(mark in row.path for mark in marks))
        return next(found) == part

    return fits
