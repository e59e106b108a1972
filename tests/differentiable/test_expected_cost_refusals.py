"""What expected costs refuse, in one sentence each."""

import numpy as np
import pytest
import torch
from coupled_space import DEPTHS, chain

import flopscope as fs
from flopscope.analytic.operators import conv2d
from flopscope.analytic.tape import record
from flopscope.differentiable.reading import cost_table
from flopscope.differentiable.tables import CostTable, Term
from flopscope.differentiable.torched import ExpectedCost
from flopscope.errors import BadInput, UnknownName

CHAIN = cost_table(chain, DEPTHS)
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
            lambda: cost_table(chain, DEPTHS | {"width": [[4], [6]]}),
            "the options of width are [[4], [6]]; an option is a number, a text or a tuple of them",
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
