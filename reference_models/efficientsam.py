"""EfficientSAM, Ti and S: arXiv 2312.00863, section 4; prompts and decoder are those of 2304.02643.

Agrees with the authors' yformer/EfficientSAM efficient_sam/*.py: state dict, masks and scores.

Deviations. The authors resize every image to 1024×1024 and its points with it; here that is left
to whoever prepares the image, so the network is at the size of its image, as theirs is when it is
built for another `img_size`, and like theirs it must be square. Positions are resized at every
size: at 224, where they are not in the authors' code, that changes nothing. The initial weights are
torch's.
"""

from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reference_models.layers import join_heads, split_heads
from reference_models.samdecoder import NO_POINT, WIDTH, MaskDecoder, PromptEncoder, attend

PATCH = 16
PRETRAINED = 14  # patches a side of the image that the positions were learnt on
POINTS = 6  # that a prompt is padded or cut to

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class EncoderSizes(NamedTuple):
    """Width, heads and blocks of the image encoder."""

    width: int
    heads: int
    blocks: int = 12


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

    def __init__(self, sizes: EncoderSizes) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(sizes.width)
        # The first position is that of a class token, which this encoder does not have.
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + PRETRAINED**2, sizes.width))
        self.blocks = nn.ModuleList(Block(sizes.width, sizes.heads) for _ in range(sizes.blocks))
        self.neck = Neck(sizes.width)

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


class EfficientSAM(nn.Module):
    """Image (B, 3, S, S), points (B, Q, P, 2) in its pixels and their labels (B, Q, P) → masks
    (B, Q, 3, S, S) and their scores (B, Q, 3).

    Raises ValueError unless the image is square, of 16 pixels at least.
    """

    def __init__(self, sizes: EncoderSizes) -> None:
        super().__init__()
        self.image_encoder = ImageEncoder(sizes)
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


# 10,223,204 and 26,413,028 parameters.
efficientsam_ti = partial(EfficientSAM, EncoderSizes(192, 3))
efficientsam_s = partial(EfficientSAM, EncoderSizes(384, 6))
