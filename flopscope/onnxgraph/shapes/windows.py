"""Sliding windows as onnx states them: kernel, strides, two paddings for each axis, automatic
padding."""

from __future__ import annotations

from flopscope.facts import Window
from flopscope.onnxgraph.tensors import NodeCall, Undecided
from flopscope.sizes import Shape, Size, ceil_div, conv_transpose_output, is_symbolic, maximum


def window_of(call: NodeCall, kernel: Shape) -> Window:
    """The window of an operator. Its padding is the one before the first sample of each axis."""
    begin, _ = _paddings(call, kernel)
    return Window(kernel, _per_axis(call, "strides", kernel), begin, _dilation(call, kernel))


def grid_of(call: NodeCall, kernel: Shape) -> Shape:
    """The positions of the window along each axis: ⌊(n + padding − span)/stride⌋ + 1, or ⌈n/stride⌉
    with SAME.

    With ceil_mode it is ⌈…⌉, if the last window still starts inside the input or the padding before
    it.
    """
    stride, axes = _per_axis(call, "strides", kernel), call.shape(0)[2:]
    if _same(call):
        return tuple(ceil_div(n, s) for n, s in zip(axes, stride, strict=True))
    begin, end = _paddings(call, kernel)
    grid = []
    for n, k, s, b, e in zip(axes, _span(call, kernel), stride, begin, end, strict=True):
        room = n + b + e - k
        call.premises.at_least(room + 1, 1, f"input {n} of {call.path} less its window, plus 1,")
        if call.attribute("ceil_mode", 0):
            last = n + b - 1
            room = last if _never_above(last, room + s - 1) else room + s - 1
        grid.append(room // s + 1)
    return tuple(grid)


def output_of_convolution(call: NodeCall) -> Shape:
    """The output of a convolution, plain or deformable."""
    weight, channels = call.shape(1), call.shape(0)[1]
    call.premises.same(channels, weight[1] * call.attribute("group", 1), call.path)
    return (call.shape(0)[0], weight[0], *grid_of(call, weight[2:]))


def transposed_grid_of(call: NodeCall, kernel: Shape) -> Shape:
    """The output sizes of a transposed convolution: as stated, or n·stride with SAME, or else what
    the window gives."""
    if stated := call.attribute("output_shape"):
        return tuple(stated)[-len(kernel) :]
    if _same(call):
        stride = _per_axis(call, "strides", kernel)
        return tuple(n * s for n, s in zip(call.shape(0)[2:], stride, strict=True))
    begin, end = _paddings(call, kernel)
    whole = _unpadded(call, kernel)
    return tuple(n - b - e for n, b, e in zip(whole, begin, end, strict=True))


def _unpadded(call: NodeCall, kernel: Shape) -> Shape:
    """The output sizes of a transposed convolution before padding crops them."""
    stride, dilation = _per_axis(call, "strides", kernel), _dilation(call, kernel)
    extra = _per_axis(call, "output_padding", kernel, 0)
    axes = zip(call.shape(0)[2:], kernel, stride, dilation, extra, strict=True)
    return tuple(conv_transpose_output(n, k, s, 0, d, o) for n, k, s, d, o in axes)


def _paddings(call: NodeCall, kernel: Shape) -> tuple[Shape, Shape]:
    """The paddings before and after the input, for each axis. An odd automatic padding has more
    after the input.

    With SAME_LOWER it has more before it, and so has a transposed convolution unless SAME_UPPER.
    """
    mode = call.attribute("auto_pad", "NOTSET")
    stated = call.attribute("output_shape") is not None
    if not _same(call) and not stated:
        pads = tuple(call.attribute("pads", (0,) * (2 * len(kernel)))) if mode == "NOTSET" else ()
        pads = pads or (0,) * (2 * len(kernel))
        return pads[: len(kernel)], pads[len(kernel) :]
    whole = _automatic(call, kernel)
    less, more = tuple(p // 2 for p in whole), tuple(p - p // 2 for p in whole)
    return (less, more) if mode == "SAME_UPPER" else (more, less)


def _automatic(call: NodeCall, kernel: Shape) -> Shape:
    """The padding of both ends together that gives this output size."""
    if call.op == "ConvTranspose":
        asked = transposed_grid_of(call, kernel)
        pairs = zip(_unpadded(call, kernel), asked, strict=True)
        return tuple(maximum(n - m, 0) for n, m in pairs)
    stride, span = _per_axis(call, "strides", kernel), _span(call, kernel)
    axes = zip(call.shape(0)[2:], span, stride, strict=True)
    return tuple(maximum((ceil_div(n, s) - 1) * s + k - n, 0) for n, k, s in axes)


def _same(call: NodeCall) -> bool:
    return str(call.attribute("auto_pad", "NOTSET")).startswith("SAME")


def _per_axis(call: NodeCall, name: str, kernel: Shape, default: int = 1) -> Shape:
    return tuple(call.attribute(name, (default,) * len(kernel)))


def _dilation(call: NodeCall, kernel: Shape) -> Shape:
    return _per_axis(call, "dilations", kernel)


def _span(call: NodeCall, kernel: Shape) -> Shape:
    """The number of samples from the first to the last that a window covers."""
    return tuple(d * (k - 1) + 1 for k, d in zip(kernel, _dilation(call, kernel), strict=True))


def _never_above(a: Size, b: Size) -> bool:
    """Is a ≤ b? Raises Undecided where that depends on symbols."""
    difference = b - a
    if is_symbolic(difference):
        raise Undecided
    return bool(difference >= 0)
