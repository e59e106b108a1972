"""What multiplies no matrices leaves a count of multiply-accumulates exact."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from flopscope.cli import main
from flopscope.facts import Kind
from flopscope.tracing import trace
from flopscope.tracing.calls import plain_name
from flopscope.tracing.inputs import Input
from flopscope.tracing.operators.costless import COSTLESS
from flopscope.tracing.operators.gradients import GRADIENTS
from flopscope.tracing.operators.productless import PRODUCTLESS
from flopscope.tracing.operators.table import OPERATORS
from flopscope.tracing.values.numbers import READS_VALUES


class Between(nn.Module):
    """A  layer before what is tried."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(self.linear(x))


def square(x: Tensor) -> Tensor:
    return x.reshape(-1, 1, 4, 4)


def signal(x: Tensor) -> Tensor:
    return torch.stft(x.flatten()[None], 8, 4, window=torch.ones(8), return_complex=True)


NET = """
from torch import nn
class Gate(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 4)
    def forward(self, x):
        return self.linear(x).topk(2)[0]
"""


def test_the_command_prints_bounds_for_all_acts_alone(capsys, tmp_path, monkeypatch) -> None:
    (tmp_path / "gate.py").write_text(NET)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        status = main(["profile", "gate.py:Gate", "--input", "3,8", "--strict", *arguments])
        return status, " ".join(capsys.readouterr().out.split())

    status, out = run()
    assert (status, "≥" in out, "(other topk)" in out) == (0, False, True)
    status, out = run("--convention", "all")
    assert status == 1
    assert "the cost of these operators is unknown and not counted: topk in the network" in out
    for convention, complete, unknown in (("macs", True, []), ("all", False, [":topk"])):
        _, out = run("--convention", convention, "--format", "json")
        data = json.loads(out)
        assert (data["complete"], data["unknown"]) == (complete, unknown)
        assert data["operators"][1]["kind"] == "other"


def test_shuffled_channels_and_a_scaled_activation_are_known() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 1, bias=False), nn.ChannelShuffle(2), nn.SELU())
    ledger = trace(net, (1, 3, 4, 4)).ledger
    assert str(ledger.macs()) == "384 MACs (macs)"
    assert ledger.flops("all").value == 2 * 384 - 128 + 7 * 128
    assert ledger.flops("all").complete


NOT_STATED: dict[str, Callable[[Tensor], Any]] = {
    "topk": lambda x: x.topk(3)[0],
    "sort": lambda x: x.sort(-1)[0],
    "argsort": lambda x: x.argsort(-1),
    "kthvalue": lambda x: x.kthvalue(2)[0],
    "median": lambda x: x.median(-1)[0],
    "nanmedian": lambda x: x.nanmedian(-1)[0],
    "mode": lambda x: x.mode(-1)[0],
    "msort": torch.msort,
    "bucketize": lambda x: torch.bucketize(x, torch.zeros(4)),
    "searchsorted": lambda x: torch.searchsorted(torch.zeros(4), x),
    "histc": lambda x: torch.histc(x, 4, 0, 1),
    "isin": lambda x: torch.isin(x, x[0]),
    "logcumsumexp": lambda x: x.logcumsumexp(-1),
    "renorm": lambda x: x.renorm(2, 0, 1.0),
    "cross": lambda x: torch.linalg.cross(x[:, :3], x[:, :3]),
    "trace": torch.trace,
    "nansum": torch.nansum,
    "norm 3": lambda x: torch.linalg.vector_norm(x, 3, -1),
    "cosine similarity": lambda x: F.cosine_similarity(x, x.flip(0)).topk(2)[0],
    "rrelu": F.rrelu,
    "erfinv": torch.erfinv,
    "lgamma": torch.lgamma,
    "digamma": torch.digamma,
    "polygamma": lambda x: torch.polygamma(1, x),
    "i0": torch.i0,
    "sinc": torch.sinc,
    "entr": torch.special.entr,
    "bessel": torch.special.bessel_j0,
    "copysign": lambda x: torch.copysign(x, x),
    "heaviside": lambda x: torch.heaviside(x, x),
    "logaddexp": lambda x: torch.logaddexp(x, x),
    "sgn": torch.sgn,
    "angle": lambda x: torch.view_as_complex(x.reshape(-1, 4, 2)).angle(),
    "polar": lambda x: torch.polar(x, x),
    "fft": torch.fft.fft,
    "rfft": torch.fft.rfft,
    "irfft": lambda x: torch.fft.irfft(torch.fft.rfft(x)),
    "fft2": torch.fft.fft2,
    "stft": signal,
    "nll loss": lambda x: F.nll_loss(x, x.argmax(-1)),
    "nll loss of maps": lambda x: F.nll_loss(x[..., None, None], x.argmax(-1)[:, None, None]),
    "cross entropy": lambda x: F.cross_entropy(x, x.argmax(-1)),
    "binary cross entropy": lambda x: F.binary_cross_entropy(x, x),
    "binary cross entropy of logits": lambda x: F.binary_cross_entropy_with_logits(x, x),
    "huber": lambda x: F.huber_loss(x, x),
    "smooth l1": lambda x: F.smooth_l1_loss(x, x),
    "soft margin": lambda x: F.multilabel_soft_margin_loss(x, x).topk(1)[0],
    "multi margin": lambda x: F.multi_margin_loss(x, x.argmax(-1)),
    "fractional pool": lambda x: F.fractional_max_pool2d(square(x), 2, 2),
    "antialiased": lambda x: F.interpolate(square(x), (2, 2), mode="bilinear", antialias=True),
    "embedding bag": lambda x: F.embedding_bag(x.argsort(-1), torch.zeros(9, 4)),
    "multinomial": lambda x: x.softmax(-1).multinomial(2),
    "fake quantisation": lambda x: torch.fake_quantize_per_tensor_affine(x, 0.1, 0, 0, 255),
    "ctc": lambda x: F.ctc_loss(
        x[:, None], torch.zeros(1, 2, dtype=torch.int64), torch.tensor([4]), torch.tensor([2])
    ),
    "a list of tensors": lambda x: torch._foreach_mul([x, x], 2.0)[0],
    "mean of what is scattered": lambda x: x.scatter_reduce(0, x.argmax(-1)[None], x, "mean"),
}


@pytest.mark.parametrize("name", NOT_STATED)
def test_what_is_unknown_of_all_acts_is_said_for_them_alone(name: str) -> None:
    ledger = trace(Between(NOT_STATED[name]), (4, 8)).ledger
    assert str(ledger.macs()) == "256 MACs (macs)"
    assert ledger.complete
    for convention in ("fvcore", "torch", "thop", "ptflops", "torchinfo", "deepspeed"):
        assert ledger.flops(convention).complete
    assert not ledger.flops("all").complete
    unknown = [row for row in ledger if row.kind is Kind.OTHER or ":" in row.path]
    assert ledger.flops("all").missing == tuple(row.path for row in unknown)


STATED: dict[str, Callable[[Tensor], Any]] = {
    "channel shuffle": lambda x: F.channel_shuffle(square(x).expand(-1, 4, -1, -1), 2),
    "pixel shuffle": lambda x: F.pixel_shuffle(x.reshape(-1, 4, 2, 2), 2),
    "triangle": torch.tril,
    "rolled": lambda x: x.roll(1, 0),
    "flipped": torch.fliplr,
    "grid": lambda x: torch.meshgrid(x[0], x[1], indexing="ij")[0],
    "index copy": lambda x: x.index_copy(0, torch.tensor([0]), x[:1]),
    "scattered": lambda x: x.scatter(0, x.argmax(-1)[None], x),
    "scattered by a mask": lambda x: x.masked_scatter(x > 0, x),
    "unfolded and folded": lambda x: F.fold(F.unfold(square(x), 3), (4, 4), 3),
    "unpooled": lambda x: F.max_unpool2d(*F.max_pool2d(square(x), 2, return_indices=True), 2),
    "diagonal": lambda x: torch.block_diag(x, x),
    "kl": lambda x: F.kl_div(x, x, reduction="batchmean"),
    "cosine": lambda x: F.cosine_embedding_loss(x, x, torch.ones(4)),
    "shifted": lambda x: x.int().bitwise_left_shift(2) >> 1,
    "window": lambda x: x * torch.hann_window(8),
    "complex parts": lambda x: torch.view_as_complex(x.reshape(-1, 4, 2)).conj().real,
}


@pytest.mark.parametrize("name", STATED)
def test_what_moves_elements_or_is_made_of_known_acts_is_known(name: str) -> None:
    ledger = trace(Between(STATED[name]), (4, 8)).ledger
    assert str(ledger.macs()) == "256 MACs (macs)"
    assert ledger.flops("all").complete


# torch asks these for the number of elements
AT_NUMBERS = ("diagonal", "scattered by a mask", "unpooled", "stft")
FREE_TOO = {n: f for n, f in {**NOT_STATED, **STATED}.items() if n not in AT_NUMBERS}


@pytest.mark.parametrize("name", FREE_TOO)
def test_a_free_batch_leaves_them_exact_too(name: str) -> None:
    ledger = trace(Between(FREE_TOO[name]), ("B", 8), example={"B": 4}).ledger
    assert str(ledger.macs().value) in ("64·B", "256")
    assert ledger.macs().complete


def test_a_table_that_is_summed_up_counts_among_the_parameters() -> None:
    for mode in ("sum", "mean", "max"):
        bag = nn.EmbeddingBag(10, 4, mode=mode)
        ledger = trace(bag, Input((3, 5), torch.int64)).ledger
        assert (ledger.params().value, ledger.macs().complete) == (40, True)


@pytest.mark.parametrize("module", [nn.SELU(), nn.CELU(0.5), nn.ELU(2.0), nn.Softshrink()])
def test_a_gradient_of_a_scaled_activation_is_known_or_said_to_be_unknown(module) -> None:
    ledger = trace(nn.Sequential(nn.Linear(8, 8), module, nn.Linear(8, 8)), (4, 8), backward=True)
    assert str(ledger.ledger.macs()) == f"{5 * 256:,} MACs (macs)"


# --- every operator of torch ----------------------------------------------------------------------

MULTIPLIES = """
    _cholesky_solve_helper _conv_depthwise2d _cslt_sparse_mm _cslt_sparse_mm_search
    _cudnn_attention_backward _cudnn_attention_forward _cudnn_rnn _cudnn_rnn_backward
    _dyn_quant_matmul_4bit _efficient_attention_backward _efficient_attention_forward
    _flash_attention_backward _flash_attention_forward _flash_attention_forward_no_dropout_inplace
    _foreach_mm _linalg_det _linalg_eigh _linalg_eigvals _linalg_slogdet _linalg_solve_ex
    _linalg_svd _lstm_mps _mixed_dtypes_linear _mps_convolution _mps_convolution_transpose
    _native_multi_head_attention _nnpack_spatial_convolution
    _scaled_dot_product_attention_math_for_mps _scaled_dot_product_cudnn_attention
    _scaled_dot_product_cudnn_attention_backward _scaled_dot_product_efficient_attention
    _scaled_dot_product_efficient_attention_backward _scaled_dot_product_flash_attention
    _scaled_dot_product_flash_attention_backward _scaled_dot_product_flash_attention_for_cpu
    _scaled_dot_product_flash_attention_for_cpu_backward
    _scaled_dot_product_fused_attention_overrideable
    _scaled_dot_product_fused_attention_overrideable_backward _slow_conv2d_backward
    _slow_conv2d_forward _transformer_encoder_layer_fwd _triton_multi_head_attention
    _triton_scaled_dot_attention _weight_int4pack_mm _weight_int4pack_mm_for_cpu
    _weight_int4pack_mm_with_scales_and_zeros cholesky cholesky_inverse cholesky_solve
    convolution_backward_overrideable cudnn_convolution cudnn_convolution_add_relu
    cudnn_convolution_relu cudnn_convolution_transpose cudnn_affine_grid_generator
    cudnn_affine_grid_generator_backward geqrf linalg_cholesky_ex linalg_eig linalg_eigvals
    linalg_householder_product linalg_inv_ex linalg_ldl_factor_ex linalg_ldl_solve linalg_lstsq
    linalg_lu linalg_lu_factor_ex linalg_lu_solve linalg_matrix_exp linalg_pinv linalg_qr
    linalg_solve_triangular linear linear_backward lstm_mps_backward matmul_backward
    miopen_convolution miopen_convolution_add_relu miopen_convolution_relu
    miopen_convolution_transpose miopen_depthwise_convolution miopen_rnn miopen_rnn_backward
    mkldnn_convolution mkldnn_linear_backward mkldnn_linear_backward_input
    mkldnn_linear_backward_weights mkldnn_rnn_layer mkldnn_rnn_layer_backward
    mps_convolution_backward mps_convolution_transpose_backward ormqr quantized_gru quantized_lstm
    slow_conv3d_forward slow_conv_dilated2d slow_conv_dilated3d slow_conv_transpose2d
    slow_conv_transpose3d triangular_solve
""".split()
"""Products, convolutions and decompositions without a rule: unknown to every count."""

OF_OTHER_LAYOUTS = (
    "_sparse", "sparse_", "_nested", "_to_sparse", "mkldnn", "_mkldnn", "to_mkldnn", "_test_",
    "_make_dual", "_jagged", "_padded_dense", "_coalesce", "_convert", "_values", "_indices",
    "crow_", "ccol_", "row_", "col_", "values", "indices", "_cslt", "_validate", "_spdiags",
    "_functional_", "_assert", "_amp_", "_fused_", "sym_", "q_", "is_", "dense_dim", "_dim",
    "qscheme", "_nnz", "_use_", "_linalg_check", "_copy_from", "_cudnn_init", "_cudnn_rnn_flatten",
    "_dyn_quant_pack", "_has_same", "_histogramdd", "_make_dep", "_print", "_to_dense",
    "copy_sparse", "hspmm", "record_stream", "resize_as_sparse", "_foobar", "_spsolve",
    "sspaddmm", "_pack_padded", "to_padded",
)  # fmt: skip
"""Sparse, nested and private layouts, operators on several devices, and those that give no tensor:
how their names begin."""

COMPOSED = """
    adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d avg_pool1d cudnn_grid_sampler
    log_softmax softmax unique_dim_consecutive _cummax_helper _cummin_helper
""".split()
"""Made of others, or helpers of others, before they are dispatched."""


def operators_of_torch() -> set[str]:
    """The plain names of those that are not always taken apart into others."""
    names = set()
    for qualified in torch._C._dispatch_get_all_op_names():
        namespace, _, name = qualified.partition("::")
        base, _, overload = name.partition(".")
        composed = torch._C._dispatch_has_kernel_for_dispatch_key(
            qualified, "CompositeImplicitAutograd"
        )
        if namespace == "aten" and not composed and hasattr(torch.ops.aten, base):
            packet = getattr(torch.ops.aten, base)
            names.add(plain_name(getattr(packet, overload or "default")))
    return names


def test_every_operator_of_torch_is_in_a_table_or_named_as_unknown() -> None:
    tables = {*OPERATORS, *COSTLESS, *PRODUCTLESS, *GRADIENTS, *READS_VALUES}
    known = tables | set(MULTIPLIES) | set(COMPOSED)
    rest = {name for name in operators_of_torch() - known if not name.startswith(OF_OTHER_LAYOUTS)}
    assert sorted(rest) == []


def test_no_operator_that_multiplies_matrices_is_called_one_that_does_not() -> None:
    assert not set(MULTIPLIES) & (PRODUCTLESS | COSTLESS)
    words = re.compile(
        "(?<!ga)(?<!sy)mm|matmul|conv(?!ert)|(?<!bi)linear(?!_comb)|lstm|gru|rnn|attention"
    )
    found = {name for name in PRODUCTLESS if words.search(name)}
    # what a recurrent cell does once its products are there
    assert found == {name for name in PRODUCTLESS if name.startswith("_thnn_fused")}


def test_the_tables_name_operators_that_torch_has() -> None:
    own = [name for name in PRODUCTLESS if "::" not in name]
    packets = torch.ops.aten
    missing = [n for n in own if not hasattr(packets, n) and not hasattr(packets, f"{n}_")]
    assert missing == []
    assert {"nan_to_num"} == PRODUCTLESS & COSTLESS
