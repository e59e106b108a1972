"""torchvision's operators where its compiled extension does not load: declared, and by shape."""

import json
import re
import subprocess
import sys

import pytest
import torch
from public_models import torchvision
from torch import nn

import flopscope as fs
from flopscope.errors import BadInput
from flopscope.tracing.loading import extensions
from flopscope.tracing.loading.extensions import SAID, SCHEMAS, lacks_operators, with_torchvision

PROGRAM = """
import sys
import torch
try:
    import torchvision
except RuntimeError as error:
    sys.stdout.write(str(error))
"""


def shell(*arguments):
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_public_network_is_counted_whether_the_extension_loads_or_not():
    """In a process of its own, as users do it; parameters as torchvision documents them."""
    torchvision()
    loads = shell("-c", PROGRAM)[1] == ""
    command = ("-m", "flopscope", "profile", "torchvision:resnet18", "--res", "224")
    status, out, err = shell(*command, "--format", "json")
    assert (status, err) == (0, "" if loads else SAID)
    found = json.loads(out)
    assert (found["params"], found["macs"]) == (11_689_512, 1_814_073_344)


def test_an_import_that_succeeds_is_left_alone(monkeypatch):
    monkeypatch.setattr(extensions, "_declare", lambda: pytest.fail("declared"))
    assert with_torchvision(lambda: 3) == 3
    with pytest.raises(ValueError, match=r"^another$"):
        with_torchvision(lambda: (_ for _ in ()).throw(ValueError("another")))


def test_a_failure_of_a_torchvision_that_has_its_operators_is_its_own(monkeypatch):
    torchvision()
    monkeypatch.setattr(extensions, "_declare", lambda: pytest.fail("declared"))
    runs = []

    def run():
        runs.append(1)
        raise RuntimeError("operator torchvision::newer does not exist")

    with pytest.raises(RuntimeError):
        with_torchvision(run)
    assert runs == [1]


def test_what_lacks_operators_says_so_itself_or_by_its_cause():
    missing = RuntimeError("operator torchvision::nms does not exist")
    wrapped = ModuleNotFoundError("could not import")
    wrapped.__cause__ = missing
    assert lacks_operators(missing)
    assert lacks_operators(wrapped)
    assert not lacks_operators(RuntimeError("operator mylib::nms does not exist"))
    assert not lacks_operators(None)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schemas_are_those_of_the_extension(name):
    """Of its own where it loads; else as they were declared."""
    torchvision()
    schema = str(getattr(torch.ops.torchvision, name).default._schema)
    assert schema.removeprefix("torchvision::") == f"{name}{SCHEMAS[name]}"


X, ROIS = torch.empty(2, 8, 20, 24, device="meta"), torch.empty(5, 5, device="meta")
OFFSET = torch.empty(2, 18, 18, 22, device="meta")
WEIGHT = torch.empty(6, 8, 3, 3, device="meta")


@pytest.mark.parametrize(
    ("name", "arguments", "shape"),
    [
        ("roi_align", (X, ROIS, (7, 5)), (5, 8, 7, 5)),
        ("roi_pool", (X, ROIS, (7, 5)), (5, 8, 7, 5)),
        ("ps_roi_align", (X, ROIS, (2, 2)), (5, 2, 2, 2)),
        ("ps_roi_pool", (X, ROIS, (2, 2)), (5, 2, 2, 2)),
        ("deform_conv2d", (X, OFFSET, WEIGHT), (2, 6, 18, 22)),
    ],
)
def test_the_shapes_of_results(name, arguments, shape):
    assert getattr(torchvision().ops, name)(*arguments).shape == shape


class Boxes(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3 * 7 * 7, 5, bias=False)

    def forward(self, x, rois):
        return self.fc(torchvision().ops.roi_align(x, rois, 7).flatten(1))


def test_what_follows_an_operator_of_the_extension_is_counted():
    torchvision()
    assert fs.trace(Boxes(), (2, 3, 9, 9), (4, 5)).filter(
        lambda row: row.path == "fc"
    ).macs().value == 4 * 3 * 7 * 7 * 5  # fmt: skip
    free = fs.trace(Boxes(), (2, 3, "H", "W"), ("K", 5)).filter(lambda row: row.path == "fc")
    assert str(free.macs().value) == "735·K"


class Kept(nn.Module):
    def forward(self, boxes, scores):
        return boxes[torchvision().ops.nms(boxes, scores, 0.5)]


@pytest.mark.parametrize("boxes", [9, "N"])
def test_how_many_boxes_are_kept_depends_on_their_values(boxes):
    torchvision()
    with pytest.raises(BadInput) as error:
        fs.trace(Kept(), (boxes, 4), (boxes,))
    assert re.fullmatch(
        r"the network reads the values of a tensor \(nms\) at \S*test_extensions\.py:\d+ "
        r"\(in torchvision/ops/boxes\.py:\d+\); a trace has shapes only, so give it a form that "
        r"depends on shapes alone",
        str(error.value),
    )
