"""How the nodes of an ONNX file are called, for programs that show the file node by node."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import NamedTuple

from flopscope.onnxgraph.model.files import all_nodes, bodies, load, parsed
from flopscope.onnxgraph.model.nodes import path_of


class Node(NamedTuple):
    """A node of the main graph: the path that its rows have, the name that it has in the file,
    which may be empty, its place, the tensors that it writes, and the paths of the nodes in its
    bodies, as far as these have names."""

    path: str
    name: str
    place: int
    outputs: tuple[str, ...]
    inner: tuple[str, ...]


class Naming(NamedTuple):
    """The name of the main graph, and its nodes in order."""

    graph: str
    nodes: tuple[Node, ...]


def naming(path: str | PathLike[str]) -> Naming:
    """The nodes as the file has them: a call of a local function is one node. Raises BadInput as
    `read` does."""
    path = Path(path)
    load(path)  # which refuses what no ONNX file is
    graph = parsed(path).graph
    nodes = (
        Node(
            path_of(node.name) or f"{node.op_type}_{place}",
            node.name,
            place,
            tuple(filter(None, node.output)),
            tuple(path_of(n.name) for body in bodies(node) for n in all_nodes(body) if n.name),
        )
        for place, node in enumerate(graph.node)
    )
    return Naming(graph.name, tuple(nodes))
