"""The wavelet convolution: arXiv 2407.05848, section 3, on Haar wavelets.

Agrees with the authors' BGU-CS-VIL/WTConv wtconv/wtconv2d.py: state dict, outputs, initial weights.
The filters are written out here, where the authors take PyWavelets' db1. Deviations that change no
output: kernels are odd and padded by their half, which is what the authors' padding="same" does, an
operator that fvcore does not count; the last level does not add zero to its means; there is no
stride, which no published network uses.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from reference_models.layers import checked_count

INIT_SCALE = 0.1  # of the wavelet levels; that of the map itself is 1


def haar_filters(channels: int) -> Tensor:
    """(4·channels, 1, 2, 2): mean, vertical, horizontal and diagonal difference, for each channel.

    They are orthonormal: the same filters split a map and put it together again.
    """
    low, high = torch.tensor([[1.0, 1.0], [1.0, -1.0]]) * math.sqrt(0.5)
    pairs = ((low, low), (high, low), (low, high), (high, high))
    filters = torch.stack([torch.outer(vertical, across) for vertical, across in pairs])
    return filters.unsqueeze(1).repeat(channels, 1, 1, 1)


class Scale(nn.Module):
    """A factor a channel, for others to multiply by."""

    def __init__(self, channels: int, start: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((1, channels, 1, 1), start))


def _depthwise(channels: int, kernel: int, bias: bool) -> nn.Conv2d:
    pad = (kernel - 1) // 2
    return nn.Conv2d(channels, channels, kernel, padding=pad, groups=channels, bias=bias)


class WTConv2d(nn.Module):
    """(B, C, H, W) → (B, C, H, W): depthwise K×K on the map and on each of its wavelet levels.

    Raises ValueError for levels below 1 and for an even kernel.
    """

    def __init__(self, channels: int, kernel: int = 5, levels: int = 1) -> None:
        super().__init__()
        levels = checked_count("levels", levels, 5)
        if kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, such as 5, but {kernel} was given")
        self.channels = channels
        self.wt_filter = nn.Parameter(haar_filters(channels), requires_grad=False)
        self.iwt_filter = nn.Parameter(haar_filters(channels), requires_grad=False)
        self.base_conv = _depthwise(channels, kernel, bias=True)
        self.base_scale = Scale(channels, 1.0)
        self.wavelet_convs = nn.ModuleList(
            _depthwise(4 * channels, kernel, bias=False) for _ in range(levels)
        )
        self.wavelet_scale = nn.ModuleList(Scale(4 * channels, INIT_SCALE) for _ in range(levels))

    def forward(self, x: Tensor) -> Tensor:
        low, levels = x, []
        for convolution, scale in zip(self.wavelet_convs, self.wavelet_scale, strict=True):
            size = low.shape[2:]
            bands = self._split(low)
            levels.append((size, self._apart(scale.weight * convolution(bands))))
            low = self._apart(bands)[:, :, 0]
        upper = None
        for size, bands in reversed(levels):
            means = bands[:, :, 0] if upper is None else bands[:, :, 0] + upper
            joined = torch.cat((means.unsqueeze(2), bands[:, :, 1:]), dim=2).flatten(1, 2)
            y = functional.conv_transpose2d(joined, self.iwt_filter, stride=2, groups=self.channels)
            upper = y.narrow(2, 0, size[0]).narrow(3, 0, size[1])
        return self.base_scale.weight * self.base_conv(x) + upper

    def _split(self, x: Tensor) -> Tensor:
        """(B, C, H, W) → (B, 4·C, ⌈H/2⌉, ⌈W/2⌉)."""
        height, width = x.shape[2:]
        even = functional.pad(x, (0, width % 2, 0, height % 2))
        return functional.conv2d(even, self.wt_filter, stride=2, groups=self.channels)

    def _apart(self, bands: Tensor) -> Tensor:
        """(B, 4·C, H, W) → (B, C, 4, H, W)."""
        return bands.unflatten(1, (self.channels, 4))
