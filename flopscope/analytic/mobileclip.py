"""MobileCLIP S0, S1, S2 and B: arXiv 2311.17049, section 4; apple/ml-mobileclip
mobileclip/clip.py and configs/*.json.

An image encoder and a text encoder, whose outputs are normalised to length 1, and a scale of their
products. S0 to S2 have a training form and a deployed one, which is the default of the authors'
code; B has no branches to fold.
"""

from __future__ import annotations

from functools import partial

from flopscope.analytic.fastvit import MCI0, MCI1, MCI2, image_encoder
from flopscope.analytic.mobilecliptowers import class_token, text_encoder, vision_transformer
from flopscope.analytic.operators import divide, elementwise, function_of_stored, reduce
from flopscope.analytic.stages import Stages
from flopscope.analytic.switches import NetworkForm
from flopscope.analytic.tape import Feature
from flopscope.facts import Function, Reduction


def mobileclip(
    x: Feature,
    ids: Feature,
    encoder: Stages,
    layers: int,
    *,
    mixing: bool = False,
    form: NetworkForm = NetworkForm.DEPLOY,
) -> Feature:
    """(B, 3, H, W) and (B, T) → both embeddings, (B, 512): a FastViT beside so many text layers.

    Domain: H, W ≥ 1; T ≤ 77.

    >>> from flopscope.analytic.tape import record
    >>> for network in (mobileclip_s0, mobileclip_s1, mobileclip_s2):
    ...     ledger = record(network, (1, 3, 256, 256), (1, 77))
    ...     print(ledger.macs().value, ledger.params().value)
    3703277568 53792065
    7638036480 84888641
    10813995008 99130577
    """
    with x.tape.scope("image"):
        image = normalised(image_encoder(x, encoder, form))
    with x.tape.scope("text"):
        normalised(text_encoder(ids, layers, form, mixing=mixing))
    _scale(x)
    return image


def mobileclip_b(x: Feature, ids: Feature) -> Feature:
    """(B, 3, H, W) and (B, T) → both embeddings, (B, 512). Domain: H, W ≥ 14; T ≤ 77.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(mobileclip_b, (1, 3, 224, 224), (1, 77))
    >>> ledger.macs().value, ledger.params().value
    (20687730688, 149776641)
    """
    with x.tape.scope("image"):
        image = normalised(vision_transformer(x))
    with x.tape.scope("text"):
        normalised(text_encoder(ids, 12, causal=True))
    _scale(x)
    with x.tape.scope("image"):
        class_token(x)
    return image


def normalised(x: Feature) -> Feature:
    """x/|x|, where the length is at least a small number."""
    y = reduce(x, (x.batch, 1), Reduction.NORM, name="norm")
    y = elementwise(y, Function.BOUND, name="bound")
    return divide(x, y.view(*x.shape))


def _scale(x: Feature) -> None:
    """The exponential of a parameter, clamped to bounds."""
    elementwise(exponential_scale(x), Function.CLAMP, name="scale_clamp")


def exponential_scale(x: Feature) -> Feature:
    """The exponential of a parameter."""
    factor = x.tape.stored("logit_scale", ())
    return function_of_stored(x.tape, factor, Function.EXP, name="scale_exp")


mobileclip_s0 = partial(mobileclip, encoder=MCI0, layers=4, mixing=True)
mobileclip_s1 = partial(mobileclip, encoder=MCI1, layers=12)
mobileclip_s2 = partial(mobileclip, encoder=MCI2, layers=12)
