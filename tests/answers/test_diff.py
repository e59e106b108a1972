"""Two networks matched row by row: every difference is told once, and all of them add up."""

from collections import Counter
from itertools import pairwise

import pytest
from graphs import export
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from flopscope.answers.alignment import aligned, facts
from flopscope.answers.changes import Change
from flopscope.answers.compare import compare
from flopscope.answers.diff import BY, Verdict, diff
from flopscope.answers.parts import counted_rows
from flopscope.conventions import CONVENTIONS
from flopscope.errors import BadInput, UnknownName
from flopscope.ledger import kind_name
from flopscope.tracing import trace

SIDE = 8


def block(inp, out, kernel=3, stride=1, act=nn.ReLU):
    conv = nn.Conv2d(inp, out, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out), act())


class Net(nn.Module):
    def __init__(self, widths=(4, 4, 4), act=nn.ReLU, kernel=3):
        super().__init__()
        self.stem = block(3, widths[0], kernel, 2)
        self.body = nn.Sequential(*[block(i, o) for i, o in pairwise(widths)])
        self.act = act()
        self.head = nn.Linear(widths[-1], 5)

    def forward(self, x):
        return self.head(self.act(self.body(self.stem(x))).mean((2, 3)))


def told(before, after, **more):
    return diff(before, after, res=SIDE, **more)


def listed(found):
    """What is said of each row that differs."""
    return [
        (pair.verdict.value, pair.path, *map(str, pair.changes))
        for pair in found.pairs
        if pair.verdict not in (Verdict.SAME, Verdict.RENAMED)
    ]


def differences(found):
    return [found.total(quantity) for quantity in found.quantities]


# --- what is said ---------------------------------------------------------------------------------


def test_equal_networks_are_the_same_row_by_row():
    found = told(Net(), Net())
    assert found.same
    assert found.verdicts == {Verdict.SAME: 12}
    assert differences(found) == [0, 0, 0]


def test_an_exchanged_activation_is_a_change_of_that_layer():
    assert listed(told(Net(), Net(act=nn.GELU))) == [("changed", "act", "operator relu → gelu")]


def test_a_kernel_and_what_it_costs():
    found = told(Net(), Net(kernel=5))
    (pair,) = [pair for pair in found.pairs if pair.verdict is Verdict.CHANGED]
    assert pair.changes == (
        Change("kernel", "3×3", "5×5"),
        Change("padding", "1×1", "2×2"),
    )
    weights = 4 * 3 * (25 - 9)
    params, macs, activations = (pair.difference(quantity) for quantity in found.quantities)
    assert (params, macs, activations) == (weights, weights * 4 * 4, 0)


def test_a_width_is_a_change_of_each_row_and_follows_where_it_costs_nothing():
    found = told(Net(), Net(widths=(6, 6, 6)))
    assert set(found.verdicts) == {Verdict.CHANGED}
    quiet = [p.path for p in found.pairs if p.follows and found.costs_nothing(p)]
    assert quiet == ["stem.2", "body.0.2", "body.1.2", "act", ""]
    assert ("changed", "body.0.0", "channels 4 → 6") in listed(found)
    assert ("changed", "head", "in 4 → 6") in listed(found)


def test_a_block_that_is_put_in_is_one_difference_although_all_after_it_are_renamed():
    before, after = Net(widths=(4, 6, 8, 8)), Net(widths=(4, 4, 6, 8, 8))
    found = told(before, after)
    assert listed(found) == [("added", f"body.0.{n}") for n in range(3)]
    assert found.verdicts[Verdict.RENAMED] == 9
    assert differences(found)[:2] == [4 * 4 * 9 + 2 * 4, 4 * 4 * 9 * 4 * 4]


def test_a_block_that_is_left_out_is_the_same_difference_backwards():
    before, after = Net(widths=(4, 6, 8, 8)), Net(widths=(4, 4, 6, 8, 8))
    forth, back = told(before, after), told(after, before)
    assert listed(back) == [("removed", f"body.0.{n}") for n in range(3)]
    assert differences(back) == [-value for value in differences(forth)]


class Ordered(nn.Module):
    """Normalises before or after its convolution."""

    def __init__(self, first):
        super().__init__()
        self.first, self.norm, self.conv = first, nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1)

    def forward(self, x):
        return self.conv(self.norm(x)) if self.first else self.norm(self.conv(x))


def test_a_row_at_another_place_has_moved():
    found = told(Ordered(first=True), Ordered(first=False))
    assert found.verdicts == {Verdict.SAME: 1, Verdict.MOVED: 1}
    assert not found.same
    assert differences(found) == [0, 0, 0]


class Tied(nn.Module):
    def __init__(self, tied):
        super().__init__()
        self.embed, self.head = nn.Embedding(10, 4), nn.Linear(4, 10, bias=False)
        if tied:
            self.head.weight = self.embed.weight

    def forward(self, ids):
        return self.head(self.embed(ids))


def test_a_weight_that_is_no_longer_shared_is_a_change_with_its_parameters():
    found = diff(Tied(tied=True), Tied(tied=False), inputs=["1,6:int64"])
    assert listed(found) == [("changed", "head", "weights shared → its own")]
    assert differences(found) == [40, 0, 0]


class Frozen(nn.Module):
    def __init__(self, frozen):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3).requires_grad_(not frozen)

    def forward(self, x):
        return self.conv(x)


def test_a_frozen_weight_is_a_change_without_cost():
    found = told(Frozen(frozen=False), Frozen(frozen=True))
    assert listed(found) == [("changed", "conv", "weights its own → its own, frozen")]


CHANGES = [
    (nn.Conv2d(3, 6, 3), nn.Conv2d(3, 6, 3, stride=2), ["output 6×6 → 3×3", "stride 1×1 → 2×2"]),
    (nn.Conv2d(3, 6, 3), nn.Conv2d(3, 6, 3, dilation=2),
     ["output 6×6 → 4×4", "dilation 1×1 → 2×2"]),
    (nn.Conv2d(3, 6, 3), nn.Conv2d(3, 6, 3, groups=3), ["groups 1 → each channel"]),
    (nn.Conv2d(3, 6, 1, bias=False), nn.Conv2d(3, 6, 1), ["bias none → 6"]),
    (nn.Conv2d(3, 6, 1), nn.Conv2d(3, 9, 1), ["out 6 → 9", "bias 6 → 9"]),
    (nn.BatchNorm2d(3), nn.BatchNorm2d(3, affine=False), ["weights its own → none"]),
    (nn.MaxPool2d(2), nn.MaxPool2d(2, 1), ["output 4×4 → 7×7", "stride 2×2 → 1×1"]),
    (nn.GroupNorm(1, 3), nn.GroupNorm(3, 3), ["groups 1 → 3"]),
    (nn.ReLU(), nn.GELU(), ["operator relu → gelu"]),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "said"), CHANGES, ids=lambda x: str(x)[:40])
def test_what_changed_of_one_layer(before, after, said):
    (pair,) = told(nn.Sequential(before), nn.Sequential(after)).pairs
    assert (pair.verdict, [str(change) for change in pair.changes]) == (Verdict.CHANGED, said)


# --- kinds of networks ----------------------------------------------------------------------------


def test_a_module_and_its_export_are_the_same(tmp_path):
    path = export(tmp_path / "net.onnx", Net(), (1, 3, SIDE, SIDE))
    found = diff(Net(), str(path), inputs=[f"1,3,{SIDE},{SIDE}"])
    assert found.same
    assert found.verdicts == {Verdict.RENAMED: 12}


def test_an_export_with_folded_norms_has_a_bias_for_each(tmp_path):
    path = export(tmp_path / "net.onnx", Net(), (1, 3, SIDE, SIDE), folded=True)
    found = diff(Net(), str(path), inputs=[f"1,3,{SIDE},{SIDE}"])
    assert found.verdicts == {Verdict.CHANGED: 3, Verdict.REMOVED: 3, Verdict.RENAMED: 6}
    assert differences(found) == [3 * (4 - 2 * 4), 0, 0]


def test_two_forms_of_a_model():
    found = diff("mobileclip_s0:form=train", "mobileclip_s0")
    entries = compare(["mobileclip_s0:form=train", "mobileclip_s0"]).entries
    first, second = (entry.ledger for entry in entries)
    assert found.total(found.quantities[0]) == int(second.params()) - int(first.params())
    assert found.verdicts[Verdict.ADDED] == 0
    assert found.verdicts[Verdict.SAME] > 250


def test_each_network_has_its_own_input_unless_one_is_given():
    own = diff("efficientnet_b0", "efficientnet_b1")
    assert (own.before.resolution, own.after.resolution) == ((224, 224), (240, 240))
    given_one = diff("efficientnet_b0", "efficientnet_b1", res=64)
    assert given_one.before.resolution == given_one.after.resolution == (64, 64)


class Unknown(nn.Module):
    def __init__(self, times, width):
        super().__init__()
        self.times, self.head = times, nn.Linear(SIDE, width)

    def forward(self, x):
        for _ in range(self.times):
            x = x.pinverse()
        return self.head(x)


def test_an_unknown_cost_that_both_have_makes_no_difference_unknown():
    params, macs, _ = differences(told(Unknown(1, 4), Unknown(1, 6)))
    assert (params, macs) == (2 * SIDE + 2, 2 * 3 * SIDE * SIDE)


def test_an_unknown_cost_that_is_added_makes_the_difference_unknown():
    assert differences(told(Unknown(1, 4), Unknown(2, 4)))[:2] == [0, None]


# --- sums -----------------------------------------------------------------------------------------

LAYERS = st.sampled_from(["conv", "wide", "depthwise", "norm", "relu", "gelu", "pool", "twice"])


def layer(kind, channels):
    made = {
        "conv": lambda: nn.Conv2d(channels, 4, 3, padding=1),
        "wide": lambda: nn.Conv2d(channels, 6, 1, bias=False),
        "depthwise": lambda: nn.Conv2d(channels, channels, 3, padding=1, groups=channels),
        "norm": lambda: nn.BatchNorm2d(channels),
        "relu": nn.ReLU,
        "gelu": nn.GELU,
        "pool": lambda: nn.AvgPool2d(2, 1, padding=1),
        "twice": lambda: nn.Sequential(nn.Conv2d(channels, 4, 1), nn.ReLU()),
    }
    return made[kind](), {"conv": 4, "wide": 6, "twice": 4}.get(kind, channels)


def network(kinds):
    layers, channels = [], 3
    for kind in kinds:
        made, channels = layer(kind, channels)
        layers.append(made)
    return nn.Sequential(*layers)


@st.composite
def versions(draw):
    """A network and a version of it, in which layers are put in, left out and exchanged."""
    first = draw(st.lists(LAYERS, min_size=1, max_size=6))
    second = list(first)
    for _ in range(draw(st.integers(0, 3))):
        at, width = draw(st.integers(0, len(second))), draw(st.integers(0, 2))
        second[at : at + width] = draw(st.lists(LAYERS, max_size=2))
    return first, second or first


@settings(max_examples=40)
@given(versions(), st.sampled_from(sorted(CONVENTIONS)), st.sampled_from([None, *BY]))
def test_the_differences_of_rows_and_of_groups_add_up_to_that_of_the_networks(pair, name, by):
    before, after = map(network, pair)
    found = told(before, after, convention_name=name, by=by)
    for quantity in found.quantities:
        first, second = (quantity.read(entry.ledger) for entry in (found.before, found.after))
        rows = [pair.difference(quantity) for pair in found.pairs]
        if first.complete and second.complete:
            whole = int(second) - int(first)
            assert found.total(quantity) == sum(rows) == whole
            if by is not None:
                groups = found.groups().values()
                assert sum(p.difference(quantity) for g in groups for p in g) == whole


@settings(max_examples=40)
@given(versions())
def test_every_row_is_told_once_and_only_moved_rows_change_places(pair):
    found = told(*map(network, pair))
    for side, entry in (("before", found.before), ("after", found.after)):
        rows = [getattr(one, side) for one in found.pairs if getattr(one, side) is not None]
        assert Counter(row.row.id for row in rows) == Counter(row.id for row in entry.ledger)
        still = [
            getattr(one, side).row.id
            for one in found.pairs
            if getattr(one, side) is not None and one.verdict is not Verdict.MOVED
        ]
        assert still == sorted(still)
    assert found.same or pair[0] != pair[1]


@settings(max_examples=25)
@given(versions())
def test_no_matching_that_keeps_the_order_is_more_alike(pair):
    ours, theirs = (
        counted_rows(trace(network(kinds), (1, 3, SIDE, SIDE)).ledger.rows) for kinds in pair
    )
    found = [(i, j) for i, j in aligned(ours, theirs) if i is not None and j is not None]
    assert sum(likeness(ours[i], theirs[j]) for i, j in found) == greatest(ours, theirs)


def likeness(one, other):
    """How alike two rows are, said in the plainest way; 0 where they cannot match."""
    a, b = one.row, other.row
    if a.kind is not b.kind:
        return 0
    if facts(one) == facts(other):
        return (10 if a.weights else 6) + 2 * (a.path == b.path)
    if a.path == b.path:
        return 7
    if kind_name(a) != kind_name(b):
        return 0
    weights = [[weight.shape for weight in row.weights[:1]] for row in (a, b)]
    return 1 + (a.window == b.window) + (weights[0] == weights[1]) + (a.output == b.output)


def greatest(ours, theirs):
    """The greatest likeness of all matchings in order, by the textbook's recursion."""
    table = [[0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]
    for i, one in enumerate(ours):
        for j, other in enumerate(theirs):
            matched = table[i][j] + likeness(one, other)
            table[i + 1][j + 1] = max(matched, table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


def test_rows_of_the_same_facts_have_neither_names_nor_numbers_in_them():
    first, second = (counted_rows(trace(Net(), (1, 3, 8, 8)).ledger.rows) for _ in range(2))
    assert list(map(facts, first)) == list(map(facts, second))
    assert len(set(map(facts, first))) < len(first)


# --- what is refused ------------------------------------------------------------------------------


def test_an_unknown_level_is_refused():
    with pytest.raises(UnknownName) as raised:
        diff("mobilenetv1", "mobilenetv2", by="layers")
    assert str(raised.value) == "unknown level 'layers'; did you mean layer?"


def test_a_network_without_a_size_is_refused():
    with pytest.raises(BadInput) as raised:
        diff(Net(), "mobilenetv2")
    assert str(raised.value) == (
        "Net does not state the size of its input; give it, such as --res 224 or "
        "--input 1,3,224,224"
    )
