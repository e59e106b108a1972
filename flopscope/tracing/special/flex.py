"""Flex attention on shapes: the products of plain attention, and the work on each score.

The count is that of dense attention, whatever blocks a mask leaves out: which products remain
depends on the kernel's blocks, and the dense count is an upper bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.attention.flex_attention import AuxOutput, AuxRequest

from flopscope.tracing.special.products import batched_product, shared_by

BLOCK = 128
"""The default number of rows and columns in a mask's blocks."""


@dataclass(frozen=True)
class Mask:
    """Stands for torch's BlockMask, with the function that says which pairs are seen, and the two
    lengths."""

    mask_mod: Callable[..., torch.Tensor]
    shape: tuple[Any, ...]
    BLOCK_SIZE: tuple[int, int] = (BLOCK, BLOCK)

    @property
    def seq_lengths(self) -> tuple[Any, Any]:
        """The numbers of queries and keys."""
        return self.shape[-2], self.shape[-1]

    def to(self, *_: Any, **__: Any) -> Mask:
        """The mask itself, since it has no values that could be moved."""
        return self


def create_block_mask(
    mask_mod: Callable[..., torch.Tensor],
    B: Any,
    H: Any,
    Q_LEN: Any,
    KV_LEN: Any,
    device: Any = None,
    BLOCK_SIZE: Any = BLOCK,
    _compile: bool = False,
    **_: Any,
) -> Mask:
    """The mask of this function, without working out which blocks are empty."""
    blocks = BLOCK_SIZE if isinstance(BLOCK_SIZE, tuple) else (BLOCK_SIZE, BLOCK_SIZE)
    sizes = (1 if B is None else B, 1 if H is None else H, Q_LEN, KV_LEN)
    return Mask(mask_mod, sizes, blocks)


def flex_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    score_mod: Callable[..., torch.Tensor] | None = None,
    block_mask: Any = None,
    scale: float | None = None,
    enable_gqa: bool = False,
    return_lse: bool = False,
    kernel_options: Any = None,
    *,
    return_aux: AuxRequest | None = None,
) -> Any:
    """What torch's function returns, as its documentation defines it: every score is modified, and
    masked if there is a mask, before the softmax.

    Raises what torch raises for heads and lengths that do not fit.
    """
    _check(query, key, block_mask, enable_gqa)
    if enable_gqa:
        key, value = (shared_by(query, x) for x in (key, value))
    scores = batched_product(query, key.transpose(-2, -1)) * 1.0
    places = _places(scores)
    if score_mod is not None:
        scores = score_mod(scores, *places)
    if block_mask is not None:
        seen = block_mask.mask_mod(*places)
        scores = torch.where(seen, scores, float("-inf"))
    out = batched_product(scores.softmax(-1), value)
    if return_aux is not None:
        lse = scores.logsumexp(-1) if return_aux.lse else None
        return out, AuxOutput(lse, scores.amax(-1) if return_aux.max_scores else None)
    return (out, scores.logsumexp(-1)) if return_lse else out


def _check(query: torch.Tensor, key: torch.Tensor, mask: Any, enable_gqa: bool) -> None:
    heads, shared = query.shape[1], key.shape[1]
    if not enable_gqa and heads != shared:
        raise ValueError(
            "Expect query and key/value to have the same number of heads "
            f"but got Hq={heads} and Hkv={shared}. Try setting enable_gqa=True for GQA."
        )
    if mask is None:
        return
    given = {"q_len": query.shape[-2], "kv_len": key.shape[-2]}
    for (what, size), own in zip(given.items(), mask.shape[-2:], strict=True):
        if size != own:
            raise ValueError(f"block_mask was created for {what}={own} but got {what}={size}.")


def _places(scores: torch.Tensor) -> list[torch.Tensor]:
    """The indices of batch, head, query and key, each along its own dimension."""
    places = []
    for dim, size in enumerate(scores.shape):
        numbers = torch.arange(size, dtype=torch.int32, device=scores.device)
        places.append(numbers.view([-1 if d == dim else 1 for d in range(scores.dim())]))
    return places
