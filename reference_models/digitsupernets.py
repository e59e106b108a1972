"""Two networks that hold all those of `digitnet.py`, to be searched.

Mixed operators: arXiv 1806.09055, section 2.2; widths by masks: arXiv 2004.05565, section 3.1.
Shared slices: arXiv 1812.08928, section 3 (widths) and arXiv 1908.09791, section 3 (kernels),
without the latter's transforms of kernels.

Deviation: in the network of shared slices, batch norm takes the statistics of the batch also when
it is evaluated, so that no design needs statistics of its own.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from reference_models.digitnet import (
    CLASSES,
    KERNELS,
    SEPARABLE,
    STEM,
    STRIDES,
    WIDTHS,
    DigitNet,
    Operator,
    stem,
)


class Mixed(nn.Module):
    """All operators of a layer at its largest width. The output is their mean under the
    probabilities of operators, times the probability that the width reaches each channel."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        most = max(WIDTHS)
        each = {name: Operator(name, channels, most, stride) for name in KERNELS}
        self.operators = nn.ModuleDict(each)
        reached = [[float(channel < width) for channel in range(most)] for width in WIDTHS]
        self.register_buffer("reached", torch.tensor(reached), persistent=False)

    def forward(self, x: Tensor, operators: Tensor, widths: Tensor) -> Tensor:
        pairs = zip(operators, self.operators.values(), strict=True)
        mean: Tensor = sum(p * operator(x) for p, operator in pairs)
        return functional.relu(mean) * (widths @ self.reached)[:, None, None]


class MixedDigitNet(nn.Module):
    """(B, 1, H, W) → (B, 10), a mixture of all designs under softmax(logits) of every slot."""

    def __init__(self) -> None:
        super().__init__()
        most = max(WIDTHS)
        self.stem = stem()
        inputs = (STEM, *[most] * (len(STRIDES) - 1))
        self.layers = nn.ModuleList(
            Mixed(channels, stride) for channels, stride in zip(inputs, STRIDES, strict=True)
        )
        self.classifier = nn.Linear(most, CLASSES)
        self.logits = nn.ParameterDict()
        for layer in range(1, len(STRIDES) + 1):
            self.logits[f"op{layer}"] = nn.Parameter(torch.zeros(len(KERNELS)))
            self.logits[f"width{layer}"] = nn.Parameter(torch.zeros(len(WIDTHS)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for number, layer in enumerate(self.layers, start=1):
            operators, widths = (
                self.logits[f"{what}{number}"].softmax(0) for what in ("op", "width")
            )
            x = layer(x, operators, widths)
        y: Tensor = self.classifier(x.mean((2, 3)))
        return y


class Sliced(nn.Module):
    """A layer's dense 3×3 and separable 5×5 operator, of which a design takes leading channels and
    the middle of the kernel."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        most = max(WIDTHS)
        self.stride = stride
        self.dense = nn.Conv2d(channels, most, 3, bias=False)
        self.dw = nn.Conv2d(channels, channels, 5, groups=channels, bias=False)
        self.pw = nn.Conv2d(channels, most, 1, bias=False)
        self.norms = nn.ModuleDict({name: nn.BatchNorm2d(most) for name in ("dense", "separable")})

    def slices(self, name: str, channels: int, width: int) -> tuple[list[Tensor], nn.Module]:
        """The filters of a design's operator, in the order in which it runs them, and its norm."""
        kernel = KERNELS[name]
        if name in SEPARABLE:
            filters = [middle(self.dw.weight[:channels], kernel), self.pw.weight[:width, :channels]]
            return filters, self.norms["separable"]
        return [middle(self.dense.weight[:width, :channels], kernel)], self.norms["dense"]

    def forward(self, x: Tensor, name: str, width: int) -> Tensor:
        channels, pad = x.shape[1], KERNELS[name] // 2
        (first, *pointwise), norm = self.slices(name, channels, width)
        groups = channels if name in SEPARABLE else 1
        x = functional.conv2d(x, first, stride=self.stride, padding=pad, groups=groups)
        for filters in pointwise:
            x = functional.conv2d(x, filters)
        weight, bias = norm.weight[:width], norm.bias[:width]
        y = functional.batch_norm(x, None, None, weight, bias, training=True)
        return functional.relu(y)


def middle(filters: Tensor, kernel: int) -> Tensor:
    """The filters' inner kernel×kernel."""
    edge = (filters.shape[-1] - kernel) // 2
    return filters[..., edge : edge + kernel, edge : edge + kernel]


class SharedDigitNet(nn.Module):
    """(B, 1, H, W) → (B, 10) by the network of given choices, all of which share weights."""

    def __init__(self) -> None:
        super().__init__()
        most = max(WIDTHS)
        self.stem = stem()
        inputs = (STEM, *[most] * (len(STRIDES) - 1))
        self.layers = nn.ModuleList(
            Sliced(channels, stride) for channels, stride in zip(inputs, STRIDES, strict=True)
        )
        self.classifier = nn.Linear(most, CLASSES)

    def forward(self, x: Tensor, choices: Mapping[str, Any]) -> Tensor:
        conv, norm, relu = self.stem
        x = relu(functional.batch_norm(conv(x), None, None, norm.weight, norm.bias, training=True))
        for number, layer in enumerate(self.layers, start=1):
            x = layer(x, choices[f"op{number}"], choices[f"width{number}"])
        x = x.mean((2, 3))
        weight = self.classifier.weight[:, : x.shape[1]]
        return functional.linear(x, weight, self.classifier.bias)

    @torch.no_grad()
    def network(self, choices: Mapping[str, Any]) -> nn.Module:
        """The network of these choices on its own, with copies of its slices. Its batch norms have
        seen no image yet."""
        found, channels = DigitNet(choices), STEM
        found.stem.load_state_dict(self.stem.state_dict())
        for number, layer in enumerate(self.layers, start=1):
            width = choices[f"width{number}"]
            operator = found.layers[number - 1][0]
            filters, norm = layer.slices(choices[f"op{number}"], channels, width)
            for conv, values in zip(operator.conv, filters, strict=True):
                conv.weight.copy_(values)
            operator.bn.weight.copy_(norm.weight[:width])
            operator.bn.bias.copy_(norm.bias[:width])
            channels = width
        found.classifier.weight.copy_(self.classifier.weight[:, :channels])
        found.classifier.bias.copy_(self.classifier.bias)
        return found
