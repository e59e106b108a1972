"""Rates of dropout and stochastic depth, where stages set them and where they are put back."""

import pytest
import torch
from small_training import few_images, small_net
from torch import nn

import flopscope as fs
from flopscope.training.recipe import Stage
from flopscope.training.regularising import dropped, regularised


def hooks(network):
    return sum(
        len(part._forward_hooks) + len(part._forward_pre_hooks) for part in network.modules()
    )


def test_layers_of_dropout_get_the_rate_of_a_stage_and_theirs_back():
    net = small_net()
    layer = next(part for part in net.modules() if isinstance(part, nn.Dropout))
    with regularised(net, Stage(8, 1, dropout=0.75), ()):
        assert layer.p == 0.75
        assert hooks(net) == 0
    assert layer.p == 0.1
    with regularised(net, Stage(8, 1), ()):
        assert layer.p == 0.1


def test_a_network_without_dropout_has_it_before_its_last_linear_layer():
    net, x = small_net(dropout=False), torch.randn(8, 1, 8, 8)
    net.eval()
    plain = net(x)
    with regularised(net, Stage(8, 1, dropout=0.9), ()):
        assert torch.equal(net(x), plain)  # not while it is evaluated
        net[-1].train()
        seen = []
        remove = net[-1].register_forward_hook(lambda layer, given, out: seen.append(given[0]))
        net(x)
        remove.remove()
        assert 0.7 < (seen[0] == 0).float().mean() <= 1
    assert hooks(net) == 0


def test_stochastic_depth_drops_branches_image_by_image_and_more_in_depth():
    net = fs.build("resnet18:width=0.125,classes=10")
    seen = {}
    with regularised(net, Stage(32, 1, stochastic_depth=0.8), ["layer*.bn2"]):
        for name in ("layer1.0.bn2", "layer4.1.bn2"):
            part = net.get_submodule(name)
            part.register_forward_hook(
                lambda layer, given, out, name=name: seen.update({name: out})
            )
        with torch.no_grad():
            net.train()(torch.randn(64, 3, 32, 32))
    gone = {name: (out == 0).flatten(1).all(1).float().mean() for name, out in seen.items()}
    assert 0 < gone["layer1.0.bn2"] < 0.3 < 0.6 < gone["layer4.1.bn2"] < 1


class StochasticDepth(nn.Module):
    """A layer that is called as torchvision's."""

    def __init__(self):
        super().__init__()
        self.p = 0.5

    def forward(self, x):
        return dropped(x, self.p)


def test_layers_of_stochastic_depth_get_rates_that_rise():
    net = nn.Sequential(*(StochasticDepth() for _ in range(4)))
    with regularised(net, Stage(8, 1, stochastic_depth=0.2), ()):
        assert [layer.p for layer in net] == pytest.approx([0.05, 0.1, 0.15, 0.2])
    assert [layer.p for layer in net] == [0.5] * 4


def test_what_is_kept_keeps_its_mean():
    torch.manual_seed(0)
    out = dropped(torch.ones(20_000, 3), 0.25)
    assert out.unique().tolist() == pytest.approx([0, 4 / 3])
    assert out.mean().item() == pytest.approx(1, abs=0.02)
    assert torch.equal(out[:, 0], out[:, 2])
    assert torch.equal(dropped(out, 0), out)


def test_a_run_leaves_no_hook_and_its_own_rates():
    net = small_net()
    fs.train(net, few_images(), epochs=2, batch=8, sizes=(8, 9), dropout=(0, 0.5))
    assert hooks(net) == 0
    assert next(part for part in net.modules() if isinstance(part, nn.Dropout)).p == 0.1
