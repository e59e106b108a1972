"""The name of the processor or GPU on which something runs."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

INFO = Path("/proc/cpuinfo")


def has_gpu() -> bool:
    """Does torch find a GPU of CUDA?"""
    import torch

    return torch.cuda.is_available()


def device_name(place: str, info: Path = INFO) -> str:
    """What a table calls the device: the processor's name as the system has it, or the GPU's.

    >>> device_name("cpu") != ""
    True
    """
    if place == "cuda":
        import torch

        return str(torch.cuda.get_device_name())
    return next(filter(None, _processors(info)), "unknown processor")


def _processors(info: Path) -> Iterator[str]:
    """The names of the processor, the best first; each is looked up when it is asked for."""
    yield _of_linux(info)
    yield _of_macos()
    yield platform.processor() or platform.machine()


def _of_linux(info: Path) -> str:
    try:
        text = info.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # x86 has "model name"; some ARM boards have "Model" or "Hardware".
    for key in ("model name", "Model", "Hardware"):
        if found := re.search(rf"^{key}\s*:\s*(\S.*)$", text, re.MULTILINE):
            return _plain(found[1])
    return ""


def _of_macos(run: Callable[..., bytes] = subprocess.check_output) -> str:
    if platform.system() != "Darwin":
        return ""
    try:
        return _plain(run(["sysctl", "-n", "machdep.cpu.brand_string"], timeout=5).decode())
    except (OSError, subprocess.SubprocessError):
        return ""


def _plain(name: str) -> str:
    """Without marks and doubled blanks: 'Intel(R) Core(TM)  i7' is 'Intel Core i7'."""
    return " ".join(re.sub(r"\((?:R|TM|r|tm)\)", "", name).split())
