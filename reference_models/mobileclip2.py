"""MobileCLIP2 S0, S2, S3, S4, B and L/14: arXiv 2508.20691.

Agrees with what OpenCLIP builds from apple/ml-mobileclip mobileclip2/model_configs/*.json: outputs,
in training form, which is that of the checkpoints, and deployed; B and L/14 have no branches to
fold. It loads a checkpoint's names strictly: those of OpenCLIP's `CustomTextCLIP` around timm's
image encoder. Its own state dict has the names of the first MobileCLIP's parts in the text encoder.

No deviation in what is computed for texts of 77 tokens; `reference_models.transformer` and
`reference_models.visiontransformer` have others.
"""

import math
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from reference_models.fastvit import MCI0, MCI2, MCI3, MCI4, FastViT, Hybrid, smaller_mci
from reference_models.mobileone import checked_form
from reference_models.transformer import TextEncoder
from reference_models.visiontransformer import vit_base_16, vit_large_14

LAYERS = 12
HEAD = 64  # width of an attention head of the text encoder


class Visual(nn.Module):
    """An image encoder under the name that a checkpoint has it by."""

    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk

    def forward(self, x: Tensor) -> Tensor:
        return self.trunk(x)


class MobileCLIP2(nn.Module):
    """(B, 3, H, W) and (B, tokens) → both embeddings (B, features), of length 1, and a scale."""

    def __init__(self, image: nn.Module, text: TextEncoder) -> None:
        super().__init__()
        self.visual = Visual(image)
        self.text = text
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.text.register_load_state_dict_pre_hook(_from_open_clip)

    def forward(self, image: Tensor, text: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        images = functional.normalize(self.visual(image), dim=-1)
        texts = functional.normalize(self.text(text), dim=-1)
        return images, texts, self.logit_scale.exp()


# Parts of OpenCLIP's names of a text encoder and of ours.
RENAMED = (
    ("token_embedding.", "embedding_layer."),
    ("transformer.resblocks.", "transformer."),
    (".ln_1.", ".pre_norm_mha.0."),
    (".attn.in_proj_", ".pre_norm_mha.1.qkv_proj."),
    (".attn.out_proj.", ".pre_norm_mha.1.out_proj."),
    (".ln_2.", ".pre_norm_ffn.0."),
    (".mlp.c_fc.", ".pre_norm_ffn.1."),
    (".mlp.c_proj.", ".pre_norm_ffn.4."),
    ("ln_final.", "final_layer_norm."),
    ("text_projection", "projection_layer"),
)
POSITIONS = "positional_embedding"


def _from_open_clip(text: nn.Module, state: dict[str, Tensor], prefix: str, *_: object) -> None:
    """Give what has a name of OpenCLIP's ours; ours are left as they are."""
    for name in [name for name in state if name.startswith(prefix)]:
        renamed, value = name.removeprefix(prefix), state.pop(name)
        if renamed == POSITIONS:
            renamed, value = f"{POSITIONS}.pos_embed.pos_embed", value[None, None]
        for theirs, own in RENAMED:
            renamed = renamed.replace(theirs, own)
        state[prefix + renamed] = value


def mobileclip2(encoder: Hybrid, features: int, form: str = "deploy") -> nn.Module:
    """An image encoder beside a text encoder as wide as the embeddings. Raises ValueError for an
    unknown form."""
    form = checked_form(form)
    return MobileCLIP2(FastViT(encoder, form, features), _text(features, form))


def _text(features: int, form: str = "deploy", *, causal: bool = False) -> TextEncoder:
    widths = {"channels": features, "heads": features // HEAD, "features": features}
    return TextEncoder(LAYERS, form, causal=causal, **widths)


def mobileclip2_b() -> nn.Module:
    """149,777,153 parameters. Its text encoder alone hides the tokens after each from it."""
    return MobileCLIP2(vit_base_16(512), _text(512, causal=True))


def mobileclip2_l14() -> nn.Module:
    """427,617,281 parameters."""
    return MobileCLIP2(vit_large_14(768), _text(768))


# 74,785,601, 99,131,089, 248,724,577 and 445,219,969 parameters deployed.
mobileclip2_s0 = partial(mobileclip2, smaller_mci(MCI0), 512)
mobileclip2_s2 = partial(mobileclip2, smaller_mci(MCI2), 512)
mobileclip2_s3 = partial(mobileclip2, MCI3, 768)
mobileclip2_s4 = partial(mobileclip2, MCI4, 768)
