"""Blocks of parallel branches that are one convolution when deployed: MobileOne, arXiv 2206.04040,
section 3.2; FastViT, arXiv 2303.14189, section 3; apple/ml-mobileclip mobileclip/modules.
"""

from __future__ import annotations

from functools import partial

from flopscope.analytic.blocks import conv_bn_act, squeeze_excite
from flopscope.analytic.operators import Pair, activation, add, batch_norm, conv2d, scale
from flopscope.analytic.switches import NetworkForm
from flopscope.analytic.tape import Feature
from flopscope.facts import Function
from flopscope.sizes import Size

TRAIN = NetworkForm.TRAIN
GELU = Function.GELU


def mobileone(
    x: Feature,
    channels: Size,
    kernel: Pair,
    *,
    form: NetworkForm,
    stride: Size = 1,
    groups: Size = 1,
    pointwise: bool = True,
    squeezed: Size | None = None,
    function: Function | None = GELU,
) -> Feature:
    """(B, C, H, W) → (B, channels, ⌈H/stride⌉, ⌈W/stride⌉), the sum of up to three branches, then
    a gate and an activation: figure 2 of MobileOne.

    Branches of the training form: a norm alone where the shape is kept; a 1×1 convolution with norm
    where the kernel is larger and `pointwise` says so; the K×K convolution with norm. Deployed they
    are one K×K convolution with bias.

    Symbolic widths count as equal if they are the same symbol.

    >>> from flopscope.analytic.tape import record
    >>> train, deploy = (
    ...     record(lambda x: mobileone(x, 8, 3, form=form, groups=8), (1, 8, 4, 4))
    ...     for form in NetworkForm
    ... )
    >>> train.params().value, deploy.params().value, train.macs().value, deploy.macs().value
    (128, 80, 1280, 1152)
    """
    if form is not TRAIN:
        x = conv2d(x, channels, kernel, stride=stride, groups=groups, bias=True, name="conv")
    else:
        convolution = partial(conv_bn_act, x, channels, stride=stride, groups=groups)
        branches = [partial(convolution, kernel, name="branch")]
        if pointwise and kernel != 1:
            branches.insert(0, partial(convolution, 1, name="pointwise"))
        if stride == 1 and channels == x.channels:
            branches.insert(0, partial(batch_norm, x, name="identity"))
        first, *others = branches
        x = first()
        for branch in others:
            x = add(x, branch())
    if squeezed is not None:
        x = squeeze_excite(x, squeezed, gate=Function.SIGMOID)
    return activation(x, function) if function else x


def large_kernel(
    x: Feature,
    channels: Size,
    *,
    form: NetworkForm,
    squeezed: Size | None = None,
    function: Function | None = GELU,
) -> Feature:
    """The map halved by a 7×7 convolution, grouped by its input channels, with a 3×3 beside it in
    training; a gate and an activation where there are any: RepLKNet, arXiv 2203.06717, section
    3.2."""
    groups = x.channels
    if form is TRAIN:
        y = conv_bn_act(x, channels, 7, stride=2, groups=groups, name="large")
        y = add(y, conv_bn_act(x, channels, 3, stride=2, groups=groups, name="small"))
    else:
        y = conv2d(x, channels, 7, stride=2, groups=groups, bias=True, name="conv")
    if squeezed is not None:
        y = squeeze_excite(y, squeezed, gate=Function.SIGMOID)
    return activation(y, function) if function else y


def repmixer(x: Feature, kernel: Pair, *, form: NetworkForm, pointwise: bool = True) -> Feature:
    """Depthwise mixing of positions, x + s·(mixer(x) − norm(x)); deployed one depthwise convolution
    with bias: FastViT, equations 1 to 3, with a layer scale."""
    if form is not TRAIN:
        return conv2d(x, x.channels, kernel, groups=x.channels, bias=True, name="conv")
    with x.tape.scope("mixer"):
        mixed = mobileone(
            x, x.channels, kernel, form=form, groups=x.channels, pointwise=pointwise, function=None
        )
    difference = add(mixed, batch_norm(x, name="norm"), name="difference")
    return add(x, scale(difference, (x.channels, 1, 1)))
