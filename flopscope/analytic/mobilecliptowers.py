"""The transformers of MobileCLIP: the image encoder of B, and the text encoders. arXiv 2311.17049,
section 4; apple/ml-mobileclip mobileclip/models/vit.py, text_encoder.py, configs/*.json.
"""

from __future__ import annotations

from flopscope.analytic.fastvit import feed_forward
from flopscope.analytic.mobileone import GELU, repmixer
from flopscope.analytic.operators import (
    activation,
    add,
    batch_norm,
    concatenate,
    conv2d,
    embedding,
    embedding_by,
    gathered,
    layer_norm,
    projected,
    reduce,
    resized_table,
    scale,
    stored,
)
from flopscope.analytic.switches import NetworkForm
from flopscope.analytic.tape import Feature
from flopscope.analytic.transformer import transformer_layer
from flopscope.facts import Interpolation, Reduction
from flopscope.sizes import Size, elements

PATCHES = 14 * 14
"""The number of positions in the image encoder's table, which are those of 224×224."""

VOCABULARY, CONTEXT = 49_408, 77
"""The number of different tokens, and the most tokens in a text."""


def vision_transformer(
    x: Feature, channels: int = 768, layers: int = 12, heads: int = 12, features: Size = 512
) -> Feature:
    """(B, 3, H, W) → (B, features): three convolutions of stride 4, 2, 2, a class token, layers.

    The table of positions is resampled to the number of patches. The class token is read once for
    each image; a network ends with `class_token`, which states it as it is stored. Domain: H, W ≥
    14, so that the first convolution, which is padded by 1, and the two after it leave a map.
    Raises OutsideDomain below.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(vision_transformer, (1, 3, 224, 224))
    >>> ledger.params().value, ledger.macs().value
    (86348544, 17707960320)
    """
    scope, hidden = x.tape.scope, 4 * channels
    with scope("stem"):
        for number, (size, pad) in enumerate(((4, 1), (2, 0)), start=1):
            x = conv2d(x, channels // 4, size, stride=size, padding=pad, name=f"conv{number}")
            x = activation(batch_norm(x, name=f"bn{number}"), GELU, name=f"act{number}")
        x = conv2d(x, channels, 2, stride=2, padding=0, bias=True, name="conv3")
    batch, n = x.batch, elements(x.grid)
    patches = x._replace(shape=(batch, n, channels))
    with scope("embedding"):
        table = x.tape.stored("positions", (1, 1, PATCHES, channels))
        grid = (1, 1, n, channels)
        positions = resized_table(x.tape, table, grid, Interpolation.BILINEAR, name="resize")
        x = add(positions.view(1, n, channels), patches)
        token = x.tape.stored("token", (batch, 1, channels))
        x = concatenate([x], first=token)
    for number in range(1, layers + 1):
        with scope(f"layer{number}"):
            x = transformer_layer(x, heads, hidden)
    with scope("head"):
        x = layer_norm(x)._replace(shape=(batch, channels))
        return projected(x, features)


def class_token(x: Feature, channels: int = 768) -> None:
    """The class token as it is stored, once for all images."""
    with x.tape.scope("embedding"):
        token = x.tape.stored("token", (1, 1, channels))
    stored(x.tape, token, name="token")


def text_encoder(
    ids: Feature,
    layers: int,
    form: NetworkForm = NetworkForm.DEPLOY,
    *,
    causal: bool = False,
    mixing: bool = False,
    vocabulary: Size = VOCABULARY,
    channels: int = 512,
    heads: int = 8,
    features: Size = 512,
) -> Feature:
    """Token numbers (B, T) → (B, features): layers over all tokens, then the last one's projection.

    With `mixing` there is a RepMixer block along the tokens before and after the layers. A causal
    mask hides later tokens, which are computed all the same. Domain: T ≤ 77. Raises OutsideDomain.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(lambda ids: text_encoder(ids, 12), (1, 77))
    >>> ledger.params().value, ledger.macs().value
    (63428096, 2979770368)
    """
    batch, n = ids.shape
    tape = ids.tape
    tape.at_least(CONTEXT - n, 0, lambda: f"context of {CONTEXT} tokens less the {n} of the text")
    places = Feature(tape, (n,), ids.source - 1)
    mask = Feature(tape, (n, n), ids.source - 2) if causal else None
    with tape.scope("embedding"):
        x = embedding(ids, vocabulary, channels, name="tokens")
        table = tape.stored("positions", (CONTEXT, channels))
        x = add(embedding_by(places, table, name="positions"), x)
    if mixing:
        x = _mixed(x, "mixer1", form)
    for number in range(1, layers + 1):
        with tape.scope(f"layer{number}"):
            x = transformer_layer(x, heads, 4 * channels, mask)
    if mixing:
        x = _mixed(x, "mixer2", form)
    with tape.scope("head"):
        x = layer_norm(x)
        end = reduce(ids, (batch,), Reduction.EXTREMUM, name="end")
        x = gathered(x, end, (batch, channels), name="last")
        return projected(x, features)


def _mixed(x: Feature, name: str, form: NetworkForm) -> Feature:
    """A RepMixer block of 1×11 kernels on tokens as a map of one row."""
    batch, n, channels = x.shape
    y, kernel = x._replace(shape=(batch, channels, 1, n)), (1, 11)
    with x.tape.scope(name):
        with x.tape.scope("token_mixer"):
            y = repmixer(y, kernel, form=form, pointwise=False)
        with x.tape.scope("ffn"):
            z = feed_forward(y, 4 * channels, kernel)
        y = add(y, scale(z, (channels, 1, 1), name="layer_scale"))
    return y._replace(shape=x.shape)
