"""The sweep over public networks: a sample of its page, held here, and the command itself."""

import json
import os
import shlex
import signal
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
import sweep
import sweep_one
import sweep_page
import zoo
from architectures import MARK, PAGE
from torch import nn

from flopscope.tracing import trace

pytestmark = pytest.mark.filterwarnings(
    "ignore:The default weight initialization of .* will be changed:FutureWarning",
    "ignore:Overwriting .* in registry with .*:UserWarning",
)

SAMPLE = """
    torchvision:alexnet torchvision:convnext_tiny torchvision:mnasnet1_3
    torchvision:quantized_resnet18 torchvision:r3d_18 torchvision:regnet_x_1_6gf
    torchvision:resnet18 torchvision:shufflenet_v2_x2_0 torchvision:squeezenet1_0
    torchvision:vgg16 torchvision:vit_b_16 torchvision:wide_resnet50_2
    timm:aimv2_1b_patch14_336 timm:beit_large_patch16_512 timm:beitv2_base_patch16_224
    timm:coat_lite_mini timm:coatnet_pico_rw_224 timm:convnext_atto timm:convnextv2_femto
    timm:cs3darknet_focus_s timm:darknet17 timm:deit_small_distilled_patch16_224 timm:dla46x_c
    timm:eca_resnext26ts timm:ecaresnetlight timm:efficientformer_l1 timm:efficientnet_es
    timm:ese_vovnet19b_slim timm:eva02_tiny_patch14_336 timm:fasternet_t1 timm:flexivit_small
    timm:gernet_s timm:gmixer_12_224 timm:hardcorenas_a timm:lambda_resnet26rpt_256
    timm:lcnet_150 timm:legacy_seresnext50_32x4d timm:lowformer_e1 timm:mixer_s16_224
    timm:mnasnet_small timm:mobilenetv3_rw timm:naflexvit_base_patch16_gap timm:nest_tiny_jx
    timm:pvt_v2_b1 timm:resmlp_12_224 timm:resnet50t timm:resnetv2_34d timm:sebotnet33ts_256
    timm:semnasnet_100 timm:seresnet34 timm:seresnext26t_32x4d timm:test_convnext2
    timm:test_efficientnet timm:test_resnet timm:test_vit3 timm:tf_mobilenetv3_small_075
    timm:tinynet_e timm:vgg19 timm:vit_base_patch8_224 timm:xception41p
""".split()
"""Small ones, each of a family of its own."""


def lines():
    """The table of networks that are equal, by name."""
    second = PAGE.read_text(encoding="utf-8").partition(MARK)[2]
    rows = second.rpartition("### Equal")[2].splitlines()
    return {row.split(" | ")[0].removeprefix("| "): row for row in rows if row.startswith("| ")}


LINES = lines()


def test_the_sample_is_of_sixty():
    assert len(set(SAMPLE)) == len(SAMPLE) == 60


@pytest.mark.parametrize("name", SAMPLE)
def test_a_sample_is_what_the_page_says(name):
    numbers = sweep_one.at_numbers(zoo.subject(name))
    assert (numbers["verdict"], numbers["touched"]) == ("equal", [])
    assert " | ".join(sweep_page.cells_of(name, numbers)) in LINES[name]


# --- one network ----------------------------------------------------------------------------------


class Tower(nn.Module):
    """Takes even sizes from 8 on."""

    def __init__(self, width=4):
        super().__init__()
        self.conv, self.seen = nn.Conv2d(3, width, 3), []

    def forward(self, x):
        if x.shape[-1] % 2:
            raise ValueError(f"{x.shape[-1]} is odd")
        return self.conv(x)


def tower(name="tower", module=None):
    own, *others = ({"B": b, "H": n, "W": n} for b, n in ((1, 8), (2, 7), (2, 10), (2, 12)))
    return zoo.Subject(module or Tower(), own, tuple(others), zoo.images)


def test_a_network_is_tried_at_its_own_size_and_the_first_other_one_that_it_takes():
    found = sweep_one.at_numbers(tower())
    own, odd, even = found.pop("tried")
    assert own["macs"] == own["torch"] == 4 * 3 * 9 * 6 * 6
    assert (odd["error"], odd["torch"], "macs" in odd) == ("ValueError: 7 is odd", None, False)
    assert even["macs"] == even["torch"] == 2 * 4 * 3 * 9 * 8 * 8
    assert (found["verdict"], found["parameters"]) == ("equal", 4 * 28)


def test_a_formula_that_claims_what_the_network_does_not_take_is_wrong():
    subject = tower()
    tried = sweep_one.at_numbers(subject)["tried"]
    found = sweep_one.with_free_sizes(subject, tried, 60)
    assert (found["verdict"], found["answers"][1]) == ("equal", None)
    plain = subject._replace(module=nn.Conv2d(3, 4, 3))  # which answers at 7 as well
    assert sweep_one.with_free_sizes(plain, tried, 60)["verdict"] == "wrong"


def test_a_count_that_differs_is_wrong_and_one_with_something_unknown_a_bound():
    assert sweep_one._compared(7, False, 8) == "wrong"
    assert sweep_one._compared(7, True, 8) == "bound"
    assert sweep_one._compared(8, False, None) == "unseen"
    assert sweep_one._worst(["equal", "wrong", "refused"]) == "wrong"


def test_what_a_trace_changes_is_told(monkeypatch):
    def careless(module, *shapes, **named):
        module.seen.append(shapes)
        return trace(module, *shapes, **named)

    monkeypatch.setattr(sweep_one, "trace", careless)
    subject = tower()
    found = sweep_one.at_numbers(subject)
    assert (found["verdict"], found["touched"][0]) == ("equal", ".seen.0")
    assert ".seen.2" in sweep_one.with_free_sizes(subject, found["tried"], 60)["touched"]


def test_networks_of_other_names_and_floats_are_the_same_and_of_other_strides_are_not():
    one, other = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(3, 4, 3, stride=2, padding=1)
    drops = [nn.Sequential(one, nn.Dropout(p)) for p in (0.1, 0.2)]
    first, second = (sweep_one.structure(tower(module=module)) for module in drops)
    assert first == second
    assert sweep_one.structure(tower(module=one)) != sweep_one.structure(tower(module=other))


def test_what_takes_too_long_is_stopped_and_is_no_fault_of_the_network():
    def endless():
        while True:
            pass

    with sweep_one.time_limit(0.05), pytest.raises(sweep_one.Late):
        endless()
    assert not issubclass(sweep_one.Late, Exception)


# --- the command ----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def nothing_built():
    """What one test has built is not there for the next."""
    sweep_one.LAST.clear()


class InThisProcess:
    """A worker without a process, which notes what it was asked."""

    def __init__(self):
        self.asked = []

    def do(self, build, network, *args):
        self.asked.append((network, ("structure", "numbers", "free")[min(len(args), 1)]))
        return sweep_one.step(build, network, *args)


def test_what_was_found_is_not_asked_again_and_the_same_structure_only_once(tmp_path):
    file = tmp_path / "state" / "found.jsonl"
    first, worker = sweep.Results(file), InThisProcess()
    for name in ("x:a", "x:b"):
        sweep.swept(name, first, worker, tower)
    assert [name for name, _ in worker.asked] == ["x:a", "x:a", "x:a", "x:b"]
    with file.open("a") as out:
        out.write('{"network": "x:c", "st')  # the machine stopped
    again, worker = sweep.Results(file), InThisProcess()
    assert again.found == first.found
    for name in ("x:a", "x:b", "x:c"):
        sweep.swept(name, again, worker, tower)
    assert worker.asked == [("x:c", "structure")]
    assert again.get("x:c", "structure")["first"] == "x:a"


def test_what_ended_in_one_way_can_be_tried_again(tmp_path):
    results, worker = sweep.Results(tmp_path / "found.jsonl"), InThisProcess()
    results.add("x:a", "numbers", {"verdict": "raised"})
    results.forget(["raised"])
    sweep.swept("x:a", results, worker, tower, free=False)
    assert results.get("x:a", "numbers")["verdict"] == "equal"


def test_a_network_that_cannot_be_built_is_told_and_not_tried_further(tmp_path):
    def build(name):
        raise RuntimeError("no such thing\nmore")

    results, worker = sweep.Results(tmp_path / "found.jsonl"), InThisProcess()
    sweep.swept("x:a", results, worker, build)
    assert [r["unbuilt"] for r in results.found.values()] == ["RuntimeError: no such thing"]
    assert list(sweep_page.others(results.found)) == [
        "* x:a: cannot be built here (RuntimeError: no such thing)"
    ]


def killed(name):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_dies_costs_one_result(tmp_path):
    worker = sweep.Worker()
    try:
        assert worker.do(killed, "x:a", None, 1.0) == {"verdict": "crashed"}
    finally:
        worker.stop()


def test_a_process_that_is_stopped_says_nothing_of_its_network():
    worker = sweep.Worker()
    worker.stopped = True
    with pytest.raises(BrokenProcessPool):
        worker.do(killed, "x:a", None, 1.0)
    worker.stop()


def test_the_page_says_what_was_found(tmp_path):
    results = sweep.Results(tmp_path / "found.jsonl")
    sweep.swept("x:a", results, InThisProcess(), tower)
    count = 4 * 3 * 9 * 36
    assert sweep_page.row("x:a", results.found) == (
        f"| x:a | 112 | 1 of 8×8 | {count:,} | 2 of 10×10 | {2 * 4 * 3 * 9 * 64:,} | both |"
    )
    (line,) = sweep_page.summary(results.found, {"x": "1.0", "y": "2.0"}, {"x": 3})
    assert line == "| x 1.0 | 1 of 3 | 1 | 1 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 1 | 0 | 0 | 0 |"
    refused = json.loads(json.dumps(results.get("x:a", "numbers")))
    refused |= {"verdict": "refused"}
    refused["tried"][0] |= {"reason": "BadInput: reads values at /a/site-packages/x/y.py:3; no"}
    results.add("x:a", "numbers", refused)
    assert list(sweep_page.others(results.found)) == [
        "* x:a: refused (reads values at x/y.py:3; no)"
    ]


def test_the_command_of_the_makefile_starts():
    """It finds what it shares with the tests, which pytest has on its path and Python has not."""
    root = Path(__file__).parents[2]
    lines = (root / "Makefile").read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in lines if "docs/writing/sweep.py" in line)
    command = line.replace("$(BIN)/python", shlex.quote(sys.executable)) + " --help"
    run = subprocess.run(
        ["sh", "-c", command], cwd=root, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("usage: sweep.py ")
