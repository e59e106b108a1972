"""What a user gives to be trained on and by: images, and a teacher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from flopscope.brief import shown
from flopscope.errors import BadInput
from flopscope.training.images import Images, images

if TYPE_CHECKING:
    from torch import nn

AXES = 4
"""Of images: their number, channels, height and width."""


def images_of(given: Any) -> tuple[str, Images]:
    """The images and what a record calls them: those of a package by its name, or one's own, a pair
    of arrays (n, C, H, W) or (n, H, W) and (n,).

    Raises UnknownName for a name of none, and BadInput for arrays that are not such a pair.
    """
    if isinstance(given, str):
        return given, images(given)
    such = "give a name such as 'mnist', or arrays (x, y) of shapes (n, C, H, W) and (n,)"
    pair = 2
    if not isinstance(given, tuple | list) or len(given) != pair:
        raise BadInput(f"images {shown(given)} are not images with their classes; {such}")
    try:
        x, y = np.asarray(given[0], dtype=np.float32), np.asarray(given[1])
    except (TypeError, ValueError, RuntimeError):
        raise BadInput(f"images {shown(given)} are not two arrays of numbers; {such}") from None
    x = x[:, None] if x.ndim == AXES - 1 else x
    if x.ndim != AXES or x.shape[-1] != x.shape[-2] or not x.size or y.shape != x.shape[:1]:
        raise BadInput(
            f"images of shape {x.shape} with classes of shape {y.shape} are not square images with "
            f"a class each; {such}"
        )
    if not np.issubdtype(y.dtype, np.integer) or y.min() < 0:
        raise BadInput(
            "the classes of images are not integers from 0; give the number of its class for each"
        )
    if not np.isfinite(x).all():
        raise BadInput("images have a pixel that is not a finite number; leave such images out")
    return "one's own", Images(x, y.astype(np.int64))


def teacher_of(given: Any, source: str, seed: int) -> nn.Module | None:
    """A teacher: a module, or the record of its training, whose averaged weights are taken if it
    has them.

    Raises BadInput for anything else, and where the record says that the teacher was trained on
    images that are held out from its student.
    """
    from torch import nn

    from flopscope.training.record import Run

    if given is None or isinstance(given, nn.Module):
        return given
    if not isinstance(given, Run):
        raise BadInput(
            f"teacher {shown(given)} is not a trained network; give a module, or what fs.train "
            "returned for it"
        )
    if (given.source, given.recipe.seed) != (source, seed):
        raise BadInput(
            f"the teacher was trained on {given.source} with the seed {given.recipe.seed}, and so "
            f"on images that {source} with the seed {seed} holds out; train both with one seed"
        )
    return given.average or given.network
