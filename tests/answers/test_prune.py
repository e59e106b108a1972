"""Channels removed: rows at other widths are those of a slimmed module, which does what the whole
one does with those channels at zero."""

from __future__ import annotations

import copy
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune as torch_prune

import flopscope as fs
from flopscope.answers.counted import Given
from flopscope.answers.making import target_of
from flopscope.answers.profile import profile
from flopscope.answers.prune.prune import Pruning, kept_of, prune
from flopscope.cli import main
from flopscope.measured.slimmed import chosen_channels
from flopscope.symbolic import substitute


class Chain(nn.Sequential):
    """Convolutions with and without norms, a depthwise one that doubles, a pool, and two layers
    behind an image that is flattened."""

    def __init__(self, first: int = 6, second: int = 5) -> None:
        super().__init__(
            nn.Conv2d(3, first, 3, 1, 1), nn.BatchNorm2d(first), nn.PReLU(first),
            nn.Conv2d(first, 2 * first, 3, 1, 1, groups=first), nn.ReLU(),
            nn.Conv2d(2 * first, second, 1, bias=False), nn.BatchNorm2d(second), nn.ReLU6(),
            nn.MaxPool2d(2), nn.Flatten(), nn.Linear(second * 16, 7), nn.ReLU(), nn.Linear(7, 4),
        )  # fmt: skip


class Residual(nn.Module):
    """Two additions tie three layers; a gate is tied to what it scales."""

    def __init__(self, width: int = 6) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, width, 3, 1, 1), nn.BatchNorm2d(width)
        self.inner, self.outer = nn.Conv2d(width, 9, 3, 1, 1), nn.Conv2d(9, width, 3, 1, 1)
        self.short = nn.Conv2d(width, width, 1)
        self.down, self.up = nn.Conv2d(width, 3, 1), nn.Conv2d(3, width, 1)
        self.scale = nn.Parameter(torch.ones(width, 1, 1))
        self.head = nn.Linear(width, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.stem(x)))
        x = x + self.outer(torch.relu_(self.inner(x)))
        gate = torch.sigmoid(self.up(torch.relu(self.down(x.mean((2, 3), keepdim=True)))))
        x = torch.relu(self.short(x) * self.scale + x * gate)
        return self.head(x.mean((2, 3)))


NETWORKS = {
    "mobilenetv1:width=0.25": 32,
    "mobilenetv2:width=0.35": 32,
    "resnet18": 32,
    "mobilenetv3_small": 32,
    "chain": 8,
    "residual": 8,
}
OWN = {"chain": Chain, "residual": Residual}


def pruned(name: str, keep: Fraction, density: Fraction | None = None) -> Pruning:
    target = target_of(OWN[name]() if name in OWN else name)
    return prune(target, Given((NETWORKS[name],) * 2, 2), keep, density=density)


def counted_by_hooks(module: nn.Module, size: int) -> int:
    """The MACs of convolutions and linear layers, from the tensors that they hand out."""
    found: list[int] = []

    def hook(layer: nn.Module, _: object, out: torch.Tensor) -> None:
        weight = layer.weight
        assert isinstance(weight, torch.Tensor)
        found.append(out.numel() * weight[0].numel())

    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(hook)
    with torch.no_grad():
        module.eval()(torch.zeros(2, 3, size, size))
    return sum(found)


@pytest.mark.parametrize("name", NETWORKS)
@settings(max_examples=3, deadline=None)
@given(keep=st.fractions(Fraction(1, 20), 1, max_denominator=20))
def test_rows_at_kept_widths_are_those_of_the_slimmed_module(name: str, keep: Fraction) -> None:
    found = pruned(name, keep)
    module = found.build()
    traced = profile(target_of(module), found.inputs).ledger.rows
    assert traced == found.ledger.rows
    learnt = sum(parameter.numel() for parameter in module.parameters())
    assert found.params.value == learnt
    assert found.macs.value == counted_by_hooks(module, NETWORKS[name])
    sizes = {found.symbols[number]: width for number, width in found.kept.items()}
    assert substitute(found.formula("params"), sizes) == learnt
    assert substitute(found.formula("macs"), sizes) == found.macs.value
    for number, width in found.kept.items():
        assert width == kept_of(found.groups.groups[number].width, keep)


def zeroed(found: Pruning, whole: nn.Module) -> nn.Module:
    """The whole network with the channels at zero that slimming removes."""
    copied = copy.deepcopy(whole)
    tensors = {**dict(copied.named_parameters()), **dict(copied.named_buffers())}
    gone = {}
    for number, width in found.kept.items():
        group = found.groups.groups[number]
        stay = chosen_channels([tensors[key] for key in group.makers], group.width, width, "l2")
        gone[number] = sorted(set(range(group.width)) - set(stay.tolist()))
    with torch.no_grad():
        for key, axes in found.groups.weights.items():
            for axis in axes:
                if axis.axis == 0 and axis.group in gone and "running" not in key:
                    places = [c * axis.each + n for c in gone[axis.group] for n in range(axis.each)]
                    tensors[key][places] = 0
    return copied


@pytest.mark.parametrize("whole", [Chain(), Residual()], ids=["chain", "residual"])
@pytest.mark.parametrize("keep", [Fraction(1, 3), Fraction(1, 2), Fraction(4, 5)])
def test_a_slimmed_module_does_what_the_whole_one_does_without_its_channels(
    whole: nn.Module, keep: Fraction
) -> None:
    torch.manual_seed(3)
    for layer in whole.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight)
            nn.init.normal_(layer.bias)
            nn.init.normal_(layer.running_mean)
    before = {key: value.clone() for key, value in whole.state_dict().items()}
    found = prune(target_of(whole), Given((8, 8), 2), keep)
    images = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        out = found.build().eval()(images)
        expected = zeroed(found, whole).eval()(images)
    assert torch.allclose(out, expected, atol=1e-5)
    assert all(torch.equal(before[key], value) for key, value in whole.state_dict().items())


@pytest.mark.parametrize(("by", "n"), [("l1", 1), ("l2", 2)])
def test_channels_of_one_layer_are_those_that_torch_keeps(by: str, n: int) -> None:
    torch.manual_seed(4)
    layer = nn.Conv2d(3, 11, 3)
    net = nn.Sequential(layer, nn.ReLU(), nn.Conv2d(11, 2, 1))
    small = fs.prune(net, res=8, keep=0.6).build(by)
    torch_prune.ln_structured(layer, "weight", amount=0.4, n=n, dim=0)
    stay = layer.weight_mask.flatten(1).any(1).nonzero()[:, 0]
    assert torch.equal(small[0].weight, layer.weight_orig[stay])
    assert torch.equal(small[2].weight, net[2].weight[:, stay])


@pytest.mark.parametrize("density", [Fraction(3, 10), Fraction(1, 7), Fraction(1)])
def test_weights_that_are_left_are_those_that_torch_leaves(density: Fraction) -> None:
    found = pruned("chain", Fraction(1), density).density
    assert found is not None
    net = Chain()
    layers = [layer for layer in net if isinstance(layer, nn.Conv2d | nn.Linear)]
    for layer in layers:
        torch_prune.l1_unstructured(layer, "weight", amount=float(1 - density))
    assert found.left == sum(int(layer.weight_mask.sum()) for layer in layers)
    assert found.weights == sum(layer.weight.numel() for layer in layers)
    assert found.reached <= found.macs == counted_by_hooks(Chain(), 8)
    assert found.bytes == 4 * found.left + -(-found.weights // 8)


def test_a_density_is_in_no_count() -> None:
    plain, thin = (fs.prune(Chain(), res=8, keep=0.5, density=d).to_dict() for d in (None, 0.1))
    assert thin["theory"]["density"] == 0.1
    assert plain["theory"] is None
    assert {k: v for k, v in plain.items() if k != "theory"} == {
        k: v for k, v in thin.items() if k != "theory"
    }


# --- what stays whole -----------------------------------------------------------------------------


class Mixing(nn.Module):
    """Channels that are concatenated, normalised together, split into groups, or handed out."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)
        self.grouped, self.last = nn.Conv2d(8, 8, 1, groups=2), nn.Conv2d(8, 6, 1)
        self.norm, self.free, self.head = nn.GroupNorm(2, 6), nn.Conv2d(6, 4, 1), nn.Conv2d(4, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.last(self.grouped(torch.cat((self.a(x), self.b(x)), 1)))
        return self.head(torch.relu(self.free(self.norm(x))))


def test_a_group_says_why_it_stays_whole() -> None:
    groups = fs.prune(Mixing(), res=4, keep=0.5).to_dict()["groups"]
    assert {group["layers"][0]: group["whole"] for group in groups} == {
        "a": "concatenation of the concatenation does not keep channels apart",
        "b": "concatenation of the concatenation does not keep channels apart",
        "last": "group norm of norm does not keep channels apart",
        "free": None,
        "head": "the network hands them out",
    }


def test_layers_that_are_skipped_stay_whole() -> None:
    found = fs.prune("resnet18", res=32, keep=0.5, skip=["layer1", "layer2.*.conv1"]).to_dict()
    whole = {group["layers"][0] for group in found["groups"] if group["whole"] == "asked for"}
    assert whole == {
        "conv1", "layer1.0.conv1", "layer1.1.conv1", "layer2.0.conv1", "layer2.1.conv1"
    }  # fmt: skip
    assert all(g["before"] == g["after"] for g in found["groups"] if g["whole"])


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", ["0", "1.5", "-0.5", "half", "50%", "nan", "", "0:1"])
@pytest.mark.parametrize("option", ["keep", "density"])
def test_a_share_that_is_none(capsys: pytest.CaptureFixture[str], option: str, share: str) -> None:
    assert main(["prune", "resnet18", f"--{option}={share}"]) == 2
    assert capsys.readouterr().err == (
        f"flopscope: --{option} {share} is not a share; give more than 0 and at most 1, such as "
        "0.5\n"
    )


def test_a_layer_that_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("prune resnet18 --res 32 --keep 0.5 --skip layer1.0.conv9".split()) == 2
    said = capsys.readouterr().err
    assert said.startswith("flopscope: unknown layer 'layer1.0.conv9'; did you mean layer1.0.conv2")
    assert said.endswith("give a layer, a module, or a pattern such as 'stage4.*'\n")


def test_nothing_to_remove() -> None:
    with pytest.raises(fs.BadInput) as error:
        fs.prune(nn.Sequential(nn.Conv2d(3, 4, 1)), res=4, keep=0.5)
    assert str(error.value) == (
        "Sequential has no channels that can be removed; the network hands them out"
    )


def test_nothing_that_is_not_skipped(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prune", "resnet18", "--res", "32", "--keep", "0.5", "--skip", "*"]) == 2
    assert capsys.readouterr().err == (
        "flopscope: resnet18 has no channels that can be removed; --skip names those of *; the "
        "network hands them out\n"
    )


class Stubborn(nn.Module):
    """It reads its own sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.b(self.a(x).reshape(x.shape[0], 8, *x.shape[2:]))


def test_a_module_that_reads_its_own_sizes() -> None:
    report = fs.prune(Stubborn(), res=4, keep=0.5)
    with pytest.raises(fs.BadInput) as error:
        report.build()
    assert str(error.value).startswith("Stubborn does not run when it is slimmed: Stubborn cannot")


def test_a_norm_that_there_is_not() -> None:
    report = fs.prune(Chain(), res=8, keep=0.5)
    with pytest.raises(fs.UnknownName) as error:
        report.build("l3")
    assert str(error.value) == "unknown norm 'l3'; known are l1, l2"
