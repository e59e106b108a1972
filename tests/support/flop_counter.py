"""torch's own counter, run on real tensors: a witness that does not share the tracer's mistakes."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def counted(module: nn.Module, *inputs: Any) -> int:
    """Multiply-accumulates of one forward pass: half of torch's FLOPs, attention decomposed."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            module.eval()(*inputs)
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
    flops = counter.get_total_flops()
    assert flops % 2 == 0
    return flops // 2


def macs(module: nn.Module, *inputs: Any, **sizes: int) -> Any:
    """What a trace counts, at numbers where free sizes are given some."""
    from flopscope.tracing import trace

    reading = trace(module, *inputs, **({"example": sizes} if sizes else {})).ledger.macs()
    assert reading.complete
    return reading.formula.at(**sizes) if sizes else reading.value
