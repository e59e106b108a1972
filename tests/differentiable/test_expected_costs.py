"""Expected costs against sums over all designs, and their gradients against differences and
autograd."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch

import flopscope as fs
from flopscope.analytic.digitnet import OPTIONS, digitnet_ledger
from flopscope.analytic.operators import conv2d
from flopscope.analytic.tape import record
from flopscope.differentiable.gap import gap
from flopscope.differentiable.reading import cost_table
from flopscope.differentiable.tables import CostTable, Term
from flopscope.differentiable.torched import ExpectedCost
from flopscope.errors import BadInput, UnknownName

DEPTHS = {"depth": (1, 2), "width": (4, 6, 12), "kernel1": (1, 3), "kernel2": (1, 5)}


def chain(choices):
    """Two blocks coupled by a width, of which the depth may leave the second out."""

    def network(x):
        with x.tape.scope("block1"):
            x = conv2d(x, choices["width"], choices["kernel1"])
        if choices["depth"] == 2:
            with x.tape.scope("block2"):
                x = conv2d(x, choices["width"], choices["kernel2"])
        with x.tape.scope("head"):
            return conv2d(x, 5, 1)

    return record(network, (1, 3, 8, 8))


CHAIN = cost_table(chain, DEPTHS)
DIGITS = cost_table(lambda choices: digitnet_ledger(choices, 28), OPTIONS)


def logits_of(table, seed=0):
    random = np.random.default_rng(seed)
    return {slot: random.normal(size=len(options)) for slot, options in table.options.items()}


def designs(table):
    """Every design with the places of its options."""
    sizes = [range(len(options)) for options in table.options.values()]
    for places in product(*sizes):
        options = table.options.items()
        yield {slot: o[i] for (slot, o), i in zip(options, places, strict=True)}, places


def test_the_expected_cost_is_the_sum_over_all_designs_exactly():
    p = {slot: [Fraction(2 * i + 1, len(o) ** 2) for i in range(len(o))]
         for slot, o in DEPTHS.items()}  # fmt: skip
    total = Fraction(0)
    for choices, places in designs(CHAIN):
        weight = Fraction(1)
        for values, place in zip(p.values(), places, strict=True):
            weight *= values[place]
        total += weight * int(chain(choices).macs())
    exact = CHAIN.mean({slot: np.array(values, dtype=object) for slot, values in p.items()})
    assert exact == total
    assert isinstance(exact, Fraction)
    assert CHAIN.designs == 24


def test_terms_couple_what_the_network_couples():
    assert [term.slots for term in CHAIN.terms] == [
        ("depth", "width", "kernel2"),
        ("width",),
        ("width", "kernel1"),
    ]
    assert [term.slots for term in DIGITS.terms] == [
        (),
        ("op1", "width1"),
        ("width1", "op2", "width2"),
        ("width2", "op3", "width3"),
        ("width3", "op4", "width4"),
        ("width4",),
    ]
    assert DIGITS.designs == 20_736


def test_neighbouring_widths_are_a_bilinear_form():
    """pᵀ·M·q, with M the MACs of a 3×3 convolution on 28×28."""
    widths = (16, 24, 32)

    def two(choices):
        return record(
            lambda x: conv2d(conv2d(x, choices["a"], 1, name="first"), choices["b"], 3),
            (1, 1, 28, 28),
        )

    table = cost_table(two, {"a": widths, "b": widths})
    p, q = np.array([0.2, 0.3, 0.5]), np.array([0.6, 0.1, 0.3])
    coupled = 9 * 28**2 * np.outer(widths, widths)
    alone = 28**2 * np.array(widths)
    assert table.mean({"a": p, "b": q}) == pytest.approx(p @ coupled @ q + p @ alone, rel=1e-14)


@pytest.mark.parametrize("table", [CHAIN, DIGITS], ids=["chain", "digits"])
def test_the_gradient_is_that_of_differences_and_of_autograd(table):
    logits = logits_of(table)
    gradient, step = table.gradient(logits), 1e-5
    for slot, values in logits.items():
        for place in range(len(values)):
            nudge = step * np.eye(len(values))[place]
            up, down = (table.expected(logits | {slot: values + s * nudge}) for s in (1, -1))
            assert gradient[slot][place] == pytest.approx((up - down) / 2 / step, rel=1e-5)
    tensors = {slot: torch.tensor(a, requires_grad=True) for slot, a in logits.items()}
    cost = table.torch()(tensors)
    cost.backward()
    assert cost.item() == pytest.approx(table.expected(logits), rel=1e-14)
    for slot, values in tensors.items():
        assert values.grad.numpy() == pytest.approx(gradient[slot], rel=1e-12, abs=1e-6)


def test_autograd_s_own_check_of_the_torch_form():
    cost = CHAIN.torch()
    slots = list(CHAIN.options)
    given = [torch.tensor(a / 3, requires_grad=True) for a in logits_of(CHAIN, 1).values()]
    assert torch.autograd.gradcheck(lambda *a: cost(dict(zip(slots, a, strict=True))) / 1e4, given)
    assert list(cost.parameters()) == []


def test_single_precision_logits_lose_nothing_of_the_tables():
    logits = {slot: torch.zeros(len(options)) for slot, options in DIGITS.options.items()}
    assert DIGITS.torch()(logits).item() == pytest.approx(DIGITS.uniform(), rel=1e-15)


def test_one_certain_design_costs_what_it_costs():
    choices = {slot: options[-1] for slot, options in OPTIONS.items()}
    sure = {slot: np.eye(len(options))[-1] for slot, options in OPTIONS.items()}
    macs = int(digitnet_ledger(choices, 28).macs())
    assert DIGITS.of(choices) == DIGITS.mean(sure) == macs
    assert DIGITS.most_likely(sure) == choices


def test_the_gap_of_mobilenetv2():
    """One width scales both sides of a layer, so that its cost is convex in it."""
    table = fs.expected_cost("mobilenetv2", {"width": [0.5, 1.0, 1.5]}, res=224)
    found = table.gap({"width": [1 / 3, 1 / 3, 1 / 3]})
    each = [int(fs.analyze(f"mobilenetv2:width={width}", 224).macs()) for width in (0.5, 1, 1.5)]
    assert found.expected == pytest.approx(sum(each) / 3, rel=1e-14)
    assert (found.at_mean, found.means["width"]) == (each[1], pytest.approx(1.0))
    assert str(found) == (
        "expected 356,912,939 MACs; at width 1: 300,774,272, so that the expected cost differs "
        "by +18.7%"
    )


def test_widths_that_are_chosen_apart_have_no_gap():
    """The cost is linear in each of them, and here every mean is a whole number."""
    p = {slot: np.full(len(options), 1 / len(options)) for slot, options in OPTIONS.items()}
    found = DIGITS.gap(p)
    assert found.means == {f"width{layer}": 16 for layer in range(1, 5)}
    assert found.share == pytest.approx(0, abs=1e-12)


def test_parameters_and_stored_tensors():
    table = cost_table(lambda c: digitnet_ledger(c, 28, shared=True), OPTIONS, "params")
    largest = {slot: max(o) if "width" in slot else "conv3" for slot, o in OPTIONS.items()}
    params = int(digitnet_ledger(largest, 28).params())
    assert table.of(largest) == params
    assert table.stored > params  # the separable operators are kept too


LOGITS = {slot: [0.0] * len(options) for slot, options in DEPTHS.items()}
ONE = CostTable({"op": ("big", "small")}, (Term(("op",), np.array([3, 1])),))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: cost_table(chain, {}),
            "options are {}; give the options of each slot, as in {'width': [0.5, 1.0]}",
        ),
        (
            lambda: cost_table(chain, DEPTHS | {"width": 4}),
            "the options of width are 4; give a list of at least one option",
        ),
        (
            lambda: cost_table(chain, DEPTHS | {"width": [4, 4]}),
            "the options of width are [4, 4]; give each of them once",
        ),
        (
            lambda: cost_table(chain, DEPTHS, "peak"),
            "peak does not add up over the parts of a network, so it has no table of costs; macs, "
            "params and activations have",
        ),
        (
            lambda: cost_table(lambda choices: 7, {"a": [1]}),
            "the function gives 7 for {'a': 1}; let it return a ledger, as fs.analyze and fs.trace "
            "do",
        ),
        (
            lambda: CHAIN.expected([0, 0]),
            "logits are [0, 0]; give numbers for each slot, as in {'depth': …}",
        ),
        (
            lambda: CHAIN.expected({"depth": [0, 0]}),
            "logits have nothing for width; give numbers for each slot",
        ),
        (
            lambda: CHAIN.expected(LOGITS | {"width": [0, 0]}),
            "width has 3 options and logits of shape (2,); give one number for each option",
        ),
        (
            lambda: CHAIN.expected(LOGITS | {"depth": [0, float("nan")]}),
            "logits of depth are [0.0, nan]; give finite numbers",
        ),
        (
            lambda: CHAIN.expected(LOGITS | {"depth": ["a", "b"]}),
            "logits of depth are ['a', 'b']; give finite numbers",
        ),
        (
            lambda: ONE.mean({"op": [0.5, 0.6]}),
            "the probabilities of op are [0.5, 0.6]; give numbers from 0 that sum to 1",
        ),
        (
            lambda: ONE.of({"op": "huge"}),
            "op cannot be 'huge'; it can be big, small",
        ),
        (
            lambda: ONE.gap({"op": [0.5, 0.5]}),
            "no slot of op has numbers for options, or the table was not read off ledgers; there "
            "is no design at the expected sizes",
        ),
        (
            lambda: CostTable({"op": ("big",)}, (Term(("op",), np.array([2**53])),)),
            "the largest design may cost 9,007,199,254,740,992 MACs, and doubles are exact below "
            "9,007,199,254,740,992 only; choose among smaller designs",
        ),
        (
            lambda: ExpectedCost(ONE)({}),
            "logits have nothing for op; give numbers for each slot",
        ),
        (
            lambda: ExpectedCost(ONE)({"op": torch.zeros(3)}),
            "op has 2 options and logits of shape (3,); give one number for each option",
        ),
        (
            lambda: fs.expected_cost(3, {"width": [1]}),
            "target 3 has no designs; give the name of a model whose options are to be chosen, or "
            "a function from a mapping of choices to a ledger",
        ),
        (
            lambda: fs.expected_cost(chain, DEPTHS, res=224),
            "res is the input of a catalogue model; a function that makes ledgers has its own",
        ),
    ],
)
def test_refusals(call, message):
    with pytest.raises(BadInput) as refused:
        call()
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: ONE.of({"ops": "big"}),
            "unknown slot 'ops'; did you mean op?",
        ),
        (
            lambda: ExpectedCost(ONE)({"op": torch.zeros(2), "ops": torch.zeros(2)}),
            "unknown slot 'ops'; did you mean op?",
        ),
    ],
)
def test_unknown_slots(call, message):
    with pytest.raises(UnknownName) as refused:
        call()
    assert str(refused.value) == message


def test_a_space_that_does_not_separate():
    """Parts that share a tensor store it once, so that their parameters do not add up."""

    def tied(choices):
        def network(x):
            shared = x.tape.stored("shared", (4, 4, 1, 1))
            for name in ("first", "second"):
                with x.tape.scope(name):
                    x = conv2d(x, 4, 1, filters=shared)
            return conv2d(x, choices["width"], 1, name="last")

        return record(network, (1, 4, 8, 8))

    with pytest.raises(BadInput) as refused:
        cost_table(tied, {"width": [1, 2]}, "params")
    assert str(refused.value) == (
        "the design {'width': 1} costs 20 params, and its parts 36: this space does not "
        "separate into terms, so that it has no expected cost in closed form"
    )
    assert cost_table(tied, {"width": [1, 2]}).of({"width": 1}) == int(tied({"width": 1}).macs())


def test_every_design_of_a_small_space_is_verified():
    """Single changes of random designs miss a width that seven switches together have; looking at
    all designs does not."""
    names = [f"switch{number}" for number in range(8)]

    def hidden(choices):
        rare = all(choices[name] for name in names)
        return record(lambda x: conv2d(x, 64 if rare else 8, 1), (1, 1, 1, 1))

    with pytest.raises(BadInput) as refused:
        cost_table(hidden, dict.fromkeys(names, (False, True)))
    assert str(refused.value).partition(" costs ")[2] == (
        "64 MACs, and its parts 8: this space does not separate into terms, so that it has no "
        "expected cost in closed form"
    )


def test_rows_that_depend_on_too_many_choices():
    options = {f"a{n}": tuple(range(1, 31)) for n in range(3)}

    def product_of_all(choices):
        width = choices["a0"] * choices["a1"] * choices["a2"]
        return record(lambda x: conv2d(x, width, 1), (1, 1, 1, 1))

    with pytest.raises(BadInput) as refused:
        cost_table(product_of_all, options)
    assert str(refused.value) == (
        "conv depends on a0, a1, a2 at once, which is 27,000 designs, and at most 20,000 are "
        "counted; give these slots fewer options, or the rows of each choice a path of their own"
    )


def test_the_gap_takes_whole_means_of_whole_options():
    table = cost_table(chain, DEPTHS | {"depth": (1,)})
    p = {"depth": [1], "width": [0.5, 0.5, 0], "kernel1": [1, 0], "kernel2": [1, 0]}
    assert gap(table, p).means["width"] == 5
