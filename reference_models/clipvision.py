"""The vision tower of MobileVLM, CLIP ViT-L/14 at 336: arXiv 2103.00020, section 2.4.

Names are those of Hugging Face's CLIP. The last layer is stored and not run: the features are the
hidden states before it.
"""

import torch
from torch import Tensor, nn

from reference_models.layers import join_heads, split_heads

IMAGE, PATCH = 336, 14
VISION_WIDTH, VISION_HIDDEN, VISION_HEADS, VISION_LAYERS = 1024, 4096, 16, 24


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """(B, heads, n, d) from queries of that shape, keys and values (B, heads, m, d)."""
    scores = (q @ k.transpose(-2, -1)) * q.shape[-1] ** -0.5
    scores = scores if mask is None else scores + mask
    return scores.softmax(dim=-1) @ v


class QuickGELU(nn.Module):
    """x·sigmoid(1.702·x)."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(1.702 * x)


class VisionEmbeddings(nn.Module):
    """Patches as vectors, a class token before them, positions added."""

    def __init__(self) -> None:
        super().__init__()
        self.class_embedding = nn.Parameter(torch.randn(VISION_WIDTH))
        self.patch_embedding = nn.Conv2d(3, VISION_WIDTH, PATCH, PATCH, bias=False)
        self.position_embedding = nn.Embedding(1 + (IMAGE // PATCH) ** 2, VISION_WIDTH)

    def forward(self, image: Tensor) -> Tensor:
        patches = self.patch_embedding(image).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(image.shape[0], 1, -1)
        return torch.cat((first, patches), dim=1) + self.position_embedding.weight


class VisionAttention(nn.Module):
    """Attention of the patches among themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.q_proj = nn.Linear(VISION_WIDTH, VISION_WIDTH)
        self.k_proj = nn.Linear(VISION_WIDTH, VISION_WIDTH)
        self.v_proj = nn.Linear(VISION_WIDTH, VISION_WIDTH)
        self.out_proj = nn.Linear(VISION_WIDTH, VISION_WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        projected = (self.q_proj(x), self.k_proj(x), self.v_proj(x))
        q, k, v = (split_heads(y, VISION_HEADS) for y in projected)
        y: Tensor = self.out_proj(join_heads(attend(q, k, v)))
        return y


class VisionMLP(nn.Module):
    """Linear to 4·C, quick GELU, linear back."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(VISION_WIDTH, VISION_HIDDEN)
        self.activation_fn = QuickGELU()
        self.fc2 = nn.Linear(VISION_HIDDEN, VISION_WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc2(self.activation_fn(self.fc1(x)))
        return y


class VisionLayer(nn.Module):
    """Attention and MLP, each after a norm and beside a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.layer_norm1 = nn.LayerNorm(VISION_WIDTH)
        self.self_attn = VisionAttention()
        self.layer_norm2 = nn.LayerNorm(VISION_WIDTH)
        self.mlp = VisionMLP()

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x))
        y: Tensor = x + self.mlp(self.layer_norm2(x))
        return y


class Encoder(nn.Module):
    """The layers of the vision tower."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(VisionLayer() for _ in range(VISION_LAYERS))


class VisionModel(nn.Module):
    """(B, 3, 336, 336) → (B, 576, 1024): the patches before the last layer, which is not run."""

    def __init__(self) -> None:
        super().__init__()
        self.embeddings = VisionEmbeddings()
        self.pre_layrnorm = nn.LayerNorm(VISION_WIDTH)  # the checkpoint's spelling
        self.encoder = Encoder()
        self.post_layernorm = nn.LayerNorm(VISION_WIDTH)

    def forward(self, image: Tensor) -> Tensor:
        x: Tensor = self.pre_layrnorm(self.embeddings(image))
        for layer in self.encoder.layers[:-1]:
            x = layer(x)
        return x[:, 1:]


class CLIPVisionModel(nn.Module):
    """The vision model under the name it has in the checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.vision_model = VisionModel()


class VisionTower(nn.Module):
    """Raises ValueError unless the image is 336×336: its positions are learnt, and not resized."""

    def __init__(self) -> None:
        super().__init__()
        self.vision_tower = CLIPVisionModel()

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[2:]
        if height != IMAGE or width != IMAGE:
            raise ValueError(
                f"an image of {height}×{width} pixels was given; MobileVLM takes {IMAGE}×{IMAGE}"
            )
        features: Tensor = self.vision_tower.vision_model(image)
        return features
