"""How `flopscope profile` lays out what it traced: tree, flat tables, formulas, lower bounds."""

from functools import cache
from itertools import pairwise

import pytest
from profiles import FOLDER, NUMBERS, body, printed, words

from flopscope.answers.parts import operators, whole
from flopscope.answers.profile import profile as traced
from flopscope.conventions import CONVENTIONS
from flopscope.conventions import convention as named
from flopscope.present.part_labels import label
from flopscope.present.view import BY, View, orders
from flopscope.quantities import Place, standing


@pytest.fixture(autouse=True)
def in_this_folder(monkeypatch):
    monkeypatch.chdir(FOLDER)


def view(**choices):
    return View(named("macs"), **choices)


# --- the tree ---------------------------------------------------------------------------------


def test_a_module_tree_with_its_totals(capsys):
    # stem.0: 16·16·8·27; body.0: 16·16·8·9; body.1: 16·16·16·8; fc: 160
    out = printed(capsys, "nets.py:Net", *NUMBERS)
    assert (
        out
        == """\
nets.py:Net on (1, 3, 32, 32). MACs, convention macs: one per
multiply-accumulate of convolution, linear and matmul; bias, norm, activation,
pooling free.

                                       MACs         Activ-
Module              Output  Params   (macs)      %  ations
──────────────────────────────────────────────────────────
stem               8×16×16     240   55,296   51.8   2,048
  0  conv 3×3 /2   8×16×16     224   55,296   51.8   2,048
  1  batch norm    8×16×16      16        0    0.0       0
  2  relu          8×16×16       0        0    0.0       0
act  relu ×2      16×16×16       0        0    0.0       0
body              16×16×16     224   51,200   48.0   6,144
  0  dw 3×3        8×16×16      80   18,432   17.3   2,048
  1  conv 1×1     16×16×16     144   32,768   30.7   4,096
(global pool)           16       0        0    0.0       0
fc  linear              10     170      160    0.2      10
(addition)              10       0        0    0.0       0

total                          634  106,656  100.0   8,202

dw: depthwise convolution
"""
    )


def test_depth_folds_the_tree(capsys):
    out = printed(capsys, "nets.py:Net", *NUMBERS, "--depth", "1")
    assert (
        body(out)
        == """\
                                        MACs         Activ-
Module               Output  Params   (macs)      %  ations
───────────────────────────────────────────────────────────
stem  3 operators   8×16×16     240   55,296   51.8   2,048
act  relu ×2       16×16×16       0        0    0.0       0
body  2 operators  16×16×16     224   51,200   48.0   6,144
(global pool)            16       0        0    0.0       0
fc  linear               10     170      160    0.2      10
(addition)               10       0        0    0.0       0

total                           634  106,656  100.0   8,202
"""
    )
    out = printed(capsys, "nets.py:Net", *NUMBERS, "--depth", "0")
    assert (
        body(out)
        == """\
                           MACs         Activ-
Module  Output  Params   (macs)      %  ations
──────────────────────────────────────────────
total              634  106,656  100.0   8,202
"""
    )


NETWORKS = {
    "nets.py:Net": ["2,3,40,24"],
    "nets.py:Tied": ["5,8"],
    "nets.py:Odd": ["1,3,9,9"],
    "nets.py:Normed": ["5,8"],
    "mobilenetv3_small:width=0.35": ["1,3,64,96"],
}


@cache
def ledger_of(target):
    """Of the one trace that all views below are views of."""
    return traced(target, NETWORKS[target]).ledger


@pytest.mark.parametrize("target", NETWORKS)
@pytest.mark.parametrize("depth", [None, 0, 1, 2, 3])
def test_children_add_up_to_their_module(target, depth):
    ledger = ledger_of(target)
    found = [whole(ledger), *view(depth=depth).parts(ledger)]
    levels = [-1, *(part.depth for part in found[1:])]
    parents = 0
    for index, parent in enumerate(found):
        below = []
        for part, level in zip(found[index + 1 :], levels[index + 1 :], strict=True):
            if level <= levels[index]:
                break
            below += [part] if level == levels[index] + 1 else []
        if below:
            parents += 1
            assert figures(parent) == tuple(map(sum, zip(*map(figures, below), strict=True)))
            assert sum(len(part.rows) for part in below) == len(parent.rows)
    assert (parents > 0) == (depth != 0)
    assert figures(found[0])[0] == int(ledger.params())


@pytest.mark.parametrize("target", NETWORKS)
@pytest.mark.parametrize("by", [by for by in BY if by != "module"])
def test_flat_tables_add_up_to_the_network(target, by):
    ledger = ledger_of(target)
    split = view(by=by).parts(ledger)
    assert tuple(map(sum, zip(*map(figures, split), strict=True))) == figures(whole(ledger))
    assert [row for part in operators(ledger) for row in part.rows] == list(ledger.rows)


def figures(part):
    return tuple(int(part.read(quantity)) for quantity in standing(Place.PARTS))


@pytest.mark.parametrize("by", ["module", "layer", "operator"])
@pytest.mark.parametrize("sort", orders(named("torch")))
def test_the_largest_comes_first_at_every_level(by, sort):
    ledger = ledger_of("mobilenetv3_small:width=0.35")
    choice = View(named("torch"), by=by, sort=sort)
    split = choice.parts(ledger)
    unsorted = View(named("torch"), by=by).parts(ledger)
    assert sorted(map(label, split)) == sorted(map(label, unsorted))
    siblings = {}
    for part in split:
        above = part.path.rpartition(".")[0] if part.name else part.path
        siblings.setdefault((part.depth, above if by == "module" else ""), []).append(part)
    for group in siblings.values():
        values = [int(part.read(choice.order)) for part in group]
        assert all(first >= second for first, second in pairwise(values))


def test_an_order_by_another_quantity_has_its_column_in_its_unit(capsys):
    # stem: 4·(3·32·32 + 224 + 8·16·16) + 4·(2·8·16·16 + 32) + 4·2·8·16·16 bytes
    assert 4 * (3 * 32 * 32 + 224 + 2048 + 2 * 2048 + 32 + 2 * 2048) == 54_272
    out = printed(capsys, "nets.py:Net", *NUMBERS, "--depth", "1", "--sort", "traffic")
    assert (
        body(out)
        == """\
                                        MACs         Activ-   Traffic
Module               Output  Params   (macs)      %  ations        MB
─────────────────────────────────────────────────────────────────────
stem  3 operators   8×16×16     240   55,296   51.8   2,048      0.05
act  relu ×2       16×16×16       0        0    0.0       0      0.05
body  2 operators  16×16×16     224   51,200   48.0   6,144      0.04
(global pool)            16       0        0    0.0       0      0.02
fc  linear               10     170      160    0.2      10   0.00078
(addition)               10       0        0    0.0       0  0.000080

total                           634  106,656  100.0   8,202      0.16
"""
    )


def test_parameters_that_modules_share_count_where_they_are_read_first(capsys):
    out = printed(capsys, "nets.py:Tied", "--input", "1,8")
    assert "first  linear        8      72" in out
    assert "second  linear       8       8" in out
    assert "counted once, where it is read first: first.weight" in out


def test_weights_that_are_computed_are_not_shared(capsys):
    out = printed(capsys, "nets.py:Normed", "--input", "5,8")
    assert "counted once" not in out


@pytest.mark.parametrize("by", ["operator", "kind"])
def test_by_operator_groups_by_kind(capsys, by):
    out = printed(capsys, "nets.py:Net", *NUMBERS, "--by", by, "--sort", "macs")
    rows = [line.split("  ")[0] for line in body(out).splitlines()]
    kinds = ["standard convolution", "pointwise convolution", "depthwise convolution", "linear"]
    assert rows[3:7] == kinds
    assert "Output" not in out


def test_by_layer_is_flat(capsys):
    out = printed(capsys, "nets.py:Net", *NUMBERS, "--by", "layer")
    assert "stem.0  conv 3×3 /2" in out
    assert "body.0  dw 3×3" in out
    assert "dw: depthwise convolution" in out


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_every_convention_heads_its_column_and_names_itself(capsys, convention):
    out = printed(capsys, "nets.py:Net", *NUMBERS, "--depth", "1", "--convention", convention)
    unit = CONVENTIONS[convention].unit
    assert f"{unit}, convention {convention}: " in words(out)
    assert f"({convention})" in body(out)


def test_torch_counts_twice_the_macs(capsys):
    def total(convention):
        out = printed(capsys, "nets.py:Net", *NUMBERS, "--convention", convention)
        return int(body(out).partition("\ntotal ")[2].split()[1].replace(",", ""))

    assert total("torch") == 2 * total("macs")
