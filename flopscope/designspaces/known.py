"""The design spaces that are built in, by name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from flopscope.designspaces.listed import ListedSpace
from flopscope.designspaces.space import DesignSpace
from flopscope.errors import UnknownName

SPACES: Mapping[str, str] = {
    "ofa_mobilenetv3": "ofa:OFA_MOBILENETV3",
    "proxylessnas": "proxyless:PROXYLESSNAS",
    "efficientformer_slots": "efficientformerslots:EFFICIENTFORMER_SLOTS",
    "efficientnet_grid": "efficientnetgrid:EFFICIENTNET_GRID",
    "regnetx": "regnetrule:REGNETX",
    "nas_bench_macro": "macro:NAS_BENCH_MACRO",
    "nas_bench_201": "bench201:NAS_BENCH_201",
}
"""The file and the constant of each space."""


def space_named(name: str) -> DesignSpace | ListedSpace:
    """The space of this name. Raises UnknownName for any other."""
    if name not in SPACES:
        more = "or name one of your own as file.py:NAME"
        raise UnknownName("design space", name, SPACES, f"known are {', '.join(SPACES)}, {more}")
    module, constant = SPACES[name].split(":")
    found: DesignSpace | ListedSpace = getattr(
        import_module(f"flopscope.designspaces.{module}"), constant
    )
    return found
