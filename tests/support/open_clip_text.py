"""OpenCLIP's text encoder, by torch's own attention and under OpenCLIP's names."""

from collections import OrderedDict

import torch
from torch import Tensor, nn


class OpenCLIPText(nn.Module):
    """Token numbers (B, T) → (B, width). A causal one hides the tokens after each from it."""

    def __init__(
        self, layers: int, vocabulary: int, width: int, heads: int, *, causal: bool = False
    ) -> None:
        super().__init__()
        self.causal = causal
        self.token_embedding = nn.Embedding(vocabulary, width)
        self.positional_embedding = nn.Parameter(torch.randn(77, width))
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.ModuleList(
            nn.ModuleDict(
                {
                    "ln_1": nn.LayerNorm(width),
                    "attn": nn.MultiheadAttention(width, heads, batch_first=True),
                    "ln_2": nn.LayerNorm(width),
                    "mlp": nn.Sequential(
                        OrderedDict(
                            c_fc=nn.Linear(width, 4 * width),
                            gelu=nn.GELU(),
                            c_proj=nn.Linear(4 * width, width),
                        )
                    ),
                }
            )
            for _ in range(layers)
        )
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.randn(width, width))

    def forward(self, ids: Tensor) -> Tensor:
        x = self.token_embedding(ids) + self.positional_embedding[: ids.shape[1]]
        tokens = ids.shape[1]
        mask = torch.ones(tokens, tokens, dtype=torch.bool).triu(1) if self.causal else None
        for block in self.transformer.resblocks:
            y = block["ln_1"](x)
            x = x + block["attn"](y, y, y, need_weights=False, attn_mask=mask)[0]
            x = x + block["mlp"](block["ln_2"](x))
        ends = self.ln_final(x)[torch.arange(len(ids)), ids.argmax(-1)]
        return ends @ self.text_projection
