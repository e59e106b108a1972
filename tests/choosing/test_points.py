"""Which accuracies stand beside which costs, and what is left out, with its reason."""

from fractions import Fraction

import pytest

from flopscope.catalog.figures import figures
from flopscope.catalog.metrics import family_scores
from flopscope.catalog.models import MODELS
from flopscope.catalog.results import read_results
from flopscope.catalog.variant import parse
from flopscope.choosing.budgets import Budget
from flopscope.choosing.front import Front
from flopscope.choosing.points import OTHER_METRIC, Left, Question, points
from flopscope.conventions import convention
from flopscope.errors import BadInput, UnknownName

FAMILIES = tuple(dict.fromkeys(model.family for model in MODELS.values()))
MACS = convention("macs")
NOWHERE = "no network of the catalogue or of an installed timm or torchvision, and states no"


def question(*axes, by="macs", **limits):
    return Question(axes or ("macs",), convention(by), **limits)


@pytest.fixture
def results(tmp_path):
    """A function from the text of a results file to what is read from it."""

    def make(text):
        path = tmp_path / "r.csv"
        path.write_text(text, encoding="utf-8")
        return read_results(str(path))

    return make


# --- the catalogue ------------------------------------------------------------------------------


def test_one_accuracy_for_each_variant_and_size():
    cloud = points(question())
    kept = [(p.name, p.resolution) for p in cloud.points]
    assert len(set(kept)) == len(kept)
    stated = {
        (f"{f.model}:{f.variant}" if f.variant else f.model, f.resolution)
        for family in FAMILIES
        for f in figures(family)
        if f.top1 is not None
    }
    left = [(left.name, left.resolution) for left in cloud.left if left.reason != OTHER_METRIC]
    assert {*kept} <= stated
    assert len(kept) + len(left) == len(stated)
    assert stated - {*kept} == {*left}


def test_a_network_with_a_metric_of_its_own_is_left_out_whole():
    other = {left.name for left in points(question()).left if left.reason == OTHER_METRIC}
    assert other == {score.model for family in FAMILIES for score in family_scores(family)}


def test_the_paper_s_own_accuracy_comes_first():
    by_name = {(p.name, p.resolution): p for p in points(question()).points}
    mobilenet = by_name["mobilenetv2", (224, 224)]
    assert (mobilenet.top1, mobilenet.source) == (72, "arXiv 1801.04381 Table 4")
    for (name, resolution), point in by_name.items():
        model, _, variant = name.partition(":")
        own = f"arXiv {MODELS[model].paper.arxiv} "
        stated = [
            f.source
            for f in figures(MODELS[model].family)
            if (f.model, f.variant, f.resolution) == (model, variant, resolution)
            and f.top1 is not None
            and not f.other_data
            and f.source.startswith(own)
        ]
        assert point.source.startswith(own) == bool(stated)


def test_a_question_chooses_whose_accuracies():
    def taken(**more):
        found = points(question(resolution=(224, 224), families=("resnet",), **more)).points
        return {p.name: (float(p.top1), p.accuracy.words) for p in found}

    assert taken()["resnet50"] == (76.13, "torchvision V1")
    assert taken(accuracy="other-paper")["resnet50"] == (76.8, "another paper")
    assert taken(accuracy="timm:a1_in1k")["resnet18"] == (71.504, "timm a1_in1k")
    assert taken(accuracy="best")["resnet50"] == (80.858, "torchvision V2")
    asked = question(families=("resnet",), resolution=(224, 224), accuracy="torchvision:V2")
    left = points(asked).left
    assert Left("resnet18", None, "no accuracy of torchvision V2", (224, 224)) in left
    assert {*taken(accuracy="torchvision:V2")} == {"resnet50", "resnet101", "resnet152"}
    with pytest.raises(UnknownName) as raised:
        question(accuracy="torchvison")
    assert str(raised.value) == "unknown accuracy 'torchvison'; did you mean torchvision?"


def test_what_budgets_bound_is_known_beside_the_criteria():
    limits = (Budget("macs", 60_000_000), Budget("params", 3_000_000))
    (point, *_) = points(question(families=("ghostnet",), most=limits)).points
    assert (point.name, point.costs, point.bounded) == ("ghostnet_050", (42_328_152,), (2_587_292,))
    asked = question("params", by="torch", families=("ghostnet",), most=limits)
    assert [each.name for each in asked.bounded] == ["macs"]
    assert points(asked).points[0].bounded == (42_328_152,)


def test_what_was_trained_on_other_data_is_left_out():
    notes = {f.note for family in FAMILIES for f in figures(family) if f.other_data}
    words = (
        "ImageNet-22k",
        "ImageNet-21k",
        "ImageNet-12k",
        "JFT",
        "SWAG",
        "SEER",
        "LAION",
        "zero-shot",
    )
    told = {
        f.note
        for family in FAMILIES
        for f in figures(family)
        if f.note and any(word in f.note for word in words)
    }
    assert notes == told
    left = points(question(families=("convnext",))).left
    assert Left("convnext_tiny", None, "no accuracy from ImageNet-1k alone", (384, 384)) in left


@pytest.mark.parametrize(
    ("axes", "by", "costs"),
    [
        (("macs",), "macs", (300_774_272,)),
        (("macs",), "torch", (601_548_544,)),
        (("params", "int8"), "macs", (3_504_872, 3_504_872)),
        (("activations",), "macs", (6_679_112,)),
        (("weights", "peak", "traffic"), "torch", (14_019_488, 6_021_120, 173_065_024)),
        (("trainable", "buffers"), "macs", (3_504_872, 34_112)),
    ],
)
def test_costs_are_those_of_the_closed_form(axes, by, costs):
    found = points(question(*axes, by=by, resolution=(224, 224), families=("mobilenetv2",)))
    assert next(p for p in found.points if p.name == "mobilenetv2").costs == costs


def test_limits_keep_exactly_what_is_within_them():
    everything = points(question())
    some = points(question(families=("mobilenetv1", "resnet"), resolution=(192, 192)))
    assert some.points == tuple(
        p for p in everything.points
        if p.family in ("mobilenetv1", "resnet") and p.resolution == (192, 192)
    )  # fmt: skip
    cheap = points(question(most=(Budget("macs", 60_000_000),)))
    assert cheap.points == tuple(p for p in everything.points if p.costs[0] <= 60_000_000)
    few = {
        (p.name, p.resolution)
        for p in points(question("params", most=(Budget("macs", 60_000_000),))).points
    }
    assert few == {(p.name, p.resolution) for p in cheap.points}


def test_budgets_of_any_quantity_keep_what_is_within_them():
    everything = points(question("traffic", "peak"))
    within = points(question("traffic", "peak", most=(Budget("peak", 4_000_000),)))
    assert within.points == tuple(p for p in everything.points if p.costs[1] <= 4_000_000)


def test_a_budget_is_of_macs_whatever_is_counted():
    limits = {"families": ("ghostnet",), "most": (Budget("macs", 200_000_000),)}
    counted = points(question(by="torch", **limits)).points
    assert [p.name for p in counted] == ["ghostnet_050", "ghostnet_100"]
    assert counted[1].costs == (2 * 141_150_512,)


# --- results ------------------------------------------------------------------------------------


def test_results_are_joined_with_computed_costs(results):
    cloud = points(
        question("macs", "params"),
        results("model,top1,res\nmobilenetv2_100.ra_in1k,72.9,192\nmobilenetv1,70.6,\n"),
        catalogue=False,
    )
    first, second = cloud.points
    ledger = parse("mobilenetv2").ledger((192, 192))
    assert first.costs == (int(ledger.macs()), 3_504_872)
    assert (first.name, str(first.variant)) == ("mobilenetv2_100.ra_in1k", "mobilenetv2")
    assert (first.top1, first.stated, first.family) == (Fraction("72.9"), False, "mobilenetv2")
    assert second.resolution == (224, 224)


def test_a_rho_scales_the_stated_size_as_everywhere(results):
    row = "model,top1,res\nmobilenetv1:rho=0.5,64,256\n"
    (point,) = points(question(), results(row), catalogue=False).points
    assert point.resolution == (128, 128)


def test_an_unknown_network_has_the_costs_that_it_states(results):
    mine = results("model,top1,params,macs\nmine,75,3.2M,\nother,76,,0.2G\n")
    cloud = points(question("params"), mine, catalogue=False)
    (point,) = cloud.points
    assert (point.costs, point.stated, point.family) == ((3_200_000,), True, None)
    assert cloud.left == (
        Left(
            "other",
            3,
            f"{NOWHERE} params",
        ),
    )
    assert points(question("int8"), mine, catalogue=False).points[0].costs == (3_200_000,)
    assert points(question("macs"), mine, catalogue=False).points[0].costs == (200_000_000,)


def test_stated_macs_are_of_no_other_convention(results):
    mine = results("model,top1,macs\nmine,75,0.2G\nmobilenetv2,72,0.2G\n")
    cloud = points(question(by="torch"), mine, catalogue=False)
    assert [p.costs for p in cloud.points] == [(601_548_544,)]
    assert cloud.left == (
        Left(
            "mine",
            2,
            f"{NOWHERE} macs",
        ),
    )


def test_latency_is_the_file_s(results):
    mine = results("model,top1,latency_ms\nmobilenetv2,72,1.5\nmine,70,0.5\nmobilenetv1,70,\n")
    cloud = points(question("latency"), mine, catalogue=False)
    assert [p.costs for p in cloud.points] == [(Fraction(1, 2),), (Fraction(3, 2),)]
    assert cloud.left == (Left("mobilenetv1", 4, "states no latency"),)


def test_a_size_that_the_network_does_not_take_is_left_out(results):
    mine = results("model,top1,res\nmobilenetv2,72,\nconvnext_tiny,80,3\nmobilenetv1,1,x\n")
    cloud = points(question("activations"), mine, catalogue=False)
    assert [point.name for point in cloud.points] == ["mobilenetv2"]
    assert cloud.left == (
        Left("convnext_tiny", 3, "height of the input is 3, but must be at least 32"),
        Left("mobilenetv1", 4, "res 'x' is not a size such as 224 or 192x256"),
    )


def test_both_together(results):
    mine = results("model,top1\nmobilenetv2,99\n")
    alone = points(question(families=("mobilenetv2",)))
    both = points(question(families=("mobilenetv2",)), mine)
    assert len(both.points) == len(alone.points) + 1
    front = Front(question(families=("mobilenetv2",)), both)
    best = front.points[front.on[-1]]
    assert (best.top1, best.source) == (99, mine.path)


# --- what is refused ----------------------------------------------------------------------------


def test_latency_of_the_catalogue():
    with pytest.raises(BadInput) as raised:
        points(question("latency"))
    assert str(raised.value) == (
        "latency is a time on a device, and none is named; name one, such as pixel3-cpu-tflite "
        "(`flopscope latencies` lists those with published latencies), or give your own in a "
        "results file, as latency_ms"
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: question("mac"), "unknown cost 'mac'; did you mean macs?"),
        (lambda: question(families=("mobilenet",)),
         "unknown family 'mobilenet'; did you mean mobilenetv1, mobilenetv2, mobilenetv3 or "
         "mobilenetv4?"),
    ],
)  # fmt: skip
def test_names_that_are_none(make, message):
    with pytest.raises(UnknownName) as raised:
        make()
    assert str(raised.value) == message


def test_no_cost_and_a_double_one():
    for axes in ((), ("macs", "macs")):
        with pytest.raises(BadInput) as raised:
            Question(axes, MACS)
        assert str(raised.value) == (
            "there is no cost to choose by, or one is named twice; name each once, such as macs"
        )


def test_nothing_left(results):
    limits = "no point has this input size, family and cost; give other limits or none"
    for asked, message in (
        ({"families": ("resnet",), "most": (Budget("macs", 10),)}, f"{limits} (0 left out)"),
        (
            {"families": ("convnext",), "resolution": (384, 384), "most": (Budget("macs", 10),)},
            f"{limits} (2 left out, the first, convnext_tiny: no accuracy from ImageNet-1k alone)",
        ),
    ):
        with pytest.raises(BadInput) as raised:
            points(question(**asked))
        assert str(raised.value) == message
    with pytest.raises(BadInput) as raised:
        points(question("macs"), results("model,top1\nmine,70\n"), catalogue=False)
    assert str(raised.value) == (f"{limits} (1 left out, the first, mine: {NOWHERE} macs)")


def test_rows_that_were_not_asked_for_are_counted(results):
    mine = results("model,top1\nmobilenetv2,72\nresnet18,70\nmine,70\n")
    cloud = points(question(families=("resnet",)), mine, catalogue=False)
    assert (len(cloud.points), cloud.left, cloud.others) == (1, (), 2)


# --- the front ----------------------------------------------------------------------------------


def test_the_front_of_a_family():
    front = Front(question(), points(question(families=("ghostnet", "ghostnetv2"))))
    names = [front.points[i].name for i in front.on]
    assert names == [
        "ghostnet_050", "ghostnet_100", "ghostnetv2_100", "ghostnet_130", "ghostnetv2_130",
        "ghostnetv2_160",
    ]  # fmt: skip
    assert front.knee is not None
    assert front.points[front.knee].name == "ghostnetv2_100"
    assert front.reference == (398_607_224, Fraction("66.2"))


def test_several_costs_have_neither_knee_nor_hypervolume():
    asked = question("macs", "params", families=("ghostnet",))
    front = Front(asked, points(asked))
    assert (front.knee, front.hypervolume) == (None, None)
    assert len(front.on) == 3


def test_the_best_is_the_most_accurate_and_of_equals_the_cheapest(results):
    mine = results("model,top1,params\na,70,2M\nb,75,4M\nc,75,3M\nd,60,1M\n")
    asked = question("params", most=(Budget("params", 5_000_000),))
    front = Front(asked, points(asked, mine, catalogue=False))
    assert front.points[front.best].name == "c"
