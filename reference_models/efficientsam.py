"""EfficientSAM, Ti and S: arXiv 2312.00863, section 4; prompts and decoder are those of 2304.02643.

Agrees with the authors' yformer/EfficientSAM efficient_sam/*.py: state dict, masks and scores.

Deviations. The authors resize every image to 1024×1024 and its points with it; here that is left
to whoever prepares the image, so the network is at the size of its image, as theirs is when it is
built for another `img_size`, and like theirs it must be square. Positions are resized at every
size: at 224, where they are not in the authors' code, that changes nothing. The initial weights are
torch's.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PATCH = 16
PRETRAINED = 14  # patches a side of the image that the positions were learnt on
WIDTH = 256  # of prompts and decoder
POINTS = 6  # that a prompt is padded or cut to
MASKS = 4  # one of them for prompts that are not ambiguous, left out of what is returned
NO_POINT = -1  # the coordinates and the label of a point that pads

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Design(NamedTuple):
    """Width, heads and blocks of the image encoder."""

    width: int
    heads: int
    blocks: int = 12


TI = Design(192, 3)
S = Design(384, 6)


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """(B, heads, n, d) from queries of that shape, keys and values (B, heads, m, d)."""
    scores = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(q.shape[-1]))
    return scores.softmax(dim=-1) @ v


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, n, C) → (B, heads, n, C/heads)."""
    return x.unflatten(-1, (heads, x.shape[-1] // heads)).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    """(B, heads, n, d) → (B, n, heads·d)."""
    return x.transpose(1, 2).flatten(2)


# --- image encoder ----------------------------------------------------------------------------


class SelfAttention(nn.Module):
    """Multi-head attention of the patches among themselves."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (split_heads(part, self.heads) for part in self.qkv(x).chunk(3, dim=-1))
        y: Tensor = self.proj(join_heads(attend(q, k, v)))
        return y


class MLP(nn.Module):
    """Linear to 4·C, GELU, linear back."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc2(self.act(self.fc1(x)))
        return y


class Block(nn.Module):
    """Attention and MLP, each after a norm and beside a shortcut."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = SelfAttention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = MLP(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        y: Tensor = x + self.mlp(self.norm2(x))
        return y


class PatchEmbed(nn.Module):
    """Patches of 16×16 as vectors."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, PATCH, PATCH)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.proj(x)
        return y


class Neck(nn.Sequential):
    """1×1 and 3×3 convolution, each with a norm over the channels."""

    def __init__(self, width: int) -> None:
        super().__init__(
            nn.Conv2d(width, WIDTH, 1, bias=False),
            nn.LayerNorm(WIDTH, eps=1e-6),
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False),
            nn.LayerNorm(WIDTH, eps=1e-6),
        )

    def forward(self, x: Tensor) -> Tensor:
        conv1, norm1, conv2, norm2 = self
        for convolution, norm in ((conv1, norm1), (conv2, norm2)):
            x = norm(convolution(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return x


class ImageEncoder(nn.Module):
    """(B, 3, S, S) → (B, 256, S/16, S/16): a plain vision transformer and a neck."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(design.width)
        # The first position is that of a class token, which this encoder does not have.
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + PRETRAINED**2, design.width))
        self.blocks = nn.ModuleList(Block(design.width, design.heads) for _ in range(design.blocks))
        self.neck = Neck(design.width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch_embed(x)
        height, width = x.shape[2:]
        x = (x + self._positions(height, width)).flatten(2).transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        y: Tensor = self.neck(x.transpose(1, 2).unflatten(2, (height, width)))
        return y

    def _positions(self, height: int, width: int) -> Tensor:
        """(1, C, height, width), resized from the grid they were learnt on."""
        grid = self.pos_embed[:, 1:].transpose(1, 2).unflatten(2, (PRETRAINED, PRETRAINED))
        return F.interpolate(grid, size=(height, width), mode="bicubic", align_corners=False)


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


class EfficientSAM(nn.Module):
    """Image (B, 3, S, S), points (B, Q, P, 2) in its pixels and their labels (B, Q, P) → masks
    (B, Q, 3, S, S) and their scores (B, Q, 3).

    Raises ValueError unless the image is square, of 16 pixels at least.
    """

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.image_encoder = ImageEncoder(design)
        self.prompt_encoder = PromptEncoder()
        self.mask_decoder = MaskDecoder()
        for name, values in (("pixel_mean", IMAGENET_MEAN), ("pixel_std", IMAGENET_STD)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor, points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        height, width = image.shape[2:]
        if height != width or height < PATCH:
            raise ValueError(
                f"an image of {height}×{width} pixels was given; EfficientSAM takes square ones of "
                f"at least {PATCH}×{PATCH}"
            )
        encoded = self.image_encoder((image - self.pixel_mean) / self.pixel_std)
        grid = self.prompt_encoder.pe_layer.of_grid(*encoded.shape[2:])
        prompts = self._encoded_prompts(points, labels, height)
        masks, scores = self.mask_decoder(encoded, grid.flatten(0, 1), prompts)
        masks = F.interpolate(masks, size=(height, width), mode="bicubic")
        queries = points.shape[:2]
        return masks.unflatten(0, queries), scores.unflatten(0, queries)

    def _encoded_prompts(self, points: Tensor, labels: Tensor, size: int) -> Tensor:
        """(B, Q, 6, 256). A negative coordinate is that of no point."""
        points = torch.where(points >= 0, points, float(NO_POINT))
        missing = POINTS - labels.shape[2]  # negative padding cuts
        points = F.pad(points, (0, 0, 0, missing), value=NO_POINT).flatten(0, 1)
        labels = F.pad(labels, (0, missing), value=NO_POINT)
        encoded: Tensor = self.prompt_encoder(points, labels.flatten(0, 1), size)
        return encoded.unflatten(0, labels.shape[:2])


def efficientsam_ti() -> nn.Module:
    """10,223,204 parameters."""
    return EfficientSAM(TI)


def efficientsam_s() -> nn.Module:
    """26,413,028 parameters."""
    return EfficientSAM(S)
