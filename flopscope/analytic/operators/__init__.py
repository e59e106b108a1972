"""The operators that networks are written with: each checks its sizes and appends one row.

Feature maps are (B, C, H, W). No other file of `analytic` appends a row. What a row costs is
`flopscope.costs`; nothing is counted here.
"""

from flopscope.analytic.operators.convolutions import conv2d, conv_transpose2d
from flopscope.analytic.operators.elements import (
    activation,
    add,
    add_broadcast,
    concatenate,
    divide,
    elementwise,
    multiply,
    reduce,
    scale,
    shortcut,
    stack,
    with_number,
    with_stored,
)
from flopscope.analytic.operators.moves import gathered, padded, permuted, repeated, sliced
from flopscope.analytic.operators.norms import (
    batch_norm,
    group_norm,
    layer_norm,
    rms_norm,
    softmax,
)
from flopscope.analytic.operators.pooling import (
    adaptive_pool,
    avg_pool2d,
    global_pool,
    max_pool2d,
    resize,
)
from flopscope.analytic.operators.products import (
    embedding,
    embedding_by,
    linear,
    linear_by,
    matmul,
    projected,
)
from flopscope.analytic.operators.stored import (
    function_of_stored,
    looked_up,
    resized_table,
    stored,
    stored_rows,
)
from flopscope.analytic.operators.views import channels_first, channels_last, flatten
from flopscope.analytic.operators.windows import Pair

__all__ = [
    "Pair",
    "activation",
    "adaptive_pool",
    "add",
    "add_broadcast",
    "avg_pool2d",
    "batch_norm",
    "channels_first",
    "channels_last",
    "concatenate",
    "conv2d",
    "conv_transpose2d",
    "divide",
    "elementwise",
    "embedding",
    "embedding_by",
    "flatten",
    "function_of_stored",
    "gathered",
    "global_pool",
    "group_norm",
    "layer_norm",
    "linear",
    "linear_by",
    "looked_up",
    "matmul",
    "max_pool2d",
    "multiply",
    "padded",
    "permuted",
    "projected",
    "reduce",
    "repeated",
    "resize",
    "resized_table",
    "rms_norm",
    "scale",
    "shortcut",
    "sliced",
    "softmax",
    "stack",
    "stored",
    "stored_rows",
    "with_number",
    "with_stored",
]
