"""Tables of networks that are sorted by a predicted latency, or have its column in a place."""

from __future__ import annotations

import pytest

import flopscope as fs
from flopscope.cli import main

INTEL, GPU = "i7-12700h-inductor", "rtx4090-eager-amp"
NAMES = ("mobilenetv1", "efficientnet_b0", "mobilenetv2")


def order(**given: object) -> list[str]:
    return list(fs.compare(*NAMES, **given).to_frame()["model"])


@pytest.mark.parametrize("by", ["latency", f"predicted:{INTEL}"])
def test_rows_are_sorted_by_the_predicted_time(by: str) -> None:
    seconds = {
        name: fs.predict(name, device=INTEL, batch=1).predictions[0].time.seconds for name in NAMES
    }
    upwards = sorted(NAMES, key=seconds.__getitem__)
    assert upwards != sorted(NAMES, key=NAMES.index)
    assert order(device=INTEL, sort=f"+{by}") == upwards
    assert order(device=INTEL, sort=by) == upwards[::-1]


def test_on_several_devices_one_is_named() -> None:
    both = [INTEL, GPU]
    assert order(device=both, sort=f"+predicted:{INTEL}") == [
        "mobilenetv2", "mobilenetv1", "efficientnet_b0",
    ]  # fmt: skip
    assert order(device=both, sort=f"+predicted:{GPU}") == [
        "mobilenetv1", "mobilenetv2", "efficientnet_b0",
    ]  # fmt: skip


def test_the_column_stands_where_it_is_asked_for_and_once() -> None:
    table = fs.compare(*NAMES, device=INTEL, columns="latency,macs", sort="latency").to_frame()
    assert list(table.columns) == ["model", "family", "latency_ms", "macs"]
    both = fs.compare("mobilenetv1", device=[INTEL, GPU], columns=f"predicted:{GPU},macs")
    assert list(both.to_frame().columns)[2:] == [
        f"latency_ms_{GPU}", "macs", f"latency_ms_{INTEL}",
    ]  # fmt: skip


def test_the_command_sorts_in_groups_too(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["compare", *NAMES, "--device", INTEL, "--sort", "+latency", "--columns", "params"]
    assert main([*line, "--format", "csv"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.partition(",")[0] for row in rows[1:]] == order(device=INTEL, sort="+latency")
    assert rows[0] == "model,family,params,latency_ms"
    assert main([*line, "--group", "family"]) == 0
    out = capsys.readouterr().out
    assert out.index("mobilenetv2:") < out.index("mobilenetv1:") < out.index("efficientnet:")


UNTIMED = (
    "is of networks, as in `flopscope compare --device NAME`; how long parts of a network take "
    "says `flopscope predict --by layer`"
)
SENTENCES = {
    "compare mobilenetv1 --sort latency": "the column latency is predicted on a device, and none "
    "is named; name one with --device, or take published latencies, as in "
    "latency:pixel3-cpu-tflite",
    f"compare mobilenetv1 --device {INTEL} --device {GPU} --sort +latency": "latencies are "
    f"predicted on {INTEL} and {GPU}; name one of them, as in predicted:{INTEL}",
    f"compare mobilenetv1 --device {INTEL} --columns predicted:{GPU}": f"the column predicted:{GPU}"
    f" names no device on which a latency is predicted here; name {INTEL}, or give another "
    "--device too",
    f"compare mobilenetv1 --device {INTEL} --columns latency,predicted:{INTEL}": "the column "
    f"predicted:{INTEL} is given twice; give it once",
    "profile mobilenetv1 --sort +latency": f"latency {UNTIMED}",
    f"show mobilenetv1 --columns predicted:{INTEL}": f"predicted:{INTEL} {UNTIMED}",
}


@pytest.mark.parametrize("line", SENTENCES)
def test_bad_input_gets_one_sentence(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 2
    assert capsys.readouterr() == ("", f"flopscope: {SENTENCES[line]}\n")


def test_python_names_its_argument() -> None:
    with pytest.raises(ValueError, match="name one with device, or take published latencies"):
        fs.compare("mobilenetv1", sort="latency")
