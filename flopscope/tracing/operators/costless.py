"""Operators without arithmetic, which view elements, move them, choose among them, or make
constants. Which of them are rows of data movement is decided in `tracing/movement`."""

VIEWS = """
    _conj _neg_view _reshape_alias _reshape_copy _unsafe_view alias as_strided chunk detach diagonal
    expand lift movedim narrow permute pixel_shuffle pixel_unshuffle reshape select set slice split
    split_with_sizes squeeze swapaxes t transpose unbind unflatten unfold unsafe_split
    unsafe_split_with_sizes unsqueeze view view_as view_as_complex view_as_real real
""".split()
"""Views of the same elements, which take no new memory."""

MOVES = """
    _index_put_impl _lazy_clone _pin_memory _resize_output _stack _to_copy _unsafe_index
    _unsafe_index_put as_strided_scatter block_diag channel_shuffle clone constant_pad_nd contiguous
    copy diag_embed diagonal_scatter flip gather im2col index index_copy index_fill index_select
    lift_fresh lift_fresh_copy lu_unpack masked_scatter max_unpool2d max_unpool3d
    native_channel_shuffle reflection_pad1d reflection_pad2d reflection_pad3d repeat
    repeat_interleave replication_pad1d replication_pad2d replication_pad3d resize resize_as
    resolve_conj resolve_neg roll rot90 scatter select_scatter slice_inverse slice_scatter stack
    take to tril triu
""".split()
"""The same elements in another place."""

COPIES = [
    *("_conj_copy", "_neg_view_copy", "_reshape_alias_copy", "_fw_primal_copy", "alias_copy"),
    *("as_strided_copy", "detach_copy", "diagonal_copy", "expand_copy", "narrow_copy"),
    *("permute_copy", "select_copy", "slice_copy", "split_copy", "split_with_sizes_copy"),
    *("squeeze_copy", "t_copy", "transpose_copy", "unbind_copy", "unfold_copy", "unsqueeze_copy"),
    *("view_as_complex_copy", "view_as_real_copy", "view_copy"),
]
"""Views that are written out."""

CHOICES = "masked_fill masked_fill_ nan_to_num where".split()
"""Operators that choose one of two existing values for each element."""

CONSTANTS = """
    _efficientzerotensor arange bartlett_window bernoulli blackman_window empty empty_like
    empty_permuted empty_strided exponential eye fft_fftfreq fft_rfftfreq fill from_file full
    full_like hamming_window hann_window kaiser_window linspace logspace new_empty
    new_empty_strided new_full new_ones new_zeros normal ones ones_like rand rand_like randint
    randint_like randn randn_like random randperm range scalar_tensor tril_indices triu_indices
    uniform zero zeros zeros_like _new_zeros_with_same_feature_meta
""".split()
"""Operators that make numbers that do not depend on the input, and random draws, whose arithmetic
is not stated."""

COSTLESS = frozenset((*VIEWS, *MOVES, *COPIES, *CHOICES, *CONSTANTS))
"""All operators that compute nothing. Those that write elements anew leave a row without
arithmetic."""
