"""The image encoders MCi0 to MCi2 of MobileCLIP: arXiv 2311.17049, section 4.2; FastViT, arXiv
2303.14189.

Agrees with apple/ml-mobileclip mobileclip/models/mci.py and image_encoder.py: state dict and
outputs, in training form and deployed. timm's `fastvit_mci0` to `fastvit_mci2` compute the same
with a bias of zeros behind the projection.

No deviation in what is computed. Attention is written out in its products.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from reference_models.folding import Folding, Kernel, convolution, identity_kernel
from reference_models.layers import Stages, make_divisible
from reference_models.mobileone import (
    LAYER_SCALE,
    ConvFFN,
    LargeKernelConv,
    MobileOneBlock,
    RepMixer,
)

RATIO = 3  # of a hidden width to a block's
HEAD = 32  # width of an attention head


# The authors' mobileclip/models/mci.py; the paper has no table of them.
MCI0 = Stages((64, 128, 256, 512), (2, 6, 10, 2))
MCI1 = Stages((64, 128, 256, 512), (4, 12, 20, 4))
MCI2 = Stages((80, 160, 320, 640), (4, 12, 24, 4))
GATED = (False, False, True, True)  # the way into a stage


class RepMixerBlock(nn.Module):
    """RepMixer, then a feed-forward part with layer scale and shortcut."""

    def __init__(
        self,
        channels: int,
        hidden: int,
        kernels: tuple[Kernel, Kernel],
        *,
        form: str,
        pointwise: bool = True,
    ) -> None:
        super().__init__()
        mixing, feeding = kernels
        self.token_mixer = RepMixer(channels, mixing, form=form, pointwise=pointwise)
        self.convffn = ConvFFN(channels, hidden, feeding)
        self.layer_scale = nn.Parameter(torch.full((channels, 1, 1), LAYER_SCALE))

    def forward(self, x: Tensor) -> Tensor:
        x = self.token_mixer(x)
        return x + self.layer_scale * self.convffn(x)


class Attention(nn.Module):
    """Self-attention over all positions of a map, in heads of 32 channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = channels // HEAD
        self.qkv = nn.Linear(channels, 3 * channels, bias=False)
        self.proj = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        vectors = x.flatten(2).transpose(1, 2)
        parts = self.qkv(vectors).unflatten(-1, (3, self.heads, HEAD))
        q, k, v = parts.permute(2, 0, 3, 1, 4).unbind(0)
        weights = ((q * HEAD**-0.5) @ k.transpose(-2, -1)).softmax(dim=-1)
        mixed = self.proj((weights @ v).transpose(1, 2).flatten(2))
        return mixed.transpose(1, 2).view_as(x)


class AttentionBlock(nn.Module):
    """Norm and attention, the feed-forward part, each with layer scale and shortcut."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.token_mixer = Attention(channels)
        self.convffn = ConvFFN(channels, hidden, 7)
        self.layer_scale_1 = nn.Parameter(torch.full((channels, 1, 1), LAYER_SCALE))
        self.layer_scale_2 = nn.Parameter(torch.full((channels, 1, 1), LAYER_SCALE))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.layer_scale_1 * self.token_mixer(self.norm(x))
        return x + self.layer_scale_2 * self.convffn(x)


class PositionEncoding(Folding):
    """x plus a depthwise 7×7 convolution of it, which folds into one."""

    def __init__(self, channels: int, *, form: str) -> None:
        super().__init__()
        layer = convolution(channels, channels, 7, 1, channels, bias=True)
        self.add_module("reparam_conv" if form == "deploy" else "pe", layer)

    def forward(self, x: Tensor) -> Tensor:
        if hasattr(self, "reparam_conv"):
            return self.reparam_conv(x)
        return self.pe(x) + x

    def folded(self) -> tuple[Tensor, Tensor]:
        channels = len(self.pe.weight)
        return self.pe.weight + identity_kernel(channels, channels, 7), self.pe.bias


class Downsampling(nn.Module):
    """A large kernel of stride 2, then a 1×1 block."""

    def __init__(self, channels: int, out: int, *, form: str, gated: bool) -> None:
        super().__init__()
        squeezed = make_divisible(out / 4) if gated else 0
        self.proj = nn.Sequential(
            LargeKernelConv(channels, out, form=form, squeezed=squeezed),
            MobileOneBlock(out, out, 1, form=form),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x)


class Projection(nn.Module):
    """Mean over the map, then a matrix (in, out) without bias."""

    def __init__(self, channels: int, features: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.proj = nn.Parameter(channels**-0.5 * torch.randn(channels, features))

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(self.pool(x).flatten(1), self.proj.T)


class ImageEncoder(nn.Module):
    """(B, 3, H, W) → (B, features), for H and W of at least 1."""

    def __init__(self, stages: Stages, form: str, features: int = 512) -> None:
        super().__init__()
        width = stages.channels[0]
        self.patch_embed = nn.Sequential(
            MobileOneBlock(3, width, 3, stride=2, form=form),
            MobileOneBlock(width, width, 3, stride=2, groups=width, form=form),
            MobileOneBlock(width, width, 1, form=form),
        )
        network: list[nn.Module] = []
        last = len(stages.channels) - 1
        for stage, (blocks, channels) in enumerate(
            zip(stages.blocks, stages.channels, strict=True)
        ):
            if stage > 0:
                network.append(Downsampling(width, channels, form=form, gated=GATED[stage]))
            if stage == last:
                network.append(PositionEncoding(channels, form=form))
            hidden = RATIO * channels
            network.append(
                nn.Sequential(
                    *(
                        AttentionBlock(channels, hidden)
                        if stage == last
                        else RepMixerBlock(channels, hidden, (3, 7), form=form)
                        for _ in range(blocks)
                    )
                )
            )
            width = channels
        self.network = nn.Sequential(*network)
        out = 2 * width
        self.conv_exp = MobileOneBlock(width, out, 3, groups=width, squeezed=out // 16, form=form)
        self.head = Projection(out, features)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=0.02)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv_exp(self.network(self.patch_embed(x))))
