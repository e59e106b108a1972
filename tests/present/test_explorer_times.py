"""The page predicts the times that Python predicts, and warns where Python warns."""

from __future__ import annotations

import os
import random
from dataclasses import replace

import pytest
from node import needs_node, run
from onnx import TensorProto, helper, save

from flopscope.answers.counted import Given
from flopscope.answers.explore import Exploration, Explored, explore
from flopscope.answers.predict import Prediction, predict
from flopscope.answers.target import of_variant
from flopscope.answers.timed import latency_on
from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import parse
from flopscope.closedform.scripts import runtime
from flopscope.errors import BadInput, OutsideDomain
from flopscope.present.explorer.page import page_data, page_file
from flopscope.timing.builtin import device_names, device_of
from flopscope.timing.device import Device

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "explore"
SAMPLE = ("mobilenetv3_large", "ghostnetv2_100", "convnext_tiny", "mobileclip_s0")

SCRIPT = """
const classes = bounded(data.page.classes);
page.devices = data.page.devices.map((each) => new Device(each, data.page.categories));
const networks = new Map(data.page.networks.map((each) => [each.name, new Network(each, classes)]));
const asked = ([name, sizes]) => {
  try {
    const counts = networks.get(name).at(sizes);
    return page.devices.map((device) => refusedBy(networks.get(name), device)
      ?? [counts.time(device).seconds, ...device.interval(counts.time(device).seconds),
        ...unlikeness(counts, device, sizes)]);
  } catch (error) { if (error instanceof RangeError) return error.constructor.name; throw error; }
};
console.log(JSON.stringify(data.points.map(asked)));
"""


def in_page(found: Exploration, points: list[tuple[str, dict]]) -> list:
    files = map(page_file, ("network.js", "time.js", "state.js"))
    data = {"page": page_data(found), "points": points}
    return run("\n".join([runtime(), *files, SCRIPT]), data)


def by_formula(network: Explored, sizes: dict, devices: tuple[Device, ...]) -> list[float] | str:
    """The seconds on each device by the exact formula of the time."""
    try:
        return [
            int(latency_on(each).formula(network.ledger).at(**sizes)) / 1e18 for each in devices
        ]
    except OutsideDomain:
        return "Outside"


def compare(name: str, number: int, devices: tuple[Device, ...]) -> None:
    found = explore([name], devices=devices, only=True)
    (network,) = found.networks
    rng = random.Random(name)
    usual = {size.name: size.usual for size in network.sizes}
    points = [usual]
    for _ in range(number):
        side = rng.randint(1, 12) * 32
        at = {
            s.name: {"H": side, "W": side}.get(s.name, rng.randint(1, 2 * int(s.usual)))
            if s.symbol.integer
            else rng.choice([0.35, 0.6, 1.0, 1.4])
            for s in network.sizes
        }
        points.append(at)
    told = in_page(found, [(network.name, point) for point in points])
    for point, here in zip(points, told, strict=True):
        expected = by_formula(network, point, devices)
        seconds = here if isinstance(here, str) else [each[0] for each in here]
        assert seconds == (
            expected if isinstance(expected, str) else pytest.approx(expected, rel=1e-11)
        )


@needs_node
@pytest.mark.parametrize("name", SAMPLE)
def test_times_are_those_of_the_exact_formula(name):
    compare(name, 2, tuple(map(device_of, device_names()[::3])))


@needs_node
@pytest.mark.may_skip("every network takes minutes: see `make slow`")
@pytest.mark.skipif(not THOROUGH, reason="only `make slow` compares every network")
@pytest.mark.parametrize("name", MODELS)
def test_every_network_has_the_times_of_the_exact_formula(name):
    compare(name, 4, tuple(map(device_of, device_names())))


@needs_node
@pytest.mark.parametrize("name", device_names())
def test_times_intervals_and_warnings_are_those_that_predict_prints(name):
    device = device_of(name)
    texts = ("mobilenetv2", "mobilenetv3_large:classes=10")
    found = explore(texts, devices=[device], only=True)
    points = [
        (network.name, {s.name: s.usual for s in network.sizes} | dict(network.begins or {}))
        for network in found.networks
    ]
    for text, (here,) in zip(texts, in_page(found, points), strict=True):
        (told,) = predict([of_variant(parse(text))], Given(), device, batch=1)
        low, high = told.time.interval()
        assert here[:3] == pytest.approx([told.time.seconds, low, high], rel=1e-11)
        assert [f"{text} {said}" for said in here[3:]] == without_the_device(told)


def without_the_device(told: Prediction) -> list[str]:
    """The warnings, as they are on a page that names its device above them."""
    device = told.time.device.name
    return [
        each.replace(f", which {device} was calibrated with", "").replace(
            f"the calibration of {device}", "its calibration"
        )
        for each in told.warnings
    ]


def test_published_latencies_stand_beside_predicted_ones():
    found = explore(["mobilenetv2"], devices=[device_of("i7-12700h-inductor")], only=True)
    (network,) = found.networks
    (measured, *_) = [each for each in network.measured if not each.options]
    assert (measured.resolution, measured.batch, float(measured.milliseconds)) == (
        (224, 224),
        1,
        6.591,
    )


def test_a_device_of_ones_own_is_the_only_one():
    own = replace(device_of("pixel1-cpu-tflite"), name="mine")
    found = explore(["mobilenetv2"], devices=[own], only=True)
    assert [each["name"] for each in page_data(found)["devices"]] == ["mine"]
    assert found.networks[0].measured == ()  # no table is of this device


@needs_node
def test_a_quantised_network_has_no_time_where_numbers_are_float32(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = helper.make_tensor_value_info("x", TensorProto.INT8, [2, 3])
    y = helper.make_tensor_value_info("y", TensorProto.INT32, [2, 4])
    weight = helper.make_tensor("w", TensorProto.INT8, [3, 4], [1] * 12)
    node = helper.make_node("MatMulInteger", ["x", "w"], ["y"], name="product")
    graph = helper.make_graph([node], "g", [x], [y], [weight])
    opset = [helper.make_opsetid("", 17)]
    save(helper.make_model(graph, opset_imports=opset, ir_version=8), "q.onnx")
    pixel = device_of("pixel1-cpu-tflite")
    eight = replace(pixel, name="eight", dtype="int8")
    found = explore(["q.onnx"], devices=[pixel, eight], only=True)
    ((refused, timed),) = in_page(found, [("q.onnx", {})])
    assert refused == (
        "product multiplies int8, and the device pixel1-cpu-tflite was calibrated with float32; "
        "give a device of int8"
    )
    (network,) = found.networks
    assert timed[0] == pytest.approx(network.ledger.time(eight).seconds, rel=1e-11)


def test_two_devices_of_one_name_are_refused():
    one = device_of("pixel1-cpu-tflite")
    with pytest.raises(BadInput) as refused:
        explore(["mobilenetv2"], devices=[one, replace(one, date="2020-01-01")], only=True)
    assert str(refused.value) == (
        "two devices have the name pixel1-cpu-tflite, by which the page tells them apart; give "
        "one of the files another name"
    )
