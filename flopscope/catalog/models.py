"""The catalogue: one line a model. A family adds its two files and its lines here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flopscope.analytic.recipe import Recipe
from flopscope.catalog.options import CLASSES, RHO, WIDTH, Option, recipe


@dataclass(frozen=True)
class Paper:
    """Where a family was published."""

    title: str
    arxiv: str
    year: int

    def __str__(self) -> str:
        return f"{self.title}, arXiv {self.arxiv} ({self.year})"


@dataclass(frozen=True)
class Model:
    """A network of the catalogue.

    Its closed form is function `id` of `flopscope.analytic.<family>`, its PyTorch module function
    `id` of `reference_models.<family>`, its published figures those of <family> in
    `catalog/published`.
    """

    id: str
    family: str
    paper: Paper
    options: tuple[Option, ...]
    resolution: int = 224


V1 = Paper(
    "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications",
    "1704.04861",
    2017,
)
V2 = Paper("MobileNetV2: Inverted Residuals and Linear Bottlenecks", "1801.04381", 2018)
V3 = Paper("Searching for MobileNetV3", "1905.02244", 2019)

_V1_RECIPES = recipe(Recipe.TIMM)
_V3_RECIPES = recipe(Recipe.TORCHVISION, Recipe.TIMM)

_MODELS = (
    Model("mobilenetv1", "mobilenetv1", V1, (WIDTH, RHO, CLASSES, _V1_RECIPES)),
    Model("mobilenetv2", "mobilenetv2", V2, (WIDTH, CLASSES)),
    Model("mobilenetv3_large", "mobilenetv3", V3, (WIDTH, CLASSES, _V3_RECIPES)),
    Model("mobilenetv3_small", "mobilenetv3", V3, (WIDTH, CLASSES, _V3_RECIPES)),
)

MODELS: Mapping[str, Model] = {model.id: model for model in _MODELS}
