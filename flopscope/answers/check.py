"""Closed forms compared with their witnesses: with counters on the real module at given sizes, or
with its traced formula for all sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from flopscope.analytic.named_blocks import NAMED_BLOCKS
from flopscope.answers.compare import Comparison, compare
from flopscope.answers.target import is_catalog, is_own
from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import Variant, parse
from flopscope.errors import BadInput, UnknownName
from flopscope.extras import require_witnesses
from flopscope.facts import InputSpec

if TYPE_CHECKING:
    from torch import nn

    from flopscope.agreement.blocks import Case
    from flopscope.agreement.proof import Proof


def check(
    models: Sequence[str | nn.Module],
    *,
    res: int | tuple[int, int] | None = None,
    batch: int = 1,
    inputs: Sequence[str | InputSpec] = (),
    pairs: Sequence[str] = (),
    example: Mapping[str, int] | None = None,
) -> Comparison:
    """Count each model at one input, and compare with fvcore and torch on the real module.

    Raises BadInput without torch or fvcore, or as `compare` does.
    """
    return compare(
        models, res=res, batch=batch, check=True, inputs=inputs, pairs=pairs, example=example
    )


def prove(names: Sequence[str]) -> tuple[tuple[Variant | Case, Proof], ...]:
    """Compare closed form and traced formula in symbols, for each model and each case of a block.

    Raises BadInput without torch, or for a block that has no PyTorch counterpart; UnknownName for
    what is neither model nor block.
    """
    from flopscope.agreement.blocks import counterpart, prove_block
    from flopscope.agreement.proof import prove_variant

    subjects: list[str | Variant] = []
    for name in dict.fromkeys(names):
        if name in NAMED_BLOCKS:
            counterpart(name)
        subjects.append(name if name in NAMED_BLOCKS else _known(name))
    require_witnesses()
    found: list[tuple[Variant | Case, Proof]] = []
    for subject in subjects:
        if isinstance(subject, str):
            found += prove_block(subject)
        else:
            found.append((subject, prove_variant(subject)))
    return tuple(found)


def _known(name: str) -> Variant:
    """The variant of that name. Raises BadInput or UnknownName, which suggests blocks too."""
    base = name.partition(":")[0]
    if is_own(name) or name.endswith(".onnx"):
        raise BadInput(
            f"{name} has no closed form that could be proved; --prove is for models of the "
            "catalogue and blocks, and without it fvcore and torch count the network"
        )
    if base in NAMED_BLOCKS:
        raise BadInput(
            f"{base} is a block, free in all its sizes, but '{name}' fixes some; leave them out"
        )
    if not is_catalog(name):
        raise UnknownName("model or block", name, [*MODELS, *NAMED_BLOCKS])
    return parse(name)
