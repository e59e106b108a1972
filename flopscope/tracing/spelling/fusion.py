"""Where torch runs attention as one kernel on a CPU, in evaluation.

The conditions are those of torch.nn.MultiheadAttention, TransformerEncoderLayer and
TransformerEncoder. A trace runs the products one by one, but tools that run the network see what
torch chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import _disable_current_modes

from flopscope.spelling import (
    ATTENTION,
    ENCODER,
    FROZEN_ATTENTION,
    FROZEN_NESTED,
    NESTED,
    PARTLY,
)


def _attention(
    layer: nn.MultiheadAttention,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    key_padding_mask: torch.Tensor | None = None,
    need_weights: bool = True,
    attn_mask: torch.Tensor | None = None,
    *_: Any,
    **__: Any,
) -> list[str]:
    masks = (key_padding_mask, attn_mask)
    weight: torch.Tensor | None = layer.in_proj_weight
    bias: torch.Tensor | None = layer.in_proj_bias
    fused = (
        query.dim() == 3
        and query is key is value
        and not any(mask is not None and mask.is_floating_point() for mask in masks)
        and weight is not None
        and bias is not None
        and query.dtype == weight.dtype == bias.dtype
        and layer.num_heads % 2 == 0
        and layer.batch_first
        and layer.bias_k is None
        and layer.bias_v is None
        and not layer.add_zero_attn
        and not torch.is_autocast_enabled()
    )
    return [ATTENTION] if fused else []


def _encoder_layer(
    layer: nn.TransformerEncoderLayer, src: torch.Tensor, *_: Any, **__: Any
) -> list[str]:
    attention: Any = layer.self_attn
    fused = (
        src.dim() == 3
        and attention.batch_first
        and attention.in_proj_bias is not None
        and attention._qkv_same_embed_dim
        and layer.activation_relu_or_gelu
        and layer.norm1.eps == layer.norm2.eps
        and attention.num_heads % 2 == 0
        and not torch.is_autocast_enabled()
        and not any(part._forward_hooks or part._forward_pre_hooks for part in layer.modules())
    )
    return [ENCODER] if fused else []


def _encoder(
    layer: nn.TransformerEncoder,
    src: torch.Tensor,
    mask: torch.Tensor | None = None,
    src_key_padding_mask: torch.Tensor | None = None,
    *_: Any,
    **__: Any,
) -> list[str]:
    nested = layer.use_nested_tensor and src.dim() == 3 and mask is None
    return [NESTED] if nested and src_key_padding_mask is not None else []


FUSED: Mapping[Any, Callable[..., list[str]]] = {
    nn.MultiheadAttention: _attention,
    nn.TransformerEncoderLayer: _encoder_layer,
    nn.TransformerEncoder: _encoder,
}
"""The fusion of a layer's call without gradients, by the layer's class."""

FROZEN: Mapping[str, str] = {ATTENTION: FROZEN_ATTENTION, NESTED: FROZEN_NESTED}
"""What torch fuses with gradients too, if nothing learns. It does not fuse an encoder layer then,
because a tool that asks for gradients has hooks."""


def of_gradients(
    fused: list[str], path: str, learning: Collection[str], *, quiet: bool = False
) -> list[str]:
    """What torch fuses in a layer, without gradients and for a tool that asks for gradients.

    The layer has this path, and these parameters of the network learn. `quiet` says that the
    network has switched gradients off itself."""
    if not any(name in FROZEN for name in fused):
        return fused
    if not learning:
        return fused + [FROZEN[name] for name in fused if name in FROZEN]
    own = not quiet and any(name.startswith(f"{path}." if path else "") for name in learning)
    return fused if own else [*fused, PARTLY]


def flash(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> bool:
    """Does torch choose its fused kernel for these shapes on a CPU? torch itself answers, for
    tensors that repeat one row."""
    if min(query.dim(), key.dim(), value.dim()) < 2:
        return False
    with _disable_current_modes(), torch._C.DisableTorchFunction():
        mask = None if attn_mask is None else _like(attn_mask)
        choice = torch._fused_sdp_choice(
            _like(query),
            _like(key),
            _like(value),
            mask,
            dropout_p,
            is_causal,
            scale=scale,
            enable_gqa=enable_gqa,
        )
    return bool(choice != 0)


def _like(x: torch.Tensor) -> torch.Tensor:
    """A tensor of this shape and type on the CPU, whose last axis is dense if it is here."""
    width = x.shape[-1] if x.dim() else 1
    row = torch.zeros(width, 2, dtype=x.dtype, device="cpu").t()[0]
    dense = x.dim() == 0 or x.stride(-1) == 1
    return (row.contiguous() if dense else row).expand(x.shape)
