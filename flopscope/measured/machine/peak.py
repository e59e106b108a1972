"""The peak memory of a process or a GPU while something runs."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

OF_PROCESS = (
    "growth of the process's resident memory from before the network was loaded to its peak (Linux)"
)
OF_ALLOCATOR = "peak of torch's allocator on the GPU"

PROC = Path("/proc/self")


def start_peak(place: str, proc: Path = PROC) -> Callable[[], int | None]:
    """Begin to watch, before a network is loaded. The function that is returned gives the bytes by
    which memory has grown at its peak since; None where the system does not say.

    On a processor it is the growth of the resident memory of the process, with weights, activations
    and whatever the runtime keeps besides; on a GPU the peak of torch's allocator.
    """
    if place == "cuda":
        return _on_gpu()
    _give_back()
    before = _kilobytes("VmRSS", proc)
    with suppress(OSError):
        (proc / "clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    started = _kilobytes("VmHWM", proc)

    def growth() -> int | None:
        peak = _kilobytes("VmHWM", proc)
        if before is None or peak is None or started is None or started > before * 1.02 + 4096:
            return None  # the old peak could not be forgotten
        return 1024 * (peak - before) if peak > before else None

    return growth


def memory_is(place: str) -> str:
    """In words, what `start_peak` measures."""
    return OF_ALLOCATOR if place == "cuda" else OF_PROCESS


def _on_gpu() -> Callable[[], int | None]:
    import torch

    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    return lambda: int(torch.cuda.max_memory_allocated() - before) or None


def _give_back() -> None:
    """Give memory that is free but still held back to the system, or growth would be hidden in
    it."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def _kilobytes(field: str, proc: Path) -> int | None:
    try:
        text = (proc / "status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    found = re.search(rf"^{field}:\s+(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) if found else None
