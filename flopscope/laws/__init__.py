"""Named laws: what `flopscope formula ghost-ratio` derives.

The file of a law has the law's name, with underscores, and a function `derive`. It imports SymPy,
so SymPy is loaded only when a law is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from flopscope.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from flopscope.laws.parts import Law


@dataclass(frozen=True)
class Topic:
    """What a law is about and where it was stated. A law about a network is asked for with the
    network after a colon, as in `width-law:mobilenetv2`; `network` is the one for which it was
    stated."""

    title: str
    source: str
    of_networks: bool = False
    network: str = "mobilenetv1"


LAWS: Mapping[str, Topic] = {
    "separable-ratio": Topic(
        "a depthwise separable convolution against the standard one",
        "arXiv 1704.04861, section 3.1",
    ),
    "width-law": Topic(
        "a network's MACs in its width multiplier",
        "arXiv 1704.04861, section 3.3",
        of_networks=True,
    ),
    "resolution-law": Topic(
        "a network's MACs in its resolution multiplier",
        "arXiv 1704.04861, section 3.4",
        of_networks=True,
    ),
    "token-doubling": Topic(
        "a language model's MACs and kept keys and values in its tokens",
        "arXiv 1706.03762, section 4 and table 1",
    ),
    "grouped-shuffled": Topic(
        "ShuffleNet's unit against the bottlenecks of ResNet and ResNeXt",
        "arXiv 1707.01083, section 3.2",
    ),
    "memory-access-bound": Topic(
        "a 1×1 convolution moves least where it keeps its width",
        "arXiv 1807.11164, section 2, G1",
    ),
    "compound-scaling": Topic(
        "a network's MACs where depth, width and resolution grow together",
        "arXiv 1905.11946, section 3.3",
        of_networks=True,
        network="efficientnet_b0",
    ),
    "ghost-ratio": Topic(
        "a Ghost module against the convolution that it replaces",
        "arXiv 1911.11907, section 3.2",
    ),
    "regnet": Topic(
        "RegNet's widths and depths by one rule, and activations as the root of MACs",
        "arXiv 2003.13678, section 3.3 and figure 12",
    ),
    "fused-mbconv": Topic(
        "at which width Fused-MBConv is cheaper than MBConv",
        "arXiv 2104.00298, section 3.2",
    ),
    "attention-conv": Topic(
        "at which resolution a network's attention outweighs its convolutions",
        "arXiv 2110.02178, section 3",
        of_networks=True,
        network="mobilevit_s",
    ),
    "pooling-mixer": Topic(
        "PoolFormer's block against a transformer block of its width",
        "arXiv 2111.11418, section 3",
    ),
    "reparameterisation": Topic(
        "what folding parallel branches into one convolution saves",
        "arXiv 2101.03697, section 3.3; arXiv 2303.14189, section 3.2",
    ),
    "wavelet-conv": Topic(
        "a wavelet convolution against large kernels",
        "arXiv 2407.05848, section 3.3",
    ),
}
"""The laws in the order of their publication."""


def law(name: str) -> Law:
    """Derive the law of this name; `width-law:mobilenetv2` names the law of one network.

    Raises UnknownName or BadInput.
    """
    kind, colon, model = name.partition(":")
    if kind not in LAWS:
        raise UnknownName("law", name, LAWS)
    entry = LAWS[kind]
    if colon and not entry.of_networks:
        raise BadInput(f"{kind} is not a law of a network, but '{model}' was given; leave it out")
    derive = import_module(f"{__name__}.{kind.replace('-', '_')}").derive
    found: Law = derive(model or entry.network) if entry.of_networks else derive()
    return found


def is_law(name: str) -> bool:
    """Is it the name of a law?"""
    return name.partition(":")[0] in LAWS
