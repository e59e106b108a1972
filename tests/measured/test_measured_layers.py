"""What the layers of a real module are seen to be: the same facts as the closed form's rows."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from witnesses import PROFILE, Calls, check, on_meta

from flopscope.agreement import agree
from flopscope.analytic import operators as op
from flopscope.analytic.tape import Feature, record
from flopscope.facts import Function, InputSpec, Kind, Operator, Weight, Window
from flopscope.measured import Measurement
from flopscope.measured.modules import FACTS, recording

Given = tuple[int, ...] | InputSpec


def facts(row: Operator) -> Operator:
    """The row without its names: path, keys of tensors, number, what it reads."""
    return row._replace(
        path="",
        weights=tuple(Weight("", weight.shape) for weight in row.weights),
        buffers=tuple(Weight("", buffer.shape) for buffer in row.buffers),
        reads=(),
        id=0,
    )


def assert_same_facts(
    build: Callable[[], nn.Module], closed: Callable[[Feature], Feature], taken: Given
) -> Measurement:
    measured = on_meta(build, taken)
    (row,) = record(closed, taken.shape if isinstance(taken, InputSpec) else taken).rows
    (layer,) = measured.rows
    assert facts(layer.operator) == facts(row)
    assert layer.note == ""
    return measured


LAYERS: list[tuple[Callable[[], nn.Module], Callable[[Feature], Feature], Given]] = [
    (lambda: nn.Linear(9, 4), lambda x: op.linear(x, 4), (16, 9)),
    (lambda: nn.Linear(9, 4, bias=False), lambda x: op.linear(x, 4, bias=False), (2, 5, 9)),
    (lambda: nn.BatchNorm1d(6), op.batch_norm, (2, 6)),
    (lambda: nn.BatchNorm2d(6), op.batch_norm, (2, 6, 5, 4)),
    (
        lambda: nn.BatchNorm2d(6, affine=False),
        lambda x: op.batch_norm(x, affine=False),
        (2, 6, 5, 4),
    ),
    (lambda: nn.LayerNorm(8), op.layer_norm, (2, 7, 8)),
    (
        lambda: nn.LayerNorm(8, elementwise_affine=False),
        lambda x: op.layer_norm(x, affine=False),
        (3, 8),
    ),
    (lambda: nn.RMSNorm(8), op.rms_norm, (2, 7, 8)),
    (
        lambda: nn.Embedding(11, 6),
        lambda x: op.embedding(x, 11, 6),
        InputSpec(None, (2, 7), "int64"),
    ),
    (lambda: nn.GroupNorm(3, 6), lambda x: op.group_norm(x, 3), (2, 6, 5, 4)),
    (nn.ReLU, lambda x: op.activation(x, Function.RELU), (2, 3, 4, 4)),
    (nn.ReLU6, lambda x: op.activation(x, Function.RELU6), (2, 3, 4, 4)),
    (nn.SiLU, lambda x: op.activation(x, Function.SILU), (2, 3, 4, 4)),
    (nn.GELU, lambda x: op.activation(x, Function.GELU), (2, 3)),
    (nn.Sigmoid, lambda x: op.activation(x, Function.SIGMOID), (2, 3)),
    (nn.Tanh, lambda x: op.activation(x, Function.TANH), (2, 3)),
    (nn.Hardsigmoid, lambda x: op.activation(x, Function.HARD_SIGMOID), (2, 3)),
    (nn.Hardswish, lambda x: op.activation(x, Function.HARD_SWISH), (2, 3)),
    (lambda: nn.Softmax(-1), op.softmax, (2, 3, 5)),
    (lambda: nn.Softmax(2), op.softmax, (2, 3, 5)),
    (
        lambda: nn.MaxPool2d((3, 2), padding=1),
        lambda x: op.max_pool2d(x, (3, 2), stride=(3, 2), padding=1),
        (1, 3, 9, 8),
    ),
    (
        lambda: nn.AvgPool2d(3, 2, 1),
        lambda x: op.avg_pool2d(x, 3, stride=2, padding=1),
        (1, 3, 9, 8),
    ),
    (
        lambda: nn.AvgPool2d(3, 1, 1, count_include_pad=False),
        lambda x: op.avg_pool2d(x, 3, stride=1, padding=1, include_padding=False),
        (1, 3, 9, 8),
    ),
    (
        lambda: nn.AvgPool2d(3, count_include_pad=False),
        lambda x: op.avg_pool2d(x, 3, stride=3),
        (1, 3, 9, 8),
    ),
    (lambda: nn.AdaptiveAvgPool2d(1), op.global_pool, (2, 3, 9, 8)),
    (lambda: nn.AdaptiveAvgPool2d((1, 1)), op.global_pool, (2, 3, 9, 8)),
    (
        lambda: nn.AdaptiveAvgPool2d((2, 5)),
        lambda x: op.adaptive_pool(x, (2, 5)),
        (2, 3, 9, 8),
    ),
    (lambda: nn.GELU("tanh"), lambda x: op.activation(x, Function.GELU_TANH), (2, 3)),
]


@pytest.mark.parametrize(("build", "closed", "taken"), LAYERS)
def test_layer_is_the_closed_forms_row(
    build: Callable[[], nn.Module], closed: Callable[[Feature], Feature], taken: Given
) -> None:
    assert_same_facts(build, closed, taken)


def test_every_layer_type_of_the_table_is_tested() -> None:
    drawn = {
        *(nn.Conv1d, nn.Conv2d, nn.Conv3d),
        *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
    }
    assert {type(build()) for build, _, _ in LAYERS} | drawn == set(FACTS)


@PROFILE
@given(st.data())
def test_convolution_of_any_window(data: st.DataObject) -> None:
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    kernel, stride, dilation = data.draw(pair), data.draw(pair), data.draw(pair)
    padding = data.draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    groups, bias = data.draw(st.integers(1, 3)), data.draw(st.booleans())
    channels, out = (groups * data.draw(st.integers(1, 3)) for _ in range(2))
    shape = (
        data.draw(st.integers(1, 2)),
        channels,
        *data.draw(st.tuples(*[st.integers(7, 12)] * 2)),
    )
    window = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    measured = assert_same_facts(
        lambda: nn.Conv2d(channels, out, kernel, bias=bias, **window),
        lambda x: op.conv2d(x, out, kernel, bias=bias, **window),
        shape,
    )
    ledger = record(lambda x: op.conv2d(x, out, kernel, bias=bias, **window), shape)
    assert ledger.macs().value == measured.fvcore.macs == measured.torch.macs
    assert ledger.activations().value == measured.activations == measured.torch.activations
    assert ledger.params().value == measured.params


@PROFILE
@given(st.data())
def test_transposed_convolution_of_any_window(data: st.DataObject) -> None:
    kernel, stride = data.draw(st.integers(1, 4)), data.draw(st.integers(2, 3))
    padding, extra = data.draw(st.integers(0, 1)), data.draw(st.integers(0, 1))
    groups, bias = data.draw(st.integers(1, 3)), data.draw(st.booleans())
    channels, out = (groups * data.draw(st.integers(1, 3)) for _ in range(2))
    shape = (2, channels, *data.draw(st.tuples(st.integers(3, 6), st.integers(3, 6))))
    window = {"stride": stride, "padding": padding, "output_padding": extra, "groups": groups}

    def closed(x: Feature) -> Feature:
        return op.conv_transpose2d(x, out, kernel, bias=bias, **window)

    measured = assert_same_facts(
        lambda: nn.ConvTranspose2d(channels, out, kernel, bias=bias, **window), closed, shape
    )
    assert record(closed, shape).macs().value == measured.fvcore.macs == measured.torch.macs


def test_a_sequence_has_a_window_of_one_axis() -> None:
    layer = on_meta(lambda: nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2), (2, 4, 9)).rows[0]
    assert layer.operator.window == Window((3,), (2,), (1,), (1,))
    assert [weight.shape for weight in layer.operator.weights] == [(6, 2, 3), (6,)]
    assert (layer.operator.inputs, layer.operator.output) == (((2, 4, 9),), (2, 6, 5))


class Twice(nn.Module):
    """Runs its block twice, then a layer that is registered before it."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.BatchNorm2d(3)
        self.block = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU())

    def forward(self, x: Tensor) -> Any:
        return self.last(self.block(self.block(x)))


def test_rows_are_calls_in_execution_order_with_their_modules_paths() -> None:
    rows = on_meta(Twice, (1, 3, 4, 4)).rows
    assert [row.operator.path for row in rows] == [
        "block.0",
        "block.1",
        "block.0",
        "block.1",
        "last",
    ]
    assert rows[0].operator.weights == (
        Weight("block.0.weight", (3, 3, 1, 1)),
        Weight("block.0.bias", (3,)),
    )
    assert rows[0].operator.weights == rows[2].operator.weights
    assert [row.type for row in rows[-2:]] == ["ReLU", "BatchNorm2d"]


def test_a_module_that_is_one_layer_has_the_empty_path() -> None:
    measured = on_meta(lambda: nn.Linear(4, 2), (3, 4))
    assert [row.operator.path for row in measured.rows] == [""]
    assert measured.fvcore.by_module == measured.torch.by_module == {"": 3 * 4 * 2}


def test_tied_weights_have_one_key_and_count_once() -> None:
    def network() -> nn.Module:
        first, second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
        second.weight = first.weight
        return nn.Sequential(first, second)

    measured = on_meta(network, (1, 4))
    assert measured.params == 16
    assert {weight.key for row in measured.rows for weight in row.operator.weights} == {"0.weight"}
    assert measured.fvcore.macs == measured.torch.macs == 2 * 16


def test_free_layers_leave_no_row() -> None:
    layers = [nn.Dropout(), nn.Identity(), nn.Sequential(), nn.Flatten()]
    measured = on_meta(lambda: nn.Sequential(*layers), (2, 3, 4, 4))
    assert measured.rows == ()
    assert measured.fvcore.skipped == measured.torch.skipped == ()


class Renamed(nn.Conv2d):
    """A convolution under another name."""


class Rewritten(nn.Conv2d):
    """Not what its base class is: it doubles its input first."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(torch.cat([x, x], dim=2))


class RewrittenInside(nn.Conv2d):
    """Replaces what Conv2d's forward calls."""

    def _conv_forward(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.conv2d(F.pad(x, (1, 1, 1, 1)), weight, bias)


def test_a_subclass_is_its_base_only_where_the_forward_is() -> None:
    kinds = [
        on_meta(lambda kind=kind: kind(3, 4, 3), (1, 3, 6, 6)).rows[0].operator.kind
        for kind in (Renamed, Rewritten, RewrittenInside)
    ]
    assert kinds == [Kind.CONVOLUTION, Kind.UNKNOWN, Kind.UNKNOWN]


@pytest.mark.parametrize(
    ("build", "shape", "note"),
    [
        (nn.Softplus, (2, 3), "a layer type without a rule"),
        (
            lambda: nn.AvgPool2d(2, divisor_override=3),
            (1, 3, 8, 8),
            "average pooling not divided by its window's area",
        ),
    ],
)
def test_what_the_facts_cannot_say_is_unknown_with_a_reason(
    build: Callable[[], nn.Module], shape: tuple[int, ...], note: str
) -> None:
    (row,) = on_meta(build, shape).rows
    assert (row.operator.kind, row.note) == (Kind.UNKNOWN, note)


def test_ceil_mode_is_noted_and_its_output_is_the_real_one() -> None:
    (row,) = on_meta(lambda: nn.MaxPool2d(2, ceil_mode=True), (1, 3, 5, 5)).rows
    assert (row.operator.output, row.note) == ((1, 3, 3, 3), "ceil mode")


def test_of_a_pooling_that_returns_its_indices_the_map_is_the_output() -> None:
    (row,) = on_meta(lambda: nn.MaxPool2d(2, return_indices=True), (1, 3, 6, 8)).rows
    assert row.operator.output == (1, 3, 3, 4)


def test_recording_takes_its_hooks_off_after_an_error_too() -> None:
    layer = nn.Linear(4, 2)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), recording(layer):
        layer(torch.zeros(1, 3))
    assert not layer._forward_hooks


# --- convolutions as functions --------------------------------------------------------------------

FUNCTIONAL: list[tuple[Any, tuple[int, ...], dict[str, Any], Any]] = [
    (F.conv2d, (6, 2, 3, 3), {"stride": 2, "padding": (1, 0), "groups": 2},
     lambda x: op.conv2d(x, 6, 3, stride=2, padding=(1, 0), groups=2)),
    (F.conv2d, (4, 4, 3, 3), {"padding": "same", "dilation": 2},
     lambda x: op.conv2d(x, 4, 3, dilation=2)),
    (F.conv2d, (4, 4, 2, 3), {"padding": "valid"}, lambda x: op.conv2d(x, 4, (2, 3), padding=0)),
    (F.conv_transpose2d, (4, 3, 2, 2), {"stride": 3, "output_padding": 1, "groups": 2},
     lambda x: op.conv_transpose2d(x, 6, 2, stride=3, output_padding=1, groups=2)),
]  # fmt: skip


@pytest.mark.parametrize(("function", "weight", "options", "closed"), FUNCTIONAL)
def test_a_convolution_called_as_a_function_has_a_row(
    function: Any, weight: tuple[int, ...], options: dict[str, Any], closed: Any
) -> None:
    """Beside a layer, under the path of the module that calls it."""

    def build() -> nn.Module:
        inner = Calls(lambda self, x: self.act(function(x, self.w, **options)), act=nn.ReLU())
        inner.w = nn.Parameter(torch.empty(weight))
        return Calls(lambda self, x: self.inner(x), inner=inner)

    shape = (2, 4, 7, 9)
    measured = on_meta(build, shape)
    row, layer = record(closed, shape).rows[0], measured.rows[0]
    assert facts(layer.operator) == facts(row)
    assert [(r.operator.path, r.type) for r in measured.rows] == [
        ("inner", function.__name__),
        ("inner.act", "ReLU"),
    ]
    assert layer.operator.weights[0].key == "inner.w"


def test_linear_layers_and_look_ups_called_as_functions_have_rows() -> None:
    """A matrix that is stored the other way round is the same layer."""

    def forward(self: Any, ids: Tensor) -> Tensor:
        x = F.embedding(ids, self.table)
        return F.linear(self.act(F.linear(x, self.w, self.b)), self.back.T)

    def build() -> nn.Module:
        module = Calls(forward, act=nn.ReLU())
        for name, shape in {"table": (9, 4), "w": (6, 4), "b": (6,), "back": (6, 2)}.items():
            module.register_parameter(name, nn.Parameter(torch.empty(shape)))
        return module

    def closed(ids: Feature) -> Feature:
        x = op.linear(op.embedding(ids, 9, 4), 6)
        return op.linear(op.activation(x, Function.RELU), 2, bias=False, name="back")

    measured = on_meta(build, InputSpec(None, (2, 5), "int64"))
    expected = record(closed, (2, 5)).rows
    assert [facts(row.operator) for row in measured.rows] == [facts(row) for row in expected]
    keys = [[weight.key for weight in row.operator.weights] for row in measured.rows]
    assert keys == [["table"], ["w", "b"], [], ["back"]]
    agreement = agree(record(closed, (2, 5)), measured)
    assert [str(difference) for difference in agreement.differences] == []
    assert agreement


def test_a_convolution_on_what_was_computed_has_a_weight_without_a_name() -> None:
    def build() -> nn.Module:
        return Calls(lambda self, x: F.conv2d(self.act(x), x[:3, :, :2, :2]), act=nn.ReLU())

    rows = on_meta(build, (4, 5, 6, 6)).rows
    assert [row.operator.weights for row in rows] == [(), (Weight("", (3, 5, 2, 2), learnt=False),)]


def test_the_rows_of_a_function_are_compared_by_what_its_module_does_itself() -> None:
    """Its children's work is taken off the counters' sums, that of a list of modules too."""

    def forward(self: Any, x: Tensor) -> Tensor:
        return F.conv2d(self.layers[0](x), self.w)

    def build(kernel: int = 1) -> nn.Module:
        layers = nn.ModuleList([nn.Conv2d(4, 4, 3, padding=1, bias=False)])
        module = Calls(forward, layers=layers)
        module.w = nn.Parameter(torch.empty(8, 4, kernel, kernel))
        return Calls(lambda self, x: self.inner(x), inner=module)

    def closed(x: Feature) -> Feature:
        return op.conv2d(op.conv2d(x, 4, 3, name="layer"), 8, 1, name="function")

    ledger = check(closed, build, (1, 4, 5, 5))
    wrong = agree(ledger, on_meta(lambda: build(2), (1, 4, 5, 5)))
    assert {row.path for row in wrong.rows if row.verdict.value == "differs"} == {"function"}
    assert [str(c) for c in wrong.rows[1].checks if c.verdict.value == "differs"][-1] == (
        "function: MACs: ledger 800, fvcore 2048, torch 2048"
    )
