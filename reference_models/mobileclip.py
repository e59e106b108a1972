"""MobileCLIP S0, S1, S2 and B: arXiv 2311.17049, section 4.

Agrees with apple/ml-mobileclip mobileclip/clip.py and mobileclip/configs/*.json: state dict and
outputs, in training form, which is that of the checkpoints, and deployed, which is what
`create_model_and_transforms` gives by default. timm's encoders of images compute the same, but for
vit_base_mci_224: its stem does not pad by 1, and its norms have an ε of 1e-6.

No deviation in what is computed at the published sizes; `reference_models.transformer` has others.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from reference_models.fastvit import MCI0, MCI1, MCI2, ImageEncoder
from reference_models.mobileone import checked_form
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


def mobileclip_s0(form: str = "deploy") -> nn.Module:
    """53,792,065 parameters deployed. Raises ValueError for an unknown form."""
    form = checked_form(form)
    return MobileCLIP(ImageEncoder(MCI0, form), TextEncoder(4, form, mixing=True))


def mobileclip_s1(form: str = "deploy") -> nn.Module:
    """84,888,641 parameters deployed. Raises ValueError for an unknown form."""
    form = checked_form(form)
    return MobileCLIP(ImageEncoder(MCI1, form), TextEncoder(12, form))


def mobileclip_s2(form: str = "deploy") -> nn.Module:
    """99,130,577 parameters deployed. Raises ValueError for an unknown form."""
    form = checked_form(form)
    return MobileCLIP(ImageEncoder(MCI2, form), TextEncoder(12, form))


def mobileclip_b() -> nn.Module:
    """149,776,641 parameters. It has no branches to fold, and so no forms."""
    return MobileCLIP(VisionTransformer(), TextEncoder(12, "deploy", causal=True))
