"""Networks of all families really quantised, in four ways each, and every byte of the files against
the prediction: `make quantised`.

The page docs/quantised.md is written from here. Every result is a line of build/quantised.jsonl as
soon as it is there, so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

import flopscope as fs

Result: TypeAlias = Mapping[str, Any]
Results: TypeAlias = Mapping[tuple[str, str], Result]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "quantised.md"
STATE = ROOT / "build" / "quantised.jsonl"

SCHEMES: Mapping[str, Mapping[str, Any]] = {
    "channel": {},
    "channel, ends": {"skip": ["first", "last"]},
    "tensor": {"per_tensor": True},
    "tensor, ends": {"per_tensor": True, "skip": ["first", "last"]},
}
"""Scales by channel or by tensor, without and with the first and the last layer in float32."""

NETWORKS: Mapping[str, int] = {
    "convnext_tiny": 32,
    "efficientformer_l1": 224,
    "efficientformerv2_s0": 224,
    "efficientnet_b0": 32,
    "efficientnetv2_s": 32,
    "efficientvit_b0": 64,
    "efficientvit_m0": 224,
    "fastvit_t8": 64,
    "ghostnet_100": 32,
    "ghostnetv2_100": 64,
    "ghostnetv3_100": 64,
    "mobilenetv1": 32,
    "mobilenetv2": 32,
    "mobilenetv3_large": 32,
    "mobilenetv4_conv_small": 32,
    "mobilenetv4_hybrid_medium": 64,
    "mobileone_s0": 32,
    "mobilevit_xxs": 32,
    "mobilevitv2_050": 64,
    "poolformer_s12": 32,
    "regnetx_400mf": 32,
    "regnety_400mf": 32,
    "repvit_m0.6": 32,
    "resnet18": 32,
    "resnet50": 32,
    "shufflenetv1_g3_x1.0": 32,
    "shufflenetv2_x1.0": 32,
    "starnet_s1": 32,
    "wtconvnext_tiny": 64,
}
"""Networks of all families, with the sizes of their images: bytes do not depend on them, and small
ones are quick."""


def quantised(network: str, res: int, scheme: str) -> dict[str, Any]:
    """What one network's file has, by the terms of the formula."""
    images = np.random.default_rng(1).standard_normal((2, 3, res, res), dtype=np.float32)
    try:
        report = fs.quantize(network, res=res, runtime="ort", images=images, **SCHEMES[scheme])
    except fs.FlopscopeError as error:
        return {"refused": str(error)}
    found, run = report.found, report.found.run
    return {
        "predicted": asdict(found.terms),
        "planned": asdict(run.planned),
        "stored": asdict(run.stored),
        "activations": found.activations,
        "file": run.file_bytes,
    }


def results() -> dict[tuple[str, str], dict[str, Any]]:
    """The results that are there."""
    lines = STATE.read_text(encoding="utf-8").splitlines() if STATE.exists() else []
    return {(each["network"], each["scheme"]): each for each in map(json.loads, lines)}


def main() -> None:
    found = results()
    STATE.parent.mkdir(parents=True, exist_ok=True)
    for network, res in NETWORKS.items():
        for scheme in SCHEMES:
            if (network, scheme) in found:
                continue
            one = {"network": network, "scheme": scheme, **quantised(network, res, scheme)}
            found[network, scheme] = one
            with STATE.open("a", encoding="utf-8") as out:
                out.write(json.dumps(one) + "\n")
            sys.stdout.write(f"{network}, {scheme}: {_said(one)}\n")
            sys.stdout.flush()
    PAGE.write_text(page(found), encoding="utf-8")


def _said(one: Result) -> str:
    return str(one.get("refused") or difference(one) or "as predicted")


# --- the page -------------------------------------------------------------------------------------


def difference(one: Result) -> str:
    """The terms in which a file is not what the closed form says, the graph's constants apart;
    empty where there is none."""
    stored, predicted = dict(one["stored"]), one["predicted"]
    stored["constants"] = 0
    apart = {name: stored[name] - predicted[name] for name in stored}
    return ", ".join(f"{name.replace('_', ' ')} {n:+,}" for name, n in apart.items() if n)


def page(found: Results) -> str:
    """The text of docs/quantised.md."""
    ones = {each: found[each] for each in product(NETWORKS, SCHEMES)}
    apart = [
        f"| {network} | {scheme} | {difference(one)} | {_share(one)} |"
        for (network, scheme), one in ones.items()
        if difference(one)
    ]
    return TEMPLATE.format(
        networks=len(NETWORKS),
        files=len(ones),
        exact=sum(one["planned"] == one["stored"] for one in ones.values()),
        as_predicted=len(ones) - len(apart),
        lines="\n".join(_line(network, res, ones) for network, res in NETWORKS.items()),
        apart="\n".join(apart),
    )


def _line(network: str, res: int, found: Results) -> str:
    ones = [found[network, scheme] for scheme in SCHEMES]
    totals = [f"{_bytes(one):,}{' ≠' if difference(one) else ''}" for one in ones]
    first = ones[0]["stored"]
    graph = ones[0]["file"] - sum(first.values())
    return f"| {network} | {res} | {' | '.join(totals)} | {first['constants']:,} | {graph:,} |"


def _bytes(one: Result) -> int:
    """The bytes of a file's tensors, without the graph's constants."""
    return sum(one["stored"].values()) - one["stored"]["constants"]


def _share(one: Result) -> str:
    predicted = sum(one["predicted"].values())
    return f"{100 * (_bytes(one) - predicted) / predicted:+.1f} %"


TEMPLATE = """\
# Networks of all families, quantised

`make quantised` writes this page. `tests/quantising/test_quantised_page.py` compares each number
with the prediction, and a few networks with files that it makes anew.

ONNX Runtime quantised {networks} networks in four ways each, weights drawn at random, on two images
of noise: with a scale for each output *channel* or for each *tensor*, and with or without the first
and the last layer, the *ends*, in float32. The {files} files stand here with the bytes of all their
tensors but the graph's own constants, such as shapes, axes and single numbers, which no closed form
knows. In {as_predicted} of them every term is as the closed form predicts it: weights, scales, zero
points, biases, and what is untouched. The formula on the exported graph gives every term, its
constants too, of {exact} of the {files}. Images are small, since bytes do not depend on their size.

| network | image | channel | channel, ends | tensor | tensor, ends | constants | nodes and names |
|---|---|---|---|---|---|---|---|
{lines}

Constants, nodes and names are those of the first file. A sign ≠ says that terms differ from the
prediction. These are the differences, in bytes, and as a share of the predicted total:

| network | scales | file less prediction | |
|---|---|---|---|
{apart}

They have two causes:

* FastViT and WTConvNeXt multiply `factor * x`, the factor first. ONNX Runtime folds `x * factor`
  into the convolution before it, as in PoolFormer, and leaves this one as it is: the factors stay
  in float32, and the products have no scale.
* WTConvNeXt's filters are those of Haar's wavelet in every block, and the exporter stores equal
  tensors once.
"""


if __name__ == "__main__":
    main()
