"""What torch's first exporter writes once its faults are mended."""

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn
from torch.nn import functional

from flopscope.measured.runtimes import Network
from flopscope.measured.runtimes.exported import exported


def outputs(module, image, folder):
    """What torch computes, and what the exported file does."""
    path = exported(Network("network", [image], {}, module.eval()), folder)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: image})
    return module(torch.from_numpy(image)).detach().numpy(), found


class RoundedUp(nn.Module):
    """A size that is rounded up to a multiple, as networks of patches have it."""

    def forward(self, x):
        height, width = (2 * -(-size // 2) for size in x.shape[2:])
        return functional.interpolate(x, (height, width), mode="bilinear")


@pytest.mark.parametrize("size", [1, 2, 3])
def test_sizes_are_rounded_down(size, tmp_path):
    image = np.random.default_rng(0).standard_normal((1, 2, size, size), dtype=np.float32)
    ours, theirs = outputs(RoundedUp(), image, tmp_path)
    assert ours.shape == theirs.shape == (1, 2, size + size % 2, size + size % 2)
    assert np.allclose(ours, theirs, atol=1e-6)


class Divided(nn.Module):
    """Numbers of a type, divided by others."""

    def __init__(self, kind, by):
        super().__init__()
        self.kind, self.by = kind, by

    def forward(self, x):
        return (x.to(self.kind) // torch.tensor(self.by, dtype=self.kind)).float()


@pytest.mark.parametrize("kind", [torch.int64, torch.int32, torch.float32])
@pytest.mark.parametrize("by", [2, 3, -3])
def test_numbers_are_rounded_down(kind, by, tmp_path):
    ours, theirs = outputs(Divided(kind, by), np.arange(-7, 8, dtype=np.float32), tmp_path)
    assert ours.tolist() == theirs.tolist() == [n // by for n in range(-7, 8)]


def test_torch_is_as_it_was_afterwards(tmp_path):
    """Its own exporter rounds towards zero again."""
    image = np.zeros((1, 2, 3, 3), np.float32)
    outputs(RoundedUp(), image, tmp_path)
    path = tmp_path / "again.onnx"
    with pytest.warns():
        torch.onnx.export(RoundedUp(), (torch.from_numpy(image),), str(path), dynamo=False)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: image})
    assert found.shape == (1, 2, 2, 2)
