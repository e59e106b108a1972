"""What a counter says about one run of a module, and what it met without counting it.

Products are convolution, linear and matmul: what the `macs` convention counts. Every other operator
costs nothing by definition (`COSTLESS`), or it is reported as skipped: a quantity that includes a
skipped operator was not really counted, whatever number the tool prints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from flopscope.facts import Kind

CLASSES = (Kind.CONVOLUTION, Kind.LINEAR, Kind.MATMUL)
"""The operator classes of the comparison; transposed convolutions are among the convolutions."""


class Skipped(NamedTuple):
    """An operator that a counter met and did not count, in the module that ran it.

    `kind` is its operator class, or None if it may be any.
    """

    path: str
    operator: str
    times: int
    kind: Kind | None = None


@dataclass(frozen=True)
class Counts:
    """One counter's answer. MACs are integers, one per multiply-accumulate of a product.

    `total` and `by_operator` are in the tool's own convention and unit; `by_class` and `by_module`
    (keyed by the module's path, children included) in MACs of products. `activations` are the
    output elements of products, less those of `activations_skipped`.
    """

    total: int
    by_operator: Mapping[str, int]
    by_class: Mapping[Kind, int]
    by_module: Mapping[str, int]
    activations: int
    skipped: tuple[Skipped, ...] = ()
    activations_skipped: tuple[Skipped, ...] = ()
    failure: str = ""
    """Why the tool gave no answer at all; empty if it gave one."""

    @property
    def macs(self) -> int:
        """MACs of all products."""
        return sum(self.by_class.values())


def operator_name(operator: str) -> str:
    """The operator's name without the underscore of operators in place and without the namespace,
    if that is aten.

    >>> operator_name("aten::relu_"), operator_name("torchvision::nms")
    ('relu', 'torchvision::nms')
    """
    return operator.removeprefix("aten::").rstrip("_")


SKIPPED_KINDS: Mapping[str, Kind] = {
    "_convolution_mode": Kind.CONVOLUTION,  # what padding="same" becomes
    "baddbmm": Kind.MATMUL,
    "dot": Kind.MATMUL,
    "einsum": Kind.MATMUL,
    "mm": Kind.MATMUL,
    "mv": Kind.MATMUL,
    "scaled_dot_product_attention": Kind.MATMUL,
    "_scaled_dot_product_flash_attention_for_cpu": Kind.MATMUL,
}
"""The class of operators that one tool or the other is known to skip."""

_ELEMENTWISE = """
    abs add addcdiv addcmul ceil celu clamp clamp_max clamp_min copysign cos deg2rad div elu erf
    exp exp2 expm1 floor floor_divide fmod frac gelu glu hardshrink hardsigmoid hardswish hardtanh
    leaky_relu lerp log log10 log1p log2 log_sigmoid log_sigmoid_forward logit maximum minimum
    mish mul nan_to_num neg pow prelu _prelu_kernel reciprocal relu relu6 remainder round rrelu
    rsqrt rsub selu sigmoid sign silu sin softplus softshrink softsign sqrt square sub tan tanh
    threshold true_divide trunc where __and__ __or__ bitwise_and bitwise_not bitwise_or eq ge gt
    isfinite isinf isnan le logical_and logical_not logical_or lt ne
"""

_REDUCTIONS = """
    all amax amin any argmax argmin cumsum linalg_vector_norm log_softmax _log_softmax logsumexp
    max mean median min norm prod softmax _safe_softmax _softmax sort std std_mean sum topk var
    var_mean
"""

_NORMS_AND_POOLS = """
    batch_norm cudnn_batch_norm native_batch_norm _batch_norm_impl_index _batch_norm_no_update
    _native_batch_norm_legit _native_batch_norm_legit_no_training fused_layer_norm group_norm
    instance_norm layer_norm local_response_norm native_group_norm native_layer_norm rms_norm
    _fused_rms_norm
    adaptive_avg_pool1d adaptive_avg_pool2d _adaptive_avg_pool2d adaptive_max_pool2d avg_pool1d
    avg_pool2d max_pool1d max_pool2d max_pool2d_with_indices grid_sampler grid_sampler_2d
    upsample_bicubic2d upsample_bilinear2d upsample_nearest2d _upsample_bicubic2d_aa
    _upsample_bilinear2d_aa _upsample_nearest_exact2d
"""

_MOVES = """
    _local_scalar_dense _reshape_alias _shape_as_tensor _to_copy _unsafe_view alias alpha_dropout
    arange as_strided bernoulli broadcast_tensors broadcast_to cat channel_shuffle chunk clone
    concat constant_pad_nd contiguous copy detach dropout embedding empty empty_like empty_strided
    expand expand_as feature_dropout fill flatten flip full full_like gather im2col index
    index_put index_select Int item ScalarImplicit lift_fresh linspace masked_fill meshgrid
    movedim narrow native_channel_shuffle native_dropout new_empty new_full new_ones new_zeros
    nonzero numpy_T one_hot ones ones_like pad permute pixel_shuffle pixel_unshuffle
    reflection_pad2d repeat repeat_interleave replication_pad2d reshape roll scalar_tensor scatter
    select size slice split split_with_sizes squeeze stack swapaxes t to transpose tril triu
    type_as unbind unfold unflatten unsqueeze _unsafe_index view view_as zero zeros zeros_like
"""

COSTLESS = frozenset(" ".join((_ELEMENTWISE, _REDUCTIONS, _NORMS_AND_POOLS, _MOVES)).split())
"""The plain names of operators without products, which cost nothing under the `macs` convention."""
