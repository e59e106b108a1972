"""Slimming as it is printed: the steps, the stages, and the command beside `fs.slim`."""

import json

import flopscope as fs
from flopscope.cli import main

L1, PIXEL = "efficientformer_l1", "pixel3-cpu-tflite"


def importances(tmp_path):
    blocks = fs.slim(L1, device=PIXEL).start.first.blocks
    path = tmp_path / "a.csv"
    path.write_text("".join(["block,importance\n", *(f"{b.name},1\n" for b in blocks)]))
    return str(path)


def test_the_command_prints_what_the_function_returns(capsys, tmp_path):
    design = fs.slim(L1, device=PIXEL).start.first
    terms = [f"{b.name},{b.number},{0.5 if b.attends else ''}\n" for b in design.blocks]
    path = tmp_path / "a.csv"
    path.write_text("".join(["block,importance_4d,importance_3d\n", *terms]))
    for every, flags in ((False, []), (True, ["--every"])):
        report = fs.slim(L1, "60ms", str(path), device=PIXEL, every=every)
        given = ["--device", PIXEL, "--latency", "60ms", "--importance", str(path), *flags]
        assert main(["slim", L1, *given]) == 0
        assert capsys.readouterr() == (f"{report}\n", "")


def test_steps_have_what_was_done_and_what_it_saves():
    report = fs.slim(L1, "60ms", lambda block: (1.0, 1.0), device=PIXEL)
    lines = report.to_csv().splitlines()
    head = "step,action,of,saved_seconds,saved_low,saved_high,lost,lost_per_ms,seconds,taken"
    assert lines[0].startswith(head)
    data = report.to_dict()
    assert [sum(each["taken"] for each in step["candidates"]) for step in data["steps"]] == [
        1 for _ in data["steps"]
    ]
    assert data["after"]["time"]["seconds"] <= data["target_seconds"] == 0.06
    assert data["after"]["channels"] == list(report.design.channels)
    assert data["after"]["params"] == report.design.ledger().params().value
    text = " ".join(str(report).split())
    assert "Lost importance is no accuracy: no network was trained or evaluated here." in text
    assert "narrow stage1 to 32" in text


def test_accuracies_are_called_so():
    report = fs.slim(L1, "80ms", lambda block: 1.0, lambda design: 80, device=PIXEL)
    assert "Accuracy lost" in " ".join(report.to_markdown().split())
    assert "Lost importance is no accuracy" not in str(report)
    assert report.to_dict()["loss"] == "accuracy"
    assert set(report.to_dict()["accuracies"]) == {80.0}


def test_a_latency_within_the_interval_is_said_to_be_uncertain():
    report = fs.slim(L1, "60ms", lambda block: (1.0, 1.0), device=PIXEL)
    assert (
        "60 ms lie within the interval, so it is not certain that the design keeps them; measure "
        "it."
    ) in " ".join(str(report).split())


def test_what_is_for_slimming_is_refused_without_a_latency(capsys, tmp_path):
    path = importances(tmp_path)
    assert main(["slim", L1, "--device", PIXEL, "--importance", path]) == 2
    assert capsys.readouterr() == (
        "",
        "flopscope: --importance and --every are for slimming to a latency, and none is given; "
        "give one such as --latency 12ms\n",
    )
    assert main(["slim", L1, "--device", PIXEL, "--latency", "60ms", "--importance", path]) == 2
    assert capsys.readouterr().err == (
        "flopscope: stage4.block4 attends, and only its importance in all is given; give "
        "importance_4d and importance_3d apart, or evaluate accuracies\n"
    )


def test_the_listed_parts_say_where_they_are_from():
    data = json.loads(fs.slim(L1, device=PIXEL).to_json())
    assert {part["trust"] for part in data["parts"]} == {"predicted"}
    assert {part["part"] for part in data["parts"]} == {
        "stem", "downsample", "mb4d", "mb3d", "head"
    }  # fmt: skip
