"""The images by which ranges of activations are found: a folder of them, an array, or made-up
ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flopscope.errors import BadInput

Array = NDArray[Any]

MADE_UP = 8
MOST = 512
"""The most images that are read from a folder."""
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, by which torchvision's and most of timm's networks take images."""


class Images(NamedTuple):
    """Inputs of the network, one image each, and where they come from."""

    each: Sequence[Mapping[str, Array]]
    words: str
    made_up: bool = False


def images_for(given: Any, name: str, shape: Sequence[int]) -> Images:
    """The images for an input of this name and shape.

    `given` is None, a folder of pictures or of .npy files, an .npy file, or an array (N, C, H, W).
    Pictures are scaled to numbers from 0 to 1, less ImageNet's mean, over its deviation; arrays
    are taken as they are. Raises BadInput where there is no image, or one of another size.
    """
    own = tuple(int(n) for n in shape)
    if given is None:
        draw = np.random.default_rng(0).standard_normal
        made = [draw(own, dtype=np.float32) for _ in range(MADE_UP)]
        words = f"{MADE_UP} images of standard normal numbers"
        return Images([{name: image} for image in made], words, made_up=True)
    if isinstance(given, str | Path):
        arrays, words = _read(Path(given), own), f"images of {given}"
    else:
        arrays, words = [np.asarray(given)], "images that were given"
    single = own[1:]
    found = [image for array in arrays for image in _single(array, single, words)]
    if not found:
        raise BadInput(f"there is no image among the {words}; give at least one")
    batches = [np.broadcast_to(image, own).astype(np.float32) for image in found]
    return Images([{name: batch} for batch in batches], f"{len(found)} {words}")


def _read(path: Path, own: Sequence[int]) -> list[Array]:
    if not path.exists():
        raise BadInput(f"there is no folder or file {path}; give the images to calibrate with")
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    files = [file for file in files if file.suffix.lower() in (*ENDINGS, ".npy")][:MOST]
    if not files:
        raise BadInput(
            f"there is no image in {path}; give a folder with files that end in "
            f"{', '.join(ENDINGS)} or .npy"
        )
    return [_array(file, own) for file in files]


def _array(file: Path, own: Sequence[int]) -> Array:
    if file.suffix.lower() == ".npy":
        try:
            found: Array = np.load(file, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise BadInput(f"{file} holds no array ({error}); give one of numpy.save") from error
        return found
    from flopscope.extras import require_pillow

    require_pillow()
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as picture:
            pixels = np.asarray(picture.convert("RGB" if own[1] == 3 else "L"), dtype=np.float32)
    except (OSError, UnidentifiedImageError) as error:
        raise BadInput(f"{file} is no image that can be read; leave it out") from error
    found = pixels.reshape(*pixels.shape[:2], -1) / 255
    if own[1] == 3:
        found = (found - np.array(MEAN, np.float32)) / np.array(DEVIATION, np.float32)
    return np.moveaxis(found, -1, 0)


def _single(array: Array, own: Sequence[int], words: str) -> list[Array]:
    """The images of an array that has one or several of them."""
    if array.dtype.kind not in "fiu":
        raise BadInput(f"the {words} are of type {array.dtype}; give numbers such as float32")
    images = [array] if array.ndim == len(own) else list(array)
    for image in images:
        if tuple(image.shape) != tuple(own):
            raise BadInput(
                f"one of the {words} has the sizes {'×'.join(map(str, image.shape))}, and the "
                f"network takes {'×'.join(map(str, own))}; resize it, or give --res of its size"
            )
    return images
