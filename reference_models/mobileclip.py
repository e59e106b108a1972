"""MobileCLIP S0, S1, S2 and B: arXiv 2311.17049, section 4.

Agrees with apple/ml-mobileclip mobileclip/clip.py and mobileclip/configs/*.json: state dict and
outputs, in training form, which is that of the checkpoints, and deployed, which is what
`create_model_and_transforms` gives by default. timm's encoders of images compute the same, but for
vit_base_mci_224: its stem does not pad by 1, and its norms have an ε of 1e-6.

No deviation in what is computed at the published sizes; `reference_models.transformer` has others.
"""

import math
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from reference_models.fastvit import MCI0, MCI1, MCI2, ImageEncoder
from reference_models.folding import checked_form
from reference_models.layers import Stages
from reference_models.transformer import TextEncoder, VisionTransformer

MAX_SCALE = 100.0


class Wrapped(nn.Module):
    """An image encoder under the name that the authors' checkpoints have it by."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class MobileCLIP(nn.Module):
    """(B, 3, H, W) and (B, tokens) → both embeddings (B, 512), of length 1, and a scale."""

    def __init__(self, image: nn.Module, text: nn.Module) -> None:
        super().__init__()
        self.image_encoder = Wrapped(image)
        self.text_encoder = text
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def forward(self, image: Tensor, text: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        images = functional.normalize(self.image_encoder(image), dim=-1)
        texts = functional.normalize(self.text_encoder(text), dim=-1)
        return images, texts, self.logit_scale.exp().clamp(0, MAX_SCALE)


def mobileclip(
    encoder: Stages, layers: int, form: str = "deploy", *, mixing: bool = False
) -> nn.Module:
    """A FastViT beside so many text layers. Raises ValueError for an unknown form."""
    form = checked_form(form)
    return MobileCLIP(ImageEncoder(encoder, form), TextEncoder(layers, form, mixing=mixing))


def mobileclip_b() -> nn.Module:
    """149,776,641 parameters. It has no branches to fold, and so no forms."""
    return MobileCLIP(VisionTransformer(), TextEncoder(12, "deploy", causal=True))


# 53,792,065, 84,888,641 and 99,130,577 parameters deployed.
mobileclip_s0 = partial(mobileclip, MCI0, 4, mixing=True)
mobileclip_s1 = partial(mobileclip, MCI1, 12)
mobileclip_s2 = partial(mobileclip, MCI2, 12)
