"""MobileVLM V2, closed form: arXiv 2402.03766, sections 3.1 to 3.3, sizes of the published configs.

The parts are CLIP ViT-L/14 at 336, the projector LDPv2, and a LLaMA. The features are the hidden
states before CLIP's last layer. The parameters of that layer are counted but not its work, because
nothing depends on it, although the authors' code runs it (`unread_layer` says what that costs). All
pairs of tokens are multiplied before a mask hides future ones. Every position gets scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from flopscope.analytic.attention import attend
from flopscope.analytic.operators import (
    activation,
    adaptive_pool,
    add,
    concatenate,
    conv2d,
    elementwise,
    embedding,
    layer_norm,
    linear,
    multiply,
    rms_norm,
    sliced,
    stored,
    with_number,
    with_stored,
)
from flopscope.analytic.switches import Phase
from flopscope.analytic.tape import Feature, Tape, record
from flopscope.domain import AtLeast, Relation
from flopscope.facts import Function, Kind, Weight
from flopscope.sizes import Size, exact_div

IMAGE, PATCH = 336, 14
PATCHES = (IMAGE // PATCH) ** 2
VISION_C, VISION_HIDDEN, VISION_HEADS, VISION_LAYERS = 1024, 4096, 16, 24
GRID = 12
IMAGE_TOKENS = GRID**2
CONTEXT = 2048
VOCABULARY = 32000


class DecoderSizes(NamedTuple):
    """The language model. c: width; f: hidden width; h: heads; n: layers."""

    c: Size
    f: Size
    h: Size
    n: int


SMALL = DecoderSizes(2048, 5632, 16, 24)
LARGE = DecoderSizes(2560, 6912, 32, 32)


def mobilevlm_v2_1_7b(*inputs: Feature, phase: Phase = Phase.PREFILL) -> Feature:
    """Image (B, 3, 336, 336) and tokens (B, T) → scores (B, 144 + T, 32000). Decode: a token (B, 1)
    and keys and values (B, h, m, d) of the m before it, for every layer → (B, 1, 32000).

    Domain: H = W = 336, at most 2048 tokens with the image's. Raises OutsideDomain otherwise.

    >>> from flopscope.analytic.tape import record
    >>> record(mobilevlm_v2_1_7b, (1, 3, 336, 336), (1, 64)).params().value
    1674121216
    """
    return mobilevlm(inputs, SMALL, phase)


def mobilevlm_v2_3b(*inputs: Feature, phase: Phase = Phase.PREFILL) -> Feature:
    """The larger network: inputs, scores and domain are those of `mobilevlm_v2_1_7b`.

    >>> from flopscope.analytic.tape import record
    >>> record(mobilevlm_v2_3b, (1, 3, 336, 336), (1, 64)).params().value
    3014273536
    """
    return mobilevlm(inputs, LARGE, phase)


def mobilevlm(inputs: Sequence[Feature], sizes: DecoderSizes, phase: Phase) -> Feature:
    """The network of a phase, with the parameters that the phase stores and does not use."""
    if phase is Phase.PREFILL:
        image, tokens = inputs
        return _prefill(image, tokens, sizes)
    token, *past = inputs
    return _decode(token, past, sizes)


def _prefill(image: Feature, tokens: Feature, sizes: DecoderSizes) -> Feature:
    tape, (height, width) = image.tape, image.grid
    for size in (height, width):
        tape.hold(
            Relation(size - IMAGE, equality=True),
            lambda: (
                f"MobileVLM takes images of {IMAGE}×{IMAGE}, but one of {height}×{width} is given"
            ),
        )
    seen = _seen(image.view(image.batch, 3, IMAGE, IMAGE), sizes)
    with tape.scope("language_model"):
        text = embedding(tokens, VOCABULARY, sizes.c)
        x = concatenate([seen, text], name="tokens")
        scores = language_model(x, (), sizes)
    _store(tape, [Weight("vision_tower.class_embedding", (VISION_C,)), *_unread()])
    return scores


def _decode(token: Feature, past: Sequence[Feature], sizes: DecoderSizes) -> Feature:
    tape = token.tape
    with tape.scope("language_model"):
        x = embedding(token, VOCABULARY, sizes.c)
        scores = language_model(x, past, sizes)
    aside = Tape()
    _seen(Feature(aside, (1, 3, IMAGE, IMAGE)), sizes)
    of_image = [w for row in aside.ledger().rows for w in row.weights]
    _store(tape, [w._replace(shape=w.shape[-1:]) if w.shape[0] == 1 else w for w in of_image])
    _store(tape, _unread())
    return scores


def _store(tape: Tape, weights: Iterable[Weight]) -> None:
    """Record parameters that no operator reads as a whole."""
    for weight in weights:
        stored(tape, weight, name=weight.key)


def _unread() -> list[Weight]:
    """Parameters of the vision tower's last layer and of the norm after it."""
    return [
        weight for row in record(unread_layer, (1, 1 + PATCHES, VISION_C)) for weight in row.weights
    ]


# --- vision -------------------------------------------------------------------------------------


def _seen(image: Feature, sizes: DecoderSizes) -> Feature:
    """(B, 3, 336, 336) → (B, 144, C)."""
    with image.tape.scope("vision_tower"):
        features = _vision_tower(image)
    with image.tape.scope("projector"):
        return ldpv2(features, sizes.c)


def _vision_tower(image: Feature) -> Feature:
    tape, batch = image.tape, image.batch
    x = conv2d(image, VISION_C, PATCH, stride=PATCH, padding=0, name="patch_embedding")
    x = x.view(batch, PATCHES, VISION_C)
    first = tape.stored("class_embedding", (batch, 1, VISION_C))
    x = concatenate([x], first=first, name="class_token")
    x = with_stored(x, Kind.ADD, ("weight", x.shape[1:]), name="position_embedding")
    x = layer_norm(x, name="pre_norm")
    for layer in range(1, VISION_LAYERS):
        with tape.scope(f"layer{layer}"):
            x = _vision_layer(x)
    # a linear layer reads tokens one behind another, so that those of patches are written anew
    return sliced(x, batch, PATCHES, VISION_C, name="patches")


def unread_layer(x: Feature) -> Feature:
    """The vision tower's last layer and the norm of its class token, which the authors' code runs
    and does not read.

    >>> record(unread_layer, (1, 577, 1024)).macs().value
    7942178816
    """
    with x.tape.scope(f"vision_tower.layer{VISION_LAYERS}"):
        x = _vision_layer(x)
    with x.tape.scope("vision_tower"):
        return layer_norm(x.view(x.batch, VISION_C), name="post_norm")


def _vision_layer(x: Feature) -> Feature:
    y = layer_norm(x, name="norm1")
    q, k, v = (linear(y, VISION_C, name=name) for name in ("q", "k", "v"))
    x = add(x, linear(attend(q, k, v, VISION_HEADS), VISION_C, name="out"), name="add1")
    y = linear(layer_norm(x, name="norm2"), VISION_HIDDEN, name="fc1")
    gate = with_number(y, Kind.MULTIPLY, name="scale_1.702")
    y = multiply(y, activation(gate, Function.SIGMOID), name="gate")
    return add(x, linear(y, VISION_C, name="fc2"), name="add2")


def ldpv2(x: Feature, channels: Size) -> Feature:
    """Two linear layers, 24×24 patches averaged to 12×12, a depthwise convolution beside a
    shortcut: section 3.3. (B, 576, C_in) → (B, 144, channels)."""
    batch, side = x.batch, IMAGE // PATCH
    x = activation(linear(x, channels, name="linear1"), Function.GELU)
    x = linear(x, channels, name="linear2").view(batch, channels, side, side)
    x = adaptive_pool(x, (GRID, GRID))
    y = conv2d(x, channels, 3, groups=channels, bias=True, name="dw")
    return add(x, y).view(batch, IMAGE_TOKENS, channels)


# --- language -----------------------------------------------------------------------------------


def language_model(x: Feature, past: Sequence[Feature], sizes: DecoderSizes) -> Feature:
    """Embedded tokens (B, n, C), after those whose keys and values are given, → (B, n, 32000).

    Domain: at most 2048 tokens in all. Raises OutsideDomain beyond.
    """
    new, before = x.shape[1], past[0].shape[2] if past else 0
    x.tape.hold(
        AtLeast(CONTEXT - (before + new), 0, "room in the context"),
        lambda: (
            f"{before + new} tokens, {IMAGE_TOKENS} of them the image's, exceed the context of "
            f"MobileVLM; it takes at most {CONTEXT}"
        ),
    )
    angles = _angles(x, new, exact_div(sizes.c, sizes.h))
    mask = None if past else Feature(x.tape, (new, new), source=-4)
    for layer in range(1, sizes.n + 1):
        with x.tape.scope(f"layer{layer}"):
            x = decoder_layer(x, sizes, angles, mask, past[2 * layer - 2 : 2 * layer])
    return linear(rms_norm(x), VOCABULARY, bias=False, name="scores")


def _angles(x: Feature, n: Size, d: Size) -> tuple[Feature, Feature]:
    """(n, d) cosines and sines of the positions' angles."""
    tape, half = x.tape, exact_div(d, 2)
    positions = Feature(tape, (n, 1), source=-3)
    with tape.scope("rotary"):
        frequencies = ("frequencies", (half,))
        y = with_stored(
            positions, Kind.MULTIPLY, frequencies, learnt=False, output=(n, half), name="angles"
        )
        y = concatenate([y, y], axis=1, name="twice")
        cosine, sine = (elementwise(y, Function.SIN, name=name) for name in ("cosine", "sine"))
    return cosine, sine


def decoder_layer(
    x: Feature,
    sizes: DecoderSizes,
    angles: tuple[Feature, Feature],
    mask: Feature | None,
    past: Sequence[Feature],
) -> Feature:
    """Causal attention and SwiGLU, each after a norm and beside a shortcut: arXiv 2302.13971.

    n·(4·c² + 3·c·f) multiply-accumulates in its linear layers, 2·n·m·c in attention to m tokens.
    """
    c = sizes.c
    y = rms_norm(x, name="norm1")
    q, k, v = (linear(y, c, bias=False, name=name) for name in ("q", "k", "v"))
    q, k = (_rotated(part, angles, sizes.h, f"rotate_{n}") for part, n in ((q, "q"), (k, "k")))
    if past:
        k, v = (_after(old, new, name) for old, new, name in zip(past, (k, v), "kv", strict=True))
    y = attend(q, k, v, sizes.h, mask=mask, cached=bool(past))
    y = linear(y, c, bias=False, name="out")
    x = add(x, y, name="add1")
    y = rms_norm(x, name="norm2")
    gate = activation(linear(y, sizes.f, bias=False, name="gate"), Function.SILU)
    y = multiply(gate, linear(y, sizes.f, bias=False, name="up"))
    return add(x, linear(y, c, bias=False, name="down"), name="add2")


def _rotated(x: Feature, angles: tuple[Feature, Feature], heads: Size, name: str) -> Feature:
    """x·cos + (−x₂, x₁)·sin, head by head: 3 acts an element, no multiply-accumulates."""
    batch, n, c = x.shape
    d = exact_div(c, heads)
    half = (batch, heads, n, exact_div(d, 2))
    x = x.view(batch, heads, n, d)
    with x.tape.scope(name):
        kept = multiply(x, angles[0], name="cosine")
        second = x.view(*half)
        minus = elementwise(second, Function.NEGATE, name="minus")
        turned = concatenate([minus, second], axis=-1, name="turn")
        turned = multiply(turned, angles[1], name="sine")
        return add(kept, turned).view(batch, n, c)


def _after(past: Feature, new: Feature, name: str) -> Feature:
    """Keys or values of the past (B, h, m, d), and those of the new token."""
    batch, heads, m, d = past.shape
    n = new.shape[1]
    both = concatenate([past, new.view(batch, heads, n, d)], axis=2, name=f"cache_{name}")
    return both.view(batch, m + n, heads * d)
