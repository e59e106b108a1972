"""WTConvNeXt: arXiv 2407.05848, section 4.1; BGU-CS-VIL/WTConv wtconvnext/wtconvnext.py.

ConvNeXt with wavelet convolutions in the place of its 7×7 ones: kernel 5 everywhere, and 5, 4, 3
and 2 levels in the stages, as many as halve their 56×56, 28×28, 14×14 and 7×7 maps to 2×2. The
fixed wavelet filters are parameters without gradient: `params` has them, `trainable` does not.

Width and depth coefficients, which the paper does not have, scale the stages as in `convnext`, with
EfficientNet's rounding; kernel and levels stay the same.
"""

from __future__ import annotations

from functools import partial

from flopscope.analytic.convnext import BASE, SMALL, TINY, convnext_network, mixed_by
from flopscope.analytic.stages import Stages, from_row
from flopscope.analytic.tape import Feature
from flopscope.analytic.wtconv import wtconv
from flopscope.sizes import Size

KERNEL = 5
LEVELS = (5, 4, 3, 2)


def wtconvnext(
    x: Feature, stages: Stages, levels: tuple[int, ...] = LEVELS, *, classes: Size = 1000
) -> Feature:
    """(B, 3, H, W) → (B, classes), of ConvNeXt's channels and blocks and a number of wavelet levels
    a stage. Domain: H, W ≥ 32; levels ≥ 1. Raises OutsideDomain.

    >>> from flopscope.analytic.tape import record
    >>> small = Stages(c=(8, 16, 24, 32), b=(1, 1, 1, 1))
    >>> record(lambda x: wtconvnext(x, small, classes=10), (1, 3, 32, 32)).params().value
    51770
    >>> for network in (wtconvnext_tiny, wtconvnext_small, wtconvnext_base):
    ...     ledger = record(network, (1, 3, 224, 224))
    ...     print(ledger.macs().value, ledger.params().value, ledger.trainable().value)
    4501637760 30595624 30383656
    8760259200 54448936 54015784
    15456792064 94225128 93647592
    """
    kinds = tuple(partial(wtconvnext_block, levels=number) for number in levels)
    return convnext_network(x, stages, kinds, classes)


def wtconvnext_block(x: Feature, levels: int) -> Feature:
    """ConvNeXt's block behind a wavelet convolution."""
    with x.tape.scope("wt"):
        mixed = wtconv(x, KERNEL, levels)
    return mixed_by(x, mixed)


wtconvnext_tiny = from_row(wtconvnext, TINY)
wtconvnext_small = from_row(wtconvnext, SMALL)
wtconvnext_base = from_row(wtconvnext, BASE)
