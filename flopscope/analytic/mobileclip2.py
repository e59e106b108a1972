"""MobileCLIP2 S0, S2, S3, S4, B and L/14: arXiv 2508.20691; apple/ml-mobileclip
mobileclip2/mobileclip2.py and mobileclip2/model_configs/*.json, which OpenCLIP builds.

An image encoder whose projection has a bias, and a text encoder of 12 layers over all tokens, whose
outputs are normalised to length 1; a scale of their products, which nothing bounds. The image
encoders of B and L/14 are vision transformers for 224×224 alone, and have no branches to fold; the
text encoder of B hides the tokens after each from it.

MobileCLIP-S3, S4 and L/14, which the repository has beside them, have the same configurations: they
are these networks trained on the data of the first MobileCLIP.
"""

from __future__ import annotations

from functools import partial

from flopscope.analytic.fastvit import MCI0, MCI2, MCI3, MCI4, Hybrid, fastvit, smaller_mci
from flopscope.analytic.mobileclip import exponential_scale, normalised
from flopscope.analytic.mobilecliptowers import class_token, text_encoder
from flopscope.analytic.switches import NetworkForm
from flopscope.analytic.tape import Feature
from flopscope.analytic.visiontransformer import vit_base_16, vit_large_14

LAYERS = 12
HEAD = 64
"""Width of an attention head of the text encoder."""


def mobileclip2(
    x: Feature,
    ids: Feature,
    encoder: Hybrid,
    features: int,
    *,
    form: NetworkForm = NetworkForm.DEPLOY,
) -> Feature:
    """(B, 3, H, W) and (B, T) → both embeddings, (B, features). The text encoder is as wide.

    Domain: H, W ≥ 1; T ≤ 77.

    >>> from flopscope.analytic.tape import record
    >>> for network in (mobileclip2_s0, mobileclip2_s2, mobileclip2_s3, mobileclip2_s4):
    ...     ledger = record(network, (1, 3, 256, 256), (1, 77))
    ...     print(ledger.macs().value, ledger.params().value)
    5364920320 74785601
    10813995008 99131089
    21461846016 248724577
    34407745536 445219969
    """
    with x.tape.scope("image"):
        image = normalised(fastvit(x, encoder, form=form, classes=features))
    _text(ids, features, form)
    exponential_scale(x)
    return image


def _text(
    ids: Feature, features: int, form: NetworkForm = NetworkForm.DEPLOY, *, causal: bool = False
) -> None:
    with ids.tape.scope("text"):
        heads = features // HEAD
        encoded = text_encoder(
            ids, LAYERS, form, causal=causal, channels=features, heads=heads, features=features
        )
        normalised(encoded)


def mobileclip2_b(x: Feature, ids: Feature) -> Feature:
    """(B, 3, 224, 224) and (B, T) → both embeddings, (B, 512). Domain: H = W = 224; T ≤ 77.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(mobileclip2_b, (1, 3, 224, 224), (1, 77))
    >>> ledger.macs().value, ledger.params().value
    (20687730688, 149777153)
    """
    with x.tape.scope("image"):
        image = normalised(vit_base_16(x, 512))
    _text(ids, 512, causal=True)
    exponential_scale(x)
    with x.tape.scope("image"):
        class_token(x)
    return image


def mobileclip2_l14(x: Feature, ids: Feature) -> Feature:
    """(B, 3, 224, 224) and (B, T) → both embeddings, (B, 768). Domain: H = W = 224; T ≤ 77.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(mobileclip2_l14, (1, 3, 224, 224), (1, 77))
    >>> ledger.macs().value, ledger.params().value
    (87662610432, 427617281)
    """
    with x.tape.scope("image"):
        image = normalised(vit_large_14(x, 768))
    _text(ids, 768)
    exponential_scale(x)
    with x.tape.scope("image"):
        class_token(x, 1024)
    return image


mobileclip2_s0 = partial(mobileclip2, encoder=smaller_mci(MCI0), features=512)
mobileclip2_s2 = partial(mobileclip2, encoder=smaller_mci(MCI2), features=512)
mobileclip2_s3 = partial(mobileclip2, encoder=MCI3, features=768)
mobileclip2_s4 = partial(mobileclip2, encoder=MCI4, features=768)
