"""Operators that multiply no matrices and whose other work is not stated, grouped by what they do.

They have no multiply-accumulates, so a count of these stays exact. Their number of scalar
operations is not stated, so a reading of all operations is a lower bound. The comparisons in
sorting and searching depend on the values; the cost of a special function or a Fourier transform
depends on the algorithm.
"""

ORDER = """
    sort topk kthvalue median nanmedian mode bucketize searchsorted isin bincount histc
    histogram _histogramdd_bin_edges _histogramdd_from_bin_cts _histogramdd_from_bin_tensors
    nonzero_static allclose _is_all_true _is_any_true hash_tensor
""".split()
"""Operators that sort, search, choose by value, or count."""

SUMS = """
    logcumsumexp _logcumsumexp nansum trace renorm embedding_renorm segment_reduce _pdist_forward
    _embedding_bag _embedding_bag_forward_only linalg__powsum native_norm
    _chunk_cat put _unsafe_masked_index _unsafe_masked_index_put_accumulate _masked_softmax
    fractional_max_pool2d fractional_max_pool3d linalg_cross _compute_linear_combination
    _cdist_forward scatter_reduce index_reduce norm linalg_vector_norm dist
""".split()
"""Operators that take sums, means and extrema over sets other than the groups of a row."""

SPECIAL = """
    _standard_gamma digamma erfinv frexp gcd i0 igamma igammac lcm ldexp lgamma logaddexp logaddexp2
    mvlgamma nextafter polygamma sinc heaviside copysign sgn angle polar conj_physical
    _conj_physical _fw_primal logit special_airy_ai special_bessel_j0 special_bessel_j1
    special_bessel_y0 special_bessel_y1 special_chebyshev_polynomial_t
    special_chebyshev_polynomial_u
    special_chebyshev_polynomial_v special_chebyshev_polynomial_w special_entr special_erfcx
    special_hermite_polynomial_h special_hermite_polynomial_he special_i0e special_i1 special_i1e
    special_laguerre_polynomial_l special_legendre_polynomial_p special_log_ndtr
    special_modified_bessel_i0 special_modified_bessel_i1 special_modified_bessel_k0
    special_modified_bessel_k1 special_ndtri special_scaled_modified_bessel_k0
    special_scaled_modified_bessel_k1 special_shifted_chebyshev_polynomial_t
    special_shifted_chebyshev_polynomial_u special_shifted_chebyshev_polynomial_v
    special_shifted_chebyshev_polynomial_w special_spherical_bessel_j0 special_xlog1py special_zeta
    xlogy round nan_to_num add sub rsub clamp elu
""".split()
"""Functions of one or two numbers: special functions, and uses of other functions for which no rule
is stated."""

TRANSFORMS = "_fft_r2c _fft_c2r _fft_c2c".split()
"""Fourier transforms, whose number of operations depends on the factors of the length."""

LOSSES = """
    binary_cross_entropy binary_cross_entropy_with_logits huber_loss smooth_l1_loss mse_loss
    multi_margin_loss multilabel_margin_loss_forward soft_margin_loss nll_loss_forward
    nll_loss2d_forward _ctc_loss _cudnn_ctc_loss miopen_ctc_loss
""".split()

RANDOM = """
    _fused_dropout _sample_dirichlet binomial cauchy geometric log_normal multinomial
    normal_functional poisson rrelu_with_noise rrelu_with_noise_functional _philox_key_fold_in
    _philox_key_split _philox_normal _philox_uniform _fill_mem_eff_dropout_mask
""".split()
"""Random draws that depend on their input, and operators that use them."""

QUANTISED = """
    _empty_affine_quantized _empty_per_channel_affine_quantized empty_quantized dequantize
    quantize_per_tensor quantize_per_tensor_dynamic quantize_per_channel int_repr
    _make_per_channel_quantized_tensor _make_per_tensor_quantized_tensor
    _fake_quantize_learnable_per_channel_affine _fake_quantize_learnable_per_tensor_affine
    _fake_quantize_per_tensor_affine_cachemask_tensor_qparams
    fake_quantize_per_channel_affine_cachemask fake_quantize_per_tensor_affine_cachemask
    _fused_moving_avg_obs_fq_helper _fused_moving_avg_obs_fq_helper_functional q_per_channel_scales
    q_per_channel_zero_points quantized_max_pool1d quantized_max_pool2d quantized_max_pool3d
    quantized_batch_norm
    quantized_decomposed::quantize_per_tensor quantized_decomposed::dequantize_per_tensor
    quantized_decomposed::quantize_per_channel quantized_decomposed::dequantize_per_channel
    quantized_decomposed::quantize_per_token quantized_decomposed::dequantize_per_token
    quantized_decomposed::choose_qparams quantized_decomposed::choose_qparams_symmetric
    quantized_decomposed::choose_qparams_per_token
    quantized_decomposed::choose_qparams_per_token_asymmetric
    quantized_decomposed::fake_quant_per_channel quantized_decomposed::convert_element_type
""".split()
"""Operators that quantise numbers to integers and back."""

BOXES = """
    torchvision::nms torchvision::qnms torchvision::roi_align torchvision::roi_pool
    torchvision::ps_roi_align torchvision::ps_roi_pool torchvision::qroi_align
    torchvision::_roi_align_backward torchvision::_roi_pool_backward
    torchvision::_ps_roi_align_backward torchvision::_ps_roi_pool_backward
""".split()
"""Operators that compare regions of interest, or read them out of a map."""

FUSED_CELLS = """
    _thnn_fused_gru_cell _thnn_fused_gru_cell_backward _thnn_fused_lstm_cell
    _thnn_fused_lstm_cell_backward_impl _transform_bias_rescale_qkv
""".split()
"""Operators for what a recurrent cell does after its products."""

STATISTICS = """
    _batch_norm_no_update _batch_norm_with_update _batch_norm_with_update_functional
    _native_batch_norm_legit _native_batch_norm_legit_functional batch_norm_backward
    batch_norm_backward_elemt batch_norm_backward_reduce batch_norm_elemt batch_norm_gather_stats
    batch_norm_gather_stats_with_counts batch_norm_stats batch_norm_update_stats cudnn_batch_norm
    cudnn_batch_norm_backward miopen_batch_norm miopen_batch_norm_backward
""".split()
"""Batch norm in several operators, and as other devices run it."""

SEVERAL = [
    f"_foreach_{name}"
    for name in """
        abs acos add addcdiv addcmul asin atan ceil clamp_max clamp_min clone copy cos cosh div erf
        erfc exp expm1 floor frac lerp lgamma log log10 log1p log2 max maximum minimum mul neg norm
        pow powsum reciprocal round rsqrt sigmoid sign sin sinh sqrt sub tan tanh trunc zero
    """.split()
]
"""Operators that do the same act on each of several tensors."""

GRADIENTS = """
    _cdist_backward _ctc_loss_backward _dirichlet_grad _embedding_bag_backward
    _embedding_bag_dense_backward _embedding_bag_per_sample_weights_backward
    _fake_quantize_learnable_per_channel_affine_backward
    _fake_quantize_learnable_per_tensor_affine_backward _grid_sampler_2d_cpu_fallback_backward
    _masked_scale _masked_softmax_backward _pdist_backward _segment_reduce_backward
    _standard_gamma_grad _upsample_bicubic2d_aa_backward _upsample_bilinear2d_aa_backward
    _upsample_lanczos2d_aa_backward _weight_norm_interface_backward adaptive_avg_pool3d_backward
    binary_cross_entropy_backward cudnn_grid_sampler_backward fractional_max_pool2d_backward
    fractional_max_pool3d_backward glu_backward_jvp glu_jvp grid_sampler_2d_backward
    grid_sampler_3d_backward hardshrink_backward huber_loss_backward logit_backward
    masked_scatter_backward max_pool2d_backward mse_loss_backward multi_margin_loss_backward
    multilabel_margin_loss_backward nll_loss2d_backward nll_loss_backward
    reflection_pad1d_backward reflection_pad2d_backward reflection_pad3d_backward
    replication_pad1d_backward replication_pad2d_backward replication_pad3d_backward
    rrelu_with_noise_backward smooth_l1_loss_backward soft_margin_loss_backward
    softshrink_backward elu_backward value_selecting_reduction_backward
""".split()
"""Gradients of operators that multiply no matrices, which do not multiply any either."""

PRODUCTLESS = frozenset(
    (
        *(*ORDER, *SUMS, *SPECIAL, *TRANSFORMS, *LOSSES, *RANDOM, *QUANTISED, *BOXES),
        *(*FUSED_CELLS, *STATISTICS, *SEVERAL, *GRADIENTS),
    )
)
"""All of these operators. One that also has a rule is here for uses that its rule does not know."""
