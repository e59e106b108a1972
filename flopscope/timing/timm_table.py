"""The benchmark tables of timm, huggingface/pytorch-image-models `results/benchmark-*.csv`.

Their rows have a model, an input size, a batch, images a second and milliseconds a step, the mean
of 50 steps after 10 of warm-up. Device, runtime and type of numbers stand in the file's name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from flopscope.errors import BadInput

PHASES: Mapping[str, str] = {"infer": "inference", "train": "training"}

SUFFIXES: Mapping[str, str] = {
    "img_size": "resolution",
    "samples_per_sec": "throughput_ips",
    "step_time": "latency_ms",
    "batch_size": "batch",
}
"""The column that each of timm's is, without the phase in front of it."""

STATISTIC = "mean of 50 steps after 10 of warm-up"

_NAME = re.compile(
    r"(?:model_)?benchmark[-_](?:(?P<phase>infer|train)[-_])?"
    r"(?P<dtype>amp_bf16|amp|fp32|fp16|bf16)[-_]"
    r"(?P<layout>nchw|nhwc)[-_](?:pt(?P<major>\d)(?P<minor>\d+)-)?(?P<device>.+?)"
    r"(?P<compiled>-dynamo)?\.csv"
)


def is_timm(header: Sequence[str]) -> bool:
    """Are these the columns of a benchmark of timm?

    >>> is_timm(["model", "infer_samples_per_sec", "infer_step_time", "infer_batch_size"])
    True
    """
    return "model" in header and _phase(header) is not None


def timm_facts(name: str) -> Mapping[str, str]:
    """What the name of a benchmark's file says.

    Raises BadInput for a name that says nothing, as the file does not name the device.

    >>> facts = timm_facts("results/benchmark-infer-amp-nchw-pt240-cu124-rtx4090-dynamo.csv")
    >>> facts["device"], facts["runtime"], facts["runtime_version"], facts["dtype"]
    ('cu124-rtx4090', 'inductor', 'torch 2.4.0', 'amp')
    """
    file = re.split(r"[/\\]", name)[-1]
    match = _NAME.fullmatch(file)
    if match is None:
        raise BadInput(
            f"'{name}' has timm's columns, which do not say the device; give the file the name "
            "that timm gives it, such as benchmark-infer-amp-nchw-pt240-cu124-rtx4090.csv"
        )
    stated = match.groupdict(default="")
    return {
        "device": stated["device"],
        "runtime": "inductor" if stated["compiled"] else "eager",
        "runtime_version": _version(stated["major"], stated["minor"]),
        "dtype": stated["dtype"],
        "layout": stated["layout"],
        "statistic": STATISTIC,
        "source": "huggingface/pytorch-image-models",
        "table_or_file": f"results/{file}",
    }


def timm_row(row: Mapping[str, str], facts: Mapping[str, str]) -> Mapping[str, str]:
    """A row of timm's table in flopscope's columns."""
    phase = _phase(list(row)) or "infer"
    named = {SUFFIXES[suffix]: row.get(f"{phase}_{suffix}", "") for suffix in SUFFIXES}
    return {**facts, "model": row["model"], "mode": PHASES[phase], **named}


def _phase(header: Sequence[str]) -> str | None:
    return next((each for each in PHASES if f"{each}_samples_per_sec" in header), None)


def _version(major: str, digits: str) -> str:
    """pt240 is torch 2.4.0; torch 1 has reached 1.13, and pt113 is that."""
    if not digits:
        return ""
    return f"torch {major}.{digits if major == '1' else '.'.join(digits)}"
