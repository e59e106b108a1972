"""Operators that multiply no matrices and whose other work is not stated.

They have no multiply-accumulates, so counts of these stay exact, while a reading of all operations
is a lower bound. How many comparisons sorting and searching take depends on the values, and the
cost of a Fourier transform depends on the algorithm.
"""

from __future__ import annotations

from flopscope.facts import Kind
from flopscope.onnxgraph.costless import COSTLESS
from flopscope.onnxgraph.expansions.decomposed import DECOMPOSED
from flopscope.onnxgraph.expansions.quantised import ROUNDING
from flopscope.onnxgraph.operators import OPERATORS
from flopscope.onnxgraph.tensors import NodeCall, NodeFacts

ORDER = "NonMaxSuppression TopK Unique NonZero"

SUMS = """
    Col2Im CumProd LRN LpPool GlobalLpPool MaxRoiPool MaxUnpool RoiAlign NegativeLogLikelihoodLoss
    SoftmaxCrossEntropyLoss TfIdfVectorizer
"""

TRANSFORMS = """
    DFT STFT BlackmanWindow HammingWindow HannWindow MelWeightMatrix ImageDecoder
"""

RANDOM = """
    Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike
"""

TEXTS = "RegexFullMatch StringConcat StringNormalizer StringSplit"

TABLES = """
    ai.onnx.ml.ArrayFeatureExtractor ai.onnx.ml.Binarizer ai.onnx.ml.CastMap
    ai.onnx.ml.CategoryMapper ai.onnx.ml.DictVectorizer ai.onnx.ml.FeatureVectorizer
    ai.onnx.ml.Imputer ai.onnx.ml.LabelEncoder ai.onnx.ml.Normalizer ai.onnx.ml.OneHotEncoder
    ai.onnx.ml.Scaler ai.onnx.ml.TreeEnsemble ai.onnx.ml.TreeEnsembleClassifier
    ai.onnx.ml.TreeEnsembleRegressor ai.onnx.ml.ZipMap
"""

CONTRIBUTED = """
    com.microsoft.CropAndResize com.microsoft.DynamicTimeWarping com.microsoft.Irfft
    com.microsoft.IsAllFinite com.microsoft.MaxpoolWithMask com.microsoft.MurmurHash3
    com.microsoft.NGramRepeatBlock com.microsoft.ReduceSumInteger com.microsoft.RelativePositionBias
    com.microsoft.Rfft com.microsoft.Tokenizer com.microsoft.Unique
"""

PRODUCTLESS = frozenset(
    " ".join([ORDER, SUMS, TRANSFORMS, RANDOM, TEXTS, TABLES, CONTRIBUTED]).split()
)
"""The operators by name, which is `domain.Name` outside onnx's own domain."""

MULTIPLYING = """
    AffineGrid Attention CausalConvWithState Conv ConvTranspose DeformConv Einsum Gemm MatMul
"""
"""Operators of onnx's own set whose rule may give a product of matrices."""

STATED = frozenset({*OPERATORS, *DECOMPOSED, *COSTLESS, *ROUNDING}) - set(MULTIPLYING.split())
"""Operators that multiply no matrices in any use of them."""


def without_products(call: NodeCall) -> NodeFacts | None:
    """The row of an operator without products of matrices; None for an operator that may have
    one."""
    alone = call.op == "Einsum" and len(call.inputs) == 1  # a sum, or a diagonal
    if call.op in PRODUCTLESS or call.op in STATED or alone:
        return NodeFacts(Kind.OTHER, tuple(t for t in call.inputs if t is not None))
    return None
