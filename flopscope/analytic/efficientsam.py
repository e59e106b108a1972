"""EfficientSAM, closed form: arXiv 2312.00863, section 4, on the prompts and decoder of 2304.02643.

Sizes are those of the authors' code (yformer/EfficientSAM efficient_sam/build_efficient_sam.py).
The network takes its image, which is square, at its own size; that code first resizes other images
to 1024×1024, which is not counted. Points that pad a prompt to 6 are computed like others.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from flopscope.analytic.attention import attend, transformer_block
from flopscope.analytic.operators import (
    activation,
    add,
    add_broadcast,
    channels_first,
    channels_last,
    concatenate,
    conv2d,
    conv_transpose2d,
    elementwise,
    group_norm,
    layer_norm,
    linear,
    linear_by,
    matmul,
    padded,
    permuted,
    reduce,
    repeated,
    resize,
    resized_table,
    stack,
    stored,
    stored_rows,
    with_number,
    with_stored,
)
from flopscope.analytic.tape import Feature
from flopscope.domain import Relation
from flopscope.facts import Function, Interpolation, Kind, Reduction, Weight
from flopscope.sizes import Size, product

PATCH = 16
WIDTH = 256
POINTS = 6
MASKS = 4
POSITIONS = 14


class EncoderSizes(NamedTuple):
    """C: width; h: heads; n: blocks of the image encoder."""

    c: int
    h: int
    n: int = 12


def efficientsam(image: Feature, points: Feature, labels: Feature, sizes: EncoderSizes) -> Feature:
    """(B, 3, S, S), (B, Q, P, 2) and (B, Q, P) → (B, Q, 3, S, S).

    The encoder runs once an image and the decoder once a prompt, so the cost is linear in Q and
    does not depend on P. Domain: H = W ≥ 16. Raises OutsideDomain for another image.

    >>> from flopscope.analytic.tape import record
    >>> for network in (efficientsam_ti, efficientsam_s):
    ...     ledger = record(network, (1, 3, 1024, 1024), (1, 1, 2, 2), (1, 1, 2))
    ...     print(ledger.params().value, ledger.macs().value)
    10223204 104119102976
    26413028 247463636480
    """
    tape = image.tape
    height, width = image.grid
    tape.at_least(height, PATCH, lambda: "height of the input")
    tape.at_least(width, PATCH, lambda: "width of the input")
    tape.hold(
        Relation(height - width, equality=True),
        lambda: f"EfficientSAM takes square images, but height and width are {height} and {width}",
    )
    with tape.scope("image_encoder"):
        positions = tape.stored("pos_embed", (1, sizes.c, POSITIONS, POSITIONS))
        encoded = _image_encoder(image, sizes, positions)
    with tape.scope("prompt_encoder"):
        frequencies = tape.stored("frequencies", (WIDTH // 2, 2), learnt=False)
        places = _grid_places(encoded, frequencies)
        prompts = _prompt_encoder(points, labels, frequencies)
    with tape.scope("mask_decoder"):
        masks = _mask_decoder(encoded, places, prompts, points.shape[1])
        masks = resize(masks, (height, width), Interpolation.BICUBIC, name="upsample")
    # One more position is stored than is read, for a class token.
    every_position = Weight(positions.key, (1, 1 + POSITIONS**2, sizes.c))
    stored(tape, every_position, name="image_encoder.pos_embed")
    return masks


# --- image encoder ----------------------------------------------------------------------------


def _image_encoder(x: Feature, sizes: EncoderSizes, positions: Weight) -> Feature:
    """(B, 3, H, W) → (B, 256, ⌊H/16⌋, ⌊W/16⌋)."""
    for kind, name in ((Kind.ADD, "pixel_mean"), (Kind.DIVIDE, "pixel_std")):
        x = with_stored(x, kind, ("value", (1, 3, 1, 1)), learnt=False, name=name)
    x = conv2d(x, sizes.c, PATCH, stride=PATCH, padding=0, bias=True, name="patch_embed")
    grid, one = x.grid, (1, *x.shape[1:])
    resized = resized_table(x.tape, positions, one, Interpolation.BICUBIC, name="positions")
    x = add_broadcast(x, resized, name="add_positions").view(x.batch, product(grid), sizes.c)
    for block in range(1, sizes.n + 1):
        with x.tape.scope(f"block{block}"):
            x = transformer_block(x, sizes.h)
    x = x.view(x.batch, sizes.c, *grid)
    with x.tape.scope("neck"):
        for number, kernel in ((1, 1), (2, 3)):
            x = conv2d(x, WIDTH, kernel, name=f"conv{number}")
            x = channels_first(layer_norm(channels_last(x), name=f"norm{number}"))
    return x


# --- prompt encoder ---------------------------------------------------------------------------


def _encoded_points(x: Feature, frequencies: Weight) -> Feature:
    """(…, 2) in the unit square → (…, 256): sines and cosines at random frequencies."""
    x = with_number(x, Kind.MULTIPLY, name="double")
    x = with_number(x, Kind.ADD, name="centre")
    angles = linear_by(x.view(product(x.shape[:-1]), 2), frequencies, name="angles")
    angles = with_number(angles.view(*x.shape[:-1], WIDTH // 2), Kind.MULTIPLY, name="turn")
    waves = [elementwise(angles, Function.SIN, name=name) for name in ("sine", "cosine")]
    return concatenate(waves, axis=-1)


def _grid_places(encoded: Feature, frequencies: Weight) -> Feature:
    """(⌊H/16⌋·⌊W/16⌋, 256): the middle of every patch."""
    tape, grid = encoded.tape, encoded.grid
    ones = Feature(tape, grid, source=-4)
    with tape.scope("grid"):
        shares = []
        for axis, lines in (("y", grid[1]), ("x", grid[0])):
            x = reduce(ones, grid, Reduction.RUNNING_SUM, groups=lines, name=axis)
            x = with_number(x, Kind.ADD, name=f"{axis}_middle")
            shares.append(with_number(x, Kind.DIVIDE, name=f"{axis}_share"))
        places = _encoded_points(stack(shares[::-1], 2, name="pairs"), frequencies)
    return places.view(product(grid), WIDTH)


def _prompt_encoder(points: Feature, labels: Feature, frequencies: Weight) -> Feature:
    """Points (B, Q, P, 2) and labels (B, Q, P) → (B·Q, 6, 256), whatever P is."""
    prompts = points.shape[0] * points.shape[1]
    x = with_number(points, Kind.COMPARE, name="present")
    x = padded(x, *points.shape[:2], POINTS, 2, name="pad_points")
    labels = padded(labels, *labels.shape[:2], POINTS, name="pad_labels")
    x = with_number(x.view(prompts, POINTS, 2), Kind.ADD, name="centre_of_pixel")
    x = _encoded_points(with_number(x, Kind.DIVIDE, name="share"), frequencies)
    labels = labels.view(prompts, POINTS)
    for name in ("none", "point", "top_left", "bottom_right"):
        with x.tape.scope(name):
            chosen = with_number(labels, Kind.COMPARE, name="chosen").view(*labels.shape, 1)
            learnt = ("embedding", (1, WIDTH))
            x = add(x, with_stored(chosen, Kind.MULTIPLY, learnt, output=x.shape, name="mul"))
    return x


# --- mask decoder -----------------------------------------------------------------------------


def _mask_decoder(image: Feature, places: Feature, prompts: Feature, queries: Size) -> Feature:
    """Image (B, 256, h, w) and prompts (N, 6, 256) of Q queries each → masks (N, 3, 4h, 4w)."""
    tape, grid, batch = image.tape, image.grid, prompts.batch
    learnt = (("iou", (1, WIDTH)), ("masks", (MASKS, WIDTH)))
    own = stored_rows(tape, learnt, name="own_tokens").view(batch, 1 + MASKS, WIDTH)
    tokens = concatenate([own, prompts], name="tokens")
    each = image.view(image.batch, 1, WIDTH, *grid)
    image = repeated(each, image.batch, queries, WIDTH, *grid, name="for_queries")
    tokens, image = _two_way(tokens, image.view(batch, product(grid), WIDTH), places)
    x = image.view(batch, WIDTH, *grid)
    with tape.scope("upscale"):
        x = group_norm(conv_transpose2d(x, 64, 2, stride=2, bias=True, name="conv1"), 1)
        x = activation(x, Function.GELU, name="act1")
        x = conv_transpose2d(x, 32, 2, stride=2, bias=True, name="conv2")
        x = activation(x, Function.GELU, name="act2")
    token = tokens.view(batch, WIDTH)
    weights = []
    for mask in range(1, MASKS + 1):
        with tape.scope(f"mask{mask}"):
            weights.append(_mlp_block(token, WIDTH, 32, depth=2))
    joined, pixels = stack(weights, 1, name="mask_weights"), product(x.grid)
    masks = matmul(joined, x.view(batch, 32, pixels), name="masks")
    with tape.scope("iou"):
        _mlp_block(token, WIDTH, MASKS, depth=2)
    return masks.view(batch, MASKS - 1, *x.grid)


def _two_way(tokens: Feature, image: Feature, places: Feature) -> tuple[Feature, Feature]:
    """Two blocks in which tokens attend to each other and to the image, and the image to the
    tokens."""
    scope, prompts = tokens.tape.scope, tokens
    for number in (1, 2):
        # the first block finds the image channel by channel, and its norm lays the tokens out
        lying = ("kv", "q") if number == 1 else ("", "")
        with scope(f"block{number}"):
            x = tokens if number == 1 else add(tokens, prompts, name="add_prompts")
            tokens = add(x, _attention(x, x, x, WIDTH, "self"), name="add1")
            tokens = layer_norm(tokens, name="norm1")
            looked = _look(tokens, prompts, image, places, "token_to_image", lying[0])
            tokens = layer_norm(add(tokens, looked, name="add2"), name="norm2")
            y = _mlp_block(tokens, 2048, WIDTH, depth=1)
            tokens = layer_norm(add(tokens, y, name="add3"), name="norm3")
            looked = _look(image, places, tokens, prompts, "image_to_token", lying[1])
            image = layer_norm(add(image, looked, name="add4"), name="norm4")
    with scope("last"):
        looked = _look(tokens, prompts, image, places, "token_to_image")
        return layer_norm(add(tokens, looked)), image


def _look(
    x: Feature, x_places: Feature, at: Feature, at_places: Feature, name: str, written: str = ""
) -> Feature:
    """Attention from x with its positions to another tensor with its positions, in half the
    width."""
    with x.tape.scope(name):
        q, k = add_broadcast(x, x_places, name="add_q"), add_broadcast(at, at_places, name="add_k")
    return _attention(q, k, at, WIDTH // 2, name, written)


def _attention(
    q: Feature, k: Feature, v: Feature, inner: int, name: str, written: str = ""
) -> Feature:
    """Attention of 8 heads between linear layers of its own. Those of `written` lie channel by
    channel, and are written token by token first."""
    with q.tape.scope(name):
        q, k, v = (
            linear(permuted(x, *x.shape, name=f"{n}_tokens") if n in written else x, inner, name=n)
            for x, n in ((q, "q"), (k, "k"), (v, "v"))
        )
        return linear(attend(q, k, v, 8), WIDTH, name="out")


def _mlp_block(x: Feature, hidden: int, out: int, *, depth: int) -> Feature:
    """Hidden layers with GELU, then a linear one."""
    with x.tape.scope("mlp"):
        for layer in range(1, depth + 1):
            x = linear(x, hidden, name=f"linear{layer}")
            x = activation(x, Function.GELU, name=f"act{layer}")
        return linear(x, out, name="out")


efficientsam_ti = partial(efficientsam, sizes=EncoderSizes(192, 3))
efficientsam_s = partial(efficientsam, sizes=EncoderSizes(384, 6))
