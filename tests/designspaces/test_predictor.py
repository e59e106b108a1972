"""Accuracy predictors and tables of latencies: fitted, held out, covered, refused."""

import re

import pytest
from small_spaces import BLOCKS

from flopscope.designspaces.known import space_named
from flopscope.designspaces.latencies import UNITS, latency_table
from flopscope.designspaces.macro import NAS_BENCH_MACRO
from flopscope.designspaces.predictor import fitted, read_measured, spearman
from flopscope.designspaces.scores import read_scores
from flopscope.designspaces.tables import tables
from flopscope.errors import BadInput
from flopscope.quantities import MACS, PARAMS


def measured():
    return read_measured(NAS_BENCH_MACRO, NAS_BENCH_MACRO.measured)[1]


def test_it_orders_networks_that_it_has_not_seen():
    """From 300 networks; MACs alone and params alone order them worse."""
    networks = measured()
    for seed in range(5):
        fit = fitted(NAS_BENCH_MACRO, networks, rows=300, seed=seed)
        assert (fit.fitted, fit.held) == (300, 3669)
        assert fit.spearman >= 0.97
    macs, params = tables(NAS_BENCH_MACRO, [MACS, PARAMS])
    values = list(networks.values())
    assert spearman([macs.cost(design) for design in networks], values) < 0.8
    assert spearman([params.cost(design) for design in networks], values) < 0.4


def test_without_a_number_of_rows_parts_are_held_out_in_turn():
    fit = fitted(NAS_BENCH_MACRO, measured())
    assert (fit.fitted, fit.held, fit.folds) == (3969, 3969, 5)
    assert fit.words == (
        "The score is an additive predictor of the rank of accuracy, fitted on 3,969 measured "
        "networks; its Spearman rank correlation on all of them, in 5 parts that were held out in "
        f"turn, is {fit.spearman:.3f}."
    )
    assert fit.spearman >= 0.97


def test_an_additive_accuracy_is_found_again():
    """Where ranks are linear in the options, those that are held out are ordered without error."""
    (table,) = tables(NAS_BENCH_MACRO, [MACS])
    whole = {design: float(table.cost(design)) for design in NAS_BENCH_MACRO.all()}
    assert fitted(NAS_BENCH_MACRO, whole, rows=1000).spearman > 0.99


HEAD = "design,accuracy\n"
SOME = "".join(f"{text},1\n" for text in ["k1 k1", "k3 k3", "k5 k5"])
ROWS = "".join(
    f"{slot.name},{option},1\n" for slot in BLOCKS.slots for option in slot.options
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "FILE has no rows; give a CSV with a header and a row for each value"),
        (
            "model,accuracy\na,1\n",
            "FILE has no column design; its columns are model, accuracy; give one with design and "
            "accuracy, or name another column as in FILE:top1",
        ),
        (
            "design,top1\nk1 k1,1\n",
            "FILE has no column accuracy; its columns are design, top1; give one with design and "
            "accuracy, or name another column as in FILE:top1",
        ),
        (
            HEAD + "k1 k1,1\nk1 k2,1\n",
            "line 3 of FILE: unknown option of stage2.block1 'k2'; known are k1, k3, k5",
        ),
        (HEAD + "k1 k1,good\n", "line 2 of FILE has the accuracy 'good', which is no number"),
        (HEAD + "k1 k1\n", "line 2 of FILE does not have the values of its header"),
        (
            HEAD + "k1,k3 k1,7\n",
            "line 2 of FILE has 3 values, and the header 2; quote a value that has commas in it",
        ),
        (
            HEAD + SOME,
            "an additive predictor of blocks has 17 coefficients and needs at least 22 measured "
            "networks, not 3; measure more",
        ),
    ],
)  # fmt: skip
def test_files_of_accuracies_that_are_refused(tmp_path, text, message):
    path = tmp_path / "own.csv"
    path.write_text(text)
    with pytest.raises(BadInput) as refused:
        fitted(BLOCKS, read_measured(BLOCKS, path)[1])
    assert str(refused.value) == message.replace("FILE", str(path), 1)


def test_networks_that_do_not_cover_the_space_are_refused():
    some = {d: 1.0 for d in BLOCKS.all() if "k5" not in d[3:4]}
    with pytest.raises(BadInput) as refused:
        fitted(BLOCKS, some)
    assert str(refused.value) == (
        f"the measured networks do not cover blocks: none of the {len(some):,} fitted has k5 at "
        "stage2.block1; measure one that does"
    )
    with pytest.raises(BadInput) as refused:
        fitted(BLOCKS, some, rows=len(some))
    assert str(refused.value) == (
        f"the file measures {len(some):,} networks, so that at most {len(some) - 2:,} can be "
        f"fitted and some be held out, not {len(some):,}"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            ROWS + "stage3.block1,k1,1\n",
            "line 22 of FILE: blocks has no slot 'stage3.block1'; its 6 slots are stage1.block1, "
            "stage1.block2, stage1.block3 …",
        ),
        (ROWS + "stage1.block1,k7,1\n", "line 22 of FILE: blocks has no k7 at stage1.block1"),
        (ROWS + "stage1.block1,k1,1\n", "line 22 of FILE gives k1 at stage1.block1 a second time"),
        (
            ROWS.replace("stage2.block3,k5,1\n", ""),
            "FILE does not cover blocks: it has no score of k5 at stage2.block3; add a row for it",
        ),
    ],
)
def test_tables_of_scores_that_are_refused(tmp_path, text, message):
    path = tmp_path / "scores.csv"
    path.write_text("slot,option,score\n" + text)
    lines = len(path.read_text().splitlines())
    with pytest.raises(BadInput) as refused:
        read_scores(BLOCKS, path)
    expected = re.sub(r"line \d+", f"line {lines}", message)
    assert str(refused.value) == expected.replace("FILE", str(path))


def test_scores_are_exact_in_millionths(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("slot,option,score\n" + ROWS.replace("k5,1", "k5,-0.1"))
    scores = read_scores(BLOCKS, path)
    assert scores.of(BLOCKS.design("k5,k5 k1")) == 800_000 + 3 * 1_000_000
    assert scores.value(scores.of(BLOCKS.design("k5 k5"))) == 3.8


def test_latencies_are_sums_by_slot_or_by_key(tmp_path):
    path = tmp_path / "lut.csv"
    path.write_text("slot,option,latency\n" + ROWS.replace("-,1", "-,0"))
    table = latency_table(BLOCKS, path, 32)
    assert table.cost(BLOCKS.design("k5,k5 k1")) == 3 * UNITS

    space = space_named("ofa_mobilenetv3")
    keys = {}
    for design in map(space.design, ["k3e3,k3e3 " * 4 + "k3e3,k3e3"]):
        keys |= space.keys(space.choices(design), 224)
    path.write_text("key,mean\n" + "".join(f"{key},0.5\n" for key in set(keys.values())))
    with pytest.raises(BadInput) as refused:
        latency_table(space, path, 224)
    assert str(refused.value).startswith(
        f"{path} does not cover ofa_mobilenetv3 at 224×224: it has no MBConv-input:112x112x16-"
    )
    with pytest.raises(BadInput) as refused:
        latency_table(BLOCKS, path, 32)
    assert str(refused.value) == (
        f"{path} names blocks by keys, and blocks has none; give a file with the columns slot, "
        "option and latency"
    )


def test_the_keys_of_a_once_for_all_network_are_those_of_its_authors():
    """Of nsganetv2 data/i7-8700K_lut.yaml, at 224."""
    space = space_named("ofa_mobilenetv3")
    design = space.design("k3e3,k3e3 k5e4,k3e6 k7e3,k3e3 k3e6,k3e3 k3e3,k7e6")
    keys = space.keys(space.choices(design), 224)
    assert keys["stem"] == "first_conv-input:224x224x3-output:112x112x16"
    assert keys["first"] == (
        "MBConv-input:112x112x16-output:112x112x16-expand:1-kernel:3-stride:1-idskip:1-se:0"
    )
    assert keys["stage1.block1"] == (
        "MBConv-input:112x112x16-output:56x56x24-expand:3-kernel:3-stride:2-idskip:0-se:0"
    )
    assert keys["stage5.block2"] == (
        "MBConv-input:7x7x160-output:7x7x160-expand:6-kernel:7-stride:1-idskip:1-se:1"
    )
    assert keys["expand"] == "final_expand_layer-input:7x7x160-output:7x7x960"
