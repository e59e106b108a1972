"""Blocks with drawn kernels, strides and widths, against small modules written here and apart."""

from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from witnesses import PROFILE, Bottleneck, Gate, check, on_meta, same

from flopscope.agreement import agree
from flopscope.analytic import blocks
from flopscope.analytic.operators import conv_transpose2d
from flopscope.analytic.tape import Feature, record
from flopscope.facts import Function, Kind
from flopscope.sizes import make_divisible

KERNELS, STRIDES = st.sampled_from([3, 5, 7]), st.integers(1, 3)
CHANNELS = st.integers(1, 24)
GRIDS = st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40))


@PROFILE
@given(GRIDS, CHANNELS, CHANNELS, KERNELS, STRIDES)
def test_separable_convolution(
    grid: tuple[int, int, int], channels: int, out: int, kernel: int, stride: int
) -> None:
    batch, *sizes = grid
    depthwise = partial(
        nn.Conv2d, channels, channels, kernel, stride, same(kernel), groups=channels, bias=False
    )
    check(
        lambda x: blocks.separable_conv(x, out, kernel, stride=stride),
        lambda: nn.Sequential(depthwise(), nn.Conv2d(channels, out, 1, bias=False)),
        (batch, channels, *sizes),
    )


@PROFILE
@given(GRIDS, CHANNELS, CHANNELS, KERNELS, STRIDES, st.integers(1, 6), st.booleans())
def test_inverted_residual(
    grid: tuple[int, int, int],
    channels: int,
    out: int,
    kernel: int,
    stride: int,
    expansion: int,
    equal: bool,
) -> None:
    out = channels if equal else out
    batch, *sizes = grid
    ledger = check(
        lambda x: blocks.inverted_residual(
            x, out, expansion=expansion, kernel=kernel, stride=stride
        ),
        lambda: Bottleneck(
            channels,
            channels * expansion,
            out,
            kernel,
            stride,
            nn.ReLU6,
            expand=expansion != 1,
        ),
        (batch, channels, *sizes),
    )
    added = any(row.kind is Kind.ADD for row in ledger.rows)
    assert added is (stride == 1 and channels == out)


@PROFILE
@given(GRIDS, CHANNELS, st.integers(1, 40), st.sampled_from([False, True]))
def test_squeeze_excite(
    grid: tuple[int, int, int], channels: int, squeezed: int, smooth: bool
) -> None:
    batch, *sizes = grid
    functions = (Function.SILU, Function.SIGMOID) if smooth else ()
    types = (nn.SiLU, nn.Sigmoid) if smooth else (nn.ReLU, nn.Hardsigmoid)
    check(
        lambda x: blocks.squeeze_excite(
            x, squeezed, **dict(zip(("inner", "gate"), functions, strict=False))
        ),
        lambda: Gate(channels, squeezed, *types),
        (batch, channels, *sizes),
    )


@PROFILE
@given(
    GRIDS,
    st.tuples(st.integers(1, 6), st.integers(1, 24), CHANNELS, KERNELS, STRIDES),
    st.booleans(),
    st.booleans(),
)
def test_mobilenetv3_block(
    grid: tuple[int, int, int],
    widths: tuple[int, int, int, int, int],
    squeeze: bool,
    hard: bool,
) -> None:
    quarter, hidden_quarter, out, kernel, stride = widths
    channels, hidden = 4 * quarter, 4 * hidden_quarter
    batch, *sizes = grid
    check(
        lambda x: blocks.mobilenetv3_block(
            x,
            out,
            hidden=hidden,
            kernel=kernel,
            stride=stride,
            function=Function.HARD_SWISH if hard else Function.RELU,
            squeeze=squeeze,
        ),
        lambda: Bottleneck(
            channels,
            hidden,
            out,
            kernel,
            stride,
            nn.Hardswish if hard else nn.ReLU,
            expand=channels != hidden,
            squeezed=make_divisible(hidden / 4) if squeeze else 0,
        ),
        (batch, channels, *sizes),
    )


@PROFILE
@given(GRIDS, CHANNELS, CHANNELS, st.integers(1, 4))
def test_transposed_convolution_is_a_convolution_by_class(
    grid: tuple[int, int, int], channels: int, out: int, factor: int
) -> None:
    batch, *sizes = grid
    ledger = check(
        lambda x: conv_transpose2d(x, out, factor, stride=factor),
        lambda: nn.ConvTranspose2d(channels, out, factor, factor, bias=False),
        (batch, channels, *sizes),
    )
    assert ledger.macs().value == batch * sizes[0] * sizes[1] * channels * out * factor**2


def test_a_layer_that_is_called_twice_is_compared_as_a_whole() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 4, 1, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(self.conv(x)[..., ::2])

    def two_rows(x: Feature) -> Feature:
        y = blocks.standard_conv(x, 4, 1)
        return blocks.standard_conv(y._replace(shape=(1, 4, 6, 3)), 4, 1)

    ledger = record(two_rows, (1, 4, 6, 6))
    agreement = agree(ledger, on_meta(Twice, (1, 4, 6, 6)))
    for row in agreement.rows:
        assert row.checks[-1].name == "conv: MACs of conv's 2 calls"
        assert set(row.checks[-1].values.values()) == {(36 + 18) * 16}
    assert agreement
