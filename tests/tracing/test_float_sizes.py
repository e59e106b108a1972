"""Modules that compute sizes with floats: their formula is what the module does, at every size of
its domain, and the domain that is printed is the one that is checked."""

from __future__ import annotations

import functools
import math
import math as other_name
import re
from fractions import Fraction
from functools import cache, partial
from math import ceil, isqrt, log2

import numpy as np
import pytest
import torch
from hypothesis import assume, given, reject
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from flopscope.domain import AtLeast, Multiple, Relation
from flopscope.errors import FlopscopeError, OutsideDomain
from flopscope.sizes import truncate
from flopscope.symbolic import doubles, symbol
from flopscope.tracing import derive, trace

B, C, H, W, T = (symbol(name) for name in "BCHWT")

TOKENS = (
    1,
    2,
    3,
    5,
    7,
    8,
    9,
    10,
    11,
    16,
    20,
    25,
    30,
    33,
    36,
    60,
    64,
    90,
    100,
    121,
    256,
    1000,
    1024,
)


def counted(module, *shape):
    """What the module does at numbers; None where it raises."""
    try:
        return trace(module, shape).ledger.macs().value
    except Exception:
        return None


def agrees(make, shape, sizes, least):
    """The formula's text; at all sizes its value is the module's own, at `least` many inside."""
    formula = trace(make(), shape).ledger.macs().formula
    inside: list[dict[str, int]] = []
    counts = []
    for size in sizes:
        values = {"B": 2, "H": size, "W": size + size // 3, "T": size}
        values = {name: values[name] for name in values if symbol(name) in shape}
        numbers = [values.get(str(axis), axis) for axis in shape]
        try:
            found = formula.at(**values)
        except OutsideDomain:
            continue
        inside.append(values)
        counts.append(found)
        assert found == counted(make(), *numbers), (size, formula.domain)
    assert len(inside) >= least, formula.domain
    for dtype in (np.int32, np.int64, object):
        columns = {name: np.array([v[name] for v in inside], dtype=dtype) for name in inside[0]}
        assert np.broadcast_to(formula.at(**columns), len(counts)).tolist() == counts
    return str(formula.expression), formula.domain


class Tokens(nn.Module):
    """Linear layers on the first tokens; `kept` says how many."""

    def __init__(self, *kept):
        super().__init__()
        self.kept, self.linear = kept, nn.Linear(4, 4, bias=False)

    def forward(self, x):
        return [self.linear(x[:, : kept(x.shape[1])]) for kept in self.kept]


CHAINS = [
    lambda t: int(t * 0.7),
    lambda t: int(0.7 * t),
    lambda t: int(int(t * 0.7) * 1.4),
    lambda t: int(t * 0.7 * 1.4) // 2,
    lambda t: int(t * 0.1 + 0.2) + 1,
    lambda t: round(t * 0.3) + 1,
    lambda t: round(t / 2),
    lambda t: round(t * 0.75, 1) // 1.5 + 1 and int(round(t * 0.75, 1) // 1.5),
    lambda t: math.floor(t * 0.29) + math.ceil(t * 0.29),
    lambda t: int(t // 2.5),
    lambda t: int(t // 0.3) // 4,
    lambda t: int(t % 2.3) + 1,
    lambda t: int(divmod(t, 0.7)[0]) // 3 + int(divmod(t, 3)[1]),
    lambda t: int(t / 3),
    lambda t: int(t / 7 * 3),
    lambda t: max(1, int(t * 0.3)),
    lambda t: int(min(t / 7, 1.5) * 2) + 1,
    lambda t: int((t - 1) * 0.7 - 2.5) + 4,
    lambda t: int(float(t) * 0.55),
    lambda t: int(-t * 0.7) + t,
    lambda t: int(t - t * 0.3),
]


@pytest.mark.parametrize("number", range(len(CHAINS)))
def test_tokens_that_are_kept(number):
    agrees(lambda: Tokens(CHAINS[number]), (B, T, 4), TOKENS, least=8)


FUNCTIONS = [
    lambda t: ceil(log2(t)) + 1,
    lambda t: int(math.log(t)) + int(math.log(t, 3)) + int(math.log2(t)) + int(math.log10(t)) + 1,
    lambda t: int(math.sqrt(t)),
    lambda t: int(t**0.5),
    lambda t: isqrt(t),
    lambda t: other_name.isqrt(t) + other_name.gcd(t, 12) // 12,
    lambda t: 2 ** int(math.log2(t)) // 2,
    lambda t: int(math.pow(t, 0.5)),
    lambda t: int(math.fabs(t * 0.7)),
    lambda t: int(math.fmod(t, 0.7)) + math.prod([t, 2]) // 3,
    lambda t: int(np.ceil(t / 3)),
    lambda t: int(np.floor(t * 0.7)),
    lambda t: int(np.sqrt(t)) + int(np.log2(t)),
    lambda t: int(np.round(t * 0.55)),
    lambda t: int(np.prod([t, 2]) * 0.15),
    lambda t: int(np.maximum(t * 0.7, 1.0)),
    lambda t: int(torch.sym_max(t * 0.7, 1.0)),
    lambda t: math.lcm(t, 6) // 6,
]


@pytest.mark.parametrize("number", range(len(FUNCTIONS)))
def test_functions_of_math_and_numpy(number):
    agrees(lambda: Tokens(FUNCTIONS[number]), (B, T, 4), TOKENS, least=6)


class Resize(nn.Module):
    def __init__(self, **how):
        super().__init__()
        self.how, self.conv = how, nn.Conv2d(3, 5, 1, bias=False)

    def forward(self, x):
        return self.conv(F.interpolate(x, **self.how))


SIDES = (1, 2, 3, 7, 10, 11, 20, 33, 44, 60, 88, 90, 100, 176)


@pytest.mark.parametrize(
    "how",
    [
        {"scale_factor": 0.7},
        {"scale_factor": 120 / 88},
        {"scale_factor": (0.5, 1.4)},
        {"scale_factor": 1.1, "mode": "bilinear", "recompute_scale_factor": True},
        {"scale_factor": 0.3, "mode": "area"},
        {"scale_factor": 0.9, "mode": "bicubic"},
        {"scale_factor": 2.0},
    ],
)
def test_a_scale_is_the_double_that_torch_multiplies_with(how):
    agrees(partial(Resize, **how), (1, 3, H, W), SIDES, least=8)


def test_upsampling_by_seven_tenths_and_back():
    down = trace(Resize(scale_factor=0.7), (1, 3, H, W)).ledger.macs().formula
    assert down.at(H=90, W=90) == 15 * 62**2  # 90 · 0.7 is 62.99999999999999
    back = trace(Resize(scale_factor=120 / 88), (1, 3, H, W)).ledger.macs().formula
    assert back.at(H=88, W=88) == 15 * 119**2
    assert down.domain == "H, W ≥ 2"


class Sided(nn.Module):
    """The shorter side to 600, the longer one to 1000 at most, as detectors resize."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        h, w = x.shape[-2:]
        scale = 600 / min(h, w)
        if scale * max(h, w) > 1000:
            scale = 1000 / max(h, w)
        return self.conv(F.interpolate(x, size=(int(h * scale), int(w * scale))))


def test_a_scale_from_the_sides():
    agrees(Sided, (1, 3, H, W), (224, 225, 299, 300, 333, 640, 641, 1000), least=5)


class Wide(nn.Module):
    def __init__(self, c, rule):
        super().__init__()
        self.linear = nn.Linear(c, rule(c), bias=False)

    def forward(self, x):
        return self.linear(x)


WIDTHS = [
    lambda c: int(c * 0.7),
    lambda c: round(c * 0.75),
    lambda c: int(c * 0.35 + 4) // 8 * 8 + 8,
    lambda c: ceil(c / 0.3),
    lambda c: int(c**0.5) + 1,
]


@pytest.mark.parametrize("number", range(len(WIDTHS)))
def test_widths_of_a_module_in_its_own_argument(number):
    rule = WIDTHS[number]
    found = derive(Wide, {"c": C, "rule": rule}, (B, C)).ledger.params().formula
    for c in (2, 10, 40, 41, 42, 60, 90, 100, 1000):
        assert found.at(C=c) == c * rule(c)
    assert "one of" not in found.domain


def test_forty_one_times_three_quarters():
    found = derive(Wide, {"c": C, "rule": WIDTHS[1]}, (B, C)).ledger.params().formula
    assert found.at(C=41) == 41 * 31 == 1271
    assert found.domain == "C ≥ 1"


# --- questions of floats ------------------------------------------------------------------------


class Asks(nn.Module):
    """Another number of layers by what is asked."""

    def __init__(self, question):
        super().__init__()
        self.question, self.linear = question, nn.Linear(4, 4)

    def forward(self, x):
        y = self.linear(x)
        return self.linear(y) if self.question(x.shape[1]) else y


QUESTIONS = [
    lambda t: max(((t - 1) // 2 + 1) / t, 1.0) > 1,
    lambda t: t / 8 > 4,
    lambda t: max(t / t, 1.0) == 1,
    lambda t: (t / 8).is_integer(),
    lambda t: (t / 3).is_integer(),
    lambda t: (t * 0.7).is_integer(),
    lambda t: t * 0.7 == int(t * 0.7),
    lambda t: math.sqrt(t) == isqrt(t),
    lambda t: t / 7 >= 1.5,
    lambda t: t * 0.1 > 0.3,
    lambda t: bool(t / 3),
    lambda t: min(t, 10.5) > 9.7,
    lambda t: t < float("inf"),
    lambda t: t**0.5 % 1 == 0,
    lambda t: int(t / 2) == t / 2,
]


SEVERAL = (0, 11)
"""Those that ask several things: max and min take one of two numbers first."""


@pytest.mark.parametrize("number", range(len(QUESTIONS)))
def test_each_branch_has_its_domain(number):
    question = QUESTIONS[number]
    real = cache(lambda size: counted(Asks(question), 1, size, 4))
    for example in (9, 16, 40):
        formula = trace(Asks(question), (B, T, 4), example={"T": example}).ledger.macs().formula
        taken = question(example)
        for size in TOKENS:
            try:
                found = formula.at(B=1, T=size)
            except OutsideDomain:
                other = bool(question(size)) is not bool(taken)
                assert other or number in SEVERAL, (size, formula.domain)
            else:
                assert found == real(size)
                assert bool(question(size)) is bool(taken)


def test_a_quotient_that_is_never_above_one_is_decided():
    asks = Asks(lambda t: max(((t - 1) // 2 + 1) / t, 1.0) > 1)
    assert trace(asks, (B, T, 4), example={"T": 9}).ledger.macs().formula.domain == (
        "B ≥ 1; T ≥ 2; T ≤ 2⁵¹"
    )
    assert trace(Asks(lambda t: max(t / t, 1.0) > 1), (B, T, 4)).ledger.conditions == ()


class Square(nn.Module):
    """Tokens as a square map again."""

    def __init__(self, root):
        super().__init__()
        self.root, self.conv, self.point = root, nn.Conv2d(3, 4, 4, 4), nn.Conv2d(4, 4, 1)

    def forward(self, x):
        tokens = self.conv(x).flatten(2)
        h = int(self.root(tokens.shape[2]))
        return self.point(tokens.reshape(x.shape[0], 4, h, tokens.shape[2] // h))


@pytest.mark.parametrize("root", [lambda t: math.sqrt(t), lambda t: t**0.5, lambda t: isqrt(t)])
def test_tokens_as_a_square_map(root):
    formula = trace(Square(root), (B, 3, H, W), example={"H": 64, "W": 64}).ledger.macs().formula
    for h, w in ((64, 64), (32, 32), (64, 16), (4, 4), (36, 4)):
        assert formula.at(B=1, H=h, W=w) == counted(Square(root), 1, 3, h, w), (h, w)
    with pytest.raises(OutsideDomain):
        formula.at(B=1, H=12, W=28)  # 21 tokens are no 4 rows
    assert counted(Square(root), 1, 3, 12, 28) is None


class Halved(nn.Module):
    """A map that forgets its height and finds it again: a size over a size over a size."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, stride=2, padding=1)

    def forward(self, x):
        b, c = x.shape[:2]
        for _ in range(2):
            x = self.conv(x)
            tokens = x.shape[2] * x.shape[3]
            side = 98 // x.shape[2]
            x = x.reshape(b, c, tokens // side, tokens // (tokens // side))
        return x


def test_nested_floors_in_a_denominator():
    formula = trace(Halved(), (B, 4, H, W), example={"H": 28, "W": 14}).ledger.macs().formula
    assert formula.at(B=1, H=28, W=14) == counted(Halved(), 1, 4, 28, 14)
    assert "⌊" in formula.text()
    inside = 0
    for h in range(1, 64, 3):
        for w in (7, 14, 28):
            try:
                found = formula.at(B=1, H=h, W=w)
            except OutsideDomain:
                continue
            assert found == counted(Halved(), 1, 4, h, w)
            inside += 1
    assert inside > 5


# --- tensors of positions -----------------------------------------------------------------------


class Positions(nn.Module):
    def __init__(self, made):
        super().__init__()
        self.made, self.linear = made, nn.Linear(1, 4)

    def forward(self, x):
        return self.linear(self.made(x.shape[1])[None, :, None].to(x.dtype)) + x[:, :1]


RANGES = [
    lambda t: torch.arange(t, -1, -1.0),
    lambda t: torch.arange(0, 1, 1 / t),
    lambda t: torch.arange(0.5, t, 0.7),
    lambda t: torch.arange(t * 0.3 + 1),
    lambda t: torch.arange(0, t * 0.7 + 1, dtype=torch.int64),
    lambda t: torch.linspace(0, t - 1.0, t),
    lambda t: torch.linspace(-1, 1, steps=t, dtype=torch.float64),
    lambda t: torch.full((t,), t**-0.5),
]


@pytest.mark.parametrize("number", range(len(RANGES)))
def test_ranges_of_floats_have_their_length(number):
    agrees(lambda: Positions(RANGES[number]), (B, T, 4), TOKENS, least=15)


# --- cached functions ---------------------------------------------------------------------------


@functools.lru_cache
def positions(length):
    return torch.arange(length)


class Cached(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    @functools.lru_cache(maxsize=8)  # noqa: B019
    def half(self, length):
        return torch.zeros(int(length * 0.7) + 1)

    @staticmethod
    @functools.cache
    def third(length, *, by=3):
        return length // by + 1

    @classmethod
    @functools.cache
    def quarter(cls, length):
        return length // 4 + 1

    def forward(self, x):
        length = x.shape[1]
        assert self.half(length) is self.half(length)
        kept = self.half(length).shape[0] + self.third(length, by=3) + self.quarter(length)
        return self.linear(x + positions(length)[None, :, None])[:, :kept]


def test_cached_functions_take_sizes_and_keep_nothing():
    positions.cache_clear()
    kept = positions(5)
    before = dict(vars(Cached)), positions
    agrees(Cached, (B, T, 4), TOKENS, least=15)
    assert (dict(vars(Cached)), positions) == before
    assert positions.cache_info().currsize == 1
    assert positions(5) is kept
    assert kept.device.type == "cpu"
    for function in (Cached.half, Cached.third, Cached.quarter):
        assert function.cache_info().currsize == 0
    assert Cached()(torch.zeros(1, 5, 4)).shape == (1, 5, 4)


def test_cached_functions_are_put_back_after_an_error():
    class Broken(Cached):
        def forward(self, x):
            self.third(x.shape[1])
            raise RuntimeError("broken")

    before = dict(vars(Cached))
    floor_division = torch.SymFloat.__floordiv__
    with pytest.raises(RuntimeError, match=r"^broken$"):
        trace(Broken(), (B, T, 4))
    assert dict(vars(Cached)) == before
    assert torch.SymFloat.__floordiv__ is floor_division
    assert not hasattr(torch.SymInt, "__divmod__")
    assert isqrt is math.isqrt
    assert np.sqrt is np.__dict__["sqrt"]


# --- what is printed ----------------------------------------------------------------------------

SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def holds_as_printed(text, values):
    """The condition as a person reads it: signs of arithmetic, powers, floors and ceilings."""
    text = re.sub(r"[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", lambda found: f"**{found[0].translate(SUPERSCRIPTS)}", text)
    for sign, code in (
        ("·", "*"), ("⌊", "math.floor("), ("⌈", "math.ceil("), ("⌋", ")"), ("⌉", ")"),
        ("≤", "<="), ("≥", ">="), ("≠", "!="), (" = ", " == "),
    ):  # fmt: skip
        text = text.replace(sign, code)
    if " a multiple of " in text:
        value, divisor = text.split(" a multiple of ")
        text = f"({value}) % ({divisor}) == 0"
    elif text.endswith(" odd"):
        text = f"({text.removesuffix(' odd')}) % 2 == 1"
    names = {"math": math, "truncate": int, "sqrt": math.sqrt}
    return eval(text, names | {name: Fraction(value) for name, value in values.items()})


leaves = st.sampled_from((H, W, T, H, W, 1, 2, 3, 7))
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] + pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] - pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] * pair[1]),
        st.tuples(inner, st.integers(2, 6)).map(lambda pair: pair[0] // pair[1]),
        st.tuples(inner, leaves).map(lambda pair: pair[0] // pair[1]),
        st.tuples(inner, st.sampled_from((H, W, H * W, 3, 2 * T))).map(
            lambda pair: (
                Fraction(pair[0], pair[1])
                if isinstance(pair[0], int) and isinstance(pair[1], int)
                else pair[0] / pair[1]
            )
        ),
        st.tuples(inner, st.sampled_from((H * W, H + W, 2 * T))).map(
            lambda pair: (pair[0] * pair[1] + 1) // pair[1]
        ),
        st.tuples(inner, st.sampled_from((0.7, 1.4))).map(
            lambda pair: truncate(doubles.times(pair[0], pair[1]))
        ),
        inner.map(lambda size: truncate(doubles.sqrt(size * size))),
    ),
    max_leaves=6,
)


def _condition(kind, size, other, equality, negated):
    if kind == "multiple":
        return Multiple(size, other if other != 0 else 2, "size")
    if kind == "at least":
        return AtLeast(size, 2, "size")
    if kind == "compared":
        return Relation(doubles.order(size, doubles.times(H, 0.7)), equality, negated)
    return Relation(size - other, equality, negated)


@given(
    st.sampled_from(("multiple", "at least", "compared", "difference")),
    trees,
    leaves,
    st.booleans(),
    st.booleans(),
    st.lists(st.tuples(*[st.integers(1, 40)] * 3), min_size=3, max_size=8),
)
def test_a_condition_is_the_one_that_is_printed(kind, size, other, equality, negated, points):
    try:
        condition = _condition(kind, size, other, equality, negated)
    except (FlopscopeError, TypeError, ZeroDivisionError):
        reject()
    assume(condition.symbols())
    for numbers in points:
        values = dict(zip("HWT", numbers, strict=True))
        try:
            as_printed = holds_as_printed(str(condition), values)
        except ZeroDivisionError:
            as_printed = False
        assert (condition.at(values).broken() is False) == as_printed, str(condition)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (Relation(H // (2 * W) - 1, equality=False), "⌊H/(2·W)⌋ ≥ 1"),
        (Relation((H + 1) // (H * W), equality=True), "⌊(H + 1)/(H·W)⌋ = 0"),
        (Relation(H / W - 1, equality=False, negated=True), "H·W⁻¹ < 1"),
        (Relation(1 - H / W, equality=False, negated=True), "H·W⁻¹ > 1"),
        (Relation(H - 7, equality=False, negated=True), "H ≤ 6"),
        (Relation(doubles.order(H * 0.7, W), equality=False), "H·0.7 ≥ W"),
        (Relation(doubles.order(H * 0.7, W), equality=False, negated=True), "H·0.7 < W"),
        (Relation(-doubles.order(H * 0.7, W), equality=False), "H·0.7 ≤ W"),
        (Relation(doubles.order(3, H * 0.7), equality=False, negated=True), "H·0.7 > 3"),
        (Relation(doubles.order(H * 0.7, W), equality=True, negated=True), "H·0.7 ≠ W"),
        (Relation(2**53 - H, equality=False), "H ≤ 2⁵³"),
    ],
)
def test_texts_of_conditions(condition, text):
    assert str(condition) == text
