"""Which module spends which time: every operator of torch is timed as it is dispatched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter, thread_time
from typing import Any

from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from flopscope.measured.runtimes import Timed
from flopscope.measured.runtimes.torch_threads import Call


def module_times(call: Call, runs: int, threads: int) -> list[Timed]:
    """The operators of a run in the order in which they run, each with the module that calls it and
    the median of its processor time; with several threads, of its wall time.

    torch's own profiler has wall time alone, which says little on a busy machine. A dispatch
    through Python takes a microsecond or two more than one that is not watched.
    """
    clock = thread_time if threads == 1 else perf_counter
    each: list[dict[tuple[str, str], float]] = []
    stack: list[str] = []
    with _entering(call.module, stack):
        for _ in range(runs + 1):
            each.append({})
            with _Watch(stack, each[-1], clock):
                call.run()
    first, *timed = each
    return [
        Timed(path, operator, median(run.get((path, operator), 0.0) for run in timed))
        for path, operator in first
    ]


class _Watch(TorchDispatchMode):
    """Adds the time of each operator to that of the module which is on top of the stack."""

    def __init__(self, stack: list[str], times: dict[tuple[str, str], float], clock: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.stack, self.times, self.clock = stack, times, clock

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        begun = self.clock()
        result = func(*args, **(kwargs or {}))
        passed = self.clock() - begun
        key = (self.stack[-1] if self.stack else "", func.overloadpacket.__name__)
        self.times[key] = self.times.get(key, 0.0) + passed
        return result


@contextmanager
def _entering(module: nn.Module, stack: list[str]) -> Iterator[None]:
    """While active, the path of the module that runs is on top of the stack."""
    hooks = []
    for path, part in module.named_modules():
        if path:
            hooks.append(part.register_forward_pre_hook(lambda *_, at=path: stack.append(at)))
            hooks.append(
                part.register_forward_hook(lambda *_: stack.pop() and None, always_call=True)
            )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
