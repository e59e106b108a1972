"""Latency-driven slimming: its designs against the network, its loop against the rule of the paper,
its times against those of whole networks."""

import csv
import io
import math
from functools import partial

import pytest
from witnesses import check

import flopscope as fs
from flopscope.analytic import efficientformer as closed
from flopscope.catalog.variant import parse
from flopscope.choosing.slimming.actions import Action, moves
from flopscope.choosing.slimming.design import Part, first_design
from flopscope.choosing.slimming.savings import savings_on
from flopscope.choosing.slimming.scores import Scores
from flopscope.errors import BadInput, OutsideDomain, UnknownName
from flopscope.timing.builtin import device_names, device_of

L1, L3, L7 = "efficientformer_l1", "efficientformer_l3", "efficientformer_l7"
PIXEL = "pixel3-cpu-tflite"


def even(block):
    return 1.0, 1.0


def falling(block):
    """Made up: later blocks of a stage matter less, earlier stages too."""
    return block.stage / block.number, 0.5


def seconds(design, device=PIXEL):
    return design.ledger().time(device).seconds


# --- designs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", [L1, L3, L7])
def test_the_first_design_is_the_catalogues(id):
    design = first_design(parse(id))
    assert design.stages == getattr(closed, id[-2:].upper())
    assert design.ledger() == parse(id).ledger((224, 224))


def test_width_and_depth_are_those_of_the_model():
    variant = parse(f"{L1}:width=0.5,depth=2,classes=10")
    assert first_design(variant).ledger().params() == variant.ledger((224, 224)).params()


def test_the_published_designs_are_in_the_space_of_the_largest():
    largest = first_design(parse(L7)).stages
    for id in (L1, L3):
        stages = first_design(parse(id)).stages
        for small, large in zip(stages.c, largest.c, strict=True):
            assert small <= large
            assert small % 16 == 0
        blocks = zip(stages.pooling[:3], largest.pooling[:3], strict=True)
        assert all(few <= many for few, many in blocks)
        assert stages.pooling[3] + stages.attending <= largest.pooling[3] + largest.attending


@pytest.mark.parametrize(("id", "latency"), [(L1, "50ms"), (L3, "120ms")])
def test_a_slimmed_design_is_one_that_closed_form_and_network_both_build(id, latency):
    """Row by row: closed form, traced PyTorch network, fvcore."""
    design = fs.slim(id, latency, falling, device=PIXEL).design
    assert design.stages != first_design(parse(id)).stages
    network = partial(closed.efficientformer, stages=design.stages, classes=design.classes)
    check(network, design.build, (1, 3, 224, 224))


def test_every_path_of_actions_ends_at_the_smallest_design():
    """Whatever is taken, there is a network at each step, and it becomes smaller."""
    design = first_design(parse(L1))
    scores = Scores.read(falling, design)
    turn, before = 0, design.ledger().macs().value
    while found := list(moves(design, scores)):
        design = found[turn % len(found)].design
        turn += 1
        after = design.ledger((193, 224)).macs().value
        assert after < before * 1.5
        before = after
    smallest = first_design(parse(L1)).smallest
    assert design.channels == (16, 16, 16, 16)
    assert design.stages == smallest.stages == closed.MixedStages((16,) * 4, (1, 1, 1, 0), 1)


# --- actions --------------------------------------------------------------------------------------


def test_the_actions_are_those_of_the_paper():
    design = first_design(parse(L3))
    scores = Scores.read(lambda block: 9 if block.number < 4 else 0.5, design)
    dropped, pools, narrow = moves(design, scores)
    assert (dropped.action, dropped.what) == (Action.DEPTH, "stage1.block4")
    assert dropped.design.stages == closed.L3._replace(pooling=(3, 4, 12, 2))
    assert (pools.action, pools.what) == (Action.ATTENTION, "stage4.block3")
    assert pools.design.stages == closed.L3._replace(pooling=(4, 4, 12, 3), attending=3)
    assert (narrow.action, narrow.what) == (Action.WIDTH, "stage1")
    assert narrow.design.stages == closed.L3._replace(c=(48, 128, 320, 512))


def test_importances_are_those_of_the_paper():
    """(α of 4D + α of 3D) / α of the identity for a block that attends; a sum for a stage."""
    design = first_design(parse(L1))
    scores = Scores.read(lambda block: (0.25, 4.0), design)
    attends, pools = design.blocks[-1], design.blocks[0]
    assert (scores.of(attends), scores.of(pools)) == (4.25, 0.25)
    assert scores.of_stage(design, 4) == 3 * 0.25 + 4.25
    assert scores.of_design(design) == 14 * 0.25 + 4.25


# --- times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", device_names())
@pytest.mark.parametrize("batch", [1, 64])
def test_parts_add_up_to_the_whole(device, batch):
    """In mixed precision the types at the start of a stage cost up to 3 % more in parts."""
    found = fs.slim(L1, device=device, batch=batch).start
    whole = found.first.ledger(batch=batch).time(device).seconds
    ratio = found.times.of(found.first).seconds / whole
    assert 1 - 1e-9 <= ratio < (1.031 if "amp" in device else 1 + 1e-9)


@pytest.mark.parametrize("res", [193, (200, 224), 224])
def test_parts_are_those_of_the_whole_at_any_size(res):
    found = fs.slim(L3, device=PIXEL, res=res).start
    size = (res, res) if isinstance(res, int) else res
    whole = found.first.ledger(size, found.times.batch).time(PIXEL).seconds
    assert found.times.of(found.first).seconds == pytest.approx(whole)


def test_a_saving_is_the_difference_of_two_times_with_an_interval_of_its_own():
    found = fs.slim(L1, "80ms", even, device=PIXEL).slimming
    quantiles = device_of(PIXEL).held_out.quantiles["90"]
    before = found.first
    for step in found.steps:
        for each in step.candidates:
            wanted = seconds(before) - seconds(each.move.design)
            assert each.saved.seconds == pytest.approx(wanted)
            assert each.saved.low == pytest.approx(wanted * math.exp(3.5 * quantiles.low))
            assert each.saved.high == pytest.approx(wanted * math.exp(3.5 * quantiles.high))
        before = step.taken.move.design


def test_a_networks_interval_is_too_narrow_for_savings():
    """On the i7 its 90 % cover 67 % of the savings between measured networks of one family."""
    device = device_of("i7-12700h-inductor")
    savings, own = savings_on(device), device.held_out.quantiles["90"]
    assert savings.pairs > 300
    assert savings.covered < 75
    low, high = savings.factors(90)
    assert low < math.exp(own.low) < 1 < math.exp(own.high) < high


# --- the loop -------------------------------------------------------------------------------------


def test_each_step_takes_what_loses_least_for_each_millisecond():
    found = fs.slim(L1, "50ms", falling, device=PIXEL).slimming
    assert len(found.steps) > 5
    assert found.times.of(found.design).seconds <= 0.05
    scores = Scores.read(falling, found.first)
    design = found.first
    for step in found.steps:
        assert [each.move for each in step.candidates] == list(moves(design, scores))
        rates = [
            (scores.of_design(design) - scores.of_design(each.move.design))
            / (1e3 * (found.times.of(design).seconds - found.times.of(each.move.design).seconds))
            for each in step.candidates
        ]
        assert step.taken is step.candidates[rates.index(min(rates))]
        design = step.taken.move.design
        assert step.time == found.times.of(design)


def test_accuracies_decide_where_they_are_evaluated():
    """Each design is evaluated once; the first one, too."""
    asked = []

    def evaluate(design):
        asked.append(design)
        return 80 - 0.01 * (sum(first.channels) - sum(design.channels)) - len(first.blocks) / 10

    first = first_design(parse(L1))
    found = fs.slim(L1, "75ms", lambda block: 1.0, evaluate, device=PIXEL).slimming
    assert len(asked) == len(set(asked)) == 1 + sum(len(step.candidates) for step in found.steps)
    # here dropping blocks costs nothing
    assert {step.taken.move.action for step in found.steps} == {Action.DEPTH}
    assert found.accuracies == tuple(found.accuracies[:1]) * (len(found.steps) + 1)


def test_a_design_that_keeps_the_latency_stays():
    report = fs.slim(L1, "1s", even, device=PIXEL)
    assert report.slimming.steps == ()
    assert report.design == first_design(parse(L1))
    assert "The first design keeps the latency already." in " ".join(str(report).split())


# --- tables ---------------------------------------------------------------------------------------


def measured(tmp_path, text=None, **changed):
    """A table of every part as the command lists it, measured: times are those of the phone."""
    if text is None:
        rows = list(csv.DictReader(io.StringIO(fs.slim(L1, device=PIXEL).to_csv())))
        for row in rows:
            row.update(trust="", batch="1", **changed)
        file = io.StringIO()
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
        text = file.getvalue()
    path = tmp_path / "parts.csv"
    path.write_text(text)
    return str(path)


def test_the_listed_parts_are_a_form_for_a_table(tmp_path):
    predicted = fs.slim(L1, device=PIXEL).start
    table = fs.slim(L1, table=measured(tmp_path)).start
    assert next(table.times.table(table.first))[0] == Part("stem", 0, 48)
    for (a, one), (b, other) in zip(
        predicted.times.table(predicted.first), table.times.table(table.first), strict=True
    ):
        assert a == b
        assert one.seconds == pytest.approx(other.seconds)
        assert one.high == pytest.approx(other.high)


def test_measured_parts_come_before_predicted_ones(tmp_path):
    path = measured(tmp_path, "part,stage,width,latency_ms\nmb3d,4,448,20\nmb4d,4,448,5\n")
    found = fs.slim(L1, "80ms", even, table=path, device=PIXEL).slimming
    plain = fs.slim(L1, device=PIXEL).start.times
    predicted = [plain.of_part(Part(kind, 4, 448)).seconds for kind in ("mb4d", "mb3d")]
    change = 3 * (5e-3 - predicted[0]) + 20e-3 - predicted[1]
    times = found.times.of(found.first).seconds
    assert times == pytest.approx(plain.of(found.first).seconds + change)
    assert "Measured parts are from" in str(found_report := fs.slim(L1, table=path, device=PIXEL))
    assert "measured here" in str(found_report)


def test_measured_intervals_are_added_at_their_worst(tmp_path):
    head = "part,stage,width,latency_ms,low_ms,high_ms\n"
    rows = "mb3d,4,512,20,18,23\nmb4d,4,512,5,4,7\n"
    path = measured(tmp_path, head + rows)
    start = fs.slim(L3, table=path, device=PIXEL).start
    (move,) = [
        each
        for each in moves(start.first, Scores.read(even, start.first))
        if each.action is Action.ATTENTION
    ]
    saved = start.times.saved(start.first, move.design)
    ends = (saved.seconds, saved.low, saved.high)
    assert ends == pytest.approx((15e-3, 11e-3, 19e-3))


def test_importances_are_read_from_a_table(tmp_path):
    design = first_design(parse(L1))
    path = tmp_path / "a.csv"
    rows = [f"{b.name},0.5,{'2' if b.attends else ''}" for b in design.blocks]
    path.write_text("\n".join(["block,importance_4d,importance_3d", *rows]))
    pair = fs.slim(L1, "70ms", str(path), device=PIXEL)
    same = {block.name: (0.5, 2.0) for block in design.blocks}
    assert pair.to_json() == fs.slim(L1, "70ms", same, device=PIXEL).to_json()


# --- bad input ------------------------------------------------------------------------------------


def refused(error, *given, **named):
    with pytest.raises(error) as found:
        fs.slim(*given, **{"device": PIXEL, **named})
    return str(found.value)


def test_what_cannot_be_slimmed_is_refused():
    assert refused(BadInput, "mobilenetv2") == (
        "slimming is in the search space of EfficientFormer, and mobilenetv2 is not of it; give "
        "efficientformer_l1, efficientformer_l3 or efficientformer_l7, with a width and depth if "
        "you like"
    )
    assert refused(BadInput, "net.py:Net") == (
        "slimming is in the search space of EfficientFormer, of which net.py:Net is no model of "
        "the catalogue; give efficientformer_l1, efficientformer_l3 or efficientformer_l7"
    )
    assert refused(OutsideDomain, L1, res=256).startswith("height of the input is 256, but ")


def test_a_latency_that_cannot_be_reached_is_refused_before_anything_is_evaluated():
    def evaluate(design):
        raise AssertionError

    assert refused(BadInput, L1, "1ms", even, evaluate) == (
        "efficientformer_l1 cannot be slimmed to 1 ms: the smallest design, with channels 16, 16, "
        "16, 16; MB4D 1, 1, 1, 0; MB3D 1, takes 5.72 ms; give a longer latency"
    )
    assert refused(BadInput, L1, "soon", even) == (
        "latency soon is not a time; give one such as 12ms, 1.5 s or 300us"
    )


def test_a_latency_at_which_no_action_saves_time_is_refused(tmp_path):
    """A table by which narrower and pooling blocks take longer."""
    rows = ["part,stage,width,latency_ms", "mb3d,4,448,1", "mb4d,4,448,9"]
    rows += ["mb4d,1,48,0.001", "mb4d,1,32,99", "mb4d,1,16,0.001"]
    path = measured(tmp_path, "\n".join(rows))
    design = first_design(parse(L1))
    low = {block.name: (0.1 if block.stage == 1 else 9.0, 1.0) for block in design.blocks}
    found = refused(BadInput, L1, "6ms", low, table=path)
    assert found.startswith("efficientformer_l1 cannot be brought below ")
    assert found.endswith(
        "as no action saves time there, and 6 ms is asked for; give a longer latency"
    )


@pytest.mark.parametrize(
    ("importance", "sentence"),
    [
        (None, "slimming drops the least important block first, and no importance is given; give "
               "a table with importance"),
        ({"stage1.block1": 1}, "stage1.block2 has no importance; give one for each block of the "
                               "design, from stage1.block1 to stage4.block4"),
        (lambda block: math.nan, "the importance of stage1.block1 is nan, and must be a number "
                                 "from 0"),
        (lambda block: -1, "the importance of stage1.block1 is -1, and must be a number from 0"),
        (lambda block: True, "the importance of stage1.block1 is True, and must be a number from "
                             "0"),
        (lambda block: (1, 2, 3), "the importance of stage1.block1 has 3 terms; give one number, "
                                  "or those of pooling and of attention"),
        (lambda block: (1, None), "the importance of stage4.block4 is None, and must be a number "
                                  "from 0"),
        (lambda block: 1.0, "stage4.block4 attends, and only its importance in all is given; give "
                            "importance_4d and importance_3d apart, or evaluate accuracies"),
        (7, "importance 7 is none; give the path of a table, a mapping from names of blocks, or a "
            "function of a block"),
    ],
)  # fmt: skip
def test_importances_that_are_none_are_refused(importance, sentence):
    assert refused(BadInput, L1, "60ms", importance) == sentence


def test_an_importance_of_another_block_is_refused():
    found = refused(UnknownName, L1, "60ms", {"stage9.block1": 1.0})
    assert found.startswith("unknown block 'stage9.block1'; did you mean ")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("block,imp\n", "'{}' has no columns block and importance; give these, or block, "
                        "importance_4d and importance_3d"),
        ("block,importance\nstage1.block1,nan\n", "{}, line 2: importance is 'nan', and must be a "
                                                  "number from 0"),
        ("block,importance\nstage1.block1,\n", "stage1.block1 has no importance; give one for "
                                               "each block of the design, from stage1.block1 to "
                                               "stage4.block4"),
        ("block,importance\nstage1.block1,1\nstage1.block1,2\n",
         "{}, line 3: stage1.block1 stands twice; keep one of its rows"),
    ],
)  # fmt: skip
def test_a_table_of_importances_that_is_none_is_refused(tmp_path, text, sentence):
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert refused(BadInput, L1, "60ms", str(path)) == sentence.format(path)


@pytest.mark.parametrize("value", [math.nan, None, "80 %"])
def test_an_accuracy_that_is_no_number_is_refused(value):
    assert refused(BadInput, L1, "60ms", even, lambda design: value) == (
        f"evaluate gave {value!r} for channels 48, 96, 224, 448; MB4D 3, 2, 6, 3; MB3D 1, and must "
        "give a finite number"
    )
    assert refused(BadInput, L1, "60ms", even, 80.0) == (
        "evaluate 80.0 is no function; give one of a design"
    )


def test_a_device_of_another_type_or_runtime_is_refused(tmp_path):
    assert refused(BadInput, L1, dtype="float16") == (
        f"the device {PIXEL} was calibrated with the dtype float32, and says nothing of float16; "
        "calibrate one with float16, or leave dtype out"
    )
    path = measured(tmp_path, dtype="fp16")
    assert refused(BadInput, L1, table=path) == (
        f"{path} was measured with the dtype float16, and the device {PIXEL} has float32; give "
        "times of one dtype"
    )
    path = measured(tmp_path)
    assert refused(BadInput, L1, table=path, batch=8) == (
        f"{path} was measured with the batch 1, and this run has 8; give times of one batch"
    )
    assert refused(BadInput, L1, device=None, table=path, dtype="float32") == (
        "a runtime or type of numbers is that of a device, and none is named"
    )


def test_times_from_nowhere_are_refused(tmp_path):
    assert refused(BadInput, L1, device=None) == (
        "times are needed, and neither a device nor a table of measured parts is given; name a "
        "device with device, or give a table with table"
    )
    path = measured(tmp_path, "part,stage,width,latency_ms\nmb3d,4,448,20\n")
    assert refused(BadInput, L1, "9ms", even, device=None, table=path) == (
        f"{path} has no row for stem at 48 channels, and no device predicts it; add the row, or "
        "name a device with device"
    )
    assert refused(BadInput, L1, importance=even) == (
        "importance, evaluate and every are for slimming to a latency, and none is given; give "
        "one such as latency='12ms'"
    )


HEADER = "part,stage,width,latency_ms"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("part,stage,width\nmb4d,1,48\n",
         "'{}' has no column latency_ms; a table of parts has part, stage, width or latency_ms, "
         "and may have before, low_ms, high_ms, device, runtime, dtype or batch"),
        (f"{HEADER}\n", "'{}' has no row; give a row a part"),
        (f"{HEADER}\nmb4d,1,48,nan\n", "{}, line 2: latency_ms is 'nan', and must be a number "
                                       "above 0"),
        (f"{HEADER}\nmb4d,1,48,0\n", "{}, line 2: latency_ms is '0', and must be a number above 0"),
        (f"{HEADER}\nmb4d,1,wide,1\n", "{}, line 2: width is 'wide', and must be an integer from "
                                       "1"),
        (f"{HEADER}\ndownsample,2,96,1\n", "{}, line 2: before is '', and must be an integer from "
                                           "1"),
        (f"{HEADER}\nmb4d,1,48,1\nmb4d,1,48,2\n",
         "{}, line 3: mb4d of stage 1 at 48 channels stands twice; keep one of its rows"),
        (f"{HEADER},low_ms\nmb4d,1,48,1,2\n",
         "{}, line 2: latency_ms is 1, outside its interval; give a low_ms below it and a high_ms "
         "above it"),
        (f"{HEADER},dtype\nmb4d,1,48,1,fp16\nmb4d,1,32,1,fp32\n",
         "{}, line 3: the dtype is float32, and float16 above; a table is of one dtype"),
        (f"{HEADER},trust\nmb4d,1,48,1,predicted\n",
         "{}, line 2: this time is predicted, not measured; measure it and clear its column "
         "trust, or leave the row out"),
    ],
)  # fmt: skip
def test_a_table_of_parts_that_is_none_is_refused(tmp_path, text, sentence):
    path = measured(tmp_path, text)
    assert refused(BadInput, L1, table=path) == sentence.format(path)


def test_a_part_that_is_none_is_refused(tmp_path):
    path = measured(tmp_path, f"{HEADER}\nmb5d,1,48,1\n")
    assert refused(UnknownName, L1, table=path).startswith("unknown part 'mb5d'; did you mean ")


@pytest.mark.parametrize("name", ["table", "importance"])
def test_a_file_that_is_not_there_is_refused(name):
    given = {"importance": even, "latency": "60ms", name: "nowhere.csv"}
    assert refused(BadInput, L1, **given) == (
        "cannot read 'nowhere.csv': No such file or directory; give a CSV file"
    )
