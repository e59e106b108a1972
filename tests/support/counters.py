"""What the installed counters themselves say of a module: one number each, in the counter's unit.

Each is imported when it is asked, so that the tests of one do not wait for the others. They run on
the module's own device; some of them give the same answer on meta as on the CPU, see `ON_META`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from inspect import signature
from typing import TypeAlias

import public_models
import torch
from deepspeed_rules import deepspeed
from torch import Tensor, nn

from flopscope.facts import InputSpec

Shape: TypeAlias = tuple[int, ...]


def fvcore(module: nn.Module, *inputs: Tensor) -> int:
    from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(module, inputs)
    # What it leaves out is what the convention states; it would be logged once an operator.
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    analysis.tracer_warnings("none")  # of sizes that a module asks for, which a trace fixes
    return int(analysis.total())


def flop_counter_mode(module: nn.Module, *inputs: Tensor) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(*inputs)
    return int(counter.get_total_flops())


def thop(module: nn.Module, *inputs: Tensor) -> int:
    from thop import profile

    macs, _ = profile(module, inputs, verbose=False)
    assert macs == int(macs)
    return int(macs)


def ptflops(module: nn.Module, *inputs: Tensor) -> int:
    """It reports one image of a batch. Several inputs it takes by keyword alone; then it sees no
    batch, and reports all."""
    public_models.timm()  # which it imports; declares what torchvision may lack
    from ptflops import get_model_complexity_info

    first, *others = inputs
    names = signature(module.forward).parameters
    given = dict(zip(names, inputs, strict=True)) if others else first[:1]
    macs, _ = get_model_complexity_info(
        module,
        tuple(first.shape[1:]),
        input_constructor=lambda _: given,
        as_strings=False,
        print_per_layer_stat=False,
    )
    assert macs is not None  # its answer where the module raised
    return macs if others else len(first) * macs


def torchinfo(module: nn.Module, *inputs: Tensor) -> int:
    from torchinfo import summary

    found = summary(module, input_data=inputs, device=inputs[0].device, verbose=0)
    return int(found.total_mult_adds)


COUNTERS: Mapping[str, Callable[..., int]] = {
    "fvcore": fvcore,
    "torch": flop_counter_mode,
    "thop": thop,
    "ptflops": ptflops,
    "torchinfo": torchinfo,
    "deepspeed": deepspeed,
    "macs": lambda module, *inputs: flop_counter_mode(module, *inputs) // 2,
}
"""By convention. The papers' multiply-adds have no counter of their own: half of torch's FLOPs;
deepspeed's profiler is not run but its rules."""


ON_META = ("torch", "thop", "torchinfo")
"""Who counts on the meta device as well. There torch.jit, which fvcore traces with, refuses sizes;
and torch itself calls in Python the functions that ptflops and deepspeed patch."""


def says(convention: str, module: nn.Module, *inputs: Shape | InputSpec) -> int:
    """The count of a copy of the module in inference, of zeros (thop and ptflops leave attributes
    behind)."""
    device = next((tensor.device for tensor in module.parameters()), None)
    given = [i if isinstance(i, InputSpec) else InputSpec(None, i) for i in inputs]
    zeros = [torch.zeros(i.shape, dtype=getattr(torch, i.dtype), device=device) for i in given]
    return COUNTERS[convention](deepcopy(module).eval(), *zeros)
