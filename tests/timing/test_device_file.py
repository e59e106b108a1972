"""Device files: what is written is read, and what is no device file is refused in one sentence."""

from __future__ import annotations

import json

import pytest

from flopscope.brief import shown
from flopscope.errors import BadInput, UnknownName
from flopscope.timing.builtin import FOLDER, device_names, device_of
from flopscope.timing.device_file import device_text, parse_device, read_device

PIXEL = "pixel3-cpu-tflite"
TEXT = (FOLDER / f"{PIXEL}.json").read_text(encoding="utf-8")


def changed(**changes):
    """The file of a device in which fields have other values; a dotted name is a field in one."""
    data = json.loads(TEXT)
    for name, value in changes.items():
        *outer, last = name.split("__")
        inner = data
        for each in outer:
            inner = inner[each]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
    return json.dumps(data)


def refusal(text):
    with pytest.raises(BadInput) as caught:
        parse_device(text, "d.json")
    return str(caught.value)


@pytest.mark.parametrize("name", device_names())
def test_what_is_written_is_read(name):
    device = device_of(name)
    text = device_text(device)
    assert parse_device(text, "d.json") == device
    assert text == (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert device.name == name


def test_constants_of_other_units_are_refused():
    """What a runtime runs for a network is counted better with time; constants do not follow."""
    ort = changed(runtime="ort")
    assert refusal(ort) == (
        "d.json was fitted to other units of ONNX Runtime than are counted now (edition 1, and now "
        "2); fit it again, as with `flopscope calibrate --from laptop.csv` from its measurements"
    )
    assert "(edition 2, and now 1)" in refusal(changed(units=2))
    data = json.loads(ort)
    device = parse_device(json.dumps({**data, "units": 2}), "d.json")
    assert json.loads(device_text(device))["units"] == 2
    assert "units" not in json.loads(device_text(device_of(PIXEL)))


REFUSED = {
    "no JSON": ("{", "d.json is not JSON: Expecting property name enclosed in double quotes: line "
        "1 column 2 (char 1); give a file that `flopscope calibrate` wrote"),
    "a list": ("[1]", "d.json is no device file; give one that `flopscope calibrate` wrote"),
    "another version": (changed(format="flopscope.device/9"),
        "d.json has the format 'flopscope.device/9'; a device file says flopscope.device/1"),
    "a missing constant": (changed(constants__mac_linear=None),
        "d.json has no constants.mac_linear, which every device file has"),
    "an unknown constant": (changed(constants__mac_bent={"value": 1.0, "unit": "s"}),
        "d.json: constants.mac_bent is unknown, and must be one of mac_standard, mac_pointwise, "
        "mac_depthwise, mac_grouped, mac_linear, mac_matmul, activation_byte, moved_byte, "
        "indexed_byte, weight_byte, exponential, launch_product or launch_other"),
    "a negative constant": (changed(constants__mac_linear__value=-1e-12),
        "d.json: constants.mac_linear.value is -1e-12, and must be a number from 0"),
    "not a number": (changed(constants__mac_linear__value=float("nan")),
        "d.json: constants.mac_linear.value is nan, and must be a finite number"),
    "another unit": (changed(constants__mac_linear__unit="ms"),
        "d.json: constants.mac_linear.unit is 'ms', and must be s/MAC"),
    "another runtime": (changed(runtime="abacus"),
        "d.json: runtime is 'abacus', and must be eager, eager1, inductor, ort, openvino, tflite "
        "or ncnn"),
    "another rule": (changed(rule="mean"), "d.json: rule is 'mean', and must be sum or max"),
    "no threads": (changed(threads=0), "d.json: threads is 0, and must be an integer from 1"),
    "an interval upside down": (changed(held_out__log_quantiles__90=[0.1, -0.1]),
        "d.json: held_out.log_quantiles.90 is [0.1, -0.1], and must be two numbers from -10 to 10, "
        "the lower one first"),
    "an interval without an end": (changed(held_out__log_quantiles__80=[-0.1, 1e300]),
        "d.json: held_out.log_quantiles.80 is [-0.1, 1e+300], and must be two numbers from -10 to "
        "10, the lower one first"),
    "an age for a byte": (changed(constants__weight_byte__value=1e300),
        "d.json: constants.weight_byte.value is 1e+300, and must be at most a second"),
    "an integer of 400 digits": (changed(held_out__kendall=10**400),
        f"d.json: held_out.kendall is {shown(10**400)}, and must be a finite number"),
    "an empty name": (changed(name=" "),
        "d.json: name is empty, and must be the name of the device"),
    "brackets without an end": ("[" * 10**5,
        "d.json is not JSON: maximum recursion depth exceeded while decoding a JSON array from a "
        "unicode string; give a file that `flopscope calibrate` wrote"),
    "a range upside down": (changed(seen__macs=[9, 1]),
        "d.json: seen.macs is [9, 1], and must be the least and the most, two integers from 1"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_device_file_gets_one_sentence(what):
    text, sentence = REFUSED[what]
    assert refusal(text) == sentence


def test_a_file_of_zeros_is_no_device():
    data = json.loads(TEXT)
    for constant in data["constants"].values():
        constant["value"] = 0
    assert refusal(json.dumps(data)) == (
        "d.json: constants is all 0, and must be at least one that is above 0"
    )


def test_a_file_that_is_not_there():
    with pytest.raises(BadInput) as caught:
        read_device("nowhere.json")
    assert str(caught.value) == (
        "cannot read 'nowhere.json': No such file or directory; give a device file"
    )


def test_a_mark_of_the_order_of_bytes_is_read_over(tmp_path):
    file = tmp_path / "bom.json"
    file.write_text("\ufeff" + TEXT, encoding="utf-8")
    assert read_device(file) == device_of(PIXEL)


def test_an_unknown_name_lists_the_devices():
    with pytest.raises(UnknownName) as caught:
        device_of("pixel3-cpu-tflight")
    assert str(caught.value).startswith(
        "unknown device 'pixel3-cpu-tflight'; did you mean pixel3-cpu-tflite"
    )
    assert all(name in str(caught.value) for name in device_names())
