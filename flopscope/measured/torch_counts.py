"""torch's own counter, `torch.utils.flop_counter.FlopCounterMode`: it watches operators run.

It counts two FLOPs per multiply-accumulate of convolution, linear and matmul and nothing else, so
its MACs are exactly half. It sees operators below `linear`, where linear and matmul have become the
same `mm`, `addmm` and `bmm`; one level above it is noted which is which. Operators that it does not
count and that are not costless are reported; fused attention on the CPU, for example, counts 0. (On
the meta device it is split into its two products, which are counted.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from flopscope.facts import Kind
from flopscope.measured.counts import COSTLESS, SKIPPED_KINDS, Counts, Skipped, operator_name

aten = torch.ops.aten

CONVOLUTIONS = frozenset(
    {
        aten.convolution,
        aten._convolution,
        aten.cudnn_convolution,
        aten.convolution_overrideable,
        aten._slow_conv2d_forward,
    }
)
MATRIX_PRODUCTS = frozenset({aten.mm, aten.addmm, aten.bmm, aten.baddbmm})

LINEAR_FUNCTIONS: Mapping[Any, frozenset[Any]] = {
    F.linear: MATRIX_PRODUCTS,
    torch.addmm: MATRIX_PRODUCTS,
    # Its projections are mm and addmm, its attention products bmm.
    F.multi_head_attention_forward: frozenset({aten.mm, aten.addmm}),
}
"""Functions that are linear layers, and those operators inside them that belong to the layer."""


def torch_counts(module: nn.Module, run: Callable[[], object]) -> Counts:
    """What FlopCounterMode counts while `run` runs `module` once."""
    counter = FlopCounterMode(display=False)
    watch, linear = _OperatorWatch(counter), _LinearCalls(counter)
    # The mode that is entered last acts first: functions, then the counter, then what the counter
    # passes on.
    with watch, counter, linear:
        run()
    flops = Counter(counter.get_flop_counts().get("Global", {}))
    paths = _paths(module)
    convolution = _macs(flops, CONVOLUTIONS)
    matrices = _macs(flops, flops) - convolution
    return Counts(
        total=flops.total(),
        by_operator={str(operator): count for operator, count in flops.items()},
        by_class={
            Kind.CONVOLUTION: convolution,
            Kind.LINEAR: linear.macs,
            Kind.MATMUL: matrices - linear.macs,
        },
        by_module=_by_module(counter, paths),
        activations=watch.activations,
        skipped=watch.uncounted(paths),
        activations_skipped=watch.without_outputs(paths),
    )


class _OperatorWatch(TorchDispatchMode):
    """Notes what FlopCounterMode passes on: which operators it counts, and how large the outputs
    are."""

    supports_higher_order_operators = True

    def __init__(self, counter: FlopCounterMode) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self._counter = counter
        self._uncounted: Counter[tuple[str, str]] = Counter()
        self._fused: Counter[tuple[str, str]] = Counter()
        self.activations = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        packet = getattr(func, "overloadpacket", func)
        name = operator_name(packet._qualified_op_name if packet is not func else str(func))
        if packet in CONVOLUTIONS or packet in MATRIX_PRODUCTS:
            self.activations += out.numel()
        elif packet in self._counter.flop_registry:
            # Fused attention is counted, but its score matrix is never a tensor of its own.
            self._fused[self._running(), name] += 1
        elif name not in COSTLESS:
            self._uncounted[self._running(), name] += 1
        return out

    def _running(self) -> str:
        """The innermost running module, as FlopCounterMode names it: 'Type.path'."""
        return max(self._counter.mod_tracker.parents - {"Global"}, key=len, default="")

    def uncounted(self, paths: Mapping[str, str]) -> tuple[Skipped, ...]:
        """The operators that are neither counted nor costless."""
        return _skipped(self._uncounted, paths)

    def without_outputs(self, paths: Mapping[str, str]) -> tuple[Skipped, ...]:
        """The operators whose output elements are not in `activations`."""
        return _skipped(self._uncounted + self._fused, paths)


class _LinearCalls(TorchFunctionMode):
    """Sums what FlopCounterMode counts inside calls of linear layers, functional ones too."""

    def __init__(self, counter: FlopCounterMode) -> None:
        super().__init__()
        self._counter = counter
        self.macs = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func not in LINEAR_FUNCTIONS:
            return func(*args, **(kwargs or {}))
        before = self._so_far(LINEAR_FUNCTIONS[func])
        out = func(*args, **(kwargs or {}))
        self.macs += self._so_far(LINEAR_FUNCTIONS[func]) - before
        return out

    def _so_far(self, operators: Iterable[Any]) -> int:
        return _macs(self._counter.flop_counts.get("Global", {}), operators)


def _macs(flops: Mapping[Any, int], operators: Iterable[Any]) -> int:
    """Half the FLOPs of these operators, since every formula of the tool has the factor 2."""
    twice = sum(flops.get(operator, 0) for operator in operators)
    assert twice % 2 == 0, f"FlopCounterMode gave {twice} FLOPs, which is not two per MAC"
    return twice // 2


def _paths(module: nn.Module) -> dict[str, str]:
    """FlopCounterMode's name of each module, 'Type.path', and the module's first path.

    There a module with several parents has one name, made from any of its paths.
    """
    first: dict[nn.Module, str] = {}
    paths: dict[str, str] = {}
    root = type(module).__name__
    for path, part in module.named_modules(remove_duplicate=False):
        paths[f"{root}.{path}" if path else root] = first.setdefault(part, path)
    return paths


def _by_module(counter: FlopCounterMode, paths: Mapping[str, str]) -> dict[str, int]:
    counts = counter.get_flop_counts()
    macs: dict[str, int] = {}
    for name, path in paths.items():
        flops = counts.get(name, {})
        macs[path] = macs.get(path, 0) + _macs(flops, flops)
    return macs


def _skipped(seen: Mapping[tuple[str, str], int], paths: Mapping[str, str]) -> tuple[Skipped, ...]:
    return tuple(
        Skipped(paths.get(name, name), operator, times, SKIPPED_KINDS.get(operator))
        for (name, operator), times in seen.items()
    )
