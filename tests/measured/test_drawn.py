"""Results of networks with drawn weights depend on their inputs, so comparisons see all layers."""

from copy import deepcopy

import pytest
import torch

import flopscope as fs
from flopscope.measured.drawn import drawn


@torch.no_grad()
@pytest.mark.parametrize(
    "name", ["mobilenetv2", "mobilenetv3_small", "resnet18:width=0.25", "mobileone_s0"]
)
def test_results_depend_on_the_inputs(name: str) -> None:
    """As they are initialised, deep networks answer alike to all images, to seven digits."""
    images = torch.randn(4, 3, 96, 96)
    module = fs.build(name).eval()
    drawn(module, [images[:1].numpy()], {})
    results = module(images)
    assert results.isfinite().all()
    assert results.std(0).mean() > 0.01 * results.std()


def test_vectors_are_all_different_and_drawing_is_repeatable() -> None:
    images = torch.randn(1, 3, 32, 32).numpy()
    made = fs.build("mobilenetv2:width=0.35").eval()
    again = deepcopy(made)
    for module in (made, again):
        drawn(module, [images], {})
    norms = [m for m in made.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert len({tuple(norm.running_mean.tolist()) for norm in norms}) == len(norms)
    assert not any((norm.weight == 1).any() or (norm.bias == 0).any() for norm in norms)
    pairs = zip(made.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_a_network_of_one_batch_and_of_whole_numbers_is_settled_too() -> None:
    class Words(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.norm = torch.nn.Embedding(9, 4), torch.nn.BatchNorm1d(4)

        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return self.norm(self.embed(ids).transpose(1, 2).reshape(1, 4, 5))

    words = torch.tensor([[1, 2, 3, 4, 5]])
    module = drawn(Words().eval(), [words.numpy()], {})
    torch.testing.assert_close(module.norm.running_mean, module.embed(words).mean((0, 1)))
