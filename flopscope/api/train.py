"""A network really trained, on images that come with a package or on one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flopscope.api.given import is_integer, text, texts
from flopscope.api.own import network_or_maker
from flopscope.api.public import public
from flopscope.brief import shown
from flopscope.errors import BadInput
from flopscope.training.asked import number, whole

if TYPE_CHECKING:
    from torch import nn

    from flopscope.training.record import Run

Numbers = float | Sequence[float]
"""One number for all stages, the first and the last, or one for each stage."""


def _numbers(name: str, value: Any) -> tuple[float, ...]:
    given = value if isinstance(value, list | tuple) else (value,)
    if not given:
        raise BadInput(f"{name} is an empty list; give a number, or leave it out")
    return tuple(number(name, each) for each in given)


def _sides(name: str, value: Any) -> tuple[int, ...]:
    given = value if isinstance(value, list | tuple) else (value,)
    if not given or not all(is_integer(n) and n > 0 for n in given):
        raise BadInput(
            f"{name} {shown(value)} are not sides of images; give integers from 1 such as "
            "(32, 48, 64)"
        )
    return tuple(given)


def _epochs(name: str, value: Any) -> int | tuple[int, ...]:
    if not isinstance(value, list | tuple):
        return whole(name, value, 1)
    return tuple(whole(name, each, 1) for each in value)


def _images(name: str, value: Any) -> Any:
    """The name of a source, or arrays, which what reads them checks."""
    return text(name, value) if isinstance(value, str) else value


@public(
    network=network_or_maker, images=_images, epochs=_epochs, sizes=_sides, dropout=_numbers,
    stochastic_depth=_numbers, magnitude=_numbers, branches=texts, batch=partial(whole, least=1),
    optimizer=text, rate=number, momentum=number, weight_decay=number, warmup=number, ema=number,
    temperature=number, alpha=number, seed=partial(whole, least=0),
)  # fmt: skip
def train(
    network: str | nn.Module | Callable[..., nn.Module],
    images: Any = "mnist",
    *,
    epochs: int | Sequence[int] = 6,
    sizes: int | Sequence[int] | None = None,
    dropout: Numbers | None = None,
    stochastic_depth: Numbers | None = None,
    magnitude: Numbers = 0.0,
    branches: str | Sequence[str] = (),
    batch: int = 64,
    optimizer: str = "sgd",
    rate: float | None = None,
    momentum: float | None = None,
    weight_decay: float | None = None,
    warmup: float | None = None,
    ema: float | None = None,
    teacher: nn.Module | Run | None = None,
    temperature: float | None = None,
    alpha: float | None = None,
    seed: int = 0,
) -> Run:
    """Train a network, and say how well it does, what work each step was, and how long it took.

    `network` is a text or class, built from the seed, or a module, which is trained in place.
    `images` are 'mnist', 'digits', or arrays (x, y); a fifth of them, drawn from the seed, is held
    out. `sizes` are the sides of images stage by stage, over which `dropout`, `stochastic_depth`
    (of the modules that match `branches`) and the `magnitude` of augmentation may grow. `ema` is
    the decay of averaged weights. A `teacher` is distilled at a temperature with the weight alpha.
    Needs torch. Raises BadInput, UnknownName.

    >>> import numpy as np
    >>> from torch import nn
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    >>> stripes = np.stack([np.eye(4), np.ones((4, 4))] * 10), np.arange(20) % 2
    >>> run = train(net, stripes, epochs=5, batch=4)
    >>> len(run.steps), run.accuracy, run.macs == 5 * 4 * 4 * (2 * 16 * 2)
    (20, 1.0, True)
    """
    from flopscope.answers.making import target_of
    from flopscope.extras import require_witnesses
    from flopscope.present.progress import between
    from flopscope.training.given import images_of, teacher_of
    from flopscope.training.images import divided
    from flopscope.training.recipe import Asked, recipe_of, stages_of

    source, found = images_of(images)
    stages = stages_of(
        _several(found.side if sizes is None else sizes),
        epochs,
        dropout=None if dropout is None else _several(dropout),
        stochastic_depth=None if stochastic_depth is None else _several(stochastic_depth),
        magnitude=_several(magnitude),
    )
    asked = Asked(optimizer, rate, momentum, weight_decay, warmup, temperature, alpha)
    recipe = recipe_of(
        stages, asked, taught=teacher is not None, batch=batch, ema=ema,
        branches=_texts(branches), seed=seed,
    )  # fmt: skip
    require_witnesses()
    from flopscope.training.trainer import Named
    from flopscope.training.trainer import train as answer

    taught = teacher_of(teacher, source, seed)
    target = target_of(network)
    named = Named(target.name, target.build(seed=seed))
    with between(f"training {target.name}") as tell:
        return answer(named, source, divided(found, seed), recipe, taught, tell)


def _several(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _texts(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)
