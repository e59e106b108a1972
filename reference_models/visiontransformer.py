"""The vision transformers of MobileCLIP2: arXiv 2010.11929, section 3.1, behind the convolutions of
arXiv 2311.17049, and CLIP's, arXiv 2103.00020, section 2.4.

Agrees with timm's `vit_base_mci_224` and `vit_large_patch14_clip_224`: state dict, outputs at
224×224. Attention is written out in its products. Deviation: stochastic depth, which the larger
configuration has in training, is left out.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from reference_models.layers import LinearMlp, join_heads, split_heads

IMAGE = 224


class Attention(nn.Module):
    """(B, n, C) → (B, n, C): queries, keys and values by one linear layer, and a linear layer."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.qkv(x).chunk(3, dim=-1)
        q, k, v = (split_heads(part, self.heads) for part in parts)
        scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
        y: Tensor = self.proj(join_heads(scores.softmax(dim=-1) @ v))
        return y


class Block(nn.Module):
    """Attention and an MLP, each after a norm and beside a shortcut."""

    def __init__(self, channels: int, heads: int, eps: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps)
        self.attn = Attention(channels, heads)
        self.norm2 = nn.LayerNorm(channels, eps)
        self.mlp = LinearMlp(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        y: Tensor = x + self.mlp(self.norm2(x))
        return y


def _layer(channels: int, out: int, kernel: int, *, last: bool) -> nn.Sequential:
    """A convolution as wide as its stride, with a norm and GELU, or alone with a bias."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(channels, out, kernel, kernel, bias=last)
    if not last:
        layers["bn"] = nn.BatchNorm2d(out)
        layers["act"] = nn.GELU()
    return nn.Sequential(layers)


class ConvolutionalPatches(nn.Module):
    """(B, 3, H, W) → (B, C, H/16, W/16) by three convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        part = channels // 4
        self.backbone = nn.Sequential(
            _layer(3, part, 4, last=False),
            _layer(part, part, 2, last=False),
            _layer(part, channels, 2, last=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.backbone(x)
        return y


class Patches(nn.Module):
    """(B, 3, H, W) → (B, C, H/P, W/P) by one convolution without bias."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, channels, size, size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.proj(x)
        return y


class VisionTransformer(nn.Module):
    """(B, 3, 224, 224) → (B, features), of the class token.

    The class token has a position of its own where there is a norm before the blocks. Raises
    ValueError for an image of another size: the positions are learnt, and not resized.
    """

    def __init__(
        self, patches: nn.Module, side: int, channels: int, layers: int, features: int, *,
        eps: float, norm_before: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        self.cls_token = nn.Parameter(nn.init.normal_(torch.empty(1, 1, channels), std=1e-6))
        positions = torch.empty(1, side**2 + norm_before, channels)
        self.pos_embed = nn.Parameter(nn.init.trunc_normal_(positions, std=0.02))
        self.patch_embed = patches
        self.norm_pre = nn.LayerNorm(channels, eps) if norm_before else nn.Identity()
        self.blocks = nn.Sequential(*(Block(channels, channels // 64, eps) for _ in range(layers)))
        self.norm = nn.LayerNorm(channels, eps)
        self.head = nn.Linear(channels, features)
        self.token_has_position = norm_before
        self.apply(_start)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        if height != IMAGE or width != IMAGE:
            raise ValueError(
                f"an image of {height}×{width} pixels was given; the vision transformer takes "
                f"{IMAGE}×{IMAGE}"
            )
        patches = self.patch_embed(x).flatten(2).transpose(1, 2)
        token = self.cls_token.expand(x.shape[0], -1, -1)
        if self.token_has_position:
            y = torch.cat((token, patches), dim=1) + self.pos_embed
        else:
            y = torch.cat((token, patches + self.pos_embed), dim=1)
        y = self.norm(self.blocks(self.norm_pre(y)))
        embedding: Tensor = self.head(y[:, 0])
        return embedding


def _start(layer: nn.Module) -> None:
    if isinstance(layer, nn.Linear):
        nn.init.trunc_normal_(layer.weight, std=0.02)
        nn.init.zeros_(layer.bias)


def vit_base_16(features: int, channels: int = 768, layers: int = 12) -> VisionTransformer:
    """ViT-B/16 behind convolutions, MobileCLIP's."""
    patches = ConvolutionalPatches(channels)
    return VisionTransformer(patches, 14, channels, layers, features, eps=1e-6, norm_before=False)


def vit_large_14(features: int, channels: int = 1024, layers: int = 24) -> VisionTransformer:
    """ViT-L/14, CLIP's."""
    patches = Patches(channels, 14)
    return VisionTransformer(patches, 16, channels, layers, features, eps=1e-5, norm_before=True)
