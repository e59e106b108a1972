"""Zero-cost proxies: numbers of an untrained network that are said to go with its accuracy.

Each is a function of a copy of the network and of batches of random images and labels. The network
itself is never changed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from torch import nn

from flopscope.errors import BadInput
from flopscope.measured.numbers import seeded
from flopscope.measured.proxies import aznas, images, saliency, zen
from flopscope.measured.proxies.running import (
    Batches,
    Undefined,
    device_of,
    drawn,
    left_as_found,
    logits,
    private,
)

MEASURED: Mapping[str, Callable[[nn.Module, Batches], float]] = {
    "grad_norm": saliency.grad_norm,
    "snip": saliency.snip,
    "grasp": saliency.grasp,
    "synflow": saliency.synflow,
    "fisher": saliency.fisher,
    "jacob_cov": images.jacob_cov,
    "naswot": images.naswot,
    "zico": images.zico,
    "zen": zen.zen,
    "expressivity": aznas.expressivity,
    "progressivity": aznas.progressivity,
    "trainability": aznas.trainability,
}
"""The proxies that run a network, by name."""


def classes_of(module: nn.Module, shape: tuple[int, ...], seed: int = 0) -> int:
    """How many classes the network tells apart, by one run on a batch of images of this shape.

    Raises BadInput where it has no weights with values or does not give logits. What its code
    raises is passed on.
    """
    device = device_of(module)
    with left_as_found(module):
        seeded(seed)
        try:
            output = logits(private(module), drawn(shape, 2, seed, device).images)
        except Undefined as reason:
            raise BadInput(
                f"{type(module).__name__} has no proxies: {reason}; give a classifier"
            ) from None
    return int(output.shape[1])


def measured_proxies(
    module: nn.Module,
    shape: tuple[int, ...],
    classes: int,
    names: Iterable[str],
    seed: int = 0,
    tell: Callable[[], None] = lambda: None,
) -> dict[str, float | str]:
    """The value of each proxy on batches of this shape, or why it has none, as the end of a
    sentence. Each starts from the same weights and the same seed, so that none depends on which
    others are asked for. `tell` is called after each.

    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> found = measured_proxies(net, (4, 3, 8, 8), 8, ["naswot", "trainability"])
    >>> found["naswot"] > 0, found["trainability"]
    (True, 'it has fewer than two blocks with maps of more than one position')
    """
    device, found = device_of(module), {}
    for name in names:
        with left_as_found(module):
            seeded(seed)
            found[name] = _value(MEASURED[name], module, drawn(shape, classes, seed, device))
        tell()
    return found


def _value(
    proxy: Callable[[nn.Module, Batches], float], module: nn.Module, batches: Batches
) -> float | str:
    net = private(module)
    try:
        value = proxy(net, batches)
    except Undefined as reason:
        return str(reason)
    except (RuntimeError, ValueError, NotImplementedError, TypeError, AttributeError) as error:
        text = " ".join(str(error).split())[:200]
        return f"its code raises {type(error).__name__}: {text}"
    return "it is not a number, as sums overflow or vanish" if math.isnan(value) else value
