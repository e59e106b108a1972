"""What runs a module in another way: no gradients inside, several devices, compiled, scripted; and
lazy modules."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import torch
from flop_counter import counted, macs
from torch import nn
from torch.nn import functional as F
from torch.nn.parameter import UninitializedParameter

from flopscope.errors import BadInput
from flopscope.tracing import trace

HERE = "tests/tracing/test_wrappers.py"


class Net(nn.Module):
    """A convolution, a norm, attention and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, bias=False)
        self.norm = nn.RMSNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.fc = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.norm(self.conv(x).flatten(2).transpose(1, 2))
        return self.fc(self.attention(tokens, tokens, tokens)[0].mean(1))


# --- gradients inside ---------------------------------------------------------------------------


class Inside(Net):
    """The same network, run in a context of its own."""

    def __init__(self, context: Callable[[], Any]) -> None:
        super().__init__()
        self.context = context

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with self.context():
            return super().forward(x)


CONTEXTS: dict[str, Callable[[], Any]] = {
    "inference mode": torch.inference_mode,
    "no inference mode": lambda: torch.inference_mode(False),
    "no gradients": torch.no_grad,
    "gradients": torch.enable_grad,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
}


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_context_inside_changes_no_row(context: str) -> None:
    plain, inside = Net(), Inside(CONTEXTS[context])
    inside.load_state_dict(plain.state_dict())
    for shape in ((2, 3, 7, 6), ("B", 3, "H", "W")):
        expected = [row._replace(types=()) for row in trace(plain, shape).ledger]
        assert [row._replace(types=()) for row in trace(inside, shape).ledger] == expected


def test_inference_mode_as_a_decorator_counts_what_torch_counts() -> None:
    class Decorated(Net):
        forward = torch.inference_mode()(Net.forward)

    x = torch.zeros(2, 3, 7, 6)
    assert macs(Decorated(), x) == counted(Net(), x)
    with torch.inference_mode():
        assert macs(Decorated(), x) == counted(Net(), x)
    assert not torch.is_inference_mode_enabled()


def test_recurrent_layers_run_where_gradients_are_enabled() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(8, 6, batch_first=True)

        def forward(self, x: torch.Tensor) -> Any:
            with torch.enable_grad():
                return self.lstm(x)[0]

    assert macs(Recurrent(), (2, 5, 8)) == 2 * 5 * 4 * 6 * (8 + 6)


def test_cells_count_as_one_step_of_their_layers() -> None:
    class Cells(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru, self.lstm, self.rnn = nn.GRUCell(8, 5), nn.LSTMCell(5, 3), nn.RNNCell(3, 2)

        def forward(self, x: torch.Tensor) -> Any:
            return self.rnn(self.lstm(self.gru(x))[0])

    x = torch.zeros(7, 8)
    a_row = 3 * 5 * (8 + 5) + 4 * 3 * (5 + 3) + 2 * (3 + 2)
    assert macs(Cells(), x) == counted(Cells(), x) == 7 * a_row
    traced = trace(Cells(), ("B", 8))
    assert (str(traced.ledger.macs().value), traced.fixed) == (f"{a_row}·B", ())
    wrong = Cells()
    wrong.gru = nn.GRUCell(9, 5)
    with pytest.raises(RuntimeError):
        trace(wrong, ("B", 8))


# --- wrappers -----------------------------------------------------------------------------------


class Parts(nn.Module):
    """A network whose one part is wrapped."""

    def __init__(self, wrap: Callable[[nn.Module], nn.Module]) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(8, 8, bias=False), wrap(nn.Linear(8, 4, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.b(self.a(x))


def distributed(module: nn.Module) -> nn.Module:
    """As DistributedDataParallel holds it, without a group of processes."""
    wrapper = nn.parallel.DistributedDataParallel.__new__(nn.parallel.DistributedDataParallel)
    nn.Module.__init__(wrapper)
    wrapper.module = module
    return wrapper


def spread(module: nn.Module) -> nn.Module:
    """As DataParallel is where there are devices."""
    wrapper = nn.DataParallel(module)
    wrapper.device_ids = [0, 1]
    return wrapper


WRAPPERS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "DataParallel": nn.DataParallel,
    "spread": spread,
    "distributed": distributed,
    "compiled": torch.compile,
    "compiled and spread": lambda module: spread(torch.compile(module)),  # type: ignore[arg-type]
    "averaged": torch.optim.swa_utils.AveragedModel,
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_a_wrapper_runs_what_it_wraps(wrapper: str) -> None:
    wrap = WRAPPERS[wrapper]
    for module, cost in ((wrap(nn.Linear(8, 4, bias=False)), 32), (Parts(wrap), 96)):
        whole = trace(module, (2, 8)).ledger
        assert (whole.macs().value, whole.params().value) == (2 * cost, cost)
        assert str(trace(module, ("B", 8)).ledger.macs().value) == f"{cost}·B"


def test_a_wrapped_network_has_the_paths_of_the_network() -> None:
    rows = trace(nn.DataParallel(Parts(nn.DataParallel)), (2, 8)).ledger.rows
    assert [row.path for row in rows] == ["a", "b.module"]


# --- scripted functions -------------------------------------------------------------------------


with warnings.catch_warnings():
    warnings.simplefilter("ignore")

    @torch.jit.script
    def halved(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        n = x.size(0)
        return x.view(n * 2, -1) @ weight

    @torch.jit.script
    def through(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return halved(x, weight) + x.size(0)

    exemplary = torch.jit.trace(
        lambda x, weight: x.view(x.size(0) * 2, -1) @ weight, (torch.zeros(2, 8), torch.zeros(4, 1))
    )


class Scripted(nn.Module):
    def __init__(self, function: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.function, self.weight = function, nn.Parameter(torch.zeros(4, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x, self.weight)


@pytest.mark.parametrize("function", [halved, through])
def test_a_scripted_function_runs_as_it_is_written(function: Any) -> None:
    assert macs(Scripted(function), (3, 8)) == 3 * 2 * 4
    traced = trace(Scripted(function), ("B", 8))
    assert (str(traced.ledger.macs().value), traced.fixed) == ("8·B", ())


def test_a_function_that_was_traced_fixes_its_sizes_and_names_the_line() -> None:
    assert macs(Scripted(exemplary), (3, 8)) == 3 * 2 * 4
    traced = trace(Scripted(exemplary), ("B", 8), example={"B": 5})
    line = Scripted.forward.__code__.co_firstlineno + 1
    assert traced.ledger.macs().value == 5 * 2 * 4
    assert traced.fixed == (f"B = 5 at {HERE}:{line}",)


# --- lazy modules -------------------------------------------------------------------------------


class Lazy(nn.Module):
    def __init__(self, lazy: bool = True) -> None:
        super().__init__()
        self.conv = nn.LazyConv2d(8, 3) if lazy else nn.Conv2d(3, 8, 3)
        self.norm = nn.LazyBatchNorm2d() if lazy else nn.BatchNorm2d(8)
        self.up = (
            nn.LazyConvTranspose2d(4, 2, stride=2)
            if lazy
            else nn.ConvTranspose2d(8, 4, 2, stride=2)
        )
        self.fc = nn.LazyLinear(10) if lazy else nn.Linear(4 * 12 * 12, 10)
        self.register_buffer("order", torch.tensor([2, 0, 1]))
        self.cache: Any = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x[:, self.order.tolist()]
        self.cache = F.relu(self.norm(self.conv(x)))
        return self.fc(self.up(self.cache).flatten(1))


def test_lazy_layers_count_as_those_that_they_become() -> None:
    lazy, usual = trace(Lazy(), (2, 3, 8, 8)).ledger, trace(Lazy(lazy=False), (2, 3, 8, 8)).ledger
    assert lazy.rows == usual.rows
    assert lazy.params().value == sum(p.numel() for p in Lazy(lazy=False).parameters())
    assert lazy.macs().value == counted(Lazy(lazy=False), torch.zeros(2, 3, 8, 8))


def test_a_lazy_layer_takes_free_sizes_in() -> None:
    ledger = trace(Lazy(), ("B", 3, "H", "W")).ledger
    for height, width in ((8, 8), (5, 9)):
        module, x = Lazy(), torch.zeros(2, 3, height, width)
        module(x)
        sizes = {"B": 2, "H": height, "W": width}
        assert ledger.macs().formula.at(**sizes) == counted(module, x)
        params = sum(p.numel() for p in module.parameters())
        assert ledger.params().formula.at(**sizes) == params


def test_a_lazy_module_stays_uninitialised() -> None:
    module = Lazy()
    kinds = [type(part) for part in module.modules()]
    stored = dict(module.named_parameters())
    hooks = [list(part._forward_pre_hooks) for part in module.modules()]
    trace(module, (2, 3, 8, 8))
    trace(module, ("B", 3, "H", "W"))
    with pytest.raises(RuntimeError):
        trace(module, (2, 3))  # no map
    assert [type(part) for part in module.modules()] == kinds
    assert all(value is stored[name] for name, value in module.named_parameters())
    assert isinstance(module.conv.weight, UninitializedParameter)
    assert [list(part._forward_pre_hooks) for part in module.modules()] == hooks
    assert module.cache is None
    assert module(torch.zeros(1, 3, 6, 6)).shape == (1, 10)


def test_a_scripted_part_is_refused_by_name() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = Parts(lambda module: torch.jit.script(module))
    with pytest.raises(BadInput) as caught:
        trace(net, (2, 8))
    assert str(caught.value) == (
        "its part b is a scripted module, which runs outside Python; "
        "give the Python module that it was made from"
    )
    assert deepcopy(net.a)(torch.zeros(1, 8)).shape == (1, 8)
