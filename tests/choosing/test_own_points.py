"""Networks of one's own among published ones, and networks that a results file names."""

import json
from fractions import Fraction

import pytest
from torch import nn

from flopscope.answers import target as targets
from flopscope.answers.counted import Given
from flopscope.answers.profile import profile
from flopscope.catalog.results import read_results
from flopscope.choosing import costs
from flopscope.choosing.front import Front
from flopscope.choosing.own import own_points
from flopscope.choosing.points import GIVEN, Left, Question, points
from flopscope.cli import main
from flopscope.conventions import convention
from flopscope.errors import BadInput
from tests.support.own_nets import written

MACS = convention("macs")


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return written(tmp_path_factory.mktemp("own"))


def question(*criteria, resolution=(224, 224), families=("mobilenetv1",), **more):
    return Question(criteria or ("macs",), MACS, resolution, families, **more)


def macs(target, res, **arguments):
    return int(profile(target, [f"1,3,{res},{res}"], arguments).ledger.macs())


# --- targets ------------------------------------------------------------------------------------


def test_a_network_of_one_s_own_stands_among_the_published_ones(own):
    cloud = points(question(), own=own_points([f"{own}:Net"], ["55.5"]))
    (mine,) = (point for point in cloud.points if point.yours)
    assert mine.costs == (macs(f"{own}:Net", 224),)
    assert (mine.top1, mine.source, mine.resolution) == (Fraction(111, 2), GIVEN, (224, 224))
    published = points(question()).points
    assert [p for p in cloud.points if not p.yours] == list(published)


def test_arguments_and_inputs_are_those_that_are_given(own):
    given = Given(inputs=("1,3,96,96",), pairs=("width=16",))
    asked = question(resolution=None)
    cloud = points(asked, own=own_points([f"{own}:Net"], [50]), given=given)
    (mine,) = (point for point in cloud.points if point.yours)
    assert mine.name == f"{own}:Net[width=16]"
    assert mine.resolution == (96, 96)
    assert mine.costs == (macs(f"{own}:Net", 96, width=16),)


def test_a_module_and_a_class_of_python_are_placed_too():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 1))
    cloud = points(question(), own=own_points([net], [1.5]))
    (mine,) = (point for point in cloud.points if point.yours)
    assert mine.costs == (222 * 222 * 8 * (27 + 8),)


def test_a_target_beyond_a_budget_is_left_out_with_its_cost(own):
    from flopscope.choosing.budgets import Budget

    asked = question(most=(Budget("macs", 45_000_000),))
    cloud = points(asked, own=own_points(["mobilenetv2"], ["72"]))
    assert cloud.left == (
        Left("mobilenetv2", None, "it has 300,774,272 MACs, above 45,000,000", (224, 224)),
    )


def test_a_dominated_network_of_one_s_own_is_listed(own, capsys):
    arguments = ["--top1", "30", "--res", "224", "--family", "mobilenetv1"]
    assert main(["pareto", f"{own}:Net", "--arg", "width=64", *arguments]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"{macs(f'{own}:Net', 224, width=64):,} 30.0" in text
    assert "Counted from their code or graph, 1:" in text
    assert "given with the network" in text


def test_the_data_name_the_target(own, capsys):
    arguments = ["--top1", "90", "--res", "64", "--results", "docs/results.csv", "--x", "params"]
    assert main(["pareto", f"{own}:Net", *arguments, "--format", "json"]) == 0
    (mine,) = json.loads(capsys.readouterr().out)["points"]
    assert (mine["target"], mine["top1"], mine["resolution"]) == (f"{own}:Net", 90.0, [64, 64])


@pytest.mark.parametrize(
    ("given", "accuracies", "message"),
    [
        (["mobilenetv2", "resnet18"], ["70"],
         "--top1 is given once, but there are 2 targets; give it once for each target, in their "
         "order"),
        (["mobilenetv2"], [],
         "--top1 is not given, but there is 1 target; give it once for each target, in their "
         "order"),
        ([], ["70"],
         "--top1 is the accuracy of a target, and none is given; name one, such as net.py:Net"),
        (["mobilenetv2"], ["0.7"], "--top1 0.7 is a share of 1; give it in per cent, as in 71.3"),
        (["mobilenetv2"], ["101"],
         "--top1 101 is not a percentage above 0 and up to 100, such as 71.3"),
        (["mobilenetv2"], ["good"],
         "--top1 good is not a percentage above 0 and up to 100, such as 71.3"),
    ],
)  # fmt: skip
def test_bad_accuracies(given, accuracies, message):
    with pytest.raises(BadInput) as raised:
        own_points(given, accuracies)
    assert str(raised.value) == message


def test_latency_of_a_target_is_not_computed(own):
    with pytest.raises(BadInput) as raised:
        points(question("latency"), own=own_points([f"{own}:Net"], [50]))
    assert str(raised.value) == (
        "latency is a time on a device, and none is named; name one, such as pixel3-cpu-tflite "
        "(`flopscope latencies` lists those with published latencies), or give your own in a "
        "results file, as latency_ms"
    )


# --- names in a results file --------------------------------------------------------------------


@pytest.fixture
def results(tmp_path):
    def make(text):
        path = tmp_path / "r.csv"
        path.write_text(text)
        return read_results(str(path))

    return make


def test_a_target_in_a_results_file_is_counted_at_the_size_of_its_row(own, results):
    read = results(f"model,img_size,top1\n{own}:Net,32,40\n{own}:Net,64,45\n")
    cloud = points(question(resolution=None, families=()), read, catalogue=False)
    assert [(p.resolution, p.costs[0], p.stated) for p in cloud.points] == [
        ((side, side), macs(f"{own}:Net", side), False) for side in (32, 64)
    ]


def test_a_network_that_cannot_be_counted_is_left_out_with_the_reason(own, results):
    read = results(f"model,img_size,top1\n{own}:Nothing,32,40\n{own}:Unknown,8,4\nresnet18,224,7\n")
    cloud = points(question(resolution=None, families=()), read, catalogue=False)
    assert [left.line for left in cloud.left] == [2, 3]
    assert cloud.left[0].reason.startswith(f"unknown name in {own} 'Nothing'")
    assert cloud.left[1].reason.startswith("the MACs (macs) of ")


def test_a_target_has_computed_costs_where_the_file_states_some_too(own, results):
    read = results(f"model,img_size,top1,macs\n{own}:Net,32,40,7M\n")
    (point,) = points(question(resolution=None, families=()), read, catalogue=False).points
    assert (point.costs, point.stated) == ((macs(f"{own}:Net", 32),), False)


def test_what_the_file_states_is_not_traced(results, monkeypatch):
    monkeypatch.setattr(costs.Costs, "of_library", lambda *_: pytest.fail("traced"))
    read = results("model,img_size,top1,params\nsome_net,224,70,4.1M\n")
    cloud = points(question("params", families=()), read, catalogue=False)
    assert [(p.costs, p.stated) for p in cloud.points] == [((4_100_000,), True)]


def test_a_network_of_a_library_is_counted_once_for_each_size(own, results, monkeypatch):
    """The library is stood in for by the reader's own file."""
    monkeypatch.setattr(costs, "find_spec", lambda name: name == "timm" or None)
    monkeypatch.setattr(costs, "_has", lambda library, name: name.startswith("own_"))
    seen = []

    def parse(text):
        seen.append(text)
        return targets.parse_target(f"{own}:Net")

    monkeypatch.setattr(costs, "parse_target", parse)
    traced = []
    count = costs.counted
    monkeypatch.setattr(costs, "counted", lambda *given: traced.append(given) or count(*given))
    read = results(
        "model,img_size,top1,param_count\nown_a,32,50,1.0\nown_b,32,51,1.0\nown_a,48,55,1.0\nno,32,1,1\n"
    )
    cloud = points(question("macs", resolution=None, families=()), read, catalogue=False)
    assert seen == ["timm:own_a", "timm:own_b"]
    assert len(traced) == 2
    assert [(p.name, p.costs[0]) for p in cloud.points] == [
        ("own_b", macs(f"{own}:Net", 32)), ("own_a", macs(f"{own}:Net", 32)),
        ("own_a", macs(f"{own}:Net", 48)),
    ]  # fmt: skip
    assert [left.name for left in cloud.left] == ["no"]


def test_a_front_has_its_own_network_on_it(own):
    front = Front(question(), points(question(), own=own_points([f"{own}:Net"], [99])))
    assert any(front.points[index].yours for index in front.on)
