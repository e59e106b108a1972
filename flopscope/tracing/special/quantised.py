"""Quantised layers, each traced as the layer of floats for which it stands, as one table.

A packed weight has a name and a shape, and counts as a parameter without gradient. How a layer
scales its numbers is not counted; quantising and dequantising is counted if the network calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from flopscope.errors import BadInput
from flopscope.tracing.callers import caller
from flopscope.tracing.shapes.table import META
from flopscope.tracing.special.packs import Pack

if TYPE_CHECKING:
    from flopscope.tracing.recorder import Recorder


# --- calls ------------------------------------------------------------------------------------


def quantised(
    mode: TorchFunctionMode,
    recorder: Recorder,
    function: Any,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    """What a function of quantised tensors returns; NotImplemented for any other function.

    Raises BadInput for a quantised operator that is not in the table."""
    name = str(getattr(function, "_qualified_op_name", "") or getattr(function, "__name__", ""))
    twin = TWINS.get(name)
    if twin is None:
        if name.startswith("quantized::"):
            raise BadInput(
                f"the quantised operator {name} at {caller()} is not known; "
                "trace the network before it is quantised"
            )
        return NotImplemented
    with mode:
        return twin(recorder, *args, **kwargs)


def decomposed(
    recorder: Recorder, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Quantising and dequantising as torch.export writes it; NotImplemented for other operators."""
    twin = TWINS.get(f"quantized_decomposed::{function.overloadpacket.__name__}")
    if twin is None:
        return NotImplemented
    with recorder:
        return twin(recorder, *args, **kwargs)


def _pack(recorder: Recorder, packed: Any) -> Pack:
    if id(packed) not in recorder.packs:
        raise BadInput(
            f"the weights at {caller()} are packed outside the network's modules; "
            "keep them in a module"
        )
    return recorder.packs[id(packed)][1]


Activation = Callable[[torch.Tensor], torch.Tensor]


def _same(x: torch.Tensor) -> torch.Tensor:
    return x


def _linear(activation: Activation = _same) -> Callable[..., Any]:
    def run(recorder: Recorder, x: torch.Tensor, packed: Any, *_: Any, **__: Any) -> Any:
        weight, bias = _pack(recorder, packed).get("weight", "bias")
        assert weight is not None
        return activation(F.linear(x, weight, bias))

    return run


CONVOLUTIONS: Sequence[tuple[Callable[..., Any], Callable[..., Any]]] = (
    (F.conv1d, F.conv_transpose1d),
    (F.conv2d, F.conv_transpose2d),
    (F.conv3d, F.conv_transpose3d),
)
"""The convolutions of 1, 2 and 3 axes."""


def _convolution(
    axes: int, transposed: bool = False, activation: Activation = _same
) -> Callable[..., Any]:
    def run(recorder: Recorder, x: torch.Tensor, packed: Any, *_: Any, **__: Any) -> Any:
        pack = _pack(recorder, packed)
        weight, bias = pack.get("weight", "bias")
        assert weight is not None
        options = {n: v[-axes:] if isinstance(v, list) else v for n, v in pack.options.items()}
        if not transposed:
            options.pop("output_padding", None)
        if weight.dim() > axes + 2:  # torch packs one axis as two axes
            thin = weight.squeeze(2)
            recorder.shows(weight, thin)
            weight = thin
        return activation(CONVOLUTIONS[axes - 1][transposed](x, weight, bias, **options))

    return run


def _added_convolution(activation: Activation = _same) -> Callable[..., Any]:
    def run(recorder: Recorder, x: torch.Tensor, extra: torch.Tensor, packed: Any, *_: Any) -> Any:
        return activation(_convolution(2)(recorder, x, packed) + extra)

    return run


def _of(
    function: Callable[..., Any], count: int, activation: Activation = _same
) -> Callable[..., Any]:
    """The function of the first `count` arguments; scale and zero point are left out."""

    def run(recorder: Recorder, *args: Any, **kwargs: Any) -> Any:
        named = {name: value for name, value in kwargs.items() if name not in SCALES}
        return activation(function(*args[:count], **named))

    return run


SCALES = frozenset({"scale", "zero_point", "output_scale", "output_zero_point"})


def _norm(x: Any, weight: Any, bias: Any, mean: Any, variance: Any, eps: float) -> Any:
    return F.batch_norm(x, mean, variance, weight, bias, False, 0.0, eps)


def _instance_norm(x: Any, weight: Any, bias: Any, eps: float) -> Any:
    return F.instance_norm(x, weight=weight, bias=bias, eps=eps)


def _quantise(recorder: Recorder, x: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    """x/scale + zero point, rounded and clamped."""
    return torch.clamp(torch.round(x / 1.0 + 1.0), 0, 255)


def _dequantise(recorder: Recorder, x: Any, *_: Any, **__: Any) -> Any:
    """(x − zero point)·scale."""
    if isinstance(x, list | tuple):
        return [_dequantise(recorder, part) for part in x]
    return (x - 1.0) * 1.0


def _whole(recorder: Recorder, x: torch.Tensor) -> torch.Tensor:
    whole = torch.empty(x.shape, dtype=torch.uint8, device=META)
    recorder.shows(x, whole)
    return whole


def _embedding(recorder: Recorder, packed: Any, index: torch.Tensor, *_: Any, **__: Any) -> Any:
    (weight,) = _pack(recorder, packed).get("weight")
    assert weight is not None
    return F.embedding(index, weight)


def _bag(
    recorder: Recorder, packed: Any, index: torch.Tensor, offsets: Any = None, *_: Any, **__: Any
) -> Any:
    (weight,) = _pack(recorder, packed).get("weight")
    assert weight is not None
    return F.embedding_bag(index, weight, offsets, mode="sum")


GATES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def _recurrent(function: Any) -> Callable[..., Any]:
    """A recurrent layer. For packed sequences, the steps come before the states."""

    def run(recorder: Recorder, *args: Any, dtype: Any = None, use_dynamic: Any = None) -> Any:
        at = next(i for i, a in enumerate(args) if isinstance(a, list) and _are_packs(a))
        weights = [
            t for packed in args[at] for t in _pack(recorder, packed).get(*GATES) if t is not None
        ]
        return function(*args[:at], weights, *args[at + 1 :])

    return run


def _are_packs(values: list[Any]) -> bool:
    return all(isinstance(value, torch.ScriptObject) for value in values)


def _cell(function: Any) -> Callable[..., Any]:
    def run(
        recorder: Recorder, x: Any, state: Any, first: Any, second: Any, *biases: Any
    ) -> torch.Tensor:
        of_input, of_state = (_pack(recorder, packed) for packed in (first, second))
        weights = [*of_input.get("weight"), *of_state.get("weight")]
        result: torch.Tensor = function(
            x, state, *weights, *of_input.get("bias"), *of_state.get("bias")
        )
        return result

    return run


RELU: Mapping[str, Activation] = {"": _same, "_relu": torch.relu}
AXES = (1, 2, 3)

TWINS: Mapping[str, Callable[..., Any]] = {
    **{f"quantized::linear{n}": _linear(a) for n, a in RELU.items()},
    **{f"quantized::linear{n}_dynamic": _linear(a) for n, a in RELU.items()},
    **{f"quantized::linear{n}_dynamic_fp16": _linear(a) for n, a in RELU.items()},
    "quantized::linear_tanh": _linear(torch.tanh),
    "quantized::linear_leaky_relu": _linear(F.leaky_relu),
    **{f"quantized::conv{k}d{n}": _convolution(k, False, a) for k in AXES for n, a in RELU.items()},
    **{f"quantized::conv{k}d_dynamic": _convolution(k) for k in AXES},
    **{f"quantized::conv_transpose{k}d": _convolution(k, True) for k in AXES},
    **{f"quantized::conv_transpose{k}d_dynamic": _convolution(k, True) for k in AXES},
    **{f"quantized::conv2d_add{n}": _added_convolution(a) for n, a in RELU.items()},
    **{f"quantized::add{n}": _of(torch.add, 2, a) for n, a in RELU.items()},
    **{f"quantized::mul{n}": _of(torch.mul, 2, a) for n, a in RELU.items()},
    **{f"quantized::add_scalar{n}": _of(torch.add, 2, a) for n, a in RELU.items()},
    **{f"quantized::mul_scalar{n}": _of(torch.mul, 2, a) for n, a in RELU.items()},
    **{f"quantized::cat{n}": _of(torch.cat, 2, a) for n, a in RELU.items()},
    **{f"quantized::batch_norm{n}": _of(_norm, 6, a) for n, a in RELU.items()},
    **{f"quantized::batch_norm{k}d{n}": _of(_norm, 6, a) for k in AXES for n, a in RELU.items()},
    "quantized::matmul": _of(torch.matmul, 2),
    "quantized::layer_norm": _of(F.layer_norm, 5),
    "quantized::group_norm": _of(F.group_norm, 5),
    "quantized::instance_norm": _of(_instance_norm, 4),
    "quantized::hardswish": _of(F.hardswish, 1),
    "quantized::sigmoid": _of(torch.sigmoid, 1),
    "quantized::relu6": _of(F.relu6, 1),
    "quantized::leaky_relu": _of(F.leaky_relu, 2),
    "quantized::elu": _of(F.elu, 1),
    "quantized::celu": _of(F.celu, 1),
    "quantized::prelu": _of(F.prelu, 2),
    "quantized::softmax": _of(torch.softmax, 2),
    "quantized::dropout": _of(_same, 1),
    **dict.fromkeys(["quantized::embedding_byte", "quantized::embedding_4bit"], _embedding),
    **dict.fromkeys(["quantized::embedding_bag_byte", "quantized::embedding_bag_4bit"], _bag),
    "aten::quantized_lstm": _recurrent(torch.lstm),
    "aten::quantized_gru": _recurrent(torch.gru),
    "quantized::quantized_lstm_cell_dynamic": _cell(torch.lstm_cell),
    "quantized::quantized_gru_cell_dynamic": _cell(torch.gru_cell),
    "quantized::quantized_rnn_relu_cell_dynamic": _cell(torch.rnn_relu_cell),
    "quantized::quantized_rnn_tanh_cell_dynamic": _cell(torch.rnn_tanh_cell),
    **dict.fromkeys(
        ["quantize_per_tensor", "quantize_per_channel", "quantize_per_tensor_dynamic"], _quantise
    ),
    "dequantize": _dequantise,
    **{
        f"quantized_decomposed::{act}_per_{per}": twin
        for act, twin in {"quantize": _quantise, "dequantize": _dequantise}.items()
        for per in ("tensor", "channel", "token", "channel_group")
    },
    "int_repr": _whole,
    "q_scale": lambda recorder, x: 1.0,
    "q_zero_point": lambda recorder, x: 0,
    "qscheme": lambda recorder, x: torch.per_tensor_affine,
}
"""The rules by the operator's qualified name, or by the name of torch's function."""
