"""How EfficientNetV2 was trained, as its released code and its paper state it: two literal tables.

In each stage images are larger and regularisation is stronger. By the code, the magnitude of
RandAugment and the strengths of mixup and cutmix rise linearly from their least values over the
stages; the size rises by equal steps above `base`, which no stage has. By the paper, everything
rises linearly from the first stage to the last, the size and the dropout too, so that the first
stage has the least size.
"""

from __future__ import annotations

from typing import NamedTuple

IMAGES = 1_281_167
"""The images of an epoch: ImageNet-1k, as both train on it."""

SOURCE = (
    "google/automl efficientnetv2/effnetv2_configs.py, efficientnetv2/hparams.py and "
    "efficientnetv2/main.py"
)


class Training(NamedTuple):
    """The settings of one network.

    size: the edge of training images in the last stage, in pixels,
    evaluation: that of images in evaluation. randaugment: the magnitude in the last stage. mixup:
    the alpha of mixup and of cutmix in the last stage. dropout: its rate in all stages. epochs: of
    all stages together.
    """

    size: int
    evaluation: int
    dropout: float
    randaugment: int
    mixup: float
    stages: int = 4
    epochs: int = 350
    base: int = 128
    least_randaugment: int = 5

    def sizes(self) -> tuple[int, ...]:
        """The edge of training images in each stage, in pixels.

        >>> EFFICIENTNETV2["efficientnetv2_s"].sizes()
        (171, 214, 257, 300)
        """
        rise = self.size - self.base
        return tuple(
            int(self.base + rise * (float(stage) / self.stages))
            for stage in range(1, self.stages + 1)
        )


EFFICIENTNETV2 = {
    "efficientnetv2_s": Training(300, 384, 0.2, 10, 0.0),
    "efficientnetv2_m": Training(384, 480, 0.3, 15, 0.2),
    "efficientnetv2_l": Training(384, 480, 0.4, 20, 0.5),
}
"""The settings of the released code by the catalogue's names."""


TABLE_6 = "arXiv 2104.00298, Table 6 and Algorithm 1"


class Progression(NamedTuple):
    """The settings of one network in the paper's table, each as its first and its last value.

    sizes: the edge of training images in pixels. randaugment: the magnitude. mixup: its alpha.
    dropout: its rate.
    """

    sizes: tuple[int, int]
    randaugment: tuple[int, int]
    mixup: tuple[float, float]
    dropout: tuple[float, float]
    stages: int = 4
    epochs: int = 350


PAPER = {
    "efficientnetv2_s": Progression((128, 300), (5, 15), (0, 0), (0.1, 0.3)),
    "efficientnetv2_m": Progression((128, 380), (5, 20), (0, 0.2), (0.1, 0.4)),
    "efficientnetv2_l": Progression((128, 380), (5, 25), (0, 0.4), (0.1, 0.5)),
}
"""The settings of the paper by the catalogue's names."""
