"""What the installed counters themselves say of a module: one number each, in the counter's unit.

Each is imported when it is asked, so that the tests of one do not wait for the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import TypeAlias

import public_models
import torch
from deepspeed_rules import deepspeed
from torch import nn

Shape: TypeAlias = tuple[int, ...]


def fvcore(module: nn.Module, shape: Shape) -> int:
    from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(module, torch.zeros(shape))
    # What it leaves out is what the convention states; it would be logged once an operator.
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    return int(analysis.total())


def flop_counter_mode(module: nn.Module, shape: Shape) -> int:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.zeros(shape))
    return int(counter.get_total_flops())


def thop(module: nn.Module, shape: Shape) -> int:
    from thop import profile

    macs, _ = profile(module, (torch.zeros(shape),), verbose=False)
    assert macs == int(macs)
    return int(macs)


def ptflops(module: nn.Module, shape: Shape) -> int:
    """It takes the shape of one image and reports one image."""
    public_models.timm()  # which it imports; declares what torchvision may lack
    from ptflops import get_model_complexity_info

    batch, *image = shape
    macs, _ = get_model_complexity_info(
        module, tuple(image), as_strings=False, print_per_layer_stat=False
    )
    assert macs is not None  # its answer where the module raised
    return batch * macs


def torchinfo(module: nn.Module, shape: Shape) -> int:
    from torchinfo import summary

    return int(summary(module, input_size=shape, device="cpu", verbose=0).total_mult_adds)


COUNTERS: Mapping[str, Callable[[nn.Module, Shape], int]] = {
    "fvcore": fvcore,
    "torch": flop_counter_mode,
    "thop": thop,
    "ptflops": ptflops,
    "torchinfo": torchinfo,
    "deepspeed": deepspeed,
    "macs": lambda module, shape: flop_counter_mode(module, shape) // 2,
}
"""By convention. The papers' multiply-adds have no counter of their own: half of torch's FLOPs;
deepspeed's profiler is not run but its rules."""


def says(convention: str, module: nn.Module, shape: Shape) -> int:
    """The count of a copy of the module in inference (thop and ptflops leave attributes behind)."""
    return COUNTERS[convention](deepcopy(module).eval(), shape)
