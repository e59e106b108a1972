"""The modules that the nodes of an exported graph come from, by the names of the nodes."""

from __future__ import annotations

import re

_ADDED = re.compile(r"(?:/WithoutBiases|/DequantizeLinear.*|_nchwc|_token_\d+|_fused.*)+$")
"""What runtimes add to the names of nodes that they rewrite."""


def path_of(node: str) -> str:
    """The path of the module that a node comes from; "" where the name does not say it.

    torch's exporter writes the modules around an operator before it, each by its own name or,
    inside a sequence, by its path from there.

    >>> path_of("/features/features.0/features.0.0/Conv"), path_of("/layer1/layer1.0/conv1/Conv")
    ('features.0.0', 'layer1.0.conv1')
    >>> path_of("/classifier/classifier.1/Gemm"), path_of("Conv_7"), path_of("x_abcd/stem/Conv")
    ('classifier.1', '', '')
    >>> path_of("/stem/0/Conv/WithoutBiases")
    'stem.0'
    """
    if not node.startswith("/"):
        return ""
    parts = [part for part in _ADDED.sub("", node).split("/")[:-1] if part]
    path = ""
    own = ""  # the last name from which names in a sequence count
    for part in parts:
        if own and part.startswith(f"{own}."):
            path = f"{path[: len(path) - len(own)]}{part}"
        else:
            path = f"{path}.{part}" if path else part
        own = part
    return path
