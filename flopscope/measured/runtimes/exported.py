"""A module as an ONNX file, which the other runtimes read."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import torch

from flopscope.measured.runtimes import Network, Refused
from flopscope.measured.runtimes.exporter import mended
from flopscope.measured.runtimes.silence import quiet
from flopscope.measured.runtimes.torch_threads import said

OPSET = 17
"""The version of ONNX's operators, which all runtimes here read."""
NEWER_OPSET = 18
"""The least that the newer exporter writes."""

OUT = 1
"""The descriptor of standard output."""

Axes: TypeAlias = Sequence[Mapping[int, str]]
"""The axes of each input that stay open, with the names of their sizes."""


def exported(
    network: Network, folder: Path, opset: int = OPSET, axes: Axes = (), *, alone: bool = False
) -> Path:
    """The ONNX file of a network: its own, or a new one in the folder, which is `alone` where the
    weights must not lie in another beside it.

    torch's first exporter is asked, whose nodes have the names of modules, and then the newer one,
    where the package that it needs is installed. Raises Refused with what torch says.
    """
    if network.file is not None:
        return network.file
    path = folder / "network.onnx"
    form = _form(network, axes)
    try:
        _write(network, path, dynamo=False, opset_version=opset, **form)
    except Exception as error:
        first = said(error)
        if find_spec("onnxscript") is None:
            raise Refused(
                f"torch cannot export it to ONNX: {first}; where the package onnxscript is "
                "installed, torch's newer exporter is asked too"
            ) from error
        try:
            version = max(opset, NEWER_OPSET)
            _write(
                network, path, dynamo=True, opset_version=version, external_data=not alone, **form
            )
        except Exception as again:
            raise Refused(f"torch cannot export it to ONNX: {first}") from again
    return path


def input_names(network: Network) -> list[str]:
    """The names that the file has for the inputs: those by which a module takes them, or numbers
    where several have none."""
    plain = [f"input_{place}" for place, _ in enumerate(network.inputs)]
    return [*(["input"] if len(plain) == 1 else plain), *network.named]


def _form(network: Network, axes: Axes) -> dict[str, Any]:
    names = input_names(network)
    found: dict[str, Any] = {"input_names": names}
    if any(axes):
        found["dynamic_axes"] = dict(zip(names, map(dict, axes), strict=True))
    return found


def _write(network: Network, path: Path, **how: Any) -> None:
    assert network.module is not None
    given = tuple(torch.from_numpy(value) for value in network.inputs)
    named = {name: torch.from_numpy(value) for name, value in network.named.items()}
    with torch.no_grad(), quiet(), _unheard(), mended():
        torch.onnx.export(network.module, given, str(path), kwargs=named, **how)


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """While active, nothing is written to the descriptor of standard output: where the exporter
    fails, code of torch that is not Python writes the whole graph there."""
    try:
        kept = os.dup(OUT)
    except OSError:  # it is closed
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, OUT)
        yield
    finally:
        os.dup2(kept, OUT)
        os.close(kept)
        os.close(nowhere)
