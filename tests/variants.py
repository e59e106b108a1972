"""The catalogue's variants that tests of free widths run over."""

import re

from flopscope.catalog.models import MODELS
from flopscope.catalog.options import Choice


def with_width() -> tuple[str, ...]:
    """Every model that has a width, with each of its recipes; of equal formulas the first."""
    found: list[str] = []
    for model in MODELS.values():
        options = {option.name: option for option in model.options}
        if "width" not in options or re.fullmatch("efficientnet_b[1-7]", model.id):
            continue
        recipe = options.get("recipe")
        choices = recipe.choices if isinstance(recipe, Choice) else ()
        found += [f"{model.id}:recipe={choice.value}" for choice in choices] or [model.id]
    return tuple(found)
