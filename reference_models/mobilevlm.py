"""MobileVLM V2, 1.7B and 3B: arXiv 2402.03766, sections 3.1 to 3.3.

Names and shapes are those of the checkpoints mtgv/MobileVLM_V2-1.7B and -3B, which the authors'
code (Meituan-AutoML/MobileVLM mobilevlm/model/*.py) loads into Hugging Face's LLaMA and CLIP. Every
position gets scores, as there.

Deviations. The features are the hidden states before the vision tower's last layer, which is stored
and not run: Hugging Face runs it and the norm after it, and nobody reads them. The tokens of the
image stand before those of the text, not where the prompt names them. Rotary angles are computed
once a run, not kept in tables, and a step of one token adds no mask of zeros. Attention is explicit
products, as in Hugging Face's `eager` code: SDPA and FlashAttention compute the same and are not
seen by every counter. Keys and values go in and out in a flat list. Initial weights are torch's.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

IMAGE, PATCH = 336, 14
VISION_WIDTH, VISION_HIDDEN, VISION_HEADS, VISION_LAYERS = 1024, 4096, 16, 24
GRID = 12  # of the projector: 144 tokens
CONTEXT = 2048
VOCABULARY = 32000
EPSILON = 1e-6  # of the language model's norms; the vision tower has torch's


class Design(NamedTuple):
    """Width, hidden width, heads and layers of the language model."""

    width: int
    hidden: int
    heads: int
    layers: int


SMALL = Design(2048, 5632, 16, 24)
LARGE = Design(2560, 6912, 32, 32)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """(B, heads, n, d) from queries of that shape, keys and values (B, heads, m, d)."""
    scores = (q @ k.transpose(-2, -1)) * q.shape[-1] ** -0.5
    scores = scores if mask is None else scores + mask
    return scores.softmax(dim=-1) @ v


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, n, C) → (B, heads, n, C/heads)."""
    return x.unflatten(-1, (heads, x.shape[-1] // heads)).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    """(B, heads, n, d) → (B, n, heads·d)."""
    return x.transpose(1, 2).flatten(2)


# --- vision tower: CLIP ViT-L/14 at 336 ---------------------------------------------------------


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


# --- projector: LDPv2 ---------------------------------------------------------------------------


class FeatureTransformation(nn.Module):
    """Two linear layers over every patch."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(VISION_WIDTH, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.mlp(x)
        return y


class TokenReduction(nn.Module):
    """576 patches averaged to 144."""

    def __init__(self) -> None:
        super().__init__()
        self.dwn = nn.Sequential(nn.AdaptiveAvgPool2d((GRID, GRID)))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.dwn(x)
        return y


class PositionalEnhancement(nn.Module):
    """A depthwise 3×3 convolution beside a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.peg = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, groups=width))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.peg(x) + x
        return y


class Projector(nn.Module):
    """(B, 576, 1024) → (B, 144, C)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mlp = FeatureTransformation(width)
        self.dwn = TokenReduction()
        self.peg = PositionalEnhancement(width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.mlp(x)
        side = IMAGE // PATCH
        x = self.peg(self.dwn(x.transpose(1, 2).unflatten(2, (side, side))))
        return x.flatten(2).transpose(1, 2)


# --- language model: MobileLLaMA ------------------------------------------------------------------


def rotated(x: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
    """Pairs of coordinates turned by their position's angles: arXiv 2104.09864, equation 34."""
    cosine, sine = angles
    first, second = x.chunk(2, dim=-1)
    return x * cosine + torch.cat((-second, first), dim=-1) * sine


class Attention(nn.Module):
    """Causal attention with rotary positions, over the keys and values of the past as well."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)

    def forward(
        self,
        x: Tensor,
        angles: tuple[Tensor, Tensor],
        mask: Tensor | None,
        past: Sequence[Tensor],
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        projected = (self.q_proj(x), self.k_proj(x), self.v_proj(x))
        q, k, v = (split_heads(y, self.heads) for y in projected)
        q, k = rotated(q, angles), rotated(k, angles)
        if past:
            k, v = (torch.cat(pair, dim=2) for pair in zip(past, (k, v), strict=True))
        return self.o_proj(join_heads(attend(q, k, v, mask))), (k, v)


class MLP(nn.Module):
    """SwiGLU: arXiv 2002.05202, equation 6."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, hidden, bias=False)
        self.act_fn = nn.SiLU()
        self.up_proj = nn.Linear(width, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.down_proj(self.act_fn(self.gate_proj(x)) * self.up_proj(x))
        return y


class Layer(nn.Module):
    """Attention and MLP, each after a norm and beside a shortcut."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(design.width, eps=EPSILON)
        self.self_attn = Attention(design.width, design.heads)
        self.post_attention_layernorm = nn.RMSNorm(design.width, eps=EPSILON)
        self.mlp = MLP(design.width, design.hidden)

    def forward(
        self,
        x: Tensor,
        angles: tuple[Tensor, Tensor],
        mask: Tensor | None,
        past: Sequence[Tensor],
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        y, kept = self.self_attn(self.input_layernorm(x), angles, mask, past)
        x = x + y
        return x + self.mlp(self.post_attention_layernorm(x)), kept


class MobileLLaMA(nn.Module):
    """The language model; vision tower and projector are inside it in the checkpoint."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(VOCABULARY, design.width)
        self.layers = nn.ModuleList(Layer(design) for _ in range(design.layers))
        self.norm = nn.RMSNorm(design.width, eps=EPSILON)
        self.vision_tower = VisionTower()
        self.mm_projector = Projector(design.width)
        head = design.width // design.heads
        frequencies = 10000.0 ** (-torch.arange(0, head, 2) / head)
        self.register_buffer("inv_freq", frequencies, persistent=False)

    def forward(self, x: Tensor, past: Sequence[Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Embedded tokens (B, n, C) after those whose keys and values are given."""
        new = x.shape[1]
        before = past[0].shape[2] if past else 0
        if before + new > CONTEXT:
            raise ValueError(f"{before + new} tokens were given; MobileVLM takes at most {CONTEXT}")
        angles = self._angles(torch.arange(before, before + new, device=x.device))
        mask = None if past else torch.full((new, new), -torch.inf, device=x.device).triu(1)
        cache: list[Tensor] = []
        for number, layer in enumerate(self.layers):
            x, kept = layer(x, angles, mask, past[2 * number : 2 * number + 2])
            cache += kept
        return self.norm(x), tuple(cache)

    def _angles(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """(n, d) cosines and sines."""
        half = positions.unsqueeze(-1) * self.inv_freq
        whole = torch.cat((half, half), dim=-1)
        return whole.cos(), whole.sin()


class MobileVLM(nn.Module):
    """Scores of the next token (B, n, 32000), and the keys and values of all tokens so far.

    Prefill: image (B, 3, 336, 336) and tokens (B, T), n = 144 + T. Decode: one token (B, 1) and
    the keys and values (B, heads, m, d) of the m before it, layer by layer; n = 1. Raises
    ValueError for another size of image, and beyond 2048 tokens.
    """

    def __init__(self, design: Design, phase: str) -> None:
        super().__init__()
        self.model = MobileLLaMA(design)
        self.lm_head = nn.Linear(design.width, VOCABULARY, bias=False)
        self.forward = self.prefill if phase == "prefill" else self.decode

    def prefill(self, image: Tensor, tokens: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """An image and the text after it."""
        seen = self.model.mm_projector(self.model.vision_tower(image))
        x = torch.cat((seen, self.model.embed_tokens(tokens)), dim=1)
        return self._scores(x, ())

    def decode(self, token: Tensor, *past: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """One token more."""
        return self._scores(self.model.embed_tokens(token), past)

    def _scores(self, x: Tensor, past: Sequence[Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
        x, cache = self.model(x, past)
        return self.lm_head(x), cache


def mobilevlm_v2_1_7b(phase: str = "prefill") -> nn.Module:
    """1,674,121,216 parameters. The phase is what `forward` does: prefill or decode."""
    return MobileVLM(SMALL, _checked(phase))


def mobilevlm_v2_3b(phase: str = "prefill") -> nn.Module:
    """3,014,273,536 parameters. The phase is what `forward` does: prefill or decode."""
    return MobileVLM(LARGE, _checked(phase))


def _checked(phase: str) -> str:
    if phase not in ("prefill", "decode"):
        raise ValueError(f"phase {phase!r} is neither 'prefill' nor 'decode'")
    return phase
