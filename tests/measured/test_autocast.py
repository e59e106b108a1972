"""What a pass in mixed precision keeps: fake tensors against real ones under torch's autocast."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.attention import SDPBackend, sdpa_kernel

import flopscope as fs
from flopscope.answers.profile import profile
from flopscope.answers.target import parse_target
from flopscope.facts import InputSpec
from flopscope.measured.autocast import DTYPES, saved_bytes
from flopscope.readings.training import PRECISIONS

NETWORKS = ["mobilenetv2:width=0.35", "resnet18", "convnext_tiny:depth=0.34", "mobilevit_xxs"]
SHAPE = (2, 3, 64, 64)


def saved_by_torch(module: nn.Module, image: torch.Tensor, dtype: torch.dtype | None) -> int:
    """The bytes of the distinct storages that the hooks see in a real pass, by their addresses."""
    stored = (*module.parameters(), *module.buffers(), image)
    apart = {tensor.untyped_storage().data_ptr() for tensor in stored}
    kept: dict[int, int] = {}
    alive = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        alive.append(tensor)
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    cast = torch.autocast("cpu", dtype=dtype, enabled=dtype is not None)
    with sdpa_kernel(SDPBackend.MATH), saved_tensors_hooks(keep, lambda t: t), cast:
        alive.append(module(image))
    return sum(size for at, size in kept.items() if at not in apart)


def test_the_names_are_those_of_the_readings() -> None:
    assert tuple(DTYPES) == PRECISIONS


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_fake_tensors_keep_what_real_ones_do(name: str, precision: str) -> None:
    given = [InputSpec(None, SHAPE)]
    module = parse_target(name).build(seed=0)
    found = saved_bytes(module, given, precision)
    assert found == saved_by_torch(module, torch.zeros(SHAPE), DTYPES[precision])
    assert found == saved_bytes(parse_target(name).build(), given, precision)


@pytest.mark.parametrize("name", NETWORKS[:2])
def test_without_autocast_it_is_what_the_trace_keeps(name: str) -> None:
    traced = profile(name, ["2,3,64,64"], backward=True).saved
    assert traced is not None
    assert saved_bytes(parse_target(name).build(), [InputSpec(None, SHAPE)], "float32") == int(
        traced.value
    )


def test_the_two_types_of_16_bits_keep_the_same_bytes() -> None:
    module = parse_target("resnet18").build()
    given = [InputSpec(None, SHAPE)]
    assert saved_bytes(module, given, "bf16") == saved_bytes(module, given, "fp16")


def test_a_module_is_left_as_it_was() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.ReLU())
    before = {key: (value, value.clone()) for key, value in module.state_dict().items()}
    random = torch.get_rng_state()
    saved_bytes(module, [InputSpec(None, (2, 3, 8, 8))], "bf16")
    assert torch.equal(random, torch.get_rng_state())
    after = module.state_dict()
    assert all(after[key].data_ptr() == old.data_ptr() for key, (old, _) in before.items())
    assert all(torch.equal(after[key], copied) for key, (_, copied) in before.items())


class Numeric(nn.Module):
    """It asks for a number."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) * float(x.sum())


def test_a_module_that_asks_for_numbers_is_refused() -> None:
    with pytest.raises(fs.BadInput) as error:
        saved_bytes(Numeric(), [InputSpec(None, (2, 4))], "bf16")
    assert str(error.value).startswith("Numeric does not run in bf16 by torch's autocast: ")


def test_a_run_in_mixed_precision_keeps_about_half() -> None:
    plain, mixed = (
        fs.train_cost("resnet18", res=64, epochs=1, images=64, batch=64, precision=each)
        for each in ("float32", "bf16")
    )
    one, other = (each.cost.runs[0].stages[0].largest for each in (plain, mixed))
    copies = 2 * 11_678_912  # the weights of its convolutions and of its linear layer
    assert (other.memory.weights, other.memory.state) == (one.memory.weights, one.memory.state)
    assert 0.5 <= (other.memory.saved - copies) / one.memory.saved < 0.56
    assert plain.cost.runs[0].macs == mixed.cost.runs[0].macs
    assert "as torch's autocast in bf16 has it by its list for CPUs" in " ".join(str(mixed).split())


def test_checkpoints_are_not_chosen_in_mixed_precision() -> None:
    run = {"res": 64, "epochs": 1, "images": 8, "batch": 8, "precision": "bf16"}
    with pytest.raises(fs.BadInput) as error:
        fs.train_cost("resnet18", checkpoints=True, **run)
    assert str(error.value) == (
        "checkpoints are chosen by what is kept in float32, and precision is bf16; leave one of "
        "them out"
    )
    report = fs.train_cost("resnet18", memory="1MB", **run)
    assert not report.holds
    assert "Checkpoints are chosen in float32 alone" in " ".join(str(report).split())


def test_a_precision_that_there_is_not() -> None:
    with pytest.raises(fs.UnknownName) as error:
        fs.train_cost("resnet18", res=64, epochs=1, images=8, batch=8, precision="fp8")
    assert str(error.value) == "unknown precision 'fp8'; known are float32, bf16, fp16"
