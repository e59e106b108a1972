"""What a training step keeps, against torch's own hooks on the same network, to the byte.

`make slow` does so for every network of the catalogue.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import settings
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.attention import SDPBackend, sdpa_kernel

from flopscope.answers.counted import Given
from flopscope.answers.target import parse_target
from flopscope.answers.train_cost.passes import Network, counted_pass
from flopscope.answers.train_cost.recipe import Recipe
from flopscope.answers.train_cost.units import kept_in_full
from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import parse
from flopscope.errors import FlopscopeError

EXPLORING = settings.get_current_profile_name() == "explore"
SOME = [
    "mobilenetv2",
    "resnet18",
    "ghostnet_100",
    "mobilevit_xxs",
    "convnext_tiny",
    "shufflenetv2_x0.5",
]
BATCH = 2
SIZES = (64, None)
"""The sizes that are tried: a small one, and that of the network, which some insist on."""


def saved_by_torch(module: nn.Module, inputs: Any) -> int:
    """The bytes of the storages that torch's hooks see, parameters, buffers and inputs apart.

    On the meta device a storage has no address, so it is told by its object.
    """
    stored = (*module.parameters(), *module.buffers(), *inputs)
    apart = {t.untyped_storage()._cdata for t in stored}
    kept: dict[int, int] = {}
    alive: list[Any] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        alive.append(tensor)
        kept[storage._cdata] = storage.nbytes()
        return tensor

    with sdpa_kernel(SDPBackend.MATH), saved_tensors_hooks(keep, lambda tensor: tensor):
        alive.append(module(*inputs))
    return sum(size for at, size in kept.items() if at not in apart)


def made(name: str, size: int | None, device: str) -> tuple[nn.Module, list[torch.Tensor]]:
    """The network in training mode and its inputs."""
    variant = parse(name)
    with torch.device(device):
        module = variant.build().train().to(device)
    given = variant.inputs(variant.resolution(size), BATCH)
    types = [getattr(torch, each.dtype) for each in given]
    shapes = [tuple(map(int, each.shape)) for each in given]
    zipped = zip(shapes, types, strict=True)
    return module, [torch.ones(shape, dtype=kind, device=device) for shape, kind in zipped]


@pytest.mark.parametrize("name", SOME)
def test_what_is_saved_is_what_torch_saves(name: str) -> None:
    recipe = Recipe(1, BATCH, BATCH)
    one = counted_pass(Network(parse_target(name), Given()), recipe, 64, BATCH)
    assert one.memory.saved == saved_by_torch(*made(name, 64, "cpu"))
    assert kept_in_full(one.units) == one.memory.saved


LONG = "every network of the catalogue takes minutes; see make slow"


@pytest.mark.skipif(not EXPLORING, reason=LONG)
@pytest.mark.may_skip(LONG)
@pytest.mark.parametrize("name", MODELS)
def test_so_it_is_for_every_network(name: str) -> None:
    for size in SIZES:
        if size is not None and not parse(name).takes_image:
            continue
        try:
            module, inputs = made(name, size, "meta")
            theirs = saved_by_torch(module, inputs)
        except (ValueError, RuntimeError, FlopscopeError):
            continue  # it refuses this size
        one = counted_pass(Network(parse_target(name), Given()), Recipe(1, 2, 2), size, BATCH)
        assert one.memory.saved == theirs
        assert kept_in_full(one.units) == one.memory.saved
        return
    raise AssertionError(f"{name} runs at none of the sizes")
