"""What is remembered of operators at plain sizes is what torch says of them, each time anew."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from flopscope.symbolic import symbol
from flopscope.tracing import trace
from flopscope.tracing.shapes.remembered import answer

ATEN = torch.ops.aten


def on_meta(*shape: int) -> Tensor:
    return torch.empty(shape, device="meta")


IMAGE = on_meta(2, 6, 5, 4)
TURNED = IMAGE.permute(0, 2, 3, 1)
LAST = IMAGE.to(memory_format=torch.channels_last)
SCALE = on_meta(6)

CALLS: tuple[tuple[Any, tuple[Any, ...]], ...] = (
    (ATEN.relu.default, (IMAGE,)),
    (ATEN.relu.default, (TURNED,)),
    (ATEN.gelu.default, (LAST,)),
    (ATEN.add.Tensor, (IMAGE, LAST)),
    (ATEN.mul.Tensor, (IMAGE, on_meta(6, 1, 1))),
    (ATEN.mean.dim, (IMAGE, [2, 3], True)),
    (ATEN.cat.default, ([IMAGE, LAST], 1)),
    (ATEN.clone.default, (TURNED,)),
    (ATEN.native_batch_norm.default, (LAST, SCALE, SCALE, SCALE, SCALE, False, 0.1, 1e-5)),
    (ATEN.max_pool2d_with_indices.default, (LAST, [2, 2])),
    (ATEN.unbind.int, (IMAGE,)),
    (ATEN.expand.default, (SCALE, [3, 6])),
)


def facts(result: Any) -> list[Any]:
    made = result if isinstance(result, tuple | list) else [result]
    return [(t.shape, t.stride(), t.dtype, t.device, t.storage_offset()) for t in made]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: str(call[0]))
def test_the_answer_is_torch_s_the_second_time_too(call: tuple[Any, tuple[Any, ...]]) -> None:
    function, args = call
    expected = function(*args)
    for _ in range(2):
        found = answer(function, args, {})
        assert type(found) is type(expected)
        assert facts(found) == facts(expected)


@pytest.mark.parametrize(
    ("number", "dtype"), [(1, torch.int64), (1.0, torch.float32), (True, torch.bool)]
)
def test_numbers_that_are_equal_are_not_the_same_argument(number: Any, dtype: torch.dtype) -> None:
    found = answer(ATEN.full.default, ([2], number), {"device": torch.device("meta")})
    assert found.dtype == dtype


def test_the_type_of_numbers_is_the_one_of_the_moment() -> None:
    def made() -> torch.dtype:
        found = answer(ATEN.full.default, ([3], 0.5), {"device": torch.device("meta")})
        return found.dtype  # type: ignore[no-any-return]

    assert made() == torch.float32
    torch.set_default_dtype(torch.float64)
    try:
        assert made() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def test_every_answer_lies_in_memory_of_its_own() -> None:
    a, b = (answer(ATEN.relu.default, (IMAGE,), {}) for _ in range(2))
    assert a.untyped_storage()._cdata != b.untyped_storage()._cdata


def test_a_view_lies_in_the_memory_of_what_it_shows() -> None:
    for _ in range(2):
        view = answer(ATEN.expand.default, (SCALE, [3, 6]), {})
        assert view.untyped_storage()._cdata == SCALE.untyped_storage()._cdata


def test_what_is_written_to_is_returned_itself() -> None:
    for x in (on_meta(3, 3), on_meta(3, 3)):
        assert answer(ATEN.hardtanh_.default, (x,), {}) is x


def test_what_changes_the_shape_of_its_tensor_does_so_each_time() -> None:
    for x in (on_meta(2, 3), on_meta(2, 3)):
        assert answer(ATEN.t_.default, (x,), {}) is x
        assert tuple(x.shape) == (3, 2)


def test_what_does_not_fit_is_refused_as_torch_refuses_it_each_time() -> None:
    args = (on_meta(2), on_meta(3))
    with pytest.raises(RuntimeError) as expected:
        ATEN.add.Tensor(*args)
    for _ in range(2):
        with pytest.raises(RuntimeError) as found:
            answer(ATEN.add.Tensor, args, {})
        assert str(found.value) == str(expected.value)


# --- with free sizes ----------------------------------------------------------------------------


class Calls(nn.Module):
    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


FREE = (symbol("B"), symbol("T"), 8)


class Ran(Exception):
    """Raised at the end of a run."""


def filled(x: Tensor) -> tuple[torch.dtype, ...]:
    length = x.shape[1]
    made = torch.zeros(length), torch.linspace(0, 1, length), torch.full((length,), 0.5)
    quotient = torch.arange(length) / 2
    return tuple(t.dtype for t in (*made, quotient))


@pytest.mark.parametrize("shape", [(2, 5, 8), FREE], ids=["numbers", "free"])
def test_a_network_may_change_the_type_of_numbers_as_it_runs(shape: Any) -> None:
    def forward(x: Tensor) -> Tensor:
        for dtype in (torch.float32, torch.float64, torch.float32):
            torch.set_default_dtype(dtype)
            assert filled(x) == (dtype,) * 4
        raise Ran

    with pytest.raises(Ran):
        trace(Calls(forward), shape)


def test_what_an_initialiser_asked_first_is_a_condition_all_the_same() -> None:
    """No count depends on first values, so what an initialiser asks is no condition by itself."""

    def stretched(x: Tensor) -> Tensor:
        return x + torch.zeros(1, 5, 1)

    def init_weights(x: Tensor) -> Tensor:
        return stretched(x)

    def forward(x: Tensor) -> Tensor:
        init_weights(x)
        return stretched(x)

    asked, unasked = (
        [str(condition) for condition in trace(Calls(f), FREE, example={"T": 5}).ledger.conditions]
        for f in (forward, init_weights)
    )
    assert asked == ["T = 5"]
    assert unasked == []
