"""The commands advise and proxies: what they print, and what they refuse in one sentence."""

import json

import pytest

from flopscope.cli import main


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            ["advise"],
            "advice depends on where the network runs; give --platform mobile, edge, server or gpu",
        ),
        (
            ["advise", "--platform", "phone"],
            "unknown platform 'phone'; known are mobile, edge, server, gpu",
        ),
        (
            ["advise", "--platform", "gpu", "--context", "globl"],
            "unknown context 'globl'; did you mean global or local?",
        ),
        (
            ["advise", "--platform", "gpu", "--tokens", "0"],
            "--tokens 0 is not a positive integer; give one such as 1",
        ),
        (
            ["advise", "--platform", "gpu", "--max-params", "few"],
            "--max-params few is not a number from 1; give one such as 150M, 1.5 G, 3e8 or "
            "300,000,000",
        ),
        (
            ["advise", "--platform", "gpu", "--max-latency", "15ms"],
            "--max-latency 15ms is not a device and a time; give one such as "
            "pixel3-cpu-tflite:15ms (`flopscope latencies` lists the devices)",
        ),
        (
            ["advise", "--platform", "mobile", "--max-latency", "pixel1-core-tflite:0.1ms"],
            "no published network keeps at most 0.1 ms on pixel1-core-tflite; the nearest, "
            "mobilenetv3_small:width=0.75 at 224×224, has 12.8 ms on pixel1-core-tflite",
        ),
        (
            ["advise", "--platform", "mobile", "--accuracy", "papr"],
            "unknown accuracy 'papr'; did you mean paper?",
        ),
        (
            ["proxies", "mobilenetv1", "--of", "snap"],
            "unknown proxy 'snap'; did you mean snip?",
        ),
        (
            ["proxies", "mobilenetv1", "--seed", "-1"],
            "--seed -1 is not an integer from 0; give one such as 2",
        ),
        (
            ["proxies", "mobilenetv1", "--batch", "1"],
            "proxies compare the images of a batch, and a batch of 1 has one; give at least 2, "
            "such as 16",
        ),
    ],
)
def test_bad_input_gets_one_sentence(capsys, tmp_path, line, sentence):
    status = main([*line, "-o", str(tmp_path / "answer.json")])
    assert (status, capsys.readouterr()) == (2, ("", f"flopscope: {sentence}\n"))
    assert list(tmp_path.iterdir()) == []


def test_the_data_have_what_the_tables_say(capsys):
    line = ["advise", "--platform", "server", "--max-macs", "5G", "--format", "json"]
    assert main(line) == 0
    found = json.loads(capsys.readouterr().out)
    resnet, convnext, b7 = found["candidates"]
    assert (found["schema"], found["budgets"]) == ("flopscope.advise/1", {"macs": 5 * 10**9})
    assert convnext["network"]["name"] == "convnext_tiny"
    better = convnext["dominated_by"]
    assert all(better["costs"][n] <= convnext["network"]["costs"][n] for n in ("macs", "params"))
    assert better["top1"] >= convnext["network"]["top1"]
    assert b7["ruled_out"] == "efficientnet_b7 at 600×600, the nearest, has 37,745,884,192 MACs"
    assert resnet["ruled_out"] is None


def test_proxies_without_a_value_are_null_with_the_reason(capsys):
    line = ["proxies", "mobilenetv1:width=0.25", "--res", "32", "--batch", "2"]
    assert main([*line, "--of", "az_nas,macs", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (network,) = found["networks"]
    assert network["values"]["az_nas"] is None
    assert network["lacking"] == {
        "az_nas": "it ranks networks among each other, and there is only one"
    }
    assert found["proxies"][1]["correlation"]["spearman"] == 0.796
