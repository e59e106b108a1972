"""How networks are to be run, checked before any is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flopscope.errors import BadInput, UnknownName, listed
from flopscope.extras import require_runtime, require_witnesses

if TYPE_CHECKING:
    from flopscope.measured.runtimes import Runtime

LAYER = "layer"
PLACES = ("cpu", "cuda")


@dataclass(frozen=True)
class How:
    """How networks are to be run: in which runtime, with how many threads, in which type of
    numbers, for how many rounds (None: as many as there is time for in so many `seconds`, from 10
    to 100), and on the "cpu" or a "cuda" GPU. `by` is "layer" where the time of each layer is asked
    for. `device` is the name that tables have for the machine; "" for the name that it has itself.

    Raises UnknownName for an unknown runtime, type or place, and BadInput where the runtime does
    not have the type, the place, or times of layers.
    """

    runtime: str = "ort"
    threads: int = 1
    dtype: str = "float32"
    rounds: int | None = None
    place: str = "cpu"
    by: str | None = None
    device: str = ""
    seconds: float = 1.0

    def __post_init__(self) -> None:
        require_witnesses()
        from flopscope.measured.runtimes import RUNTIMES

        if self.runtime not in RUNTIMES:
            raise UnknownName("runtime", self.runtime, RUNTIMES)
        found = RUNTIMES[self.runtime]
        known = dict.fromkeys(dtype for each in RUNTIMES.values() for dtype in each.dtypes)
        if self.dtype not in known:
            raise UnknownName("type of numbers", self.dtype, known)
        if self.dtype not in found.dtypes:
            raise BadInput(
                f"{found.title} runs {listed(found.dtypes)} here, not {self.dtype}; give one of "
                "them, or another --runtime"
            )
        self._check_place(found)
        if self.by not in (None, LAYER):
            raise UnknownName("split", self.by, [LAYER])
        if self.by is not None and self.runtime in UNPROFILED:
            raise BadInput(f"{UNPROFILED[self.runtime]}; leave --by out, or give another --runtime")
        require_runtime(*found.packages)

    def _check_place(self, found: Runtime) -> None:
        if self.place not in PLACES:
            raise UnknownName("place", self.place, PLACES)
        if self.place == "cpu":
            return
        if not found.cuda:
            raise BadInput(f"{found.title} runs on the processor here; give eager or compile")
        from flopscope.measured.machine.naming import has_gpu

        if not has_gpu():
            raise BadInput("torch finds no GPU of CUDA on this machine; leave --on out")


UNPROFILED: Mapping[str, str] = {
    "compile": "torch.compile fuses layers, so that none has a time of its own",
    "ncnn": "ncnn's Python package has no profiler, which would give the times of layers",
}
"""The runtimes that do not say what a layer takes."""
