"""The work of every step: by the record, by formulas, and by torch's counter on the step itself."""

from itertools import pairwise

import pytest
import torch
from small_training import few_images, small_net
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import flopscope as fs
from flopscope.training import trainer

aten = torch.ops.aten


def gradients_with_groups(
    gradient, x, weight, bias, stride, padding, dilation, transposed, out_padding, groups, mask,
    **_,
):  # fmt: skip
    """FLOPs of a convolution's gradients, where torch's own rule forgets the groups of the weight:
    for each gradient, each number of the output meets every number of its filter."""
    meetings = torch.Size(gradient).numel() * torch.Size(weight[1:]).numel()
    return 2 * meetings * sum(mask[:2])


class Counted:
    """The MACs of each step that is done, by torch's counter."""

    def __init__(self, monkeypatch):
        self.steps, self.fit = [], trainer.fit
        monkeypatch.setattr(trainer, "fit", self.counting)

    def counting(self, network, images, recipe, teacher=None, tell=None):
        mapping = {aten.convolution_backward: gradients_with_groups}
        totals = [0]
        with (
            sdpa_kernel(SDPBackend.MATH),
            FlopCounterMode(display=False, custom_mapping=mapping) as counter,
        ):
            fitted = self.fit(
                network, images, recipe, teacher,
                lambda done, of: totals.append(counter.get_total_flops()),
            )  # fmt: skip
        assert all(total % 2 == 0 for total in totals)
        self.steps = [(b - a) // 2 for a, b in pairwise(totals)]
        return fitted


class Attentive(nn.Module):
    """Patches, one layer of attention, a classifier."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(1, 16, 2, 2)
        self.layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
        self.head = nn.Linear(16, 10)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).mT
        return self.head(self.layer(tokens).mean(1))


RESNET = "resnet18:width=0.125,depth=0.5,classes=10"
MOBILENET = "mobilenetv2:width=0.1,depth=0.4,classes=10"


@pytest.mark.parametrize(
    ("network", "given"),
    [
        (RESNET, {"sizes": (33, 48), "ema": 0.9, "magnitude": (0, 1), "dropout": 0.2}),
        (RESNET, {"sizes": 32, "stochastic_depth": 0.5, "branches": "layer*.bn2"}),
        (MOBILENET, {"sizes": (32, 40), "dropout": (0, 0.5), "optimizer": "adamw"}),
        (Attentive, {"sizes": (6, 8), "optimizer": "adamw"}),
    ],
    ids=["resnet", "stochastic depth", "depthwise", "attention"],
)
def test_each_step_costs_what_torch_counts_in_it(monkeypatch, network, given):
    counted = Counted(monkeypatch)
    run = fs.train(network, few_images(30), epochs=2, batch=8, **given)
    assert len(counted.steps) == len(run.steps) == 2 * 3
    assert [work.macs for work in run.work_by_step()] == counted.steps
    assert run.macs == sum(counted.steps)
    assert run.complete


def test_a_teacher_costs_its_forward_pass(monkeypatch):
    teacher = small_net()
    alone = fs.train(small_net(), few_images(), epochs=1, batch=16, sizes=10)
    counted = Counted(monkeypatch)
    run = fs.train(small_net(), few_images(), epochs=1, batch=16, sizes=10, teacher=teacher)
    forward = int(fs.trace(teacher, (16, 1, 10, 10)).macs())
    assert counted.steps == [work.macs for work in run.work_by_step()]
    assert counted.steps == [work.macs + forward for work in alone.work_by_step()]
    assert (run.teacher, run.forward, run.backward) == (
        len(run.steps) * forward, alone.forward, alone.backward,
    )  # fmt: skip


@pytest.mark.parametrize("network", [RESNET, MOBILENET])
def test_the_work_is_that_of_the_formulas(network):
    """The closed form in batch and size, and the formula of a trace of both passes."""
    run = fs.train(network, few_images(30), epochs=2, batch=8, sizes=(32, 64))
    closed = fs.formula(network)
    both = fs.trace(fs.build(network), ("B", 3, "H", "H"), backward=True, example={"B": 8})
    for stage in run.stages:
        at = {"B": 8, "H": stage.stage.size}
        assert stage.work.forward == closed.at(**at, W=at["H"])
        assert stage.work.macs == both.macs().formula.at(**at)
        assert stage.macs == stage.steps * stage.work.macs
    assert run.macs == run.forward + run.backward


def test_backward_work_is_less_than_twice_the_forward_one():
    """The first layer needs no gradient of its input."""
    run = fs.train(small_net(), few_images(), epochs=1, batch=16)
    first = 16 * 16 * 8 * 8 * 9  # batch, filters, pixels, weights of a filter
    (work,) = set(run.work_by_step())
    assert work.backward == 2 * work.forward - first


def test_an_operator_of_unknown_cost_makes_the_work_a_lower_bound():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(64, 10)

        def forward(self, x):
            return self.fc(torch.linalg.matrix_exp(x / 10).flatten(1))

    run = fs.train(Net(), few_images(), epochs=1, batch=16)
    assert not run.complete
    assert "≥" in str(run)
    assert "≥" in repr(run)
