"""The named blocks and their PyTorch counterparts, which are proved equal in all their sizes at
once.

A branch in the code or in the closed form splits the sizes into cases. Each case writes its sizes
so that they cover this case and no other: C_out = C_in + j with j ≥ 1 for a block that widens. Odd
kernels are 2·k + 1 with k ≥ 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from flopscope.agreement.proof import Proof, prove
from flopscope.analytic.named_blocks import (
    C_HID,
    C_IN,
    C_OUT,
    C_SE,
    HEADS,
    NAMED_BLOCKS,
    RATIO,
    WAVELET_LEVELS,
    D,
    G,
    K,
    T,
)
from flopscope.domain import Condition, Relation
from flopscope.errors import BadInput
from flopscope.sizes import Size
from flopscope.symbolic import Symbol, substitute, symbol

HALF_D, HALF_K = symbol("i", lower=0), symbol("k", lower=0)
J, M, N = symbol("j"), symbol("m"), symbol("n")

CaseSizes = Mapping[str, Size]

AS_THEY_ARE: CaseSizes = MappingProxyType({})
ODD: CaseSizes = {"K": 2 * HALF_K + 1}
ODD_FROM_3: CaseSizes = {"K": 2 * J + 1}
SHORTCUT: tuple[CaseSizes, ...] = (
    {"C_out": C_IN},
    {"C_out": C_IN + J},
    {"C_in": C_OUT + J},
)
"""Equal widths, which have a shortcut; a block that widens and one that narrows, which have
none."""

EVEN_AND_ODD: tuple[CaseSizes, ...] = tuple(
    {"H": height, "W": width}
    for height in (2 * J, 2 * HALF_K + 1)
    for width in (2 * N, 2 * HALF_D + 1)
)
"""Maps that 2×2 patches divide, and maps that they do not divide."""

PAD = (K - 1) / 2


class Counterpart(NamedTuple):
    """What makes the PyTorch block, and its arguments in the symbols of the closed form.

    `sizes` writes the sizes of the closed form so that they divide as they do in the code. Each of
    the `cases` is one proof. `given` are conditions that define the block and that its formula does
    not need.
    """

    make: str
    arguments: Mapping[str, Any]
    sizes: CaseSizes = AS_THEY_ARE
    cases: tuple[CaseSizes, ...] = (AS_THEY_ARE,)
    given: tuple[Condition, ...] = ()


SEVERAL_CHANNELS = (Relation(C_IN - 1, equality=True, negated=True),)
"""torch lays out maps of one channel in another way."""

COUNTERPARTS: Mapping[str, Counterpart] = {
    "standard_conv": Counterpart(
        "torch.nn:Conv2d",
        {"in_channels": C_IN, "out_channels": C_OUT, "kernel_size": K, "padding": PAD,
         "bias": False},
        sizes=ODD,
    ),
    "grouped_conv": Counterpart(
        "torch.nn:Conv2d",
        {"in_channels": C_IN, "out_channels": C_OUT, "kernel_size": K, "padding": PAD,
         "bias": False, "groups": G},
        sizes={**ODD, "C_in": G * M, "C_out": G * N},
    ),
    "depthwise_conv": Counterpart(
        "torch.nn:Conv2d",
        {"in_channels": C_IN, "out_channels": C_IN, "kernel_size": K, "padding": PAD,
         "bias": False, "groups": C_IN},
        sizes=ODD,
    ),
    "pointwise_conv": Counterpart(
        "torch.nn:Conv2d",
        {"in_channels": C_IN, "out_channels": C_OUT, "kernel_size": 1, "bias": False},
    ),
    "transposed_conv": Counterpart(
        "torch.nn:ConvTranspose2d",
        {"in_channels": C_IN, "out_channels": C_OUT, "kernel_size": K, "stride": K, "bias": False},
    ),
    "classifier": Counterpart(
        "reference_models.blocks:classifier", {"channels": C_IN, "classes": C_OUT}
    ),
    "batch_norm": Counterpart("torch.nn:BatchNorm2d", {"num_features": C_IN}),
    "separable_conv": Counterpart(
        "reference_models.blocks:separable_conv",
        {"channels": C_IN, "out": C_OUT, "kernel": K},
        sizes=ODD,
    ),
    "inverted_residual": Counterpart(
        "reference_models.mobilenetv2:InvertedResidual",
        {"channels": C_IN, "out": C_OUT, "stride": 1, "t": T, "kernel": K},
        sizes=ODD,
        cases=SHORTCUT,
    ),
    "squeeze_excite": Counterpart(
        "reference_models.blocks:squeeze_excite", {"channels": C_IN, "squeezed": C_SE}
    ),
    "mobilenetv3_block": Counterpart(
        "reference_models.blocks:mobilenetv3_block",
        {"channels": C_IN, "hidden": C_HID, "out": C_OUT, "kernel": K},
        sizes={**ODD, "C_hid": 32 * M},  # so that no rounding changes a quarter of it
        cases=SHORTCUT,
        given=(Relation(C_IN - C_HID, equality=True, negated=True),),
    ),
    "mbconv": Counterpart(
        "reference_models.blocks:mbconv",
        {"channels": C_IN, "out": C_OUT, "t": T, "kernel": K, "squeezed": C_SE},
        sizes=ODD,
        cases=SHORTCUT,
    ),
    "fused_mbconv": Counterpart(
        "reference_models.blocks:fused_mbconv",
        {"channels": C_IN, "out": C_OUT, "t": T, "kernel": K},
        sizes=ODD,
        cases=SHORTCUT,
    ),
    "shufflenet_unit": Counterpart(
        "reference_models.shufflenetv1:Unit",
        {
            "channels": C_IN, "hidden": C_HID, "out": C_IN, "stride": 1, "groups": G, "first": G,
            "shuffled": True,
        },
        sizes={"C_in": G * M, "C_hid": G * N},
    ),
    "shufflenetv2_unit": Counterpart(
        "reference_models.shufflenetv2:PaperUnit",
        {"channels": C_IN, "out": C_IN, "stride": 1},
        sizes={"C_in": 2 * M},
    ),
    "ghost_module": Counterpart(
        "reference_models.blocks:ghost_module",
        {"channels": C_IN, "out": C_OUT, "kernel": K, "ratio": RATIO, "cheap_kernel": D},
        sizes={**ODD, "d": 2 * HALF_D + 1, "C_out": RATIO * M},
    ),
    "resnet_basic": Counterpart(
        "reference_models.resnet:BasicBlock", {"channels": C_IN, "width": C_IN, "stride": 1}
    ),
    "resnet_bottleneck": Counterpart(
        "reference_models.resnet:Bottleneck",
        {"channels": C_IN, "hidden": C_HID, "out": C_IN, "stride": 1},
    ),
    "resnext_bottleneck": Counterpart(
        "reference_models.resnet:Bottleneck",
        {"channels": C_IN, "hidden": C_HID, "out": C_IN, "stride": 1, "groups": G},
        sizes={"C_hid": G * M},
    ),
    "regnetx_bottleneck": Counterpart(
        "reference_models.blocks:regnet_bottleneck",
        {"channels": C_IN, "group_width": M},
        sizes={"C_in": G * M},
    ),
    "regnety_bottleneck": Counterpart(
        "reference_models.blocks:regnet_bottleneck",
        {"channels": C_IN, "group_width": M, "squeezed": C_SE},
        sizes={"C_in": G * M},
    ),
    "convnext_block": Counterpart(
        "reference_models.convnext:Block", {"channels": C_IN, "drop": 0.0}
    ),
    "mobileone_train": Counterpart(
        "reference_models.mobileone:MobileOneBlock",
        {"channels": C_IN, "out": C_IN, "kernel": K, "form": "train"},
        sizes=ODD_FROM_3,
    ),
    "mobileone_deploy": Counterpart(
        "reference_models.mobileone:MobileOneBlock",
        {"channels": C_IN, "out": C_IN, "kernel": K, "form": "deploy"},
        sizes=ODD_FROM_3,
    ),
    "repmixer_train": Counterpart(
        "reference_models.mobileone:RepMixer",
        {"channels": C_IN, "kernel": K, "form": "train"},
        sizes=ODD_FROM_3,
    ),
    "repmixer_deploy": Counterpart(
        "reference_models.mobileone:RepMixer",
        {"channels": C_IN, "kernel": K, "form": "deploy"},
        sizes=ODD_FROM_3,
    ),
    "wtconv": Counterpart(
        "reference_models.wtconv:WTConv2d",
        {"channels": C_IN, "kernel": K, "levels": WAVELET_LEVELS},
        sizes=ODD,
    ),
    "poolformer_block": Counterpart(
        "reference_models.poolformer:Block",
        {"channels": C_IN, "scale": 1.0},
        given=SEVERAL_CHANNELS,
    ),
    "mobilevit_block": Counterpart(
        "reference_models.mobilevit:MobileViTBlock",
        {"channels": C_IN, "width": C_HID, "layers": 2},
        sizes={"C_hid": 4 * M},
        cases=EVEN_AND_ODD,
    ),
    "efficientformer_pooling": Counterpart(
        "reference_models.efficientformer:PoolingBlock", {"channels": C_IN}
    ),
    "efficientformer_attention": Counterpart(
        "reference_models.efficientformer:Stage",
        {"channels": None, "out": C_IN, "blocks": 1, "attending": 1},
        sizes={"H": 7, "W": 7},
    ),
    "transformer_block": Counterpart(
        "reference_models.efficientsam:Block",
        {"width": C_IN, "heads": HEADS},
        sizes={"C_in": HEADS * M},
    ),
}  # fmt: skip


class Case(NamedTuple):
    """The sizes of a block for which one proof holds: how they are written, and which conditions
    are given."""

    block: str
    where: tuple[str, ...]
    """'K = 2·k + 1', 'C_in ≠ C_hid'."""
    bounds: str
    """'B, C_in, H, W ≥ 1, k ≥ 0'."""

    def __str__(self) -> str:
        return f"{self.block} where {', '.join(self.where)}" if self.where else self.block


def counterpart(block: str) -> Counterpart:
    """The PyTorch block of a closed form. Raises BadInput for one without a PyTorch block."""
    if block not in COUNTERPARTS:
        raise BadInput(
            f"{block} is a closed form without a PyTorch counterpart, so there is nothing to prove "
            f"it against; with one are {', '.join(COUNTERPARTS)}"
        )
    return COUNTERPARTS[block]


def prove_block(block: str) -> Iterator[tuple[Case, Proof]]:
    """Compare the closed form of a block with the ledger traced from its module, case by case.
    Needs torch. Raises BadInput where the block has no module.

    >>> [(str(case), bool(proof)) for case, proof in prove_block("pointwise_conv")]
    [('pointwise_conv', True)]
    """
    twin = counterpart(block)
    for case in twin.cases:
        yield _prove_case(block, twin, {**twin.sizes, **case})


def _prove_case(block: str, twin: Counterpart, sizes: CaseSizes) -> tuple[Case, Proof]:
    from flopscope.tracing import derive
    from flopscope.tracing.loading.targets import maker

    form = NAMED_BLOCKS[block].ledger()
    closed = form.at(**sizes)
    given = tuple(condition.at(sizes) for condition in twin.given)
    arguments = {name: substitute(value, sizes) for name, value in twin.arguments.items()}
    shape = tuple(substitute(size, sizes) for size in NAMED_BLOCKS[block].shape)
    traced = derive(maker(twin.make), arguments, shape).ledger
    proof = prove(replace(closed, conditions=(*closed.conditions, *given)), traced)
    where = (*(f"{name} = {value}" for name, value in sizes.items()), *map(str, twin.given))
    return Case(block, where, _bounds(closed.symbols() | traced.symbols())), proof


def _bounds(symbols: Iterable[Symbol]) -> str:
    """Bounds as text, as in 'B, C_in, H, W ≥ 1, k ≥ 0', with the usual bound first."""
    names: dict[int, list[str]] = {1: []}
    for found in sorted(symbols, key=str):
        names.setdefault(found.lower, []).append(str(found))
    return ", ".join(f"{', '.join(those)} ≥ {lower}" for lower, those in names.items() if those)
