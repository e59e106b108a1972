"""A fitted device as a budget of a search: the table's sums are the times of whole ledgers."""

from random import Random

import pytest
from small_spaces import BLOCKS

import flopscope as fs
from flopscope.answers.spacebounds import latency_bound, up
from flopscope.answers.timed import latency_on
from flopscope.choosing.search import search
from flopscope.cli import main
from flopscope.designspaces import store
from flopscope.designspaces.known import space_named
from flopscope.designspaces.tables import tables
from flopscope.errors import BadInput, UnknownName
from flopscope.timing.builtin import device_names, device_of
from flopscope.tracing.engine import trace

PIXEL = "pixel3-cpu-tflite"
MACRO = space_named("nas_bench_macro")
MS = 10**15


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv(store.VARIABLE, "off")


@pytest.mark.parametrize("device", device_names())
@pytest.mark.parametrize(
    ("name", "res", "batch"), [("ofa_mobilenetv3", 176, 3), ("proxylessnas", 130, 1)]
)
def test_sums_are_the_times_of_whole_ledgers(device, name, res, batch):
    space, device = space_named(name), device_of(device)
    (table,) = tables(space, [latency_on(device)], res, batch=batch)
    rng = Random(17)
    for _ in range(3):
        design = space.random(rng)
        ledger = space.ledger(design, res, batch)
        assert table.cost(design) == int(latency_on(device).read(ledger))
        whole = ledger.time(device).seconds
        assert table.cost(design) / 10**18 == pytest.approx(whole, rel=1e-13)


@pytest.mark.parametrize("name", ["nas_bench_macro", "nas_bench_201", "proxylessnas"])
def test_a_design_takes_as_long_as_its_pytorch_network(name):
    space = space_named(name)
    design = space.random(Random(4))
    traced = trace(space.build(design), (1, 3, space.res, space.res)).ledger
    for device in ("rtx4090-eager-amp", "rtx4090-inductor-amp", PIXEL):
        quantity = latency_on(device_of(device))
        assert int(quantity.read(space.ledger(design))) == int(quantity.read(traced))


def test_the_best_within_a_time_equals_brute_force():
    quantity = latency_on(device_of(PIXEL))
    times = {design: int(quantity.read(BLOCKS.ledger(design))) for design in BLOCKS.all()}
    params = {design: int(BLOCKS.ledger(design).params()) for design in times}
    limits = sorted(times.values())
    for most in limits[:: len(limits) // 5]:
        text = f"{PIXEL}:{most / MS!r} ms"
        found = search(BLOCKS, maximise="params", max_latency=text)
        within = [design for design, time in times.items() if time <= found.bounds[0].most]
        assert found.proven
        assert found.best.score == max(params[design] for design in within)
        assert found.best.latency == times[found.best.design]


def test_cp_sat_proves_within_a_time_and_macs():
    pytest.importorskip("ortools")
    given = {"accuracy": "measured", "max_macs": "50M", "max_latency": f"{PIXEL}:2.2ms"}
    report = fs.search("nas_bench_macro", **given)
    space, scores = report.found.space, report.found.objective.scores
    macs, time = (bound.table for bound in report.found.bounds)
    within = [
        design
        for design in space.all()
        if macs.cost(design) <= 50 * 10**6 and time.cost(design) <= 2.2 * MS
    ]
    assert report.proven
    assert scores.of(space.design(report.best)) == max(map(scores.of, within))


def test_the_batch_is_the_commonest_of_the_device_unless_given():
    def batch_of(*given):
        return latency_bound("rtx4090-inductor-amp:9ms", MACRO, 32, *given).batch

    assert (batch_of(), batch_of(4)) == (256, 4)
    alone = latency_bound("rtx4090-inductor-amp:9ms", MACRO, 32, 1)
    assert alone.text == "9 ms on rtx4090-inductor-amp at a batch of 1"
    assert latency_bound(f"{PIXEL}:9ms", MACRO, 32).text == "9 ms on pixel3-cpu-tflite"


def test_the_command_has_interval_protocol_and_warnings(capsys):
    line = ["search", "nas_bench_macro", "--maximise", "params", "--batch", "2"]
    assert main([*line, "--max-latency", "rtx4090-inductor-amp:0.06ms"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert (
        "nas_bench_macro, 32×32, at most 0.06 ms on rtx4090-inductor-amp at a batch of 2: the "
        "best of 3,969 networks, proven optimal by a dynamic programme." in text
    )
    assert "Latency ms (90 %)" in text.replace("Design (macs) Params ", "")
    assert "Warning: the best design runs at a batch of 2, outside 8 to 256" in text
    assert "Times on rtx4090-inductor-amp are predicted, not measured" in text


def test_data_have_seconds_intervals_and_the_device():
    found = fs.search("nas_bench_macro", maximise="params", max_latency=f"{PIXEL}:3").to_dict()
    assert found["budgets"] == {"latency": 3.0}
    assert (found["device"]["name"], found["batch"]) == (PIXEL, 1)
    latency = found["best"]["latency"]
    assert latency["interval_90"][0] < latency["seconds"] <= 0.003 < latency["interval_90"][1]
    assert latency["trust"] == "predicted"


def test_a_time_that_none_keeps_is_answered_by_the_nearest(capsys):
    line = ["search", "nas_bench_macro", "--maximise", "params", "--max-latency"]
    assert main([*line, f"{PIXEL}:0.1ms"]) == 1
    text = " ".join(capsys.readouterr().out.split())
    _, _, rest = text.partition("the nearest budget that can be kept is --max-latency ")
    nearest, _, _ = rest.partition(" ")
    assert main([*line, nearest.removesuffix(".")]) == 0
    assert "at most 0.1 ms on pixel3-cpu-tflite; the nearest" in text


def test_a_time_is_rounded_up_so_that_it_is_enough():
    assert up(999_999, 10**6) == "1"
    assert up(1_234_500_001, 10**6) == "1235"


def test_the_frontier_of_a_time_is_drawn_in_milliseconds():
    report = fs.search("nas_bench_macro", maximise="params", max_latency=f"{PIXEL}:3ms")
    axes = report.plot()
    assert axes.get_xlabel() == (
        "Predicted latency on pixel3-cpu-tflite, ms, batch 1, nas_bench_macro, 32×32"
    )
    assert max(axes.lines[0].get_xdata()) <= 3


def test_a_device_file_is_a_budget_too(tmp_path, monkeypatch):
    from flopscope.timing.builtin import FOLDER

    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.json").write_text((FOLDER / f"{PIXEL}.json").read_text(encoding="utf-8"))
    own, named = (
        search("nas_bench_macro", maximise="params", max_latency=f"{name}:3ms").best
        for name in ("mine.json", PIXEL)
    )
    assert own == named


def refused(**given):
    with pytest.raises(BadInput) as error:
        fs.search(given.pop("space", BLOCKS), maximise="params", **given)
    return str(error.value)


@pytest.mark.parametrize("text", ["15ms", ":15ms", " :3"])
def test_a_time_needs_a_device(text):
    assert refused(max_latency=text) == (
        f"max-latency {text} is not a device and a time, nor a table of latencies and the most in "
        "its unit; give one such as pixel3-cpu-tflite:15ms, device.json:15ms or blocks.csv:11"
    )


@pytest.mark.parametrize("limit", ["", "fast", "0ms", "-3ms", "15 kg", "1e-30ms"])
def test_a_time_is_a_number_above_0(limit):
    assert refused(max_latency=f"{PIXEL}:{limit}") == (
        f"max-latency {PIXEL}:{limit} ends in '{limit}', which is no time above 0; give one such "
        f"as {PIXEL}:15ms"
    )


def test_a_device_with_published_latencies_alone_predicts_nothing():
    assert refused(max_latency="pixel4-cpu-tflite:3ms").startswith(
        "device pixel4-cpu-tflite has published latencies alone, and times are predicted on a "
        "device that was fitted: "
    )


def test_unknown_devices_and_files():
    with pytest.raises(UnknownName) as error:
        fs.search(BLOCKS, maximise="params", max_latency="pixel3:15ms")
    assert str(error.value).startswith("unknown device 'pixel3'")
    assert refused(max_latency="none.json:3ms").startswith("cannot read 'none.json'")


def test_times_that_do_not_add_up_are_refused():
    assert refused(space="nas_bench_201", max_latency="rtx4090-inductor-amp:3ms") == (
        "times on rtx4090-inductor-amp, whose runtime is inductor, do not add up over choices: "
        "nas_bench_201 does not separate: the cost of what all designs share depends on the other "
        "choices, as in the design 'nor_conv_1x1 nor_conv_1x1 nor_conv_1x1 nor_conv_1x1 "
        "nor_conv_1x1 nor_conv_1x1'; give a table of latencies, or another device"
    )


def test_a_batch_is_that_of_a_predicted_time(tmp_path):
    assert refused(batch=4) == (
        "batch is that of a time on a device, and none is bounded; give max-latency too, such as "
        "pixel3-cpu-tflite:15ms"
    )
    assert refused(batch=4, max_latency="blocks.csv:3") == (
        "batch is for a time that is predicted on a device, and the latencies of blocks.csv are "
        "what they are; leave it out"
    )


def test_times_that_are_no_exact_integers_are_refused():
    assert refused(space="ofa_mobilenetv3", max_latency="pixel1-cpu-tflite:3ms", batch=100) == (
        "networks of ofa_mobilenetv3 at 224×224 and a batch of 100 take so long on "
        "pixel1-cpu-tflite that their times are not exact; give a smaller batch"
    )
