"""What a device is calibrated with where nobody has measured it: operators alone and whole
networks, as literal tables.

The operators have the sizes that occur in the catalogue's networks, spread over two decades of
work. The networks are of many families, so that each can be held out, and small, so that all of
them take a minute.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from flopscope.errors import BadInput

CONVOLUTIONS: Sequence[tuple[int, int, int, int, int, int]] = (
    # inputs, outputs, kernel, stride, groups, height and width
    # standard
    (3, 32, 3, 2, 1, 224),
    (3, 64, 7, 2, 1, 224),
    (3, 16, 3, 2, 1, 128),
    (16, 32, 3, 1, 1, 56),
    (32, 32, 3, 1, 1, 112),
    (64, 64, 3, 1, 1, 56),
    (64, 128, 3, 2, 1, 56),
    (128, 128, 3, 1, 1, 28),
    (256, 256, 3, 1, 1, 14),
    (512, 512, 3, 1, 1, 7),
    (48, 96, 5, 1, 1, 28),
    # pointwise
    (16, 96, 1, 1, 1, 112),
    (24, 144, 1, 1, 1, 56),
    (144, 24, 1, 1, 1, 56),
    (32, 192, 1, 1, 1, 28),
    (192, 32, 1, 1, 1, 28),
    (64, 384, 1, 1, 1, 14),
    (384, 64, 1, 1, 1, 14),
    (576, 96, 1, 1, 1, 14),
    (256, 256, 1, 1, 1, 28),
    (512, 512, 1, 1, 1, 14),
    (960, 160, 1, 1, 1, 7),
    (160, 960, 1, 1, 1, 7),
    (320, 1280, 1, 1, 1, 7),
    (1024, 1024, 1, 1, 1, 7),
    (64, 256, 1, 1, 1, 56),
    # depthwise
    (32, 32, 3, 1, 32, 112),
    (96, 96, 3, 2, 96, 112),
    (144, 144, 3, 1, 144, 56),
    (192, 192, 3, 1, 192, 28),
    (384, 384, 3, 1, 384, 14),
    (960, 960, 3, 1, 960, 7),
    (72, 72, 5, 2, 72, 56),
    (240, 240, 5, 1, 240, 14),
    (672, 672, 5, 1, 672, 7),
    (96, 96, 7, 1, 96, 56),
    (384, 384, 7, 1, 384, 14),
    # grouped
    (64, 64, 3, 1, 4, 56),
    (128, 128, 3, 1, 8, 28),
    (240, 240, 1, 1, 3, 28),
    (256, 256, 3, 1, 16, 14),
)

OTHERS: Sequence[tuple[str, tuple[int, ...], tuple[tuple[int, ...], ...]]] = (
    # kind, sizes, inputs
    ("linear", (1024, 1000), ((1, 1024),)),
    ("linear", (1280, 1000), ((1, 1280),)),
    ("linear", (192, 576), ((1, 196, 192),)),
    ("linear", (384, 1536), ((1, 196, 384),)),
    ("linear", (768, 192), ((1, 49, 768),)),
    ("matmul", (), ((1, 4, 196, 32), (1, 4, 32, 196))),
    ("matmul", (), ((1, 8, 49, 49), (1, 8, 49, 64))),
    ("batch_norm", (64,), ((1, 64, 56, 56),)),
    ("layer_norm", (384,), ((1, 196, 384),)),
    ("relu", (), ((1, 8, 1, 1),)),
    ("relu", (), ((1, 64, 56, 56),)),
    ("relu", (), ((1, 256, 14, 14),)),
    ("hardswish", (), ((1, 120, 28, 28),)),
    ("sigmoid", (), ((1, 96, 56, 56),)),
    ("sigmoid", (), ((1, 480, 14, 14),)),
    ("gelu", (), ((1, 384, 28, 28),)),
    ("softmax", (), ((1, 4, 196, 196),)),
    ("add", (), ((1, 64, 56, 56), (1, 64, 56, 56))),
    ("add", (), ((1, 160, 7, 7), (1, 160, 7, 7))),
    ("multiply", (), ((1, 96, 56, 56), (1, 96, 1, 1))),
    ("multiply", (), ((1, 480, 14, 14), (1, 480, 1, 1))),
    ("max_pool", (), ((1, 64, 112, 112),)),
    ("avg_pool", (), ((1, 128, 28, 28),)),
    ("global_pool", (), ((1, 512, 14, 14),)),
    ("concat", (), ((1, 64, 28, 28), (1, 64, 28, 28))),
    ("shuffle", (), ((1, 116, 28, 28),)),
)

NETWORKS: Sequence[tuple[str, int]] = (
    # model, height and width
    ("mobilenetv1", 224),
    ("mobilenetv2", 224),
    ("mobilenetv3_large", 224),
    ("mobilenetv4_conv_small", 256),
    ("efficientnet_b0", 224),
    ("shufflenetv1_g3_x1.0", 224),
    ("shufflenetv2_x1.0", 224),
    ("ghostnet_100", 224),
    ("resnet18", 224),
    ("resnet50", 160),
    ("regnetx_400mf", 224),
    ("regnety_400mf", 224),
    ("convnext_tiny", 160),
    ("poolformer_s12", 160),
    ("mobilevit_xxs", 256),
    ("mobilevitv2_050", 256),
    ("efficientformer_l1", 224),
    ("efficientvit_b0", 224),
    ("fastvit_t8", 256),
    ("mobileone_s0", 224),
    ("starnet_s1", 224),
    ("repvit_m0.9", 224),
)


KINDS = frozenset({"conv", *(kind for kind, _, _ in OTHERS)})

SINGLE = re.compile(
    r"(?P<kind>[a-z_]+)(?P<sizes>( \d+)*) on (?P<inputs>\d+(x\d+)*( and \d+(x\d+)*)*)"
)
"""What tables call an operator alone: its kind, its numbers, and the shapes of its inputs."""


class Single(NamedTuple):
    """An operator of the set: its kind, the numbers that make it, and the shapes of its inputs."""

    kind: str
    sizes: tuple[int, ...]
    inputs: tuple[tuple[int, ...], ...]

    @property
    def name(self) -> str:
        """How tables call it.

        >>> operators(1)[0].name
        'conv 3 32 3 2 1 on 1x3x224x224'
        """
        inputs = " and ".join("x".join(map(str, shape)) for shape in self.inputs)
        return f"{' '.join(map(str, (self.kind, *self.sizes)))} on {inputs}"


def operators(batch: int) -> list[Single]:
    """The operators of the set on inputs of this batch.

    >>> len(operators(1)), operators(4)[0].inputs
    (67, ((4, 3, 224, 224),))
    """
    convolutions = [
        Single("conv", (inputs, outputs, kernel, stride, groups), ((batch, inputs, side, side),))
        for inputs, outputs, kernel, stride, groups, side in CONVOLUTIONS
    ]
    others = [
        Single(kind, sizes, tuple((batch, *shape[1:]) for shape in inputs))
        for kind, sizes, inputs in OTHERS
    ]
    return [*convolutions, *others]


def is_single(name: str) -> bool:
    """Does a table with this name mean an operator alone?

    >>> is_single("relu on 1x64x56x56"), is_single("mobilenetv2")
    (True, False)
    """
    return SINGLE.fullmatch(name) is not None


def single_named(name: str) -> Single:
    """The operator that a table calls so. Raises BadInput for any other name.

    >>> single_named("matmul on 1x4x196x32 and 1x4x32x196").inputs
    ((1, 4, 196, 32), (1, 4, 32, 196))
    """
    found = SINGLE.fullmatch(name)
    if found is None or found["kind"] not in KINDS:
        raise BadInput(
            f"'{name}' is no operator that is timed alone; one is called as in "
            "'conv 64 128 3 2 1 on 1x64x56x56'"
        )
    return Single(
        found["kind"],
        tuple(map(int, found["sizes"].split())),
        tuple(tuple(map(int, shape.split("x"))) for shape in found["inputs"].split(" and ")),
    )
