"""The operators that always move elements, by what they do with them. Views move elements only
where the memory lies otherwise than their result needs."""

from __future__ import annotations

from collections.abc import Mapping

from flopscope.facts import Movement

MOVES: Mapping[str, Movement] = {
    **dict.fromkeys(
        ["channel_shuffle", "native_channel_shuffle", "pixel_shuffle", "pixel_unshuffle"],
        Movement.PERMUTE,
    ),
    "roll": Movement.ROLL,
    **dict.fromkeys(["flip", "rot90"], Movement.FLIP),
    **dict.fromkeys(
        [
            "constant_pad_nd",
            *(f"reflection_pad{axes}d" for axes in (1, 2, 3)),
            *(f"replication_pad{axes}d" for axes in (1, 2, 3)),
        ],
        Movement.PAD,
    ),
    **dict.fromkeys(["index", "_unsafe_index", "index_select", "gather", "take"], Movement.GATHER),
    **dict.fromkeys(
        [
            *("as_strided_scatter", "diagonal_scatter", "index_copy", "index_put", "index_fill"),
            *("masked_scatter", "max_unpool2d", "max_unpool3d", "scatter", "select_scatter"),
            *("slice_scatter", "_unsafe_index_put"),
        ],
        Movement.SCATTER,
    ),
    **dict.fromkeys(["repeat", "repeat_interleave"], Movement.REPEAT),
    "im2col": Movement.WINDOWS,
    **dict.fromkeys(
        [
            *("block_diag", "diag_embed", "_lazy_clone", "lift_fresh_copy", "tril", "triu"),
            *("alias_copy", "detach_copy", "squeeze_copy", "unsqueeze_copy", "view_copy"),
            *("_reshape_copy", "_reshape_alias_copy"),
        ],
        Movement.COPY,
    ),
    **dict.fromkeys(["permute_copy", "t_copy", "transpose_copy"], Movement.PERMUTE),
    **dict.fromkeys(
        [
            *("as_strided_copy", "diagonal_copy", "narrow_copy", "select_copy", "slice_copy"),
            *("split_copy", "split_with_sizes_copy", "unbind_copy", "unfold_copy"),
        ],
        Movement.SLICE,
    ),
    "expand_copy": Movement.REPEAT,
}
"""By name without overload. Writes into tensors that exist already are not among them."""

JOINS = ("stack", "_stack")
"""Operators that put tensors one behind another, as a concatenation does."""

COPIES = ("clone", "_to_copy")
"""Operators that copy a tensor as it lies in memory, unless they are told how it shall lie."""
