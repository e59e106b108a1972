"""Expected costs against sums over all designs, and their gradients against differences and
autograd."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
from coupled_space import DEPTHS, chain

import flopscope as fs
from flopscope.analytic.digitnet import OPTIONS, digitnet_ledger
from flopscope.analytic.operators import conv2d
from flopscope.analytic.tape import record
from flopscope.differentiable.gap import gap
from flopscope.differentiable.reading import cost_table

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


@pytest.mark.parametrize("seed", range(5))
def test_tables_do_not_depend_on_the_designs_that_were_drawn(seed):
    def ledger_of(choices):
        return digitnet_ledger(choices, 8)

    first, other = (cost_table(ledger_of, OPTIONS, seed=s) for s in (0, seed + 1))
    assert [term.slots for term in first.terms] == [term.slots for term in other.terms]
    for ours, theirs in zip(first.terms, other.terms, strict=True):
        assert (ours.table == theirs.table).all()


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


def test_the_gap_takes_whole_means_of_whole_options():
    table = cost_table(chain, DEPTHS | {"depth": (1,)})
    p = {"depth": [1], "width": [0.5, 0.5, 0], "kernel1": [1, 0], "kernel2": [1, 0]}
    assert gap(table, p).means["width"] == 5
