"""Products with sparse matrices: as many as entries are stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from flop_counter import counted
from torch import nn
from torch.nn import functional as F

from flopscope.answers.profile import profile
from flopscope.conventions import CONVENTIONS
from flopscope.costs import cost
from flopscope.errors import BadInput
from flopscope.facts import Kind
from flopscope.tracing import trace
from flopscope.tracing.inputs import Input

HERE = "tests/tracing/test_sparse.py"

EDGES = torch.tensor([[0, 1, 2, 2, 5], [1, 2, 0, 1, 5]])
ADJACENCY = torch.sparse_coo_tensor(EDGES, torch.ones(5), (6, 6), check_invariants=True)
"""Five entries."""


def multiplied(entries: Any, dense: Any) -> tuple[list[list[float]], int]:
    """The product entry by entry, and how many multiplications it took."""
    result, made = [[0.0] * len(dense[0]) for _ in range(6)], 0
    for (row, column), value in entries:
        for vector in range(len(dense[0])):
            result[row][vector] += value * dense[column][vector]
            made += 1
    return result, made


def test_each_entry_is_multiplied_once_a_vector() -> None:
    entries = [((int(r), int(c)), 1.0) for r, c in EDGES.t()]
    dense = torch.arange(24.0).reshape(6, 4)
    result, made = multiplied(entries, dense.tolist())
    assert torch.equal(torch.tensor(result), torch.sparse.mm(ADJACENCY, dense))

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("adjacency", ADJACENCY)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.sparse.mm(self.adjacency, x)

    ledger = trace(Net(), (6, 4)).ledger
    (row,) = ledger.rows
    assert (row.kind, row.inputs, row.output) == (Kind.SPARSE_MATMUL, ((6, 4),), (6, 4))
    assert ledger.macs().value == made == 20
    assert cost(row).acts == 2 * made  # each product is added into a zero
    assert (ledger.params().value, ledger.buffers().value) == (0, 5)
    assert ledger.activations().value == 24
    for name in set(CONVENTIONS) - {"macs", "all"}:
        assert not ledger.flops(name).complete, name


class Graph(nn.Module):
    """A graph convolution, whose matrix may be stored in several ways."""

    def __init__(self, adjacency: torch.Tensor, product: Callable[..., Any], kept: str) -> None:
        super().__init__()
        self.weight, self.product = nn.Parameter(torch.zeros(8, 4)), product
        if kept == "buffer":
            self.register_buffer("adjacency", adjacency)
        elif kept == "parameter":
            self.adjacency = nn.Parameter(adjacency)
        else:
            self.adjacency = adjacency

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.product(self.adjacency, x @ self.weight)


LEFT: dict[str, Callable[..., Any]] = {
    "sparse.mm": torch.sparse.mm,
    "@": lambda a, x: a @ x,
    "mm": torch.mm,
    "matmul": torch.matmul,
    "spmm": torch.spmm,
    "turned": lambda a, x: (x.t() @ a.t()).t(),
    "transposed twice": lambda a, x: a.t().transpose(0, 1) @ x,
    "scaled": lambda a, x: (a * 0.5) @ x,
    "coalesced": lambda a, x: a.coalesce().to(x.dtype).detach() @ x,
    "linear": lambda a, x: F.linear(x.t(), a).t(),
    "columns": lambda a, x: torch.stack([torch.mv(a, x[:, i]) for i in range(4)], 1),
    "added": lambda a, x: torch.sparse.addmm(x, a, x),
    "scaled and added": lambda a, x: torch.addmm(x, a, x, beta=0.5, alpha=2),
}


@pytest.mark.parametrize("kept", ["buffer", "parameter", "attribute"])
@pytest.mark.parametrize("layout", ["coo", "csr"])
@pytest.mark.parametrize("how", LEFT)
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support is in beta")
def test_a_product_counts_its_entries_however_it_is_written(
    how: str, layout: str, kept: str
) -> None:
    adjacency = ADJACENCY if layout == "coo" else ADJACENCY.to_sparse_csr()
    net = Graph(adjacency, LEFT[how], kept)
    ledger = trace(net, (6, 8)).ledger
    assert ledger.macs().value == 6 * 8 * 4 + 5 * 4
    assert ledger.params().value == 8 * 4 + (5 if kept == "parameter" else 0)
    assert net.adjacency.layout == (torch.sparse_coo if layout == "coo" else torch.sparse_csr)


def test_a_matrix_made_of_free_edges() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(8, 4, bias=False)

        def forward(self, x: torch.Tensor, edges: torch.Tensor, weights: torch.Tensor) -> Any:
            nodes = x.shape[0]
            adjacency = torch.sparse_coo_tensor(edges, weights, (nodes, nodes))
            assert adjacency.is_sparse
            assert adjacency._nnz() == weights.shape[0]
            return adjacency @ self.layer(x)

    given = ("N", 8), Input((2, "E"), torch.int64), ("E",)
    assert str(trace(Net(), *given).ledger.macs().value) == "4·E + 32·N"
    given = (6, 8), Input((2, 10), torch.int64), (10,)
    assert trace(Net(), *given).ledger.macs().value == 4 * 10 + 32 * 6


def test_a_sparse_input_and_one_of_known_values() -> None:
    class Net(nn.Module):
        def forward(self, x: torch.Tensor, adjacency: torch.Tensor) -> Any:
            return adjacency @ x + torch.eye(6).to_sparse() @ x + adjacency.to_dense() @ x

    macs = trace(Net(), (6, 4), ADJACENCY).ledger.macs().value
    assert macs == 5 * 4 + 6 * 4 + 6 * 6 * 4
    assert counted(Net(), torch.zeros(6, 4), ADJACENCY) == 3 * 6 * 6 * 4  # torch counts all dense


def test_a_linear_layer_of_a_sparse_input() -> None:
    layer = nn.Linear(6, 4)
    assert trace(layer, ADJACENCY).ledger.macs().value == 5 * 4
    assert layer(ADJACENCY).shape == (6, 4)  # as torch runs it


def refused(function: Callable[..., Any]) -> tuple[str, str]:
    """The message of a network that runs the function, and its line."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("a", ADJACENCY)

        def forward(self, x: torch.Tensor) -> Any:
            return function(self.a, x)

    with pytest.raises(BadInput) as caught:
        trace(Net(), (6, 6))
    return str(caught.value), f"{HERE}:{function.__code__.co_firstlineno}"


def test_what_is_not_known_of_sparse_tensors_is_refused() -> None:
    message, line = refused(lambda a, x: a.sum() * x)
    assert message == (
        f"sum of a sparse tensor at {line} is not known; products with dense matrices, sums with "
        "them and multiplications by numbers are"
    )
    message, line = refused(lambda a, x: torch.sparse.mm(a, a) @ x)
    assert message == (
        f"a product of two sparse matrices at {line} depends on which of their entries meet; make "
        "one of them dense"
    )
    message, line = refused(lambda a, x: x.to_sparse() @ x)
    assert message == (
        f"the tensor made sparse at {line} has as many entries as its values say, which a trace "
        "does not have; store it sparse, or make it of indices and values"
    )
    message, line = refused(lambda a, x: torch.sparse_coo_tensor(x[:2].long(), x[0]) @ x)
    assert message == (
        f"the size of the sparse tensor made at {line} depends on its indices; give its size"
    )


def test_sizes_that_do_not_fit_raise() -> None:
    with pytest.raises(RuntimeError) as caught:
        trace(Graph(ADJACENCY, torch.mm, "buffer"), ("N", 8), example={"N": 7})
    assert str(caught.value) == "mat1 and mat2 shapes cannot be multiplied (6×6 and N×4)"
    ledger = trace(Graph(ADJACENCY, torch.mm, "buffer"), ("N", 8), example={"N": 6}).ledger
    assert [str(c) for c in ledger.conditions] == ["N = 6"]


def test_a_constructor_that_makes_a_matrix_sparse(tmp_path: Path) -> None:
    """It cannot be made of shapes, and is made of numbers."""
    file = tmp_path / "graphs.py"
    file.write_text(
        "import torch\nfrom torch import nn\nclass Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.layer = nn.Linear(8, 4, bias=False)\n"
        "        self.register_buffer('a', torch.eye(6, device='cpu').to_sparse())\n"
        "    def forward(self, x):\n        return torch.sparse.mm(self.a, self.layer(x))\n"
    )
    profiled = profile(f"{file}:Net", ["6,8"])
    assert profiled.ledger.macs().value == 6 * 8 * 4 + 6 * 4
