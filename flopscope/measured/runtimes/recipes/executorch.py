"""ExecuTorch's program, with XNNPACK's kernels, from the module."""

from __future__ import annotations

import warnings
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from flopscope.measured.runtimes import Network, Refused
from flopscope.measured.runtimes.recipes import Converted
from flopscope.measured.runtimes.silence import quiet
from flopscope.measured.runtimes.torch_threads import arrays, said

NORMS = "operators are those handed to XNNPACK, before it folds norms into convolutions"


def prepare() -> None:
    """Import ExecuTorch."""
    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        from executorch.backends.xnnpack.partition import xnnpack_partitioner  # noqa: F401
        from executorch.exir import to_edge_transform_and_lower  # noqa: F401
        from executorch.runtime import Runtime  # noqa: F401


def convert(network: Network, file: Path, folder: Path, half: bool) -> Converted:
    """The program, and what it computes. Lowering takes a minute. Raises Refused."""
    given = tuple(map(torch.from_numpy, network.inputs))
    named = {name: torch.from_numpy(value) for name, value in network.named.items()}
    assert network.module is not None
    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")  # of torch's own parts about each other
        try:
            program, operators = _lowered(network.module, given, named)
            outputs = _run(program, (*given, *named.values()))
        except Exception as error:
            raise said(error) from error
    name = f"executorch {version('executorch')}"
    return Converted(name, {".pte": program}, arrays(outputs), operators, NORMS)


def _lowered(module: Any, given: Any, named: Any) -> tuple[bytes, Counter[str]]:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    with torch.no_grad():
        exported = torch.export.export(module, given, named, strict=False)
    edge = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
    return bytes(edge.to_executorch().buffer), _operators(edge.exported_program())


def _operators(program: Any) -> Counter[str]:
    """The operators that are left to ExecuTorch, and those in the parts that XNNPACK runs."""
    found: Counter[str] = Counter()
    for node in program.graph.nodes:
        if node.op != "call_function":
            continue
        lowered: Any = node.args[0] if node.args else None
        if getattr(lowered, "op", "") == "get_attr" and "delegate" in str(node.target):
            inner = getattr(program.graph_module, str(lowered.target)).original_module
            found += _operators(inner)
        elif "getitem" not in str(node.target):
            found[_short(node.target)] += 1
    return found


def _short(target: Any) -> str:
    """'aten.convolution' of an operator, however it is wrapped."""
    inner = getattr(target, "_op", target)
    name = (
        getattr(inner, "__name__", "") if callable(inner) and " at 0x" in str(inner) else str(inner)
    )
    return name.rpartition(" ")[2].removesuffix(".default").strip("<>")


def _run(program: bytes, given: Any) -> Any:
    from executorch.runtime import Runtime

    loaded = Runtime.get().load_program(program)
    method = loaded.load_method("forward")
    if method is None:
        raise Refused("the program has no method forward")
    return method.execute(given)
