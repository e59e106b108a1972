"""torch's compiler, which a trace does not import, is told what it must not do where a network
imports it."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest
import torch
from torch import nn

from flopscope.tracing import trace
from flopscope.tracing.uncompiled import COMPILER, uncompiled

PROGRAM = """
import sys
import torch
from torch import nn
from flopscope.tracing import derive, trace
from flopscope.tracing.loading.targets import load

COMPILER = "torch._dynamo"


def scaled(x):
    return (2 * x).relu() + x


class Net(nn.Module):
    def __init__(self, width=4, early=False):
        super().__init__()
        self.linear = nn.Linear(8, width)
        if early:
            torch.compile(scaled)(torch.ones(width))

    def forward(self, x):
        return torch.compile(scaled)(self.linear(x))


class Plain(Net):
    def forward(self, x):
        return scaled(self.linear(x))


def rows(module):
    return trace(module, (2, 8)).ledger.rows


expected = rows(Plain())
finders = list(sys.meta_path)
assert COMPILER not in sys.modules
{then}
assert COMPILER in sys.modules
assert sys.meta_path == finders
from torch._dynamo import eval_frame
assert eval_frame._stance.stance == "default"
assert type(sys.modules[COMPILER].__loader__).__name__ == "SourceFileLoader"
assert "exec_module" not in vars(sys.modules[COMPILER].__loader__)
"""


@pytest.mark.parametrize(
    "then",
    [
        pytest.param("assert rows(Net()) == expected == rows(Net())", id="in forward, twice"),
        pytest.param(
            "assert derive(Plain, {'early': True}, (2, 8)).ledger.rows == expected",
            id="in __init__",
        ),
    ],
)
def test_a_network_that_compiles_as_it_runs_is_traced_as_it_is_written(then: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("{then}", dedent(then))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_an_error_leaves_no_finder_and_no_stance() -> None:
    finders = list(sys.meta_path)

    class Fails(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise KeyError(x.shape[0])

    with pytest.raises(KeyError):
        trace(Fails(), (2, 8))
    assert sys.meta_path == finders


def test_one_inside_another_waits_for_the_compiler_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, COMPILER, raising=False)
    before = len(sys.meta_path)
    with uncompiled():
        with uncompiled():
            assert len(sys.meta_path) == before + 1
        assert len(sys.meta_path) == before + 1
    assert len(sys.meta_path) == before
