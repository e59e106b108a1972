"""Every network of the catalogue with its counts and what the three witnesses say.

The page docs/networks.md is written from here: `make networks`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from flopscope.agreement import FVCORE, TORCH, Agreement, check_variant
from flopscope.agreement.proof import Proof, prove_variant
from flopscope.agreement.records import Verdict
from flopscope.answers.compare import entry
from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import Variant
from flopscope.present.words import input_text

PAGE = Path(__file__).parents[1] / "networks.md"


def counted(variant: Variant) -> str:
    """The line's beginning: network, input, and the counts of the closed form."""
    found = entry(variant, variant.resolution(), 1, check=False)
    counts = (found.ledger.params(), found.ledger.macs(), found.ledger.activations())
    cells = (str(variant), input_text(found), *(f"{int(count):,}" for count in counts))
    return f"| {' | '.join(cells)} |"


def verdict(variant: Variant) -> str:
    """The line's end: the module row by row, both counters, and the proof."""
    agreement = check_variant(variant, variant.resolution(), 1)
    cells = (
        _rows(agreement),
        _counter(agreement, FVCORE),
        _counter(agreement, TORCH),
        _proof(prove_variant(variant), variant),
    )
    return f" {' | '.join(cells)} |"


def _rows(agreement: Agreement) -> str:
    equal = sum(row.verdict is not Verdict.DIFFERS for row in agreement.rows)
    return f"{equal:,} of {len(agreement.rows):,}"


def _counter(agreement: Agreement, witness: str) -> str:
    """Does a counter confirm the totals? What it does not count is named."""
    if any(witness in c.values for c in agreement.differences):
        return "differs"
    missed = sorted({s.what for s in agreement.skipped if s.witness == witness})
    return f"but for {', '.join(missed)}" if missed else "equal"


def _proof(proof: Proof, variant: Variant) -> str:
    return f"in {', '.join(sorted(variant.sizes))}" if proof else "not proved"


def page() -> Iterator[str]:
    """The lines of docs/networks.md."""
    variants = [Variant(model) for model in MODELS.values()]
    lines = [counted(variant) + verdict(variant) for variant in variants]
    yield from TEMPLATE.format(count=len(lines), lines="\n".join(lines)).splitlines()


TEMPLATE = """\
# Every network, counted and proved

`make networks` writes this page. `tests/families/test_networks.py` compares every count and a
sample of the verdicts, and `make slow` the verdicts of all.

Each of the {count} networks stands here with its published input and batch 1. From the closed form
come its parameters, its multiply-accumulates under the convention `macs`, and its activations,
which are outputs of convolution, linear and matmul. The last four columns are what the witnesses
say ([why to believe them](witnesses.md)). *Layers* says how many layers of the PyTorch module have
the kind, shapes, weights and work of the closed form's rows. *fvcore* and *torch* say whether the
counter's own totals by class of operator, as the module runs, are those of the closed form.
*Identity* says in which sizes the closed form and the formula traced from the module's code are the
same expression.

| network | input | parameters | MACs (macs) | activations | layers | fvcore | torch | identity |
|---|---|---:|---:|---:|---:|---|---|---|
{lines}
"""


if __name__ == "__main__":
    PAGE.write_text("\n".join(page()) + "\n", encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
