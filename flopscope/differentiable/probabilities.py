"""Probabilities of options from numbers per option, and gradients back through them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[Any]
PerSlot: TypeAlias = Mapping[str, Any]
"""A number for each option, by slot."""


def softmax(logits: Any) -> Vector:
    """exp(α)/Σ exp(α), of numbers of any size.

    >>> softmax([0, 1000]).tolist()
    [0.0, 1.0]
    """
    values = np.asarray(logits, dtype=float)
    powers = np.exp(values - values.max())
    return np.asarray(powers / powers.sum())


def through_softmax(probabilities: Vector, slopes: Vector) -> Vector:
    """The gradient with respect to α of f(softmax(α)), whose gradient with respect to the
    probabilities p is `slopes` g: p·(g − ⟨p, g⟩).

    >>> through_softmax(np.array([0.5, 0.5]), np.array([3.0, 1.0])).tolist()
    [0.5, -0.5]
    """
    return np.asarray(probabilities * (slopes - probabilities @ slopes))
