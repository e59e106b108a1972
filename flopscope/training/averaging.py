"""A moving average of a network's weights."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn


class Average:
    """An exponential moving average of the weights, and of the statistics of norms.

    After the step t, from 0, each number a becomes d·a + (1 − d)·w, with d the lesser of the decay
    and (1 + t)/(10 + t), so that an average of few steps does not hold on to the random weights at
    the start (tf.train.ExponentialMovingAverage with num_updates, as EfficientNet is trained).
    Integers are copied.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = deepcopy(network).eval().requires_grad_(False)
        self.decay, self.steps = decay, 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the weights after a step."""
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        now = network.state_dict()
        for name, mean in self.network.state_dict().items():
            if mean.is_floating_point():
                mean.lerp_(now[name], 1 - decay)
            else:
                mean.copy_(now[name])
