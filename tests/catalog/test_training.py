"""The released training settings of EfficientNetV2, against rows of the released code."""

import pytest

from flopscope.catalog.models import MODELS
from flopscope.catalog.training import EFFICIENTNETV2, PAPER

RELEASED = {
    # train_size, eval_size, dropout, randaug, mixup
    "efficientnetv2_s": (300, 384, 0.2, 10, 0),
    "efficientnetv2_m": (384, 480, 0.3, 15, 0.2),
    "efficientnetv2_l": (384, 480, 0.4, 20, 0.5),
}


def test_the_table_is_that_of_the_released_code() -> None:
    assert {name: tuple(row)[:5] for name, row in EFFICIENTNETV2.items()} == RELEASED


@pytest.mark.parametrize("name", EFFICIENTNETV2)
def test_evaluation_is_at_the_size_that_the_catalogue_counts(name: str) -> None:
    assert MODELS[name].resolution == EFFICIENTNETV2[name].evaluation


@pytest.mark.parametrize(
    ("name", "sizes"),
    [("efficientnetv2_s", (171, 214, 257, 300)), ("efficientnetv2_m", (192, 256, 320, 384))],
)
def test_images_grow_by_equal_steps_to_the_last_size(name: str, sizes: tuple[int, ...]) -> None:
    assert EFFICIENTNETV2[name].sizes() == sizes


def test_the_paper_s_table_is_as_it_is_printed():
    """Table 6, row by row: image size, RandAugment, mixup alpha and dropout rate, each from its
    least to its largest value."""
    printed = {
        "efficientnetv2_s": (128, 300, 5, 15, 0, 0, 0.1, 0.3),
        "efficientnetv2_m": (128, 380, 5, 20, 0, 0.2, 0.1, 0.4),
        "efficientnetv2_l": (128, 380, 5, 25, 0, 0.4, 0.1, 0.5),
    }
    typed = {name: (*r.sizes, *r.randaugment, *r.mixup, *r.dropout) for name, r in PAPER.items()}
    assert typed == printed
