"""Norms, and the softmax."""

from __future__ import annotations

from flopscope.analytic.tape import Feature
from flopscope.facts import Kind
from flopscope.sizes import Size, elements, exact_div


def batch_norm(
    x: Feature,
    *,
    affine: bool = True,
    training: bool = False,
    track_running_stats: bool = True,
    name: str = "bn",
) -> Feature:
    """Batch norm: scale and shift a channel are parameters, running mean and variance buffers.

    In training, and without running statistics always, it computes those of its batch.
    """
    per_channel = (x.channels,)
    own = training or not track_running_stats
    running = (("running_mean", per_channel), ("running_var", per_channel))
    return x.tape.record(
        Kind.BATCH_NORM_TRAINING if own else Kind.BATCH_NORM,
        name,
        (x,),
        x.shape,
        weights=(("weight", per_channel), ("bias", per_channel)) if affine else (),
        buffers=running if track_running_stats else (),
        groups=x.channels if own else 1,
    )


def layer_norm(x: Feature, *, affine: bool = True, name: str = "norm") -> Feature:
    """Layer norm over the last dimension of (…, features)."""
    features = (x.shape[-1],)
    return x.tape.record(
        Kind.LAYER_NORM,
        name,
        (x,),
        x.shape,
        weights=(("weight", features), ("bias", features)) if affine else (),
        groups=elements(x.shape[:-1]),
    )


def group_norm(x: Feature, groups: Size, *, affine: bool = True, name: str = "norm") -> Feature:
    """Group norm: each image's channels in `groups` groups. Raises OutsideDomain unless it divides
    C, and for one element in all, of which PyTorch takes no statistics."""
    x.tape.multiple(x.channels, groups, "number of channels")
    grouped = exact_div(elements(x.shape), groups)
    x.tape.at_least(grouped, 2, lambda: "number of elements of a group over the batch")
    per_channel = (x.channels,)
    return x.tape.record(
        Kind.GROUP_NORM,
        name,
        (x,),
        x.shape,
        weights=(("weight", per_channel), ("bias", per_channel)) if affine else (),
        groups=x.batch * groups,
    )


def rms_norm(x: Feature, *, name: str = "norm") -> Feature:
    """Root-mean-square norm over the last dimension of (…, features), with a scale."""
    return x.tape.record(
        Kind.RMS_NORM,
        name,
        (x,),
        x.shape,
        weights=(("weight", (x.shape[-1],)),),
        groups=elements(x.shape[:-1]),
    )


def softmax(x: Feature, *, name: str = "softmax") -> Feature:
    """Softmax over the last dimension."""
    return x.tape.record(Kind.SOFTMAX, name, (x,), x.shape, groups=elements(x.shape[:-1]))
