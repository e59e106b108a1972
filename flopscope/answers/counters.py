"""What fvcore and torch's counter say of a network that has no closed form, beside its trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flopscope.answers.profile import said
from flopscope.answers.target import Target
from flopscope.errors import BadInput
from flopscope.extras import require_witnesses
from flopscope.facts import InputSpec
from flopscope.ledger import Ledger

if TYPE_CHECKING:
    from flopscope.agreement import Agreement


def counters_agree(target: Target, inputs: Sequence[InputSpec], ledger: Ledger) -> Agreement:
    """The traced ledger against both counters, by class of operators and in total, on one run.

    Raises BadInput without torch or fvcore, for an ONNX file, which neither can run, and where the
    network does not run.
    """
    if target.is_graph:
        raise BadInput(
            f"{target.name} is an ONNX file, which fvcore and torch cannot run; "
            "check a network of PyTorch"
        )
    require_witnesses()
    from flopscope.agreement import agree_in_total
    from flopscope.measured import measure
    from flopscope.tracing.loading.extensions import with_torchvision
    from flopscope.tracing.loading.refusals import refusing
    from flopscope.tracing.loading.usercode import importable

    with importable(target.place):
        module = target.build()
        with refusing(target.name, module, said(inputs), inputs, {}):
            measurement = with_torchvision(lambda: measure(module, *inputs))
    return agree_in_total(ledger, measurement)
