"""The peak of a training step: real steps as torch's own allocator saw them, and small steps that
are added up by hand."""

from __future__ import annotations

import gc

import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

import flopscope as fs
from flopscope.errors import BadInput
from flopscope.facts import InputSpec
from flopscope.measured.step_peak import OPTIMIZERS, Held, StepPeak, step_peak
from flopscope.readings import training

STEPS = [
    ("mobilenetv2:width=0.35", "momentum", False, False),
    ("mobilevit_xxs", "adamw", False, False),
    ("resnet18:width=0.25", "adamw", True, False),
    ("shufflenetv2_x0.5", "rmsprop", False, True),
]
SHAPE = (4, 3, 64, 64)


def allocated(name: str, optimizer: str, foreach: bool, again: bool) -> int:
    """The most that weights, state, tensors and kernels hold in the second step, or in the second
    pass of it."""
    torch.manual_seed(0)
    module, image = fs.build(name).train(), torch.randn(SHAPE)
    steps = OPTIMIZERS[optimizer](module.parameters(), foreach=foreach)

    def forward_and_backward() -> None:
        nn.functional.cross_entropy(module(image), torch.zeros(len(image)).long()).backward()

    forward_and_backward()
    steps.step()
    steps.zero_grad()
    if again:
        forward_and_backward()
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    state = [v for s in steps.state.values() for v in s.values() if torch.is_tensor(v)]
    held = (image, *module.parameters(), *module.buffers(), *state, *gradients)
    now = most = sum(tensor.nbytes for tensor in held)
    del gradients, held
    gc.collect()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        forward_and_backward()
        steps.step()
    events = profiled.profiler.kineto_results.events()
    for event in sorted((e for e in events if e.name() == "[memory]"), key=lambda e: e.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    return most


@pytest.mark.parametrize(("name", "optimizer", "foreach", "again"), STEPS)
def test_the_peak_is_within_a_twentieth_of_what_torch_allocates(
    name: str, optimizer: str, foreach: bool, again: bool
) -> None:
    found = step_peak(fs.build(name), [InputSpec(None, SHAPE)], optimizer, again=again)
    measured = allocated(name, optimizer, foreach, again)
    assert found.peak(foreach=foreach) == pytest.approx(measured, rel=0.05)


def test_the_peak_is_that_of_real_tensors_to_the_byte() -> None:
    torch.manual_seed(0)
    module, image = fs.build("ghostnet_050").train(), torch.randn(2, 3, 32, 32)
    steps = torch.optim.SGD(module.parameters(), momentum=0.9)
    for _ in range(2):
        state = [each["momentum_buffer"] for each in steps.state.values()]
        with Held((image, *module.parameters(), *module.buffers(), *state)) as held:
            nn.functional.cross_entropy(module(image), torch.zeros(2).long()).backward()
            steps.step()
            steps.zero_grad()
    found = step_peak(module, [InputSpec(None, (2, 3, 32, 32))], "momentum")
    assert found.peak() == held.peak


def test_temporary_tensors_of_the_optimizer_are_counted() -> None:
    """Two weights of 32 and 8 numbers, and 512 bytes of input. Adam keeps two moments of each, and
    a counter of one number. Of one weight at a time it needs the root of the second moment and that
    root divided by a correction; of all together the roots alone, which it divides in place."""
    net = nn.Sequential(nn.Linear(8, 4, bias=False), nn.Linear(4, 2, bias=False))
    weights, counters = 4 * (32 + 8), 2 * 4
    found = step_peak(net, [InputSpec(None, (16, 8))], "adamw")
    held = 512 + weights + weights + 2 * weights + counters
    assert (found.optimizer, found.foreach) == (held + 2 * 4 * 32, held + weights)


def test_a_second_pass_holds_the_gradients_of_the_first() -> None:
    net, inputs = nn.Linear(8, 4, bias=False), [InputSpec(None, (16, 8))]
    first, second = (step_peak(net, inputs, "sgd", again=again) for again in (False, True))
    # input, weight, result; then gradients of 32 numbers are there already
    assert (first.forward, second.forward) == (512 + 128 + 256, 512 + 128 + 256 + 128)
    assert second.optimizer == first.optimizer == 512 + 128 + 128


def test_the_peak_is_that_of_the_phase_that_holds_the_most() -> None:
    found = StepPeak(forward=1, backward=3, optimizer=2, foreach=4)
    assert (found.peak(), found.peak(foreach=True)) == (3, 4)


def test_the_optimizers_are_those_of_the_readings() -> None:
    assert list(OPTIMIZERS) == list(training.OPTIMIZERS)


def test_the_module_is_left_as_it_was() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()
    before = {key: tensor.clone() for key, tensor in net.state_dict().items()}
    step_peak(net, [InputSpec(None, (2, 3, 8, 8))], "adamw")
    assert not net.training
    assert not net[1].training
    assert all(parameter.grad is None for parameter in net.parameters())
    assert all(torch.equal(tensor, before[key]) for key, tensor in net.state_dict().items())


class Deciding(nn.Linear):
    """A layer that looks at a number of its input."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) if float(x.sum()) > 0 else x


def test_a_network_that_needs_numbers_is_refused() -> None:
    with pytest.raises(BadInput) as refused:
        step_peak(Deciding(4, 4), [InputSpec(None, (2, 4))], "sgd")
    assert str(refused.value) == (
        "Deciding does not run a training step on tensors without numbers: "
        "aten._local_scalar_dense.default"
    )
