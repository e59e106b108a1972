"""The blocks of any network, after which AZ-NAS looks at its maps.

A block is a module of the network's author that holds layers, or a convolution with the plain
layers behind it. Sequences are looked into, and where this gives fewer than three blocks, so is the
largest of them.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.modules.pooling import _AdaptiveAvgPoolNd, _AdaptiveMaxPoolNd

from flopscope.measured.proxies.running import Undefined

FEWEST = 3
NO_MAPS = (_AdaptiveAvgPoolNd, _AdaptiveMaxPoolNd, nn.Flatten, nn.Linear, nn.Dropout)
"""Plain layers behind which there is no map of features."""


def maps_after_blocks(net: nn.Module, images: Tensor) -> list[Tensor]:
    """The maps after each block, (B, C, h, w) of more than one position, in the order in which they
    are computed. A block that gives back the map that it was given is none. Raises Undefined where
    there are fewer than two."""
    found: list[Tensor] = []

    def note(_: nn.Module, __: object, output: Any) -> None:
        is_map = isinstance(output, Tensor) and output.dim() == 4 and output[0, 0].numel() > 1
        if is_map and not any(output is one for one in found):
            found.append(output)

    handles = [block.register_forward_hook(note) for block in blocks(net)]
    try:
        net(images)
    finally:
        for handle in handles:
            handle.remove()
    if len(found) < 2:
        raise Undefined("it has fewer than two blocks with maps of more than one position")
    return found


def blocks(net: nn.Module) -> list[nn.Module]:
    """The modules whose outputs are the ends of blocks, in the order of the network.

    >>> stem = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
    >>> net = nn.Sequential(stem, nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    >>> [type(block).__name__ for block in blocks(net)]
    ['ReLU', 'ReLU']
    """
    found = _inside(net)
    while len(found) < FEWEST:
        larger = [block for block in found if _held(block)]
        if not larger:
            break
        largest = max(larger, key=lambda block: sum(p.numel() for p in block.parameters()))
        at = found.index(largest)
        found[at : at + 1] = _inside(largest)
    return found


def _inside(holder: nn.Module) -> list[nn.Module]:
    """The blocks among the children of a module."""
    found: list[nn.Module] = []
    run: nn.Module | None = None
    for child in holder.children():
        plain = not _held(child) and not isinstance(child, NO_MAPS)
        if run is not None and (not plain or isinstance(child, nn.Conv2d)):
            found.append(run)
            run = None
        if plain:
            run = child
        elif _is_sequence(child):
            found += _inside(child)
        elif _held(child):
            found.append(child)
    return found if run is None else [*found, run]


def _held(part: nn.Module) -> bool:
    return next(part.children(), None) is not None


def _is_sequence(part: nn.Module) -> bool:
    """Does it only put its parts behind each other?"""
    is_list = isinstance(part, nn.ModuleList)
    return is_list or getattr(type(part), "forward", None) is nn.Sequential.forward
