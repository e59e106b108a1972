"""The rules of operators: products with what is added to them, and acts on elements, as loops."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import oracle
import pytest
import torch
from counting import Array, Scalar, Tally, counted, plain, tabulated
from loops import numbers
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations
from torch.utils.flop_counter import FlopCounterMode

from flopscope.costs import cost
from flopscope.facts import Kind
from flopscope.ledger import Ledger
from flopscope.tracing import trace
from flopscope.tracing.calls import Facts, OperatorCall
from flopscope.tracing.operators.matrices import MATRICES

Loop = Callable[..., Array]


class Calls(nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: Tensor) -> Any:
        return self.function(*tensors)


def ledger_of(function: Callable[..., Any], *tensors: Tensor) -> Ledger:
    return trace(Calls(function), *tensors).ledger


def agree(function: Callable[..., Tensor], loop: Loop, *tensors: Tensor) -> None:
    """The loop gives PyTorch's numbers, in the acts that the rows state together."""
    tally = Tally()
    result = loop(*(counted(t.numpy(), tally) for t in tensors))
    torch.testing.assert_close(torch.from_numpy(plain(result)), function(*tensors))
    ledger = ledger_of(function, *tensors)
    acts = [cost(row)._asdict() for row in ledger]
    assert {key: sum(act[key] for act in acts) for key in asdict(tally)} == asdict(tally)
    assert ledger.flops("all").complete


# --- products that are added to something ---------------------------------------------------------


def scaled(x: Array, by: float) -> Array:
    return x if by == 1 else tabulated(x.shape, lambda *at: x[at] * by)


def added(x: Array, y: Array) -> Array:
    """Broadcast, as torch does."""
    shape = np.broadcast_shapes(x.shape, y.shape)
    x, y = np.broadcast_to(x, shape), np.broadcast_to(y, shape)
    return tabulated(shape, lambda *at: x[at] + y[at])


def scaled_sum(product: Loop, beta: float, alpha: float) -> Loop:
    def loop(first: Array, a: Array, b: Array) -> Array:
        whole = scaled(product(a, b), alpha)
        return whole if beta == 0 else added(whole, scaled(first, beta))

    return loop


def by_vector(a: Array, b: Array) -> Array:
    return oracle.matmul(a, b[:, None])[:, 0]


def outer(a: Array, b: Array) -> Array:
    return tabulated((len(a), len(b)), lambda i, j: a[i] * b[j])


def summed(a: Array, b: Array) -> Array:
    whole, *others = oracle.matmul(a, b)
    for other in others:
        whole = added(whole, other)
    return whole


ADDED: dict[str, tuple[Callable[..., Tensor], Loop, tuple[tuple[int, ...], ...]]] = {
    "addmm": (torch.addmm, oracle.matmul, ((2, 4), (2, 3), (3, 4))),
    "addmm of a vector": (torch.addmm, oracle.matmul, ((4,), (2, 3), (3, 4))),
    "addmm of a column": (torch.addmm, oracle.matmul, ((2, 1), (2, 3), (3, 4))),
    "baddbmm": (torch.baddbmm, oracle.matmul, ((2, 3, 5), (2, 3, 4), (2, 4, 5))),
    "baddbmm of a matrix": (torch.baddbmm, oracle.matmul, ((3, 5), (2, 3, 4), (2, 4, 5))),
    "baddbmm of a vector": (torch.baddbmm, oracle.matmul, ((5,), (2, 3, 4), (2, 4, 5))),
    "addmv": (torch.addmv, by_vector, ((2,), (2, 3), (3,))),
    "addr": (torch.addr, outer, ((2, 3), (2,), (3,))),
    "addbmm": (torch.addbmm, summed, ((3, 5), (2, 3, 4), (2, 4, 5))),
}


@pytest.mark.parametrize(("beta", "alpha"), [(1, 1), (0, 1), (1, 0.125), (2, 1), (0.5, 3), (0, 2)])
@pytest.mark.parametrize("name", ADDED)
def test_a_scaled_product_is_added_to_something(name: str, beta: float, alpha: float) -> None:
    operator, product, shapes = ADDED[name]
    tensors = [numbers(*shape) for shape in shapes]
    agree(
        lambda *t: operator(*t, beta=beta, alpha=alpha),
        scaled_sum(product, beta, alpha),
        *tensors,
    )


@pytest.mark.parametrize("name", ADDED)
def test_it_is_the_same_at_free_sizes_and_in_place(name: str) -> None:
    operator, _, shapes = ADDED[name]
    letters = {2: "K", 3: "M", 4: "N", 5: "P"}
    free = trace(
        Calls(lambda *t: operator(*t, beta=2, alpha=3)),
        *(tuple(letters.get(n, n) for n in shape) for shape in shapes),
    ).ledger
    known = ledger_of(lambda *t: operator(*t, beta=2, alpha=3), *(numbers(*s) for s in shapes))
    sizes = {str(s): {v: k for k, v in letters.items()}[str(s)] for s in free.symbols()}
    assert free.at(**sizes).flops("all").value == known.flops("all").value
    assert free.at(**sizes).macs() == known.macs()
    if shapes[0] == tuple(operator(*(numbers(*s) for s in shapes)).shape):
        method = getattr(Tensor, f"{operator.__name__}_")
        placed = ledger_of(
            lambda x, *t: method(x * 1, *t, beta=2, alpha=3), *map(torch.zeros, shapes)
        )
        own = math.prod(shapes[0])
        assert placed.flops("all").value == known.flops("all").value + own


# --- other products -------------------------------------------------------------------------------


def dot(a: Array, b: Array) -> Array:
    return oracle.matmul(a[None], b[:, None])[0, 0:1].reshape(())


def bilinear(x: Array, y: Array, weight: Array, bias: Array) -> Array:
    """x·W for each output, then its dot product with y."""
    between = tabulated(
        (len(x), len(weight), y.shape[-1]),
        lambda b, o, j: oracle._dot(x[b], weight[o, :, j]),
    )
    return tabulated((len(x), len(weight)), lambda b, o: oracle._dot(between[b, o], y[b]) + bias[o])


def tensordot(a: Array, b: Array) -> Array:
    return oracle.matmul(a.reshape(2, -1), b.reshape(12, 5))


def kron(a: Array, b: Array) -> Array:
    (n, m), (k, j) = a.shape, b.shape
    return tabulated((n * k, m * j), lambda r, c: a[r // k, c // j] * b[r % k, c % j])


def weight_norm(v: Array, g: Array) -> Array:
    norms = oracle.reduction(v.reshape(len(v), -1), "euclidean norm")
    scales = [g[i, 0, 0] / norms[i] for i in range(len(v))]
    return tabulated(v.shape, lambda i, *at: v[(i, *at)] * scales[i])


def distances(x: Array, y: Array) -> Array:
    """Norms of differences."""

    def entry(b: int, i: int, j: int) -> Scalar:
        gaps = [p - q for p, q in zip(x[b, i], y[b, j], strict=True)]
        return oracle.REDUCTIONS["euclidean norm"](gaps)

    return tabulated((len(x), x.shape[1], y.shape[1]), entry)


PRODUCTS: dict[str, tuple[Callable[..., Tensor], Loop, tuple[tuple[int, ...], ...]]] = {
    "dot": (torch.dot, dot, ((5,), (5,))),
    "vdot": (torch.vdot, dot, ((5,), (5,))),
    "inner": (torch.inner, lambda a, b: oracle.matmul(a, b.T), ((3, 5), (4, 5))),
    "outer": (torch.outer, outer, ((3,), (5,))),
    "mv": (torch.mv, by_vector, ((3, 5), (5,))),
    "tensordot": (torch.tensordot, tensordot, ((2, 3, 4), (3, 4, 5))),
    "kron": (torch.kron, kron, ((2, 3), (4, 5))),
    "bilinear": (F.bilinear, bilinear, ((2, 3), (2, 4), (5, 3, 4), (5,))),
    "cdist": (torch.cdist, distances, ((2, 3, 4), (2, 5, 4))),
    "weight norm": (
        lambda v, g: torch._weight_norm(v, g, 0), weight_norm, ((4, 3, 2), (4, 1, 1))),
}  # fmt: skip


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_product(name: str) -> None:
    operator, loop, shapes = PRODUCTS[name]
    if name == "tensordot":
        agree(lambda a, b: torch.tensordot(a, b, 2), loop, *(numbers(*s) for s in shapes))
    else:
        agree(operator, loop, *(numbers(*s) for s in shapes))


def test_a_chain_of_matrices_is_multiplied_in_the_order_that_torch_takes() -> None:
    tensors = [torch.randn(s) for s in ((10, 100), (100, 5), (5, 50))]
    ledger = ledger_of(lambda *t: torch.linalg.multi_dot(t), *tensors)
    assert ledger.macs().value == 10 * 100 * 5 + 10 * 5 * 50
    with pytest.warns(UserWarning, match="chain_matmul is deprecated"):
        assert ledger_of(torch.chain_matmul, *tensors).macs() == ledger.macs()


def test_products_of_whole_numbers_count_as_others_do() -> None:
    a, b = (torch.zeros(s, dtype=torch.int64) for s in ((3, 4), (4, 5)))
    assert ledger_of(torch.matmul, a, b).macs().value == 60
    narrow = [x.to(torch.int8) for x in (a, b)]
    (row,) = ledger_of(
        torch._int_mm, *(torch.zeros(s, dtype=torch.int8) for s in ((32, 8), (8, 16)))
    )
    assert (cost(row).macs, row.types) == (32 * 8 * 16, ("int8", "int8", "int32"))
    assert ledger_of(torch.matmul, *narrow).macs().value == 60


def test_distances_of_many_points_are_one_product() -> None:
    """√(x² − 2·x·y + y²), as torch computes it for more than 25 of them: vectors of two more."""
    x, y = torch.randn(2, 30, 6), torch.randn(2, 40, 6)
    with FlopCounterMode(display=False) as counter:
        squares = [z.pow(2).sum(-1, keepdim=True) for z in (x, y)]
        longer = torch.cat([-2 * x, squares[0], torch.ones(2, 30, 1)], -1)
        other = torch.cat([y, torch.ones(2, 40, 1), squares[1]], -1)
        found = longer.matmul(other.mT).clamp_min(0).sqrt()
    torch.testing.assert_close(found, torch.cdist(x, y), rtol=1e-3, atol=1e-3)
    ledger = ledger_of(torch.cdist, x, y)
    assert ledger.flops("torch").value == counter.get_total_flops()
    # squares and their sums, the factor −2, the product, a bound and a root
    product = 2 * 2 * 30 * 40 * 8 - 2 * 30 * 40
    assert ledger.flops("all").value == 2 * 70 * 11 + 2 * 30 * 6 + product + 2 * 2 * 30 * 40


def test_distances_to_a_stored_code_book() -> None:
    class Codes(nn.Module):
        def __init__(self, *, first: bool) -> None:
            super().__init__()
            self.first = first
            self.codes = nn.Parameter(torch.zeros(40, 6))

        def forward(self, x: Tensor) -> Tensor:
            return torch.cdist(self.codes, x) if self.first else torch.cdist(x, self.codes)

    for first in (True, False):
        ledger = trace(Codes(first=first), (30, 6)).ledger
        assert (ledger.macs().value, ledger.params().value) == (30 * 40 * 8, 240)


@pytest.mark.parametrize(
    ("power", "acts"), [(1, 4 + 8 + 3), (2, 4 + 4 + 3 + 1), (math.inf, 4 + 8 + 3)]
)
def test_distances_in_other_norms(power: float, acts: int) -> None:
    """4 differences; their sizes (2 acts each) and the sum or largest of those, or their squares,
    the sum and its root."""
    points = torch.zeros(3, 4), torch.zeros(5, 4)
    ledger = ledger_of(lambda x, y: torch.cdist(x, y, p=power), *points)
    assert ledger.flops("all").value == 15 * acts
    assert str(ledger.macs()) == "0 MACs (macs)"


def test_distances_in_a_norm_without_a_rule_are_unknown_to_all_acts_alone() -> None:
    ledger = ledger_of(lambda x, y: torch.cdist(x, y, p=3), torch.zeros(3, 4), torch.zeros(5, 4))
    assert str(ledger.macs()) == "0 MACs (macs)"
    assert ledger.flops("all").missing == (":_cdist_forward",)


def facts(name: str, args: tuple[Any, ...], output: tuple[int, ...], **kwargs: Any) -> list[Facts]:
    found = MATRICES[name](OperatorCall(name, args, kwargs, torch.empty(output, device="meta")))
    assert found is not None
    return [found] if isinstance(found, Facts) else list(found)


GROUPED = {
    "rows": ((6, 4), (3, 4, 5), (6, 5), 6 * 4 * 5),
    "stacks": ((3, 2, 4), (3, 4, 5), (3, 2, 5), 3 * 2 * 4 * 5),
    "columns": ((3, 2, 4), (4, 6), (2, 6), 2 * 4 * 6),
    "inner sizes": ((2, 6), (6, 5), (3, 2, 5), 2 * 6 * 5),
}


@pytest.mark.parametrize("name", GROUPED)
def test_a_grouped_product_shares_out_its_sizes(name: str) -> None:
    """By a loop over groups of two each: as many multiplications, and additions but for one a
    dot product."""
    a, b, output, macs = GROUPED[name]
    tensors = [torch.empty(s, dtype=torch.bfloat16, device="meta") for s in (a, b)]
    offsets = None if name == "stacks" else torch.empty(3, dtype=torch.int32, device="meta")
    function = lambda x, y: torch._grouped_mm(x, y, offs=offsets)  # noqa: E731
    if name != "stacks":
        function = lambda x, y, o: torch._grouped_mm(x, y, offs=o)  # noqa: E731
        tensors.append(offsets)
    try:
        ledger = ledger_of(function, *tensors)
    except RuntimeError:  # sizes that its kernels do not align: the rule alone
        from flopscope.facts import Operator

        (fact,) = facts("_grouped_mm", tuple(tensors[:2]), output)
        row = Operator(fact.kind, "", (a, b), output, groups=fact.groups)
        ledger = Ledger((row,))
    assert ledger.macs().value == macs
    assert ledger.flops("all").value == 2 * macs - math.prod(output)


def test_scaled_products_of_narrow_numbers() -> None:
    """One scale each, multiplied once; or one a row and one a column; a bias is added."""
    x, w = (torch.empty(s, dtype=torch.float8_e4m3fn, device="meta") for s in ((32, 64), (64, 16)))
    one = torch.empty(1, device="meta")
    rows, columns = torch.empty(32, 1, device="meta"), torch.empty(1, 16, device="meta")
    bias = torch.empty(16, dtype=torch.bfloat16, device="meta")
    macs, out = 32 * 64 * 16, 32 * 16

    def scaled_by(*scales: Tensor, bias: Tensor | None = None) -> Ledger:
        rows = facts("_scaled_mm", (x, w, *scales, bias), (32, 16))
        kinds = [fact.kind for fact in rows]
        assert kinds.count(Kind.MATMUL) == 1
        traced = ledger_of(
            lambda a, b, s, t, c=None: torch._scaled_mm(
                a, b.t().contiguous().t(), s, t, bias=c, out_dtype=torch.bfloat16
            ),
            *(x, w, *scales, *([] if bias is None else [bias])),
        )
        return traced

    assert scaled_by(one, one).macs().value == macs
    assert scaled_by(one, one).flops("all").value == 2 * macs - out + 1 + out
    assert scaled_by(one, one, bias=bias).flops("all").value == 2 * macs - out + 1 + 2 * out
    assert scaled_by(rows, columns).flops("all").value == 2 * macs - out + 2 * out


def test_the_newer_form_of_scaled_products() -> None:
    """Scales of one level each, and one of two levels, which is not stated."""
    x, w = (torch.empty(s, dtype=torch.float8_e4m3fn, device="meta") for s in ((32, 64), (64, 16)))
    one, macs, out = torch.empty(1, device="meta"), 32 * 64 * 16, 32 * 16

    def scaled_by(*scales: Tensor, bias: Tensor | None = None) -> list[Facts]:
        args = (x, w, [*scales], [0], [0], [one], [0], [0], bias, torch.bfloat16)
        return facts("_scaled_mm_v2", args, (32, 16))

    assert [f.kind for f in scaled_by(one)] == [Kind.MULTIPLY, Kind.MATMUL, Kind.MULTIPLY]
    assert scaled_by(one, bias=one)[-1].kind is Kind.ADD
    assert [f.kind for f in scaled_by(one, one)] == [Kind.MATMUL, Kind.OTHER]
    tensor_wise = F.ScalingType.TensorWise
    ledger = ledger_of(
        lambda a, b, s: F.scaled_mm(
            a, b.t().contiguous().t(), s, tensor_wise, s, tensor_wise, output_dtype=torch.bfloat16
        ),
        *(x, w, one),
    )
    assert ledger.macs().value == macs
    assert ledger.flops("all").value == 2 * macs - out + 1 + out
    grouped = facts("_scaled_grouped_mm_v2", (x, w, [one], [0], [0], [one], [0], [0]), (32, 16))
    assert [f.kind for f in grouped] == [Kind.MATMUL, Kind.OTHER]
    assert len(grouped[1].inputs) == 2


def test_layers_that_arrive_as_a_whole() -> None:
    """As some modes and devices run them: the same rows."""

    def row(name: str, args: tuple[Any, ...], output: tuple[int, ...]) -> Facts:
        (found,) = facts(name, args, output)
        return found

    x, weight, bias = (torch.empty(s, device="meta") for s in ((2, 5, 3), (4, 3), (4,)))
    found = row("linear", (x, weight, bias), (2, 5, 4))
    assert (found.kind, found.seen_as) == (Kind.LINEAR, {id(weight): (3, 4)})
    maps, kernel = torch.empty(2, 4, 6, 6, 6, device="meta"), torch.empty(4, 1, 3, 3, 3)
    args = (maps, kernel, (3, 3, 3), None, (1, 1, 1), (0, 0, 0), (1, 1, 1))
    found = row("conv_depthwise3d", args, (2, 4, 4, 4, 4))
    assert (found.kind, found.groups, found.window.kernel) == (Kind.CONVOLUTION, 4, (3, 3, 3))


def test_a_product_with_a_matrix_of_bytes() -> None:
    x = torch.zeros(2, 8, dtype=torch.bfloat16)
    weight, scales = torch.zeros(4, 8, dtype=torch.int8), torch.zeros(4, dtype=torch.bfloat16)

    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("weight", weight)
            self.register_buffer("scales", scales)

        def forward(self, x: Tensor) -> Tensor:
            return torch._weight_int8pack_mm(x, self.weight, self.scales)

    ledger = trace(Layer(), x).ledger
    linear, _ = ledger.rows
    assert (linear.kind, linear.weights[0].shape) == (Kind.LINEAR, (4, 8))
    assert (ledger.macs().value, ledger.flops("all").value) == (64, 128 - 8 + 8)
    assert linear.weights[0].element == "int8"


# --- layers ---------------------------------------------------------------------------------------


def test_a_bilinear_layer_and_its_gradients() -> None:
    """To the weight: x by g, element by element, and that by y; as torch runs them."""
    layer = nn.Bilinear(3, 4, 5)
    ledger = trace(layer, (2, 7, 3), (2, 7, 4), backward=True).ledger
    forward, backward = (ledger.filter(lambda row, b=b: row.backward is b) for b in (False, True))
    assert forward.macs().value == 14 * 5 * (3 * 4 + 4)
    assert backward.macs().value == 14 * 5 * 3 * 4
    assert backward.flops("all").value == 14 * 3 * 5 + (2 * 14 - 1) * 60 + 13 * 5
    assert ledger.params().value == 65
    free = trace(layer, ("B", 3), ("B", 4)).ledger
    assert free.at(B=14).flops("all").value == forward.flops("all").value


def test_a_normalised_weight_leaves_the_products_exact() -> None:
    conv = parametrizations.weight_norm(nn.Conv1d(3, 8, 3, bias=False))
    ledger = trace(conv, (1, 3, 9)).ledger
    assert str(ledger.macs()) == "504 MACs (macs)"
    assert ledger.params().value == 72 + 8
    # 9 squares, 8 sums and a root a channel; its scale; the weight scaled
    assert ledger.flops("all").value == 8 * (9 + 8 + 1) + 8 + 72 + 2 * 504 - 56
    old = torch.nn.utils.weight_norm
    with pytest.warns(FutureWarning):
        hooked = old(nn.Conv1d(3, 8, 3, bias=False))
    assert trace(hooked, (1, 3, 9)).ledger.flops("all") == ledger.flops("all")


def test_a_spectrally_normalised_weight_is_two_products_by_vectors() -> None:
    conv = parametrizations.spectral_norm(nn.Conv1d(3, 8, 3, bias=False))
    ledger = trace(conv, (1, 3, 9)).ledger
    assert str(ledger.macs()) == f"{504 + 72 + 8} MACs (macs)"
    assert ledger.flops("all").complete


def test_a_stored_bias_of_scaled_scores_counts_among_the_parameters() -> None:
    class Scores(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(2, 7, 7))

        def forward(self, q: Tensor, k: Tensor) -> Tensor:
            return torch.baddbmm(self.bias, q, k.transpose(1, 2), beta=1.0, alpha=0.125)

    ledger = trace(Scores(), (2, 7, 8), (2, 7, 8)).ledger
    assert (str(ledger.macs()), ledger.params().value) == ("784 MACs (macs)", 98)


# --- element by element ---------------------------------------------------------------------------


def each(act: Callable[..., Scalar]) -> Loop:
    return lambda x, *others: tabulated(x.shape, lambda *at: act(x[at], *(y[at] for y in others)))


def elu(x: Scalar, before: float, scale: float) -> Scalar:
    """max(x, 0) + a·(exp(min(x, 0)·before) − 1), scaled."""
    low = x.smaller(0.0) if before == 1 else x.smaller(0.0) * before
    value = x.larger(0.0) + (low.through(math.exp) - 1.0) * 1.6732632423543772
    return value * scale


FUNCTIONS: dict[str, tuple[Callable[..., Tensor], Loop, int]] = {
    "selu": (F.selu, each(lambda x: elu(x, 1, 1.0507009873554805)), 1),
    "threshold": (lambda x: F.threshold(x, 0.0, 0.0), each(lambda x: x.larger(0.0)), 1),
    "softshrink": (
        lambda x: F.softshrink(x, 0.5), each(lambda x: x - x.larger(-0.5).smaller(0.5)), 1),
    "tanhshrink": (F.tanhshrink, each(lambda x: x - x.through(math.tanh)), 1),
    "fraction": (torch.frac, each(lambda x: x - x.rounded(math.trunc)), 1),
    "hypotenuse": (torch.hypot, each(lambda x, y: (x * x + y * y).through(math.sqrt)), 2),
    "fmax": (torch.fmax, each(lambda x, y: x.larger(y)), 2),
    "degrees": (torch.rad2deg, each(lambda x: x * (180 / math.pi)), 1),
    "alpha": (lambda x, y: torch.add(x, y, alpha=2.5), each(lambda x, y: x + y * 2.5), 2),
    "negative alpha": (lambda x, y: torch.sub(x, y, alpha=2.5), each(lambda x, y: x - y * 2.5), 2),
    "addcdiv": (
        lambda x, y, z: torch.addcdiv(x, y, z, value=2), each(lambda x, y, z: x + y / z * 2.0), 3),
    "addcmul": (
        lambda x, y, z: torch.addcmul(x, y, z), each(lambda x, y, z: x + y * z), 3),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_elements(name: str) -> None:
    function, loop, operands = FUNCTIONS[name]
    agree(function, loop, *(4 * numbers(3, 4) for _ in range(operands)))


def acts(function: Callable[..., Any], *shapes: tuple[int, ...]) -> int:
    ledger = ledger_of(function, *map(torch.zeros, shapes))
    assert ledger.flops("all").complete
    assert str(ledger.macs()) == "0 MACs (macs)"
    return int(ledger.flops("all"))


def test_acts_by_their_formulas() -> None:
    n, eight = 12, (3, 4)
    # max(x, 0), min(x, 0), exp, less 1, times a, their sum; and x/a before
    assert acts(lambda x: F.celu(x, 0.5), eight) == (6 + 1) * n
    assert acts(F.hardshrink, eight) == 2 * n
    assert acts(torch.logit, eight) == 3 * n  # 1 − x, a quotient, a logarithm
    assert acts(lambda x: torch.logit(x, 0.1), eight) == 5 * n  # between two bounds
    assert acts(torch.atan2, eight, eight) == n
    assert acts(torch.xlogy, eight, eight) == 2 * n
    for function in (torch.tan, torch.sinh, torch.acosh, torch.asin, torch.erfc):
        assert acts(function, eight) == n


def test_acts_of_sums_by_their_formulas() -> None:
    assert acts(lambda x: F.mse_loss(x, x), (3, 4)) == 12 + 12 + 11 + 1
    assert acts(lambda x: F.mse_loss(x, x, reduction="sum"), (3, 4)) == 12 + 12 + 11
    assert acts(lambda x: F.mse_loss(x, x, reduction="none"), (3, 4)) == 24
    assert acts(lambda x: F.l1_loss(x, x), (3, 4)) == 12 + 24 + 11 + 1
    assert acts(lambda x: x.cumprod(-1), (3, 4)) == 9
    assert acts(lambda x: x.cummax(-1)[0], (3, 4)) == 9
    assert acts(lambda x: torch.aminmax(x, dim=1)[0], (3, 4)) == 2 * 9
    assert acts(torch.count_nonzero, (3, 4)) == 12 + 11
    assert acts(lambda x: x.norm(1, -1), (3, 4)) == 3 * (2 * 4 + 3)
    assert acts(lambda x: torch.linalg.vector_norm(x, math.inf, -1), (3, 4)) == 3 * (2 * 4 + 3)
    assert acts(lambda x: torch.linalg.vector_norm(x, dim=-1), (3, 4)) == 3 * (4 + 3 + 1)
    assert acts(torch.dist, (3, 4), (3, 4)) == 12 + 12 + 11 + 1
    for reduce in ("sum", "prod", "amax", "amin"):
        index = torch.zeros(3, 4, dtype=torch.int64)
        call = lambda x, r=reduce, i=index: x.scatter_reduce(0, i, x, r)  # noqa: E731
        assert acts(call, (3, 4)) == 12
