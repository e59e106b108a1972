"""The prompt encoder and the mask decoder of Segment Anything, as EfficientSAM has them: arXiv
2304.02643, appendix A; yformer/EfficientSAM efficient_sam/efficient_sam_decoder.py.
"""

import math

import torch
from torch import Tensor, nn

from reference_models.layers import join_heads, split_heads

WIDTH = 256  # of prompts and decoder
MASKS = 4  # one of them for prompts that are not ambiguous, left out of what is returned
NO_POINT = -1  # the coordinates and the label of a point that pads


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """(B, heads, n, d) from queries of that shape, keys and values (B, heads, m, d)."""
    scores = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(q.shape[-1]))
    return scores.softmax(dim=-1) @ v


# --- prompt encoder ---------------------------------------------------------------------------


class RandomPositions(nn.Module):
    """Points of the unit square as sines and cosines of random frequencies. No layer: a store."""

    def __init__(self, frequencies: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, frequencies))

    def encode(self, points: Tensor) -> Tensor:
        """(…, 2) → (…, 2·frequencies)."""
        angles = 2 * math.pi * ((2 * points - 1) @ self.positional_encoding_gaussian_matrix)
        return torch.cat((angles.sin(), angles.cos()), dim=-1)

    def of_grid(self, height: int, width: int) -> Tensor:
        """(height, width, 2·frequencies): the middle of every cell."""
        ones = torch.ones(height, width, device=self.positional_encoding_gaussian_matrix.device)
        y = (ones.cumsum(0) - 0.5) / height
        x = (ones.cumsum(1) - 0.5) / width
        return self.encode(torch.stack((x, y), dim=-1))


class PromptEncoder(nn.Module):
    """Points with labels (1 a point, 2 and 3 the corners of a box, −1 none) as vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.pe_layer = RandomPositions(WIDTH // 2)
        self.invalid_points = nn.Embedding(1, WIDTH)
        self.point_embeddings = nn.Embedding(1, WIDTH)
        self.bbox_top_left_embeddings = nn.Embedding(1, WIDTH)
        self.bbox_bottom_right_embeddings = nn.Embedding(1, WIDTH)

    def forward(self, points: Tensor, labels: Tensor, size: int) -> Tensor:
        """Points (N, P, 2) in pixels of an image of that size, labels (N, P) → (N, P, 256)."""
        encoded = self.pe_layer.encode((points + 0.5) / size)
        for label, embedding in (
            (NO_POINT, self.invalid_points),
            (1, self.point_embeddings),
            (2, self.bbox_top_left_embeddings),
            (3, self.bbox_bottom_right_embeddings),
        ):
            encoded = encoded + embedding.weight * (labels == label).unsqueeze(-1)
        return encoded


# --- mask decoder -----------------------------------------------------------------------------


class CrossAttention(nn.Module):
    """Attention of queries to keys, in vectors of `inner`."""

    def __init__(self, inner: int, heads: int = 8) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(WIDTH, inner)
        self.k_proj = nn.Linear(WIDTH, inner)
        self.v_proj = nn.Linear(WIDTH, inner)
        self.out_proj = nn.Linear(inner, WIDTH)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        projected = (self.q_proj(q), self.k_proj(k), self.v_proj(v))
        y: Tensor = self.out_proj(
            join_heads(attend(*(split_heads(x, self.heads) for x in projected)))
        )
        return y


class MLPBlock(nn.Module):
    """Hidden layers with GELU, then a linear one."""

    def __init__(self, inputs: int, hidden: int, out: int, depth: int) -> None:
        super().__init__()
        sizes = [inputs, *[hidden] * depth]
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Linear(sizes[n], hidden), nn.GELU()) for n in range(depth)
        )
        self.fc = nn.Linear(hidden, out)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        y: Tensor = self.fc(x)
        return y


class TwoWayBlock(nn.Module):
    """Tokens attend to each other and to the image, then the image to the tokens."""

    def __init__(self, *, first: bool) -> None:
        super().__init__()
        self.self_attn = CrossAttention(WIDTH)
        self.norm1 = nn.LayerNorm(WIDTH)
        self.cross_attn_token_to_image = CrossAttention(WIDTH // 2)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.mlp = MLPBlock(WIDTH, 2048, WIDTH, depth=1)
        self.norm3 = nn.LayerNorm(WIDTH)
        self.norm4 = nn.LayerNorm(WIDTH)
        self.cross_attn_image_to_token = CrossAttention(WIDTH // 2)
        self.first = first

    def forward(
        self, tokens: Tensor, image: Tensor, token_places: Tensor, image_places: Tensor
    ) -> tuple[Tensor, Tensor]:
        # Before the first block the tokens are their own places.
        x = tokens if self.first else tokens + token_places
        tokens = self.norm1(x + self.self_attn(x, x, x))
        q, k = tokens + token_places, image + image_places
        tokens = self.norm2(tokens + self.cross_attn_token_to_image(q, k, image))
        tokens = self.norm3(tokens + self.mlp(tokens))
        q, k = image + image_places, tokens + token_places
        return tokens, self.norm4(image + self.cross_attn_image_to_token(q, k, tokens))


class TwoWayTransformer(nn.Module):
    """Two blocks, and the tokens' last look at the image."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([TwoWayBlock(first=True), TwoWayBlock(first=False)])
        self.final_attn_token_to_image = CrossAttention(WIDTH // 2)
        self.norm_final_attn = nn.LayerNorm(WIDTH)

    def forward(self, image: Tensor, places: Tensor, prompts: Tensor) -> tuple[Tensor, Tensor]:
        tokens = prompts
        for layer in self.layers:
            tokens, image = layer(tokens, image, prompts, places)
        looked = self.final_attn_token_to_image(tokens + prompts, image + places, image)
        return self.norm_final_attn(tokens + looked), image


def _doubling(channels: int, out: int, norm: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(channels, out, 2, 2), norm, nn.GELU())


class MaskDecoder(nn.Module):
    """Image (B, 256, h, w), its places (h·w, 256) and prompts (B, Q, P, 256) → masks (B·Q, 3, 4h,
    4w) and their scores (B·Q, 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = TwoWayTransformer()
        self.iou_token = nn.Embedding(1, WIDTH)
        self.mask_tokens = nn.Embedding(MASKS, WIDTH)
        self.final_output_upscaling_layers = nn.ModuleList(
            [_doubling(WIDTH, 64, nn.GroupNorm(1, 64)), _doubling(64, 32, nn.Identity())]
        )
        self.output_hypernetworks_mlps = nn.ModuleList(
            MLPBlock(WIDTH, WIDTH, 32, depth=2) for _ in range(MASKS)
        )
        self.iou_prediction_head = MLPBlock(WIDTH, WIDTH, MASKS, depth=2)

    def forward(self, image: Tensor, places: Tensor, prompts: Tensor) -> tuple[Tensor, Tensor]:
        queries = prompts.shape[1]
        prompts = prompts.flatten(0, 1)
        own = torch.cat((self.iou_token.weight, self.mask_tokens.weight))
        tokens = torch.cat((own.expand(prompts.shape[0], -1, -1), prompts), dim=1)
        grid = image.shape[2:]
        per_query = image.unsqueeze(1).repeat(1, queries, 1, 1, 1).flatten(0, 1)
        flat = per_query.flatten(2).transpose(1, 2)
        tokens, flat = self.transformer(flat, places, tokens)
        upscaled = flat.transpose(1, 2).unflatten(2, grid)
        for layer in self.final_output_upscaling_layers:
            upscaled = layer(upscaled)
        weights = torch.stack(
            [mlp(tokens[:, 1 + n]) for n, mlp in enumerate(self.output_hypernetworks_mlps)], dim=1
        )
        masks = (weights @ upscaled.flatten(2)).unflatten(2, upscaled.shape[2:])
        scores: Tensor = self.iou_prediction_head(tokens[:, 0])
        return masks[:, 1:], scores[:, 1:]
