"""fvcore's own counts: `FlopCountAnalysis` and `ActivationCountAnalysis`, and what they leave out.

fvcore counts on a torch.jit trace, operator by operator, and warns about those for which it has no
rule. Some of these are products nevertheless: a convolution written with padding='same'
(`_convolution_mode`) and `scaled_dot_product_attention` count as nothing. Here every operator
without a rule is reported, unless it is costless by definition.

The trace needs real tensors: while tracing, torch's shape functions for the meta device are given
sizes that are tensors, and convolutions refuse them. Modules on the meta device are therefore
traced with zeros on the CPU, at the cost of one forward pass there, whose graph both analyses read.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from flopscope.facts import Kind
from flopscope.measured.counts import (
    CLASSES,
    COSTLESS,
    SKIPPED_KINDS,
    Counts,
    Skipped,
    operator_name,
)
from flopscope.measured.untouched import fill_meta, untouched

with warnings.catch_warnings():
    # fvcore decorates functions with torch.jit.script as it is imported; it has had no release
    # since torch deprecated that, and nothing here calls those functions.
    warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
    from fvcore.nn import ActivationCountAnalysis, FlopCountAnalysis, jit_analysis

OPERATOR_CLASSES: Mapping[str, Kind] = {
    "conv": Kind.CONVOLUTION,
    "linear": Kind.LINEAR,
    "addmm": Kind.LINEAR,
    "matmul": Kind.MATMUL,
    "bmm": Kind.MATMUL,
    "mm": Kind.MATMUL,
    "einsum": Kind.MATMUL,
}
"""The class of each product in fvcore's table, under fvcore's names. The rest of its table is
norms, pooling and resampling."""


def fvcore_counts(
    module: nn.Module, zeros: Callable[[str], tuple[torch.Tensor, ...]], device: str
) -> Counts:
    """What fvcore counts in one run on the inputs that `zeros` makes on a device.

    For a module that fvcore cannot trace there are no counts, and `failure` has the reason. The
    module is left as it was, although fvcore itself leaves its hooks behind if a trace fails.
    """
    with untouched(module):
        if device == "meta":
            fill_meta(module)
            device = "cpu"
        try:
            given = zeros(device)
            with _one_graph():
                work, outputs = (
                    _traced(analysis(module, given))
                    for analysis in (FlopCountAnalysis, ActivationCountAnalysis)
                )
        except Exception as error:
            # The module has just run without fvcore: whatever this is, it is the trace's failure,
            # and torch.jit raises every type there is.
            return Counts(0, {}, {}, {}, 0, failure=f"{type(error).__name__}: {error}")
        return _counts(work, outputs)


@contextmanager
def _one_graph() -> Iterator[None]:
    """Analyses of one module read one graph, which fvcore would trace again for each of them."""
    original = jit_analysis._get_scoped_trace_graph
    graphs: list[Any] = []

    def traced_once(*given: Any) -> Any:
        if not graphs:
            graphs.append(original(*given))
        return graphs[0]

    jit_analysis._get_scoped_trace_graph = traced_once
    try:
        yield
    finally:
        jit_analysis._get_scoped_trace_graph = original


def _traced(analysis: Any) -> Any:
    """Warnings are off, because the operators without a rule are read from the analysis itself, and
    warnings of the module's own code were shown when it ran outside the trace."""
    analysis.unsupported_ops_warnings(False)
    analysis.uncalled_modules_warnings(False)
    analysis.tracer_warnings("none")
    analysis.total()
    return analysis


def _counts(work: Any, outputs: Any) -> Counts:
    by_module: Mapping[str, Mapping[str, int | float]] = work.by_module_and_operator()
    whole = by_module[""]
    return Counts(
        total=sum(_exact(whole).values()),
        by_operator=_exact(whole),
        by_class={kind: _macs(whole, kind) for kind in CLASSES},
        by_module={
            path: sum(_macs(counts, kind) for kind in CLASSES) for path, counts in by_module.items()
        },
        activations=int(outputs.total()),
        skipped=_without_rule(work) + _rounded(by_module),
        activations_skipped=_without_rule(outputs),
    )


def _macs(counts: Mapping[str, int | float], kind: Kind) -> int:
    exact = _exact(counts)
    return sum(exact.get(name, 0) for name, of in OPERATOR_CLASSES.items() if of is kind)


def _exact(counts: Mapping[str, int | float]) -> dict[str, int]:
    """The counts that are exact, which are integers: for most equations fvcore reads einsum's count
    from a text of four digits."""
    return {name: count for name, count in counts.items() if isinstance(count, int)}


def _rounded(by_module: Mapping[str, Mapping[str, int | float]]) -> tuple[Skipped, ...]:
    inexact = {
        path: Counter({name: 1 for name, count in counts.items() if not isinstance(count, int)})
        for path, counts in by_module.items()
    }
    return _skipped(inexact)


def _without_rule(analysis: Any) -> tuple[Skipped, ...]:
    return _skipped({path: analysis.unsupported_ops(path) for path in analysis.by_module()})


def _skipped(by_module: Mapping[str, Counter[str]]) -> tuple[Skipped, ...]:
    """Operators that are not costless, in the innermost module that ran them.

    fvcore's counters include those of a module's children, which are subtracted here.
    """
    own = {path: Counter(counts) for path, counts in by_module.items()}
    for path, counts in by_module.items():
        if path:
            own[path.rpartition(".")[0]].subtract(counts)
    return tuple(
        Skipped(path, name, times, SKIPPED_KINDS.get(name))
        for path, counts in own.items()
        for name, times in _plain(counts).items()
        if times > 0 and name not in COSTLESS
    )


def _plain(counts: Mapping[str, int]) -> Counter[str]:
    plain: Counter[str] = Counter()
    for name, times in counts.items():
        plain[operator_name(name)] += times
    return plain
