"""The libraries of public models, timm and torchvision: what makes a model, and its own input."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from flopscope.errors import UnknownName
from flopscope.tracing.loading.extensions import with_torchvision
from flopscope.tracing.loading.refusals import not_had


def library(name: str) -> Any:
    """The library of public models. Raises BadInput if it cannot be imported."""
    try:
        return with_torchvision(lambda: importlib.import_module(name))
    except Exception as error:  # a broken extension may raise any error
        raise not_had(name, error) from error


def _timm(name: str) -> Callable[..., Any]:
    timm = library("timm")
    if not timm.is_model(name):
        raise UnknownName("timm model", name, timm.list_models())
    timm.layers.set_fused_attn(False)  # attention as explicit products, which the model computes
    return lambda **arguments: timm.create_model(name, **arguments)


def as_released(name: str) -> None:
    """Networks that are made from now on compute attention as their library does by itself. The
    next network that is to be counted is made the other way again."""
    if name == "timm":
        library("timm").layers.set_fused_attn(True)


def _torchvision(name: str) -> Callable[..., Any]:
    models = library("torchvision").models
    if name not in models.list_models():
        raise UnknownName("torchvision model", name, models.list_models())
    takes = inspect.signature(models.get_model_builder(name)).parameters
    # counting needs no weights, so those of a backbone are not downloaded either
    without = {"weights_backbone": None} if "weights_backbone" in takes else {}
    return lambda **arguments: models.get_model(name, **{**without, **arguments})


LIBRARIES: Mapping[str, Callable[[str], Callable[..., Any]]] = {
    "timm": _timm,
    "torchvision": _torchvision,
}


def _timm_size(name: str) -> tuple[int, int] | None:
    configuration = library("timm").get_pretrained_cfg(name)
    if configuration is None:
        return None
    _, height, width = configuration.input_size
    return height, width


def _torchvision_size(name: str) -> tuple[int, int] | None:
    """The crop of its default weights; detectors and the like, which take any size, have none."""
    weights = library("torchvision").models.get_model_weights(name)
    crop = getattr(weights.DEFAULT.transforms(), "crop_size", None) if len(weights) else None
    return None if crop is None else (crop[0], crop[-1])


NATIVE_SIZES: Mapping[str, Callable[[str], tuple[int, int] | None]] = {
    "timm": _timm_size,
    "torchvision": _torchvision_size,
}
