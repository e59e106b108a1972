"""PyTorch through torch.compile, whose usual backend, inductor, fuses operators."""

from __future__ import annotations

import gc
import warnings
from pathlib import Path
from typing import Any

import torch

from flopscope.measured.runtimes import Asked, Network, Running
from flopscope.measured.runtimes.torch_threads import arrays, call_of, clock_of, finish_of, said


def load(network: Network, asked: Asked, folder: Path) -> Running:
    """The module, compiled for these inputs. Raises Refused where it cannot be compiled or does not
    run."""
    call = call_of(network, asked)
    torch._dynamo.reset()  # what earlier networks left would count as recompilations
    kept: list[Any] = []

    def run() -> Any:
        return call.run(kept[0])

    def close() -> None:
        """Let go of it while the names are still there that the compiler has added."""
        kept.clear()
        torch._dynamo.reset()
        gc.collect()

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the compiler about itself
            kept.append(torch.compile(call.module, dynamic=False))
            for _ in range(2):
                run()
            finish_of(call)()
    except Exception as error:
        close()
        raise said(error) from error
    return Running(
        version=f"torch {torch.__version__}",
        run=run,
        outputs=lambda: arrays(run()),
        clock=clock_of(call, asked),
        finish=finish_of(call),
        close=close,
    )
