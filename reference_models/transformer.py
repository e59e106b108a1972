"""Transformer layers with norms before their parts, and the towers of MobileCLIP made of them:
arXiv 2311.17049, section 4.

Agrees with apple/ml-mobileclip mobileclip/modules/common/transformer.py, models/vit.py and
text_encoder.py: state dict and outputs at the published sizes. Attention is written out in its
products. Deviations: norms are of their input's type, where the authors go over to 32 bits; a text
of fewer than 77 tokens has the first positions of the table, which the authors would stretch.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from reference_models.fastvit import RepMixerBlock

CONTEXT = 77  # tokens that the table of positions has
PATCHES = 14 * 14  # positions that the image tower's table has


class Attention(nn.Module):
    """Self-attention over (B, n, C), under a mask where there is one."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv_proj = nn.Linear(channels, 3 * channels)
        self.out_proj = nn.Linear(channels, channels)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        parts = self.qkv_proj(x).unflatten(-1, (3, self.heads, -1))
        q, k, v = parts.permute(2, 0, 3, 1, 4).unbind(0)
        scores = (q * (x.shape[-1] // self.heads) ** -0.5) @ k.transpose(-2, -1)
        if mask is not None:
            scores = scores + mask
        mixed = scores.softmax(dim=-1) @ v
        return self.out_proj(mixed.transpose(1, 2).flatten(2))


class TransformerLayer(nn.Module):
    """Norm and attention, norm and two linear layers, each with its shortcut."""

    def __init__(self, channels: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.pre_norm_mha = nn.Sequential(nn.LayerNorm(channels), Attention(channels, heads))
        self.pre_norm_ffn = nn.Sequential(
            nn.LayerNorm(channels),
            nn.Linear(channels, hidden),
            nn.GELU(),
            nn.Identity(),  # the authors' dropout, of rate 0
            nn.Linear(hidden, channels),
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        norm, attention = self.pre_norm_mha
        x = x + attention(norm(x), mask)
        return x + self.pre_norm_ffn(x)


class Positions(nn.Module):
    """A vector for each position, (1, 1, positions, C), under the authors' name."""

    def __init__(self, positions: int, channels: int) -> None:
        super().__init__()
        self.pos_embed = nn.Module()
        table = torch.empty(1, 1, positions, channels)
        self.pos_embed.pos_embed = nn.Parameter(nn.init.trunc_normal_(table, std=channels**-0.5))

    @property
    def table(self) -> Tensor:
        return self.pos_embed.pos_embed


class ConvNormAct(nn.Module):
    """Convolution, norm and GELU; the last one of a stem is a convolution with bias."""

    def __init__(self, channels: int, out: int, size: int, pad: int, *, last: bool = False) -> None:
        super().__init__()
        self.block = nn.Sequential()
        self.block.add_module("conv", nn.Conv2d(channels, out, size, size, pad, bias=last))
        if not last:
            self.block.add_module("norm", nn.BatchNorm2d(out))
            self.block.add_module("act", nn.GELU())

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)


class Matrix(nn.Module):
    """A projection (in, out) without bias, for others to multiply by."""

    def __init__(self, channels: int, features: int) -> None:
        super().__init__()
        self.proj = nn.Parameter(channels**-0.5 * torch.randn(channels, features))


class VisionTransformer(nn.Module):
    """(B, 3, H, W) → (B, features), for H and W of at least 14: ViT-B/16 behind three convolutions.

    The table of positions is resampled to the number of patches, at its own size too, where that
    changes nothing; the class token has none.
    """

    def __init__(
        self, channels: int = 768, layers: int = 12, heads: int = 12, features: int = 512
    ) -> None:
        super().__init__()
        stem = channels // 4
        self.patch_emb = nn.Sequential(
            ConvNormAct(3, stem, 4, 1),
            ConvNormAct(stem, stem, 2, 0),
            ConvNormAct(stem, channels, 2, 0, last=True),
        )
        self.post_transformer_norm = nn.LayerNorm(channels)
        self.transformer = nn.Sequential(
            *(TransformerLayer(channels, heads, 4 * channels) for _ in range(layers))
        )
        self.classifier = Matrix(channels, features)
        self.cls_token = nn.Parameter(nn.init.trunc_normal_(torch.zeros(1, 1, channels), std=0.02))
        self.pos_embed = Positions(PATCHES, channels)

    def forward(self, x: Tensor) -> Tensor:
        patches = self.patch_emb(x).flatten(2).transpose(1, 2)
        size = patches.shape[1:]
        positions = functional.interpolate(self.pos_embed.table, tuple(size), mode="bilinear")
        patches = patches + positions[0]
        token = self.cls_token.expand(x.shape[0], -1, -1)
        y = self.transformer(torch.cat((token, patches), dim=1))
        token = self.post_transformer_norm(y)[:, 0]
        return functional.linear(token, self.classifier.proj.T)


class TextMixer(RepMixerBlock):
    """RepMixer along the tokens, by 1×11 kernels."""

    def __init__(self, channels: int, *, form: str) -> None:
        kernel = (1, 11)
        super().__init__(channels, 4 * channels, (kernel, kernel), form=form, pointwise=False)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return super().forward(x.transpose(1, 2).unsqueeze(2)).squeeze(2).transpose(1, 2)


class TextEncoder(nn.Module):
    """Token numbers (B, tokens) → (B, features), for up to 77 tokens.

    The end of a text is the token of the largest number. A text of fewer tokens has the first
    positions of the table; the authors, who fill every text up to 77, would stretch the table.
    """

    def __init__(
        self,
        layers: int,
        form: str,
        *,
        causal: bool = False,
        mixing: bool = False,
        vocabulary: int = 49_408,
        channels: int = 512,
        heads: int = 8,
        features: int = 512,
    ) -> None:
        super().__init__()
        self.causal = causal
        self.embedding_layer = nn.Embedding(vocabulary, channels)
        self.positional_embedding = Positions(CONTEXT, channels)
        mixers = [TextMixer(channels, form=form) for _ in range(2 if mixing else 0)]
        self.transformer = nn.ModuleList(
            [
                *mixers[:1],
                *(TransformerLayer(channels, heads, 4 * channels) for _ in range(layers)),
                *mixers[1:],
            ]
        )
        self.final_layer_norm = nn.LayerNorm(channels)
        self.projection_layer = nn.Parameter(channels**-0.5 * torch.randn(channels, features))

    def forward(self, ids: Tensor) -> Tensor:
        tokens = ids.shape[1]
        if tokens > CONTEXT:
            raise ValueError(f"a text has at most {CONTEXT} tokens, but {tokens} were given")
        places = torch.arange(tokens, device=ids.device)
        table = self.positional_embedding.table[0, 0]
        x = self.embedding_layer(ids) + functional.embedding(places, table)
        mask = None
        if self.causal:
            hidden = torch.full((tokens, tokens), float("-inf"), dtype=x.dtype, device=x.device)
            mask = hidden.triu(1)
        for layer in self.transformer:
            x = layer(x, mask)
        x = self.final_layer_norm(x)
        last = x[torch.arange(ids.shape[0], device=ids.device), ids.argmax(dim=-1)]
        return functional.linear(last, self.projection_layer.T)
