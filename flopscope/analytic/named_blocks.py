"""The named blocks and operators in symbols, from which `flopscope formula` derives formulas.

Each form is applied to one input, (B, C_in, H, W) with stride 1 and centred windows or, where it is
of tokens, (B, T, C_in).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flopscope.analytic.attention import transformer_block
from flopscope.analytic.blocks import (
    fused_mbconv,
    inverted_residual,
    mbconv,
    mobilenetv3_block,
    separable_conv,
    squeeze_excite,
    standard_conv,
)
from flopscope.analytic.convnext import convnext_block
from flopscope.analytic.efficientformer import attention_on_map, pooling_block
from flopscope.analytic.ghostnet import ghost_module
from flopscope.analytic.mobileone import mobileone, repmixer
from flopscope.analytic.mobilevit import mobilevit_block
from flopscope.analytic.operators import (
    batch_norm,
    conv2d,
    conv_transpose2d,
    flatten,
    global_pool,
    linear,
)
from flopscope.analytic.poolformer import poolformer_block
from flopscope.analytic.regnet import regnet_block
from flopscope.analytic.resnet import basic_block, bottleneck
from flopscope.analytic.shufflenetv1 import shufflenet_unit
from flopscope.analytic.shufflenetv2 import shufflenetv2_unit
from flopscope.analytic.switches import NetworkForm
from flopscope.analytic.tape import Feature, record
from flopscope.analytic.wtconv import wtconv
from flopscope.facts import Function
from flopscope.ledger import Ledger
from flopscope.sizes import Shape
from flopscope.symbolic import symbol

B, C_IN, H, W = symbol("B"), symbol("C_in"), symbol("H"), symbol("W")
C_OUT, K, G = symbol("C_out"), symbol("K"), symbol("G")
C_HID, C_SE = symbol("C_hid"), symbol("C_se")
INPUT = (B, C_IN, H, W)
TOKENS, HEADS = symbol("tokens"), symbol("heads")
T = symbol("t", lower=2)  # at t = 1 the block has no expansion: another formula
RATIO, D = symbol("s", lower=2), symbol("d")
K3 = symbol("K", lower=3)  # at K = 1 there is no 1×1 branch beside it
WAVELET_LEVELS = 3  # no symbol: each level has rows of its own


@dataclass(frozen=True)
class NamedBlock:
    """A block as a function of one input of this shape, with where it was published."""

    title: str
    source: str
    block: Callable[[Feature], Feature]
    shape: Shape = INPUT

    def ledger(self) -> Ledger:
        """Its ledger in the alphabet's symbols."""
        return record(self.block, self.shape)


NAMED_BLOCKS: Mapping[str, NamedBlock] = {
    "standard_conv": NamedBlock(
        "standard convolution",
        "arXiv 1704.04861, equation 2",
        lambda x: standard_conv(x, C_OUT, K),
    ),
    "grouped_conv": NamedBlock(
        "grouped convolution",
        "arXiv 1611.05431, section 3",
        lambda x: conv2d(x, C_OUT, K, groups=G),
    ),
    "depthwise_conv": NamedBlock(
        "depthwise convolution",
        "arXiv 1704.04861, equation 4",
        lambda x: conv2d(x, x.channels, K, groups=x.channels),
    ),
    "pointwise_conv": NamedBlock(
        "pointwise convolution",
        "arXiv 1704.04861, section 3.1",
        lambda x: conv2d(x, C_OUT, 1),
    ),
    "transposed_conv": NamedBlock(
        "transposed convolution, kernel and stride K",
        "arXiv 1603.07285, chapter 4",
        lambda x: conv_transpose2d(x, C_OUT, K, stride=K),
    ),
    "classifier": NamedBlock(
        "global average pooling and a linear layer with bias",
        "arXiv 1312.4400, section 3.2",
        lambda x: linear(flatten(global_pool(x)), C_OUT),
    ),
    "batch_norm": NamedBlock(
        "batch norm in inference", "arXiv 1502.03167, algorithm 2", batch_norm
    ),
    "separable_conv": NamedBlock(
        "depthwise separable convolution",
        "arXiv 1704.04861, equation 5",
        lambda x: separable_conv(x, C_OUT, K),
    ),
    "inverted_residual": NamedBlock(
        "inverted residual with linear bottleneck, batch norms included in the parameters",
        "arXiv 1801.04381, table 1",
        lambda x: inverted_residual(x, C_OUT, expansion=T, kernel=K),
    ),
    "squeeze_excite": NamedBlock(
        "squeeze-and-excitation, both layers with bias",
        "arXiv 1709.01507, figure 3",
        lambda x: squeeze_excite(x, C_SE),
    ),
    "mobilenetv3_block": NamedBlock(
        "MobileNetV3 block with squeeze-and-excitation, hidden width other than the input's",
        "arXiv 1905.02244, figure 4",
        lambda x: mobilenetv3_block(
            x,
            C_OUT,
            hidden=C_HID,
            kernel=K,
            stride=1,
            function=Function.HARD_SWISH,
            squeeze=True,
            always_expand=True,
        ),
    ),
    "mbconv": NamedBlock(
        "MBConv, the block of EfficientNet: inverted residual with squeeze-and-excitation",
        "arXiv 1905.11946, section 4",
        lambda x: mbconv(x, C_OUT, expansion=T, kernel=K, squeezed=C_SE),
    ),
    "fused_mbconv": NamedBlock(
        "Fused-MBConv, the block of EfficientNetV2's first stages",
        "arXiv 2104.00298, figure 2",
        lambda x: fused_mbconv(x, C_OUT, expansion=T, kernel=K),
    ),
    "shufflenet_unit": NamedBlock(
        "ShuffleNet unit of stride 1 with G groups and C_hid bottleneck channels",
        "arXiv 1707.01083, figure 2b",
        lambda x: shufflenet_unit(x, hidden=C_HID, groups=G),
    ),
    "shufflenetv2_unit": NamedBlock(
        "ShuffleNetV2 unit of stride 1",
        "arXiv 1807.11164, figure 3c",
        shufflenetv2_unit,
    ),
    "ghost_module": NamedBlock(
        "Ghost module of ratio s: a K×K convolution and cheap d×d operations",
        "arXiv 1911.11907, section 3.1",
        lambda x: ghost_module(
            x, C_OUT, kernel=K, ratio=RATIO, cheap_kernel=D, function=Function.RELU
        ),
    ),
    "resnet_basic": NamedBlock(
        "ResNet's basic block with identity shortcut",
        "arXiv 1512.03385, figure 5",
        lambda x: basic_block(x, x.channels),
    ),
    "resnet_bottleneck": NamedBlock(
        "ResNet's bottleneck with identity shortcut",
        "arXiv 1512.03385, figure 5",
        lambda x: bottleneck(x, x.channels, hidden=C_HID),
    ),
    "resnext_bottleneck": NamedBlock(
        "ResNeXt's bottleneck with identity shortcut",
        "arXiv 1611.05431, figure 3c",
        lambda x: bottleneck(x, x.channels, hidden=C_HID, groups=G),
    ),
    "regnetx_bottleneck": NamedBlock(
        "RegNetX's bottleneck of ratio 1 with identity shortcut",
        "arXiv 2003.13678, figure 4",
        lambda x: regnet_block(x, x.channels, hidden=x.channels, groups=G),
    ),
    "regnety_bottleneck": NamedBlock(
        "RegNetY's bottleneck of ratio 1 with identity shortcut",
        "arXiv 2003.13678, section 4",
        lambda x: regnet_block(x, x.channels, hidden=x.channels, groups=G, squeezed=C_SE),
    ),
    "convnext_block": NamedBlock(
        "ConvNeXt's block: depthwise 7×7, two linear layers, layer scale",
        "arXiv 2201.03545, figure 4",
        convnext_block,
    ),
    "mobileone_train": NamedBlock(
        "MobileOne's block in training: K×K, 1×1 and a norm alone, summed",
        "arXiv 2206.04040, figure 2",
        lambda x: mobileone(x, x.channels, K3, form=NetworkForm.TRAIN),
    ),
    "mobileone_deploy": NamedBlock(
        "MobileOne's block deployed: a K×K convolution with bias",
        "arXiv 2206.04040, figure 2",
        lambda x: mobileone(x, x.channels, K3, form=NetworkForm.DEPLOY),
    ),
    "repmixer_train": NamedBlock(
        "RepMixer in training: the difference of two branches, scaled, and a shortcut",
        "arXiv 2303.14189, section 3.2",
        lambda x: repmixer(x, K3, form=NetworkForm.TRAIN),
    ),
    "repmixer_deploy": NamedBlock(
        "RepMixer deployed: a depthwise K×K convolution with bias",
        "arXiv 2303.14189, section 3.2",
        lambda x: repmixer(x, K3, form=NetworkForm.DEPLOY),
    ),
    "wtconv": NamedBlock(
        f"wavelet convolution of {WAVELET_LEVELS} levels, fixed filters among the parameters",
        "arXiv 2407.05848, section 3.3",
        lambda x: wtconv(x, K, WAVELET_LEVELS),
    ),
    "poolformer_block": NamedBlock(
        "PoolFormer's block: pooling minus identity, MLP of ratio 4, layer scales",
        "arXiv 2111.11418, figure 2",
        poolformer_block,
    ),
    "transformer_block": NamedBlock(
        "vision transformer's block: attention of h heads and an MLP of ratio 4",
        "arXiv 2010.11929, section 3.1",
        lambda x: transformer_block(x, HEADS),
        (B, TOKENS, C_IN),
    ),
    "mobilevit_block": NamedBlock(
        "MobileViT's block: 2 transformer layers of width C_hid on 2×2 patches, 4 heads",
        "arXiv 2110.02178, figure 1b",
        lambda x: mobilevit_block(x, C_HID, 2),
    ),
    "efficientformer_pooling": NamedBlock(
        "EfficientFormer's 4-D block: pooling minus identity, MLP of ratio 4 with batch norms",
        "arXiv 2206.01191, section 3",
        pooling_block,
    ),
    "efficientformer_attention": NamedBlock(
        "EfficientFormer's 3-D block on a 7×7 map: 8 heads with biases, MLP of ratio 4",
        "arXiv 2206.01191, section 3",
        attention_on_map,
    ),
}
