"""EfficientNets at any width and depth coefficient: arXiv 1905.11946, section 3.3."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from reference_models.efficientnet import efficientnet


def network(settings: Mapping[str, float], classes: int = 1000) -> nn.Module:
    """The EfficientNet of {'width': 1.1, 'depth': 1.2, 'res': 260}, for inputs of any size, with
    the dropout of B0."""
    width, depth = settings["width"], settings["depth"]
    return efficientnet(width=width, depth=depth, dropout=0.2, classes=classes)
