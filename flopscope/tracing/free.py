"""Operators without arithmetic, by definition: they look, move, choose, or make constants."""

VIEWS = """
    _reshape_alias _reshape_copy _unsafe_view alias as_strided chunk detach diagonal expand movedim
    narrow permute pixel_shuffle pixel_unshuffle reshape select slice split split_with_sizes squeeze
    swapaxes t transpose unbind unflatten unfold unsafe_split unsafe_split_with_sizes unsqueeze view
    view_as view_as_complex view_as_real real
""".split()
"""Another look at the same elements: no new memory."""

MOVES = """
    _to_copy clone constant_pad_nd contiguous copy diag_embed flip gather im2col index index_fill
    index_select lift_fresh lift_fresh_copy native_channel_shuffle reflection_pad1d reflection_pad2d
    reflection_pad3d repeat repeat_interleave replication_pad1d replication_pad2d replication_pad3d
    resolve_conj resolve_neg roll rot90 scatter select_scatter slice_scatter stack take tril triu
""".split()
"""The same elements in another place."""

CHOICES = "masked_fill masked_fill_ nan_to_num where".split()
"""One of two values, already there, for each element."""

CONSTANTS = """
    _efficientzerotensor arange bernoulli empty empty_like empty_permuted empty_strided exponential
    eye fill full full_like linspace logspace new_empty new_empty_strided new_full new_ones
    new_zeros normal ones ones_like rand rand_like randint randint_like randn randn_like randperm
    scalar_tensor tril_indices triu_indices uniform zero zeros zeros_like random
""".split()
"""Numbers that do not depend on the input, and random draws, for which no arithmetic is stated."""

FREE = frozenset((*VIEWS, *MOVES, *CHOICES, *CONSTANTS))
"""All of them; they leave no row. A concatenation, drawn as a layer by papers, has one."""
