"""GhostNetV3: arXiv 2404.11202, section 3.1; huawei-noah/Efficient-AI-Backbones
ghostnetv3_pytorch/ghostnetv3.py, as timm's ghostnet.py has it.

GhostNetV2, whose Ghost modules and depthwise convolutions of stride 2 have parallel branches in
training: three convolutions of the same kernel, a 1×1 beside a larger kernel, and a norm alone
beside the cheap operation, each with a norm and summed. Deployed each group is one convolution with
bias, and the network has GhostNetV2's products. Attention, gates, shortcuts, first and last layers
have no branches, and keep their norms in both forms.

The authors' code has a norm alone beside a primary convolution too where it keeps its width. No
published width has such a place, and timm's code has no such branch; here there is none.
"""

from __future__ import annotations

from functools import partial

from flopscope.analytic.blocks import conv_bn_act
from flopscope.analytic.ghostnet import RELU, ghost_network
from flopscope.analytic.ghostnetv2 import dfc_attention, gated, require_halves
from flopscope.analytic.operators import activation, add, batch_norm, concatenate, conv2d
from flopscope.analytic.switches import NetworkForm
from flopscope.analytic.tape import Feature
from flopscope.facts import Function
from flopscope.sizes import Real, Size, exact_div

BRANCHES = 3
"""Convolutions of the same kernel side by side."""


def ghostnetv3(
    x: Feature,
    *,
    width: Real = 1.0,
    depth: Real = 1.0,
    classes: Size = 1000,
    form: NetworkForm = NetworkForm.DEPLOY,
) -> Feature:
    """(B, 3, H, W) → (B, classes).

    Domain: width > 0; depth > 0; H, W ≥ 33, as in GhostNetV2. Raises OutsideDomain below.

    >>> from flopscope.analytic.tape import record
    >>> for form in NetworkForm:
    ...     ledger = record(partial(ghostnetv3, form=form), (1, 3, 224, 224))
    ...     print(form.value, ledger.macs().value, ledger.params().value)
    train 404128320 8129028
    deploy 167048288 6147588
    """
    require_halves(x)
    module = partial(branched_module, form=form)

    def expand(x: Feature, channels: Size, large: bool) -> Feature:
        y = module(x, channels, function=RELU)
        return y if large else gated(y, dfc_attention(x, channels))

    halve = partial(_halved, form=form)
    return ghost_network(x, expand, module, width, depth, classes, halve)


def branched_module(
    x: Feature, channels: Size, *, form: NetworkForm, function: Function | None = None
) -> Feature:
    """A Ghost module, half of whose maps come from 1×1 convolutions and half from depthwise 3×3 of
    these, each group summed and then activated. Domain: an even number of channels."""
    x.tape.multiple(channels, 2, "number of channels")
    half = exact_div(channels, 2)
    with x.tape.scope("primary"):
        primary = _summed(x, half, 1, form=form)
        if function:
            primary = activation(primary, function)
    with x.tape.scope("cheap"):
        cheap = _summed(primary, half, 3, groups=half, identity=True, form=form)
        if function:
            cheap = activation(cheap, function)
    return concatenate([primary, cheap])


def _halved(x: Feature, kernel: Size, *, form: NetworkForm) -> Feature:
    """Depthwise convolutions of stride 2."""
    with x.tape.scope("dw"):
        return _summed(x, x.channels, kernel, stride=2, groups=x.channels, form=form)


def _summed(
    x: Feature,
    channels: Size,
    kernel: Size,
    *,
    stride: Size = 1,
    groups: Size = 1,
    identity: bool = False,
    form: NetworkForm,
) -> Feature:
    """The sum of a 1×1 convolution beside a larger kernel, a norm alone where there is one, and
    three convolutions, each with a norm; deployed it is one convolution with bias."""
    if form is NetworkForm.DEPLOY:
        return conv2d(x, channels, kernel, stride=stride, groups=groups, bias=True, name="conv")
    convolution = partial(conv_bn_act, x, channels, stride=stride, groups=groups)
    branches = [partial(convolution, kernel, name=f"branch{n}") for n in range(1, BRANCHES + 1)]
    if identity:
        branches.insert(0, partial(batch_norm, x, name="identity"))
    if kernel != 1:
        branches.insert(0, partial(convolution, 1, name="pointwise"))
    first, *others = branches
    y = first()
    for branch in others:
        y = add(y, branch())
    return y


ghostnetv3_050 = partial(ghostnetv3, width=0.5)
ghostnetv3_100 = partial(ghostnetv3, width=1.0)
ghostnetv3_130 = partial(ghostnetv3, width=1.3)
ghostnetv3_160 = partial(ghostnetv3, width=1.6)
