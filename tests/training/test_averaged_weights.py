"""The moving average of weights, against a loop in plain numbers."""

import pytest
import torch
from small_training import few_images, small_net
from torch import nn

import flopscope as fs
from flopscope.training.averaging import Average


@pytest.mark.parametrize("decay", [0.3, 0.99])
def test_it_is_a_weighted_mean_of_all_weights_so_far(decay):
    net = nn.Linear(1, 1, bias=False)
    average, mean = Average(net, decay), net.weight.item()
    for step in range(30):
        with torch.no_grad():
            net.weight.fill_(step**2)
        average.update(net)
        share = min(decay, (1 + step) / (10 + step))
        mean = share * mean + (1 - share) * step**2
        assert average.network.weight.item() == pytest.approx(mean, rel=1e-5)
    assert not average.network.weight.requires_grad


def test_statistics_of_norms_are_averaged_and_integers_copied():
    net = nn.BatchNorm1d(2)
    average = Average(net, 0.9)
    net(torch.randn(8, 2))
    average.update(net)
    expected = 0.1 * torch.zeros(2) + 0.9 * net.running_mean
    torch.testing.assert_close(average.network.running_mean, expected)
    assert average.network.num_batches_tracked == net.num_batches_tracked == 1


def test_a_run_has_both_networks():
    net = small_net()
    run = fs.train(net, few_images(100), epochs=6, batch=16, ema=0.8)
    assert run.network is net
    assert run.average is not net
    assert not run.average.training
    assert run.average_accuracy is not None
    assert not torch.equal(run.average[0].weight, net[0].weight)
    assert "with averaged weights" in str(run)
    assert fs.train(small_net(), few_images(), epochs=1, batch=16).average is None
