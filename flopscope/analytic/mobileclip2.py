"""MobileCLIP2 S0, S2, S3 and S4: arXiv 2508.20691; apple/ml-mobileclip
mobileclip2/mobileclip2.py and mobileclip2/model_configs/*.json, which OpenCLIP builds.

An image encoder whose projection has a bias, and a text encoder of 12 layers over all tokens, whose
outputs are normalised to length 1; a scale of their products, which nothing bounds. B and L/14,
whose image encoders are vision transformers, are not here.
"""

from __future__ import annotations

from functools import partial

from flopscope.analytic.fastvit import MCI0, MCI2, MCI3, MCI4, Hybrid, fastvit, smaller_mci
from flopscope.analytic.mobileclip import exponential_scale, normalised
from flopscope.analytic.mobilecliptowers import text_encoder
from flopscope.analytic.switches import NetworkForm
from flopscope.analytic.tape import Feature

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
    with x.tape.scope("text"):
        heads = features // HEAD
        normalised(
            text_encoder(ids, LAYERS, form, channels=features, heads=heads, features=features)
        )
    exponential_scale(x)
    return image


mobileclip2_s0 = partial(mobileclip2, encoder=smaller_mci(MCI0), features=512)
mobileclip2_s2 = partial(mobileclip2, encoder=smaller_mci(MCI2), features=512)
mobileclip2_s3 = partial(mobileclip2, encoder=MCI3, features=768)
mobileclip2_s4 = partial(mobileclip2, encoder=MCI4, features=768)
