"""PyTorch as it runs by itself, an operator after the other."""

from __future__ import annotations

from pathlib import Path

import torch

from flopscope.measured.runtimes import Asked, Network, Running, Timed
from flopscope.measured.runtimes.module_times import module_times
from flopscope.measured.runtimes.torch_threads import arrays, call_of, clock_of, finish_of, said


def load(network: Network, asked: Asked, folder: Path) -> Running:
    """The module, ready to run. Raises Refused where it does not run on these inputs."""
    call = call_of(network, asked)
    try:
        call.run()
        finish_of(call)()
    except Exception as error:
        raise said(error) from error

    def profile(runs: int) -> list[Timed]:
        return module_times(call, runs, asked.threads)

    return Running(
        version=f"torch {torch.__version__}",
        run=call.run,
        outputs=lambda: arrays(call.run()),
        clock=clock_of(call, asked),
        finish=finish_of(call),
        profile=None if call.on_gpu else profile,
    )
