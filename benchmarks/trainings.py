"""Ways of training compared over several seeds: `make trainings` writes notebooks/11_training.json.

Each seed draws which fifth of MNIST's 5,000 digits is held out, the first weights, and the order of
images; ways are compared seed by seed. Recipes were chosen on a part of one seed's images to train
with. `trainings.py 0 1 2` takes these seeds. What was trained is kept in build/trainings.jsonl, and
a new run goes on from there.
"""

from __future__ import annotations

import datetime
import json
import platform
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import int8
import mlxtend
import numpy as np
import onnxruntime
import torch

import flopscope as fs
from flopscope.training.images import Images, divided, images
from flopscope.training.loop import accuracy
from flopscope.training.record import Run
from flopscope.training.trainer import in_channels
from flopscope.training.transforms import resized

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "build" / "trainings.jsonl"
WRITTEN = ROOT / "notebooks" / "11_training.json"
SEEDS = (0, 1, 2, 3, 4)
SOURCE, CHANNELS, CALIBRATED = "mnist", 3, 128

NETWORK = "resnet18:width=0.125,classes=10"
STUDENT = "resnet18:width=0.0625,depth=0.5,classes=10"
SAME: Mapping[str, Any] = {"batch": 64, "optimizer": "sgd", "rate": 0.05, "warmup": 1, "ema": 0.99}
FIXED: Mapping[str, Any] = {**SAME, "sizes": 64, "dropout": 0.2, "magnitude": 0.5}
GROWING: Mapping[str, Any] = {**SAME, "dropout": (0.0, 0.2), "magnitude": (0.0, 0.5)}
TAUGHT: Mapping[str, Any] = {**SAME, "sizes": 64, "magnitude": 0.5}
WAYS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "fixed": (NETWORK, {**FIXED, "epochs": 12}),
    "progressive from 32": (NETWORK, {**GROWING, "sizes": (32, 48, 64), "epochs": 12}),
    "progressive from 48": (NETWORK, {**GROWING, "sizes": (48, 56, 64), "epochs": 12}),
    "fixed, fewer epochs": (NETWORK, {**FIXED, "epochs": 8}),
    "plain": (STUDENT, {**TAUGHT, "epochs": 12}),
    "distilled": (STUDENT, {**TAUGHT, "epochs": 12, "temperature": 4.0, "alpha": 0.9}),
    "plain, more epochs": (STUDENT, {**TAUGHT, "epochs": 21}),
}
"""Each way: the network and what fs.train is given. The teacher is the fixed one of the seed."""


def main(seeds: tuple[int, ...] = SEEDS) -> None:
    """Train what is not kept yet, and write the results."""
    torch.set_num_threads(1)
    KEPT.parent.mkdir(exist_ok=True)
    known = [json.loads(line) for line in KEPT.read_text().splitlines()] if KEPT.exists() else []
    for seed in seeds:
        if all(row["seed"] != seed for row in known):
            rows = list(of_seed(seed))
            with KEPT.open("a", encoding="utf-8") as file:
                file.writelines(f"{json.dumps(row)}\n" for row in rows)
            known += rows
    rows = [row for row in known if row["seed"] in seeds]
    written = {"provenance": provenance(seeds), "ways": WAYS, "runs": rows}
    WRITTEN.write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def of_seed(seed: int) -> Iterator[dict[str, Any]]:
    """The results of all ways with a seed."""
    runs: dict[str, Run] = {}
    for way, (network, given) in WAYS.items():
        teacher = {"teacher": runs["fixed"]} if "alpha" in given else {}
        runs[way] = fs.train(network, SOURCE, **given, **teacher, seed=seed)
        print(seed, way, runs[way], sep="\n", flush=True)
        yield row(way, seed, runs[way])
    yield from quantised(runs["fixed"], seed)


def row(way: str, seed: int, run: Run) -> dict[str, Any]:
    """What is written of a run."""
    stages = [
        {
            "size": each.stage.size,
            "epochs": each.stage.epochs,
            "steps": each.steps,
            **each.work._asdict(),
            "seconds": round(each.seconds, 2),
            "processor_seconds": round(each.processor_seconds, 2),
        }
        for each in run.stages
    ]
    told = {"accuracy": run.accuracy, "average_accuracy": run.average_accuracy}
    return {"way": way, "seed": seed, **told, "macs": run.macs, "stages": stages}


def quantised(run: Run, seed: int) -> Iterator[dict[str, Any]]:
    """The network that was trained fixed, in float32 and in int8; its weights are those after the
    last step."""
    parts = divided(images(SOURCE), seed)
    size = run.recipe.stages[-1].size
    few = resized(parts.training.at(slice(CALIBRATED)), size)
    test = resized(parts.test, size)
    shown = Images(np.repeat(test.x, CHANNELS, axis=1), test.y)
    calibration = in_channels(torch.from_numpy(few.x), CHANNELS)
    for way, (answer, stored) in int8.answers(run.network, calibration).items():
        found = {"way": way, "seed": seed, "accuracy": accuracy(answer, shown), "bytes": stored}
        print(found, flush=True)
        yield found


def provenance(seeds: tuple[int, ...]) -> dict[str, Any]:
    """How the results were made."""
    return {
        "command": "make trainings",
        "seeds": seeds,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{processor()}, one thread, while other programs ran",
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "mlxtend": mlxtend.__version__,
            "onnxruntime": onnxruntime.__version__,
            "flopscope": fs.__version__,
        },
    }


def processor() -> str:
    """The kind of processor, as Linux names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SEEDS)
