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
        named, source = _read(given, own), str(given)
    else:
        named, source = [("images", _as_array(given))], "an array"
    found = [image for name_of, array in named for image in _single(array, own[1:], name_of)]
    if not found:
        raise BadInput(f"there is no image in {source}; give at least one")
    batches = [np.broadcast_to(image, own).astype(np.float32) for image in found]
    count = f"{len(found)} images" if len(found) > 1 else "1 image"
    return Images([{name: batch} for batch in batches], f"{count} of {source}")


def _as_array(given: Any) -> Array:
    try:
        return np.asarray(given)
    except Exception as error:  # whatever an object of somebody else's raises
        raise BadInput(
            f"the images are no array ({' '.join(str(error).split())[:200]}); give one of the "
            "sizes N, C, H, W, or a folder"
        ) from error


def _read(given: str | Path, own: tuple[int, ...]) -> list[tuple[str, Array]]:
    """The arrays of a file or of all files of a folder, each with its name."""
    path = Path(given)
    if not str(given).strip() or not path.exists():
        raise BadInput(f"there is no folder or file '{given}'; give the images to calibrate with")
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    files = [file for file in files if file.suffix.lower() in (*ENDINGS, ".npy")][:MOST]
    if not files:
        inner = path.is_dir() and any(file.is_dir() for file in path.iterdir())
        aside = ", whose own folders are not looked into" if inner else ""
        raise BadInput(
            f"there is no image in {given}{aside}; give a folder with files that end in "
            f"{', '.join(ENDINGS)} or .npy"
        )
    return [(str(file), _array(file, own)) for file in files]


def _array(file: Path, own: tuple[int, ...]) -> Array:
    if file.suffix.lower() == ".npy":
        try:
            found: Array = np.load(file, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise BadInput(f"{file} holds no array ({error}); give one of numpy.save") from error
        return found
    from flopscope.extras import require_pillow

    require_pillow()
    from PIL import Image

    in_colour = own[1:2] == (3,)

    try:
        with Image.open(file) as picture:
            if picture.mode[0] in "IF":
                raise BadInput(
                    f"{file} is a picture whose values have not 8 bits (its mode is "
                    f"{picture.mode}); save it with 8 bits, or as an array with numpy.save"
                )
            pixels = np.asarray(picture.convert("RGB" if in_colour else "L"), dtype=np.float32)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadInput(f"{file} is no image that can be read; leave it out") from error
    found = pixels.reshape(*pixels.shape[:2], -1) / 255
    if in_colour:
        found = (found - np.array(MEAN, np.float32)) / np.array(DEVIATION, np.float32)
    return np.moveaxis(found, -1, 0)


def _single(array: Array, own: Sequence[int], name: str) -> list[Array]:
    """The images of an array that has one or several of them."""
    if array.size == 0:
        return []
    if array.dtype.kind not in "fiu":
        raise BadInput(f"{name}: values of type {array.dtype} are no image; give float32")
    several = array.ndim > len(own)
    images: list[Array] = list(array) if several else [array]
    for image in images:
        if image.shape != tuple(own):
            raise BadInput(
                f"{name}: an image has the sizes {_sizes(image.shape)}, and the network takes "
                f"{_sizes(own)}, its channels first; resize it, or give --res of its size"
            )
        if not np.isfinite(image).all():
            raise BadInput(
                f"{name}: an image has values that are not finite, and so no range; leave it out"
            )
    return images


def _sizes(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape)) or "of a single number"
