"""The operators networks are written with: each checks its sizes and appends one row.

Feature maps are (B, C, H, W). What a row costs is `flopscope.costs`; nothing is counted here.
"""

from __future__ import annotations

from functools import partial
from typing import TypeAlias

from flopscope.analytic.tape import Feature
from flopscope.errors import BadInput
from flopscope.facts import Function, Interpolation, Kind, Reduction, Window
from flopscope.sizes import (
    Size,
    any_of,
    conv_output,
    conv_transpose_output,
    elements,
    equal,
    exact_div,
    is_symbolic,
    maximum,
    total,
)

Pair: TypeAlias = Size | tuple[Size, Size]


def conv2d(
    x: Feature,
    channels: Size,
    kernel: Pair,
    *,
    stride: Pair = 1,
    padding: Pair | None = None,
    dilation: Pair = 1,
    groups: Size = 1,
    bias: bool = False,
    name: str = "conv",
) -> Feature:
    """Convolution: (B, C_in, H, W) → (B, channels, H_out, W_out), weight (channels, C_in/groups,
    K_h, K_w).

    Depthwise is groups = C_in, pointwise is kernel 1. Without `padding` the window is centred,
    dilation·(K−1)/2, so that H_out = ⌈H/stride⌉; an even span has no centre and needs `padding`.

    Domain: groups divides C_in and channels; the padded input holds the dilated kernel. Raises
    OutsideDomain otherwise, and for sizes below 1.

    >>> from flopscope.analytic.tape import record
    >>> ledger = record(lambda x: conv2d(x, 32, 3, stride=2), (1, 3, 224, 224))
    >>> ledger.rows[0].output, ledger.macs().value, ledger.params().value
    ((1, 32, 112, 112), 10838016, 864)
    """
    window = _window(x, kernel, stride, padding, dilation)
    _require_groups(x, groups, x.channels, channels)
    grid = _grid(x, window)
    weight = (channels, exact_div(x.channels, groups), *window.kernel)
    return x.tape.record(
        Kind.CONVOLUTION,
        name,
        (x,),
        (x.batch, channels, *grid),
        weights=(("weight", weight), ("bias", (channels,))) if bias else (("weight", weight),),
        window=window,
        groups=groups,
    )


def conv_transpose2d(
    x: Feature,
    channels: Size,
    kernel: Pair,
    *,
    stride: Pair = 1,
    padding: Pair = 0,
    output_padding: Pair = 0,
    dilation: Pair = 1,
    groups: Size = 1,
    bias: bool = False,
    name: str = "conv_transpose",
) -> Feature:
    """Transposed convolution: (B, C_in, H, W) → (B, channels, H_out, W_out), weight (C_in,
    channels/groups, K_h, K_w).

    H_out = (H−1)·stride − 2·padding + dilation·(K−1) + output_padding + 1. Raises OutsideDomain
    where groups does not divide both channel counts, output_padding is below neither stride nor
    dilation,
    or an output size is below 1.

    >>> from flopscope.analytic.tape import record
    >>> record(lambda x: conv_transpose2d(x, 8, 2, stride=2), (1, 4, 7, 7)).rows[0].output
    (1, 8, 14, 14)
    """
    window = _window(x, kernel, stride, padding, dilation)
    _require_groups(x, groups, x.channels, channels)
    extra = _pair(output_padding)
    for s, d, e in zip(window.stride, window.dilation, extra, strict=True):
        x.tape.at_least(e, 0, lambda: "output padding")
        room = maximum(s, d) - e
        x.tape.at_least(room, 1, lambda: "the larger of stride and dilation less output padding")
    grid = tuple(conv_transpose_output(*axis) for axis in zip(x.grid, *window, extra, strict=True))
    for size in grid:
        x.tape.at_least(size, 1, lambda: "output size of the transposed convolution")
    weight = (x.channels, exact_div(channels, groups), *window.kernel)
    return x.tape.record(
        Kind.TRANSPOSED_CONVOLUTION,
        name,
        (x,),
        (x.batch, channels, *grid),
        weights=(("weight", weight), ("bias", (channels,))) if bias else (("weight", weight),),
        window=window,
        groups=groups,
    )


def linear(x: Feature, features: Size, *, bias: bool = True, name: str = "linear") -> Feature:
    """Fully connected layer over the last dimension: (…, in) → (…, features), weight (features,
    in)."""
    weight = (features, x.shape[-1])
    return x.tape.record(
        Kind.LINEAR,
        name,
        (x,),
        (*x.shape[:-1], features),
        weights=(("weight", weight), ("bias", (features,))) if bias else (("weight", weight),),
    )


def matmul(a: Feature, b: Feature, *, name: str = "matmul") -> Feature:
    """Product of two computed tensors: (…, n, k) and (…, k, m) → (…, n, m), equal leading sizes."""
    if is_symbolic(difference := a.shape[-1] - b.shape[-2]) or any_of(difference != 0):
        raise BadInput(f"matmul of {a.shape} and {b.shape}: the inner sizes differ")
    return a.tape.record(Kind.MATMUL, name, (a, b), (*a.shape[:-1], b.shape[-1]))


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


def activation(x: Feature, function: Function, *, name: str = "act") -> Feature:
    """An element-wise function, as networks write it between layers."""
    return x.tape.record(Kind.ACTIVATION, name, (x,), x.shape, function=function)


def softmax(x: Feature, *, name: str = "softmax") -> Feature:
    """Softmax over the last dimension."""
    return x.tape.record(Kind.SOFTMAX, name, (x,), x.shape, groups=elements(x.shape[:-1]))


def max_pool2d(
    x: Feature, kernel: Pair, *, stride: Pair, padding: Pair = 0, name: str = "pool"
) -> Feature:
    """Maximum over a sliding window, floor mode as in PyTorch. Domain: that of `avg_pool2d`."""
    window = _pool_window(x, kernel, stride, padding)
    return x.tape.record(
        Kind.MAX_POOL, name, (x,), (*x.shape[:2], *_grid(x, window)), window=window
    )


def avg_pool2d(
    x: Feature,
    kernel: Pair,
    *,
    stride: Pair,
    padding: Pair = 0,
    include_padding: bool = True,
    name: str = "pool",
) -> Feature:
    """Mean over a sliding window, floor mode, padding included in the mean as in PyTorch's default.

    Raises OutsideDomain where the padded input does not hold the kernel, or the padding exceeds
    half the kernel.

    >>> from flopscope.analytic.tape import record
    >>> pool = lambda x: avg_pool2d(x, 3, stride=1, padding=1, include_padding=False)
    >>> record(pool, (1, 1, 7, 7)).flops("all").value  # 19² − 7² additions, 7² divisions
    361
    """
    window = _pool_window(x, kernel, stride, padding)
    padded = not all(isinstance(p, int) and p == 0 for p in window.padding)
    kind = Kind.AVERAGE_POOL if include_padding or not padded else Kind.AVERAGE_POOL_INSIDE
    return x.tape.record(kind, name, (x,), (*x.shape[:2], *_grid(x, window)), window=window)


def global_pool(x: Feature, *, name: str = "pool") -> Feature:
    """Mean over the whole grid: (B, C, H, W) → (B, C, 1, 1), PyTorch's AdaptiveAvgPool2d(1)."""
    return x.tape.record(Kind.GLOBAL_POOL, name, (x,), (x.batch, x.channels, 1, 1))


def resize(
    x: Feature, grid: tuple[Size, Size], mode: Interpolation, *, name: str = "resize"
) -> Feature:
    """A map sampled on another grid: (B, C, H, W) → (B, C, *grid). Raises OutsideDomain below 1."""
    for size in grid:
        x.tape.at_least(size, 1, lambda: "size to interpolate to")
    return x.tape.record(Kind.RESIZE, name, (x,), (*x.shape[:2], *grid), function=mode)


def adaptive_pool(
    x: Feature,
    grid: tuple[Size, Size],
    *,
    function: Reduction = Reduction.MEAN,
    name: str = "pool",
) -> Feature:
    """Means (or extrema) over windows that tile the map: (B, C, H, W) → (B, C, *grid), PyTorch's
    AdaptiveAvgPool2d and AdaptiveMaxPool2d."""
    return x.tape.record(Kind.ADAPTIVE_POOL, name, (x,), (*x.shape[:2], *grid), function=function)


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


def embedding(x: Feature, entries: Size, features: Size, *, name: str = "embedding") -> Feature:
    """A table looked up: token numbers (…) → (…, features), weight (entries, features)."""
    weights = (("weight", (entries, features)),)
    return x.tape.record(Kind.EMBEDDING, name, (x,), (*x.shape, features), weights=weights)


def flatten(x: Feature) -> Feature:
    """(B, C, H, W) → (B, C·H·W): another view of the same tensor, no row."""
    return Feature(x.tape, (x.batch, elements(x.shape[1:])), x.source)


def add(x: Feature, y: Feature, *, name: str = "add") -> Feature:
    """x + y, equal shapes."""
    return x.tape.record(Kind.ADD, name, (x, y), y.shape)


def shortcut(x: Feature, y: Feature, *, name: str = "add") -> Feature:
    """x + y where both have as many channels, y alone otherwise.

    Rounded widths may coincide at some width multipliers only: for arrays and symbols the row has
    the multiplicity [C_x = C_y], which is 1 or 0.
    """
    same = equal(x.channels, y.channels)
    if isinstance(same, int):
        return add(x, y, name=name) if same else y
    with x.tape.scope(name, repeat=same):
        return add(Feature(x.tape, y.shape, x.source), y, name=name)


def multiply(x: Feature, gate: Feature, *, name: str = "mul") -> Feature:
    """x · gate, the gate broadcast over the grid."""
    return x.tape.record(Kind.MULTIPLY, name, (x, gate), x.shape)


def concatenate(parts: list[Feature], *, name: str = "cat") -> Feature:
    """Concatenation along channels of maps with equal batch and grid."""
    first = parts[0]
    channels = total(part.channels for part in parts)
    return first.tape.record(
        Kind.CONCATENATION, name, tuple(parts), (first.batch, channels, *first.grid)
    )


def _pair(value: Pair) -> tuple[Size, Size]:
    return value if isinstance(value, tuple) else (value, value)


def _window(x: Feature, kernel: Pair, stride: Pair, padding: Pair | None, dilation: Pair) -> Window:
    kernel, dilation = _pair(kernel), _pair(dilation)
    if padding is None:
        spans = (dilation[0] * (kernel[0] - 1), dilation[1] * (kernel[1] - 1))
        for span in spans:
            x.tape.multiple(
                span, 2, "span of the window less 1 (dilation × (kernel − 1)), to be centred,"
            )
        padding = (exact_div(spans[0], 2), exact_div(spans[1], 2))
    for size in _pair(padding):
        x.tape.at_least(size, 0, lambda: "padding")
    for size in (*kernel, *_pair(stride), *dilation):
        x.tape.at_least(size, 1, lambda: "kernel, stride or dilation")
    return Window(kernel, _pair(stride), _pair(padding), dilation)


def _pool_window(x: Feature, kernel: Pair, stride: Pair, padding: Pair) -> Window:
    window = _window(x, kernel, stride, padding, 1)
    for k, p in zip(window.kernel, window.padding, strict=True):
        x.tape.at_least(k - 2 * p, 0, lambda: "kernel less twice the padding")
    return window


def _fit_text(size: Size, kernel: Size, padding: Size) -> str:
    return f"input {size} padded by {padding} less the span of kernel {kernel}, plus 1,"


def _grid(x: Feature, window: Window) -> tuple[Size, ...]:
    """Positions of the window along each axis, which must fit the padded input."""
    for size, k, p, d in zip(x.grid, window.kernel, window.padding, window.dilation, strict=True):
        fits = size + 2 * p - d * (k - 1)
        x.tape.at_least(fits, 1, partial(_fit_text, size, k, p))
    return tuple(conv_output(*axis) for axis in zip(x.grid, *window, strict=True))


def _require_groups(x: Feature, groups: Size, *channels: Size) -> None:
    for count in channels:
        x.tape.at_least(count, 1, lambda: "number of channels")
        if groups is not count and not (isinstance(groups, int) and groups == 1):
            x.tape.at_least(groups, 1, lambda: "number of groups")
            x.tape.multiple(count, groups, "number of channels")
