"""Images at other sizes, and moved at random."""

import numpy as np
import pytest
import torch

from flopscope.training.images import Images
from flopscope.training.transforms import augmented, resized


def test_an_image_of_one_colour_stays_so_at_every_size():
    images = Images(np.full((2, 1, 28, 28), 0.7, np.float32), np.zeros(2, np.int64))
    for size in (1, 9, 28, 64):
        other = resized(images, size)
        assert other.x.shape == (2, 1, size, size)
        np.testing.assert_allclose(other.x, 0.7, rtol=1e-5)
    assert resized(images, 28) is images


def test_halving_averages():
    """A chessboard becomes grey, and not black: what shrinks is smoothed."""
    board = np.indices((16, 16)).sum(0) % 2
    small = resized(Images(board[None, None].astype(np.float32), np.zeros(1, np.int64)), 4)
    np.testing.assert_allclose(small.x[..., 1:-1, 1:-1], 0.5, atol=0.02)


def test_magnitude_0_draws_nothing():
    x = torch.randn(3, 1, 8, 8)
    before = torch.get_rng_state()
    assert augmented(x, 0) is x
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("magnitude", [0.1, 0.5, 1.0])
def test_the_centre_of_mass_moves_by_at_most_the_shift(magnitude):
    torch.manual_seed(0)
    x = torch.zeros(200, 1, 41, 41)
    x[..., 20, 20] = 1  # the middle, which neither turning nor scaling moves
    moved = augmented(x, magnitude)
    axis = torch.arange(41.0) - 20
    for dim in (-1, -2):
        weight = moved.sum(dim=dim)
        weight = weight.squeeze(1)
        at = (weight * axis).sum(1) / weight.sum(1)
        most = magnitude * 0.15 * 41 * 1.25 * 2**0.5  # a shift is scaled and turned too
        assert at.abs().max() <= most + 1
        assert at.abs().max() > most / 4


def test_images_move_each_by_itself():
    torch.manual_seed(0)
    moved = augmented(torch.randn(1, 1, 12, 12).expand(4, -1, -1, -1), 0.5)
    assert not torch.equal(moved[0], moved[1])
    assert moved.shape == (4, 1, 12, 12)
