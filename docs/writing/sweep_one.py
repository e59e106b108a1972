"""One public network: its traces, at numbers and with free sizes, against torch's counter.

What is found is a record: plain text and numbers, which the command in `sweep.py` keeps.
"""

from __future__ import annotations

import copy
import hashlib
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from public_models import passed_on
from states import changes, state
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from zoo import Sizes, Subject

from flopscope.errors import BadInput, OutsideDomain
from flopscope.symbolic import symbol
from flopscope.tracing import trace
from flopscope.tracing.inputs import Input

Record = dict[str, Any]

EQUAL, WRONG, BOUND, REFUSED, RAISED = "equal", "wrong", "bound", "refused", "raised"
UNSEEN = "unseen"
"""torch's counter does not run the network, so that there is no witness."""
SLOW = "slow"
"""No answer in the time that it is given."""


# --- what torch counts ----------------------------------------------------------------------------


def counted(subject: Subject, sizes: Sizes) -> int:
    """torch's count, attention in its products and batch norms passed on, of a copy that the
    network may write to."""
    module = copy.deepcopy(subject.module).requires_grad_(False)
    device = next((p.device for p in module.parameters()), torch.device("meta"))
    args, kwargs = _tensors(subject.inputs(sizes), device)
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    counter = FlopCounterMode(display=False, custom_mapping=GROUPED)
    try:
        with passed_on(), counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
            module(*args, **kwargs)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    assert counter.get_total_flops() % 2 == 0
    return counter.get_total_flops() // 2


def _grouped(a: Any, b: Any, *_: Any, **__: Any) -> int:
    """Every row of `a` meets the matrix of one group: 2·rows·k·n, by shapes as torch gives them."""
    return 2 * math.prod(a) * int(b[-1])


GROUPED = {torch.ops.aten._grouped_mm: _grouped}
"""A product of which torch's counter has no rule."""


def _tensors(value: Any, device: torch.device) -> Any:
    """Tensors of ones for shapes: token numbers that are words, whatever the network calls them."""
    if isinstance(value, Input):
        return torch.ones(value.shape, dtype=value.dtype, device=device)
    if isinstance(value, dict):
        return {key: _tensors(item, device) for key, item in value.items()}
    if isinstance(value, tuple) and value and all(isinstance(n, int) for n in value):
        return torch.ones(value, device=device)
    return type(value)(_tensors(item, device) for item in value)


# --- which networks are the same ------------------------------------------------------------------


def structure(subject: Subject) -> str:
    """Equal for networks that differ in names, weights and floats alone."""
    parts = [
        (type(part).__qualname__, *sorted((k, v) for k, v in vars(part).items() if _whole(v)))
        for part in subject.module.modules()
    ]
    held = [(tuple(v.shape), str(v.dtype)) for v in subject.module.state_dict().values()]
    text = repr((parts, held, sorted(subject.own.items())))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _whole(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_whole, value))
    return isinstance(value, int | str)


# --- at numbers -----------------------------------------------------------------------------------


def at_numbers(subject: Subject) -> Record:
    """Traced at its own size and at the first other one that it takes."""
    start = time.process_time()
    before = state(subject.module)
    tried = [_tried(subject, subject.own)]
    for sizes in subject.others:
        tried.append(_tried(subject, sizes))
        if tried[-1]["torch"] is not None:
            break
    return {
        "parameters": sum(p.numel() for p in subject.module.parameters()),
        "tried": tried,
        "verdict": _worst([one["verdict"] for one in tried if "verdict" in one]),
        "touched": changes(before, state(subject.module))[:5],
        "seconds": round(time.process_time() - start, 1),
    }


def _tried(subject: Subject, sizes: Sizes) -> Record:
    """What both say at these sizes; nothing but sizes where torch does not run and need not."""
    found: Record = {"sizes": dict(sizes), "torch": None}
    try:
        found["torch"] = counted(subject, sizes)
    except Exception as error:  # whatever a network raises at sizes that it does not take
        found["error"] = _text_of(error)
        if sizes is not subject.own:
            return found
    return found | _ours(subject, sizes, found["torch"])


def _ours(subject: Subject, sizes: Sizes, expected: int | None) -> Record:
    args, kwargs = subject.inputs(sizes)
    try:
        ledger = trace(subject.module, *args, **kwargs).ledger
    except Exception as error:
        return {"verdict": _failed(error), "reason": _text_of(error)}
    macs = ledger.macs()
    found = {"macs": macs.value, "missing": sorted(map(str, macs.missing))[:5]}
    return {**found, "verdict": _compared(macs.value, bool(macs.missing), expected)}


def _compared(ours: Any, incomplete: bool, expected: int | None) -> str:
    if expected is None:
        return UNSEEN
    return WRONG if ours != expected and not incomplete else BOUND if incomplete else EQUAL


def _failed(error: Exception) -> str:
    return REFUSED if isinstance(error, BadInput) else RAISED


WORSE = (EQUAL, UNSEEN, SLOW, REFUSED, BOUND, RAISED, WRONG)


def _worst(verdicts: list[str]) -> str:
    return max(verdicts, key=WORSE.index)


def _text_of(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0][:300]


# --- with free sizes ------------------------------------------------------------------------------


def with_free_sizes(subject: Subject, tried: list[Record], limit: float) -> Record:
    """One trace whose sizes are free, compared wherever it answers among the sizes tried."""
    start = time.process_time()
    before = state(subject.module)
    found: Record = {"verdict": SLOW, "answers": []}
    try:
        with time_limit(limit):
            ledger, found["named"] = _free(subject)
            found["answers"] = [_answer(ledger, one) for one in tried]
    except Late:
        pass
    except Exception as error:
        found |= {"verdict": _failed(error), "reason": _text_of(error)}
    else:
        found["domain"] = [str(condition) for condition in ledger.conditions]
        found["verdict"] = _worst([_of_answer(ledger, *pair) for pair in _pairs(found, tried)])
    found["touched"] = changes(before, state(subject.module))[:5]
    return found | {"seconds": round(time.process_time() - start, 1)}


def _free(subject: Subject) -> tuple[Any, bool]:
    """The ledger, and whether its example had to be named: the network's own size."""
    args, kwargs = subject.inputs({name: symbol(name) for name in subject.own})
    try:
        return trace(subject.module, *args, **kwargs).ledger, False
    except BadInput:
        raise
    except Exception:  # what the network raises at the sizes that are tried by themselves
        return trace(subject.module, *args, example=subject.own, **kwargs).ledger, True


def _answer(ledger: Any, one: Record) -> int | None:
    """What the formula says; nothing outside its domain."""
    try:
        value: int = ledger.at(**one["sizes"]).macs().value
        return value
    except OutsideDomain:
        return None


def _pairs(found: Record, tried: list[Record]) -> Iterator[tuple[int | None, Record]]:
    return zip(found["answers"], tried, strict=True)


def _of_answer(ledger: Any, answer: int | None, one: Record) -> str:
    """A formula that answers where the network does not run claims too much."""
    if answer is None:
        return EQUAL
    if one["torch"] is None:
        return UNSEEN if one.get("macs") is not None else WRONG
    return _compared(answer, bool(ledger.macs().missing), one["torch"])


class Late(BaseException):
    """Not an Exception, so that nothing on the way takes it for a fault of the network."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises Late in the block after so many seconds of this process's work."""

    def late(*_: object) -> None:
        raise Late

    previous = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)


# --- in a process of its own ----------------------------------------------------------------------

LAST: dict[str, Subject] = {}
"""The network that this process has built last, so that the steps on it need one building."""


def step(build: Callable[[str], Subject], target: str, *args: Any) -> Record:
    """Built, and one of the steps done: with no further argument it is only described."""
    try:
        if target not in LAST:
            LAST.clear()
            LAST[target] = build(target)
        subject = LAST[target]
    except Exception as error:
        return {"unbuilt": _text_of(error)}
    if not args:
        return {"structure": structure(subject)}
    tried, limit = args
    return at_numbers(subject) if tried is None else with_free_sizes(subject, tried, limit)
