"""The networks between which EfficientFormer's search chooses: arXiv 2206.01191, section 4.2."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from reference_models.efficientformer import EfficientFormer, MixedStages
from reference_models.layers import checked_classes

STAGES = 4
POOLING, ATTENTION = "p", "a"


def network(choices: Mapping[str, str], classes: int = 1000) -> nn.Module:
    """The network of these choices, such as {'stage1.width': '48', 'stage1.block1': 'p'}: blocks
    that pool, then, in the last stage, blocks that attend; '-' is no block."""
    widths = [int(choices[f"stage{stage}.width"]) for stage in range(1, STAGES + 1)]
    kinds: list[list[str]] = [[] for _ in range(STAGES)]
    for name, option in choices.items():
        if option in (POOLING, ATTENTION):
            kinds[int(name[len("stage")]) - 1].append(option)
    attending = kinds[-1].count(ATTENTION)
    sizes = MixedStages(tuple(widths), tuple(map(len, kinds)), attending)
    return EfficientFormer(sizes, checked_classes(classes))
