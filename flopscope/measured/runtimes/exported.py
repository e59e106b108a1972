"""A module as an ONNX file, which the other runtimes read."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from flopscope.measured.runtimes import Network, Refused
from flopscope.measured.runtimes.torch_threads import said

OPSET = 17
"""The version of ONNX's operators, which all runtimes here read."""


def exported(network: Network, folder: Path) -> Path:
    """The ONNX file of a network: its own, or a new one in the folder.

    torch's first exporter is asked, whose nodes have the names of modules, and then the newer one,
    where the package that it needs is installed. Raises Refused with what torch says.
    """
    if network.file is not None:
        return network.file
    path = folder / "network.onnx"
    try:
        _write(network, path, newer=False)
    except Exception as error:
        first = said(error)
        if find_spec("onnxscript") is None:
            raise Refused(f"torch cannot export it to ONNX: {first}") from error
        try:
            _write(network, path, newer=True)
        except Exception as again:
            raise Refused(f"torch cannot export it to ONNX: {first}") from again
    return path


def _write(network: Network, path: Path, *, newer: bool) -> None:
    assert network.module is not None
    given = tuple(torch.from_numpy(value) for value in network.inputs)
    named = {name: torch.from_numpy(value) for name, value in network.named.items()}
    how: dict[str, Any] = {} if newer else {"opset_version": OPSET}
    with torch.no_grad(), _quiet():
        torch.onnx.export(network.module, given, str(path), kwargs=named, dynamo=newer, **how)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """While active, the exporter does not write about itself."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
