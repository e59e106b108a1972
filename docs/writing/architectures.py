"""Public architectures, at sizes that they accept; on them traces are compared with torch's counts.

The first part of docs/architectures.md is written from the tables here, by
`PYTHONPATH=tests/support python docs/writing/architectures.py`, the second by `make architectures`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import public_models
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from flopscope.errors import OutsideDomain
from flopscope.symbolic import symbol
from flopscope.tracing import Trace, trace
from flopscope.tracing.loading.targets import load

PAGE = Path(__file__).parents[1] / "architectures.md"

MARK = "## Every network of the libraries"
"""Where the page's second part begins."""

BATCHES = (1, 3)

VIDEO = (16,)
"""Frames of a clip, an axis before height and width."""


class Sizes(NamedTuple):
    """What a network was made for, another size, and an odd one; None: it takes no such size."""

    native: int
    other: int | None
    odd: tuple[int, int] | None
    frames: tuple[int, ...] = ()

    def grids(self) -> list[tuple[int, int]]:
        """Heights and widths."""
        square = [(n, n) for n in (self.native, self.other) if n is not None]
        return [*square, *([self.odd] if self.odd else [])]


TORCHVISION: Mapping[Sizes, str] = {
    Sizes(224, 256, (187, 251)): """
        alexnet convnext_tiny deeplabv3_mobilenet_v3_large densenet121 efficientnet_b0
        efficientnet_v2_s fcn_resnet50 googlenet lraspp_mobilenet_v3_large mnasnet1_0
        mobilenet_v3_small regnet_x_400mf regnet_y_400mf resnet18 resnext50_32x4d
        shufflenet_v2_x1_0 squeezenet1_1 swin_t vgg16 wide_resnet50_2
    """,
    Sizes(224, None, (223, 224)): "maxvit_t",
    Sizes(224, None, None): "vit_b_16",
    Sizes(256, 288, (187, 251)): "swin_v2_t",
    Sizes(299, 288, (187, 251)): "inception_v3",
    Sizes(112, 288, (187, 251), VIDEO): "mc3_18 r2plus1d_18 r3d_18",
    Sizes(224, 256, (187, 251), VIDEO): "swin3d_t",
    Sizes(224, 256, (219, 253), VIDEO): "s3d",
    Sizes(224, None, (223, 224), VIDEO): "mvit_v2_s",
}

TIMM: Mapping[Sizes, str] = {
    Sizes(224, 256, (187, 251)): """
        convmixer_768_32 convnext_atto convnextv2_atto davit_tiny dpn68 ecaresnet50d
        efficientnet_lite0 efficientvit_b0 efficientvit_m0 fasternet_t0 fbnetc_100
        focalnet_tiny_srf ghostnet_100 ghostnetv2_100 hardcorenas_a hgnet_tiny inception_next_atto
        lcnet_050 lcnet_100 mambaout_femto mixnet_s mobilenetv4_conv_small mobileone_s0
        nextvit_small poolformer_s12 pvt_v2_b0 rdnet_tiny regnetz_b16 repghostnet_050 repvgg_a0
        repvit_m0_9 res2net50_26w_4s resnest14d resnet50 resnetv2_50 rexnet_100 selecsls42
        semnasnet_100 sequencer2d_s seresnet50 shvit_s1 skresnet18 spnasnet_100 starnet_s1
        swiftformer_xs tiny_vit_5m_224 twins_pcpvt_small vovnet39a xcit_nano_12_p16_224
    """,
    Sizes(224, 256, (223, 224)): "dla34 hrnet_w18_small",
    Sizes(224, 256, None): "tresnet_m",
    Sizes(224, 232, (223, 224)): "coatnet_0_rw_224 volo_d1_224",
    Sizes(224, None, (223, 224)): """
        efficientformer_l1 efficientformerv2_s0 gcvit_xxtiny hiera_tiny_224 levit_128s
        visformer_tiny vitamin_small_224
    """,
    Sizes(224, None, None): """
        beit_base_patch16_224 cait_xxs24_224 coat_lite_tiny convit_tiny deit_tiny_patch16_224
        eva02_tiny_patch14_224 gmlp_ti16_224 mixer_s32_224 nest_tiny pit_ti_224 resmlp_12_224
        swin_tiny_patch4_window7_224 tnt_s_patch16_224 vit_tiny_patch16_224
    """,
    Sizes(192, 288, (187, 251)): "dm_nfnet_f0 nfnet_f0 tinynet_a",
    Sizes(240, 288, (187, 251)): "crossvit_tiny_240",
    Sizes(256, 288, (187, 251)): """
        cs3darknet_s cspdarknet53 darknet53 edgenext_xx_small fastvit_t8 lambda_resnet26t
        mobilenetv5_base mobilevit_s mobilevitv2_050
    """,
    Sizes(256, 512, (255, 256)): "bat_resnext26ts halonet26t maxvit_nano_rw_256",
    Sizes(256, None, (255, 256)): "botnet26t_256 sebotnet33ts_256",
    Sizes(256, None, None): "swinv2_tiny_window8_256",
    Sizes(299, 288, (187, 251)): "inception_resnet_v2 inception_v4 xception41",
    Sizes(331, 288, (187, 251)): "nasnetalarge pnasnet5large",
    Sizes(512, 288, None): "csatv2",
}


class Architecture(NamedTuple):
    """A network as the command line names it, and its sizes."""

    target: str
    sizes: Sizes


LIBRARIES = {"torchvision": TORCHVISION, "timm": TIMM}

ARCHITECTURES = [
    Architecture(f"{library}:{name}", sizes)
    for library, table in LIBRARIES.items()
    for sizes, names in table.items()
    for name in names.split()
]

AT_ONE_SIZE = {
    "torchvision:raft_small": "",
    "timm:naflexvit_base_patch16_gap": "_upsample_bicubic2d_aa",
}
"""Networks that are compared at one size, of two images or with an operator whose work beside its
products is not stated."""

READS_VALUES = {
    "torchvision:fasterrcnn_resnet50_fpn": "nonzero or a boolean mask",
    "torchvision:maskrcnn_resnet50_fpn": "nonzero or a boolean mask",
    "torchvision:fcos_resnet50_fpn": "a boolean mask",
    "torchvision:retinanet_resnet50_fpn": "a boolean mask",
    "torchvision:ssdlite320_mobilenet_v3_large": "a boolean mask",
}
"""Networks that are refused: how many boxes they keep depends on the values, and where they
ask."""


def built(target: str) -> nn.Module:
    """The network without weights, its attention in explicit products."""
    public_models.timm()
    backbone = any(part in target for part in ("fcn_", "deeplab", "lraspp", "_fpn", "ssdlite"))
    module = load(target, {"weights_backbone": None} if backbone else {})
    return module.to("meta").eval()


def measured(module: nn.Module, *shape: int, device: str = "meta") -> int:
    """The multiply-adds that torch counts: half of its FLOPs."""
    with public_models.passed_on(), FlopCounterMode(display=False) as counter, torch.no_grad():
        module.requires_grad_(False)(torch.zeros(shape, device=device))
    assert counter.get_total_flops() % 2 == 0
    return counter.get_total_flops() // 2


def symbolic(architecture: Architecture, module: nn.Module) -> Trace:
    """One trace with batch, height and width free."""
    return trace(module, (symbol("B"), 3, *architecture.sizes.frames, symbol("H"), symbol("W")))


def by_formula(traced: Trace, batch: int, height: int, width: int) -> int | None:
    """What the formula says at these sizes; None outside its domain."""
    try:
        return traced.ledger.at(B=batch, H=height, W=width).macs().value
    except OutsideDomain:
        return None


def row(architecture: Architecture, traced: Trace, macs: int) -> str:
    """The page's line: sizes, parameters, multiply-adds at the first size, the formula's domain."""
    sizes, ledger = architecture.sizes, traced.ledger
    tried = ", ".join(f"{h}×{w}" for h, w in sizes.grids())
    where = [str(condition) for condition in ledger.conditions]
    short = ", ".join(where[:2]) + (f" and {len(where) - 2} more" if len(where) > 2 else "")
    cells = (architecture.target, tried, f"{ledger.params().value:,}", f"{macs:,}")
    return f"| {' | '.join(cells)} | {short if len(short) <= 60 else f'{len(where)} conditions'} |"


def row_of(architecture: Architecture) -> str:
    """The line as torch counts it."""
    module, sizes = built(architecture.target), architecture.sizes
    macs = measured(module, 1, 3, *sizes.frames, sizes.native, sizes.native)
    return row(architecture, symbolic(architecture, module), macs)


def page() -> Iterator[str]:
    """The lines of docs/architectures.md."""
    compared = list(map(row_of, ARCHITECTURES))
    one = [f"| {target} | {name or 'nothing'} |" for target, name in AT_ONE_SIZE.items()]
    refused = [f"| {target} | {reads} |" for target, reads in READS_VALUES.items()]
    text = TEMPLATE.format(
        count=len(compared),
        compared="\n".join(compared),
        at_one_size="\n".join(one),
        refused="\n".join(refused),
    )
    yield from text.splitlines()


TEMPLATE = """\
# Architectures that tracing is compared on

`docs/writing/architectures.py` writes the first part from its tables, and
`tests/tracing/test_architectures.py` compares every line. The second part, on [every network of
four libraries](#every-network-of-the-libraries), is written by a sweep, of which tests compare a
sample.

## Equal to torch's counter

For each of these {count} networks, the multiply-accumulates of a trace equal half of the FLOPs that
torch's FlopCounterMode counts as the module runs. They do so at every size listed (the one it was
made for, another one, and an odd one, as far as the network takes them) and at batches of 1 and 3.
One trace with free batch, height and width answers where its formula holds, which the last column
says (if it is empty, wherever the network runs); elsewhere a trace at the numbers answers. Every
operator is known, and the parameters are the module's own. Clips have 16 frames.

| network | H×W | parameters | MACs at the first size | the formula holds where |
|---|---|---:|---:|---|
{compared}

torch's counter does not see the products inside fused attention on a CPU, so timm's networks are
built with explicit products.

## Equal at one size

These two equal torch's counter at one size: one takes two images, and the other resizes its
embeddings. A count of all operations does not know how many of them an antialiased resizing takes,
and says so.

| network | unknown to `all` |
|---|---|
{at_one_size}

## Refused

Detectors choose boxes by their scores, so the work that follows depends on the picture. The message
names the line that asks for values.

| network | reads values by |
|---|---|
{refused}
"""


if __name__ == "__main__":
    _, mark, second = PAGE.read_text(encoding="utf-8").partition(MARK)
    PAGE.write_text("\n".join([*page(), "", mark]) + second, encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
