"""Shapes of the results of operators that sample, transform and search."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flopscope.onnxgraph.shapes.movement import Shapes
from flopscope.onnxgraph.shapes.windows import output_of_convolution
from flopscope.onnxgraph.tensors import NodeCall, Undecided
from flopscope.sizes import Shape, Size, floor_div, product


def _grid_sample(call: NodeCall) -> Shape:
    """(B, C, …) at (B, …, axes)."""
    batch = call.premises.same(call.shape(0)[0], call.shape(1)[0], call.path)
    return (batch, call.shape(0)[1], *call.shape(1)[1:-1])


def _region_align(call: NodeCall) -> Shape:
    size = call.attribute("output_height", 1), call.attribute("output_width", 1)
    return (call.shape(1)[0], call.shape(0)[1], *size)


def _region_pool(call: NodeCall) -> Shape:
    return (call.shape(1)[0], call.shape(0)[1], *call.attribute("pooled_shape"))


def _unpool(call: NodeCall) -> Shape:
    """(n − 1)·stride + kernel − padding for each axis, unless the shape is stated."""
    if (stated := call.setting("output_shape", 2)) is not None:
        return tuple(stated)
    kernel = tuple(call.attribute("kernel_shape"))
    strides = call.attribute("strides", (1,) * len(kernel))
    pads = call.attribute("pads", (0,) * (2 * len(kernel)))
    axes = zip(call.shape(0)[2:], kernel, strides, pads, pads[len(kernel) :], strict=False)
    return (*call.shape(0)[:2], *((n - 1) * s + k - b - e for n, k, s, b, e in axes))


def _from_columns(call: NodeCall) -> Shape:
    """(B, C·block, positions) as a map."""
    image, block = call.setting("image_shape", 1), call.setting("block_shape", 2)
    batch, channels, _ = call.shape(0)
    size = product(tuple(block))
    call.premises.multiple(channels, size, f"channels of {call.path}")
    return (batch, floor_div(channels, size), *image)


def _cropped(call: NodeCall) -> Shape:
    shape, wanted = list(call.shape(0)), call.setting("shape", 1)
    for axis, size in zip(call.attribute("axes", range(len(shape))), wanted, strict=True):
        shape[axis] = size
    return tuple(shape)


def _spectrum(call: NodeCall) -> Shape:
    """DFT: complex numbers along one axis, or half of them and one more if the others mirror
    them."""
    shape = list(call.shape(0))
    axis = call.attribute("axis", 1) if call.opset < 20 else _sole(call, 2, -2)
    length = _sole(call, 1, shape[axis])
    mirrored = call.attribute("onesided", 0)
    if mirrored and call.attribute("inverse", 0):
        raise Undecided
    shape[axis], shape[-1] = (floor_div(length, 2) + 1 if mirrored else length), 2
    return tuple(shape)


def _spectrogram(call: NodeCall) -> Shape:
    """(B, samples, …) as (B, frames, frequencies, 2)."""
    batch, samples, *_ = call.shape(0)
    window = call.optional(2)
    whole = None if window is None else call.shape(2)[0]
    length, step = _sole(call, 3, whole), _sole(call, 1, None)
    if length is None or step is None:
        raise Undecided
    call.premises.at_least(samples - length, 0, f"samples of {call.path} less a frame")
    bins = floor_div(length, 2) + 1 if call.attribute("onesided", 1) else length
    return (batch, floor_div(samples - length, step) + 1, bins, 2)


def _sole(call: NodeCall, index: int, default: Size | None) -> Size:
    """The one number of an input."""
    numbers = call.setting("", index, default)
    while isinstance(numbers, list):
        (numbers,) = numbers
    if numbers is None:
        raise Undecided
    return numbers


def _loss(call: NodeCall) -> Shape:
    """One number, or a number for each label."""
    return call.shape(1) if call.attribute("reduction", "mean") == "none" else ()


SAMPLED: Mapping[str, Callable[[NodeCall], Shapes]] = {
    "CenterCropPad": _cropped,
    "Col2Im": _from_columns,
    "DFT": _spectrum,
    "DeformConv": output_of_convolution,
    "GridSample": _grid_sample,
    "MaxRoiPool": _region_pool,
    "MaxUnpool": _unpool,
    "Multinomial": lambda call: (call.shape(0)[0], call.attribute("sample_size", 1)),
    "NegativeLogLikelihoodLoss": _loss,
    "RandomNormal": lambda call: tuple(call.attribute("shape")),
    "RandomUniform": lambda call: tuple(call.attribute("shape")),
    "RoiAlign": _region_align,
    "STFT": _spectrogram,
    "SoftmaxCrossEntropyLoss": _loss,
}
"""The rule of each operator; part of `shapes.SHAPES`."""
