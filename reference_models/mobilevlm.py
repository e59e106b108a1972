"""MobileVLM V2, 1.7B and 3B: arXiv 2402.03766, sections 3.1 to 3.3.

Names and shapes are those of the checkpoints mtgv/MobileVLM_V2-1.7B and -3B, which the authors'
code (Meituan-AutoML/MobileVLM mobilevlm/model/*.py) loads into Hugging Face's LLaMA and CLIP. Every
position gets scores, as there.

Deviations. The features are the hidden states before the vision tower's last layer, which is stored
and not run: Hugging Face runs it and the norm after it, but uses neither. The tokens of the
image stand before those of the text, not where the prompt names them. Rotary angles are computed
once a run, not kept in tables, and a step of one token adds no mask of zeros. Attention is explicit
products, as in Hugging Face's `eager` code: SDPA and FlashAttention compute the same and are not
seen by every counter. Keys and values go in and out in a flat list. Initial weights are torch's.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from reference_models.clipvision import IMAGE, PATCH, VISION_WIDTH, VisionTower, attend
from reference_models.layers import join_heads, split_heads

GRID = 12  # of the projector: 144 tokens
CONTEXT = 2048
VOCABULARY = 32000
EPSILON = 1e-6  # of the language model's norms; the vision tower has torch's


class DecoderSizes(NamedTuple):
    """Width, hidden width, heads and layers of the language model."""

    width: int
    hidden: int
    heads: int
    layers: int


SMALL = DecoderSizes(2048, 5632, 16, 24)
LARGE = DecoderSizes(2560, 6912, 32, 32)


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

    def __init__(self, sizes: DecoderSizes) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(sizes.width, eps=EPSILON)
        self.self_attn = Attention(sizes.width, sizes.heads)
        self.post_attention_layernorm = nn.RMSNorm(sizes.width, eps=EPSILON)
        self.mlp = MLP(sizes.width, sizes.hidden)

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

    def __init__(self, sizes: DecoderSizes) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(VOCABULARY, sizes.width)
        self.layers = nn.ModuleList(Layer(sizes) for _ in range(sizes.layers))
        self.norm = nn.RMSNorm(sizes.width, eps=EPSILON)
        self.vision_tower = VisionTower()
        self.mm_projector = Projector(sizes.width)
        head = sizes.width // sizes.heads
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

    def __init__(self, sizes: DecoderSizes, phase: str) -> None:
        super().__init__()
        self.model = MobileLLaMA(sizes)
        self.lm_head = nn.Linear(sizes.width, VOCABULARY, bias=False)
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
