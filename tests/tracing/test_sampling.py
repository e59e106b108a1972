"""Grid samples and deformable convolutions against loops that count, and against PyTorch."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import public_models
import pytest
import sampling
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loops import agree, numbers
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from flopscope.conventions import CONVENTIONS
from flopscope.costs import cost
from flopscope.facts import Function, Interpolation, Kind, Operator, Weight, Window
from flopscope.tracing import trace
from flopscope.tracing.calls import Facts, OperatorCall
from flopscope.tracing.operators.matrices import MATRICES

few = settings(max_examples=10, deadline=None)
small = st.integers(1, 3)


class Calls(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: Tensor) -> Tensor:
        return self.function(*tensors)


def rows_of(function, *tensors):
    shapes = [tuple(x.shape) for x in tensors]
    return trace(Calls(function), *shapes).ledger.rows


# --- grid samples ---------------------------------------------------------------------------------

MODES = {
    ("bilinear", 2): Interpolation.BILINEAR,
    ("bilinear", 3): Interpolation.TRILINEAR,
    ("nearest", 2): Interpolation.NEAREST,
    ("nearest", 3): Interpolation.NEAREST,
}


@pytest.mark.parametrize(("mode", "axes"), MODES)
@few
@given(data=st.data(), corners=st.booleans())
def test_a_grid_sample(mode: str, axes: int, data: st.DataObject, corners: bool) -> None:
    drawn = [data.draw(small) for _ in range(2 + 2 * axes)]
    batch, channels, sizes, outputs = drawn[0], drawn[1], drawn[2 : 2 + axes], drawn[2 + axes :]
    x, grid = numbers(batch, channels, *sizes), numbers(batch, *outputs, axes)
    sample = partial(F.grid_sample, mode=mode, align_corners=corners)
    (row,) = rows_of(sample, x, grid)
    assert (row.kind, row.function) == (Kind.GRID_SAMPLE, MODES[mode, axes])
    loop = partial(sampling.grid_sample, mode=mode, corners=corners)
    agree(row, loop, [x, grid], sample(x, grid))


def test_a_border_bounds_each_coordinate_first() -> None:
    x, grid = numbers(2, 3, 4, 5), numbers(2, 6, 7, 2)
    bounded, row = rows_of(
        partial(F.grid_sample, padding_mode="border", align_corners=False), x, grid
    )
    assert (bounded.function, bounded.output) == (Function.CLAMP, (2, 6, 7, 2))
    assert row.inputs == ((2, 3, 4, 5), (2, 6, 7, 2))
    (inside,) = rows_of(partial(F.grid_sample, align_corners=False), x, grid)
    assert cost(row) == cost(inside)


@pytest.mark.parametrize("options", [{"mode": "bicubic"}, {"padding_mode": "reflection"}])
def test_a_sample_whose_weights_are_not_stated_is_unknown_to_all_acts_alone(options) -> None:
    function = partial(F.grid_sample, align_corners=False, **options)
    ledger = trace(Calls(function), (2, 3, 4, 5), (2, 6, 7, 2)).ledger
    assert str(ledger.macs()) == "0 MACs (macs)"
    assert str(ledger.flops("fvcore")) == f"{4 * 2 * 3 * 42:,} MACs (fvcore)"
    assert ledger.flops("all").missing == (":grid_sampler_2d",)


def test_a_grid_sample_in_free_sizes() -> None:
    function = partial(F.grid_sample, align_corners=False)
    free = trace(Calls(function), ("B", 3, "H", "W"), ("B", 6, 7, 2)).ledger
    known = trace(Calls(function), (5, 3, 9, 8), (5, 6, 7, 2)).ledger
    assert free.at(B=5, H=9, W=8).flops("all").value == known.flops("all").value


@pytest.mark.parametrize("size", [(4, 3, 5, 6), (4, 3, 5, 6, 7)])
def test_an_affine_grid_is_a_product(size: tuple[int, ...]) -> None:
    axes = len(size) - 2
    theta = torch.randn(4, axes, axes + 1)
    grid = partial(F.affine_grid, size=size, align_corners=False)
    ledger = trace(Calls(grid), theta).ledger
    positions = 4 * torch.Size(size[2:]).numel()
    assert ledger.macs().value == positions * axes * (axes + 1)
    base = F.affine_grid(torch.eye(axes, axes + 1)[None], (1, *size[1:]), align_corners=False)
    base = torch.cat([base.reshape(1, -1, axes), torch.ones(1, positions // 4, 1)], -1)
    with FlopCounterMode(display=False) as counter:
        product = base.expand(4, -1, -1).bmm(theta.mT).reshape(4, *size[2:], axes)
    torch.testing.assert_close(product, grid(theta))
    assert ledger.flops("torch").value == counter.get_total_flops()


def test_an_affine_grid_in_free_sizes_has_no_condition() -> None:
    function = Calls(lambda theta, x: F.affine_grid(theta, x.shape, align_corners=False))
    traced = trace(function, ("B", 2, 3), ("B", 3, "H", "W"))
    assert (traced.fixed, traced.ledger.conditions) == ((), ())
    assert str(traced.ledger.macs().value) == "6·B·H·W"


# --- antialiased resizing -------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("shape", [(2, 3, 8, 9), ("B", 3, "H", "W")])
def test_an_antialiased_resizing_is_a_row_whose_acts_are_not_stated(shape, mode: str) -> None:
    resized = Calls(partial(F.interpolate, size=(4, 5), mode=mode, antialias=True))
    ledger = trace(resized, shape).ledger
    (row,) = ledger.rows
    assert (row.kind, row.output) == (Kind.RESIZE, (row.output[0], 3, 4, 5))
    assert ledger.macs().complete
    assert ledger.flops("all").missing == (f":_upsample_{mode}2d_aa",)


# --- deformable convolutions ----------------------------------------------------------------------


def deformed(x, offset, weight, bias, mask, *, stride, padding, dilation, groups) -> Tensor:
    """By PyTorch's grid sample, tap by tap, and an einsum."""
    batch, channels, height, width = x.shape
    sets = offset.shape[1] // (2 * weight.shape[2] * weight.shape[3])
    rows, columns = offset.shape[2:]
    moved = offset.reshape(batch, sets, *weight.shape[2:], 2, rows, columns)
    taken = []
    for r in range(weight.shape[2]):
        for q in range(weight.shape[3]):
            y = torch.arange(rows)[:, None] * stride - padding + r * dilation
            z = torch.arange(columns)[None, :] * stride - padding + q * dilation
            y, z = y + moved[:, :, r, q, 0], z + moved[:, :, r, q, 1]
            grid = torch.stack([(2 * z + 1) / width - 1, (2 * y + 1) / height - 1], -1)
            parts = x.reshape(batch * sets, channels // sets, height, width)
            read = F.grid_sample(parts, grid.flatten(0, 1), align_corners=False)
            read = read.reshape(batch, sets, channels // sets, rows, columns)
            if mask is not None:
                masks = mask.reshape(batch, sets, *weight.shape[2:], rows, columns)
                read = read * masks[:, :, None, r, q]
            taken.append(read.reshape(batch, groups, channels // groups, rows, columns))
    taps = torch.stack(taken, 3)
    kernels = weight.reshape(groups, weight.shape[0] // groups, weight.shape[1], -1)
    out = torch.einsum("bgcthw,goct->bgohw", taps, kernels).flatten(1, 2)
    return out if bias is None else out + bias[:, None, None]


@pytest.mark.parametrize("masked", [True, False])
@few
@given(data=st.data(), stride=small, padding=st.integers(0, 2), dilation=st.integers(1, 2))
def test_a_deformable_convolution(
    masked: bool, data: st.DataObject, stride: int, padding: int, dilation: int
) -> None:
    groups, sets, batch = (data.draw(st.integers(1, 2)) for _ in range(3))
    channels, out = 2 * data.draw(st.integers(1, 2)), groups * data.draw(st.integers(1, 2))
    kernel = data.draw(st.tuples(st.integers(1, 2), small))
    height, width = (n + 1 + dilation * (k - 1) for n, k in zip((2, 1), kernel, strict=True))
    rows, columns = (
        (n + 2 * padding - dilation * (k - 1) - 1) // stride + 1
        for n, k in zip((height, width), kernel, strict=True)
    )
    taps = kernel[0] * kernel[1]
    x, weight = numbers(batch, channels, height, width), numbers(out, channels // groups, *kernel)
    offset = numbers(batch, 2 * sets * taps, rows, columns)
    mask = numbers(batch, sets * taps, rows, columns) if masked else None
    bias = numbers(out)
    window = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    inputs = [t for t in (x, offset, mask) if t is not None]
    row = Operator(
        Kind.DEFORMABLE_CONVOLUTION,
        "",
        tuple(tuple(t.shape) for t in inputs),
        (batch, out, rows, columns),
        (Weight("weight", tuple(weight.shape)), Weight("bias", (out,))),
        groups=groups,
    )
    expected = deformed(x, offset, weight, bias, mask, **window)
    loop = partial(sampling.deform_conv2d, **window)
    agree(row, loop, [x, offset, weight, bias, mask], expected)
    unmoved = deformed(x, 0 * offset, weight, bias, None, **window)
    torch.testing.assert_close(unmoved, F.conv2d(x, weight, bias, **window))


@pytest.mark.parametrize("masked", [True, False])
def test_what_the_tools_say_of_a_deformable_convolution(masked: bool) -> None:
    """ptflops hooks the layer; the others do not know it."""
    public_models.torchvision()  # which it asks for
    from ptflops.pytorch_ops import deformable_conv_flops_counter_hook

    shape, output, kernel = (2, 4, 9, 8), (2, 6, 7, 6), (3, 3)
    inputs = (shape, (2, 18, 7, 6), (2, 9, 7, 6)) if masked else (shape, (2, 18, 7, 6))
    layer = SimpleNamespace(
        kernel_size=kernel,
        in_channels=4,
        out_channels=6,
        groups=2,
        bias=torch.zeros(6),
    )
    layer.__flops__ = 0
    deformable_conv_flops_counter_hook(layer, [torch.zeros(i) for i in inputs], torch.zeros(output))
    weights = (Weight("weight", (6, 2, *kernel)), Weight("bias", (6,)))
    window = Window(kernel, (1, 1), (0, 0))
    row = Operator(
        Kind.DEFORMABLE_CONVOLUTION, "", inputs, output, weights, window=window, groups=2
    )
    assert CONVENTIONS["ptflops"].count(row) == layer.__flops__
    assert CONVENTIONS["macs"].count(row) == 2 * 6 * 42 * 2 * 9
    for name in ("fvcore", "torch", "thop", "torchinfo", "deepspeed"):
        assert CONVENTIONS[name].count(row) == 0


ARGUMENTS = (1, 1, 0, 0, 1, 1, 2, 1)
"""Strides, paddings, dilations, groups and sets of offsets."""


def test_a_deformable_convolution_is_recorded_with_its_offsets_and_mask() -> None:
    x, weight, bias = (torch.empty(s, device="meta") for s in ((2, 4, 9, 8), (6, 2, 3, 3), (6,)))
    offset, mask = (torch.empty(2, n, 7, 6, device="meta") for n in (18, 9))
    result = torch.empty(2, 6, 7, 6, device="meta")
    for masked in (True, False):
        args = (x, weight, offset, mask, bias, *ARGUMENTS, masked)
        facts = MATRICES["torchvision::deform_conv2d"](OperatorCall("", args, {}, result))
        assert isinstance(facts, Facts)
        assert [id(t) for t in facts.inputs] == [id(t) for t in (x, offset, mask)[: 2 + masked]]
        assert [id(t) for t in facts.weights] == [id(weight), id(bias)]
        assert (facts.groups, facts.window) == (2, Window((3, 3), (1, 1), (0, 0), (1, 1)))


class Deformed(nn.Module):
    def __init__(self, ops) -> None:
        super().__init__()
        self.where = nn.Conv2d(4, 18, 3)
        self.conv = ops.DeformConv2d(4, 6, 3, groups=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x, self.where(x))


def test_a_layer_of_torchvision_forward_and_backward() -> None:
    """Backward there are twice the products, and those of the weight of the convolution before."""
    ops = public_models.torchvision().ops
    ledger = trace(Deformed(ops), (2, 4, 9, 8), backward=True).ledger
    before, own = 2 * 42 * 18 * 4 * 9, 2 * 42 * 6 * 2 * 9
    forward, backward = (ledger.filter(lambda row, b=b: row.backward is b) for b in (False, True))
    assert str(forward.macs()) == f"{before + own:,} MACs (macs)"
    assert str(backward.macs()) == f"{before + 2 * own:,} MACs (macs)"
    assert ledger.params().value == sum(p.numel() for p in Deformed(ops).parameters())
    free = trace(Deformed(ops), ("B", 4, "H", "W")).ledger
    assert free.at(B=2, H=9, W=8).flops("all").value == forward.flops("all").value
