"""Calibrates this machine, predicts networks that it has not been calibrated with, runs them, and
holds one to a latency: measure, calibrate, predict, assert, as a user does it.

    python benchmarks/here.py [--runtime ort] [--threads 1] [--folder build/here] [--again]
        [--every]

It takes about two minutes, in which nothing else should run, and prints what it finds beside the
target. With --again it takes the device file of the last run and does not calibrate. With --every
it also runs all networks of the catalogue up to 5 GMACs, which takes a quarter of an hour, and
fits a device to all of them, with each family held out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flopscope.timing.device import Device
from flopscope.timing.device_file import read_device
from flopscope.timing.latency_table import read_latencies
from flopscope.timing.measurement import Latency

OTHERS = (
    "mobilenetv3_small", "mobilenetv4_conv_medium", "efficientnet_b1", "ghostnetv2_100", "resnet34",
    "regnetx_800mf", "fastvit_t12", "efficientformerv2_s0", "efficientvit_b1", "starnet_s2",
    "repvit_m1.1", "wtconvnext_tiny",
)  # fmt: skip
RES = "224"
LARGEST = 5 * 10**9
"""MACs of the largest network of the catalogue that --every runs."""
MEDIAN, KENDALL, TIMES_BETTER = 10.0, 0.93, 2.0
"""The targets for onnxruntime with one thread, families held out."""
SIMPLE = ("∝ MACs", "∝ bytes", "∝ activations")


def main() -> None:
    """Run the chain and print each figure."""
    asked = _asked()
    folder: Path = asked.folder
    folder.mkdir(parents=True, exist_ok=True)
    device_file, table = folder / "device.json", folder / "others.csv"
    how = ("--runtime", asked.runtime, "--threads", str(asked.threads))
    if not asked.again:
        flopscope("calibrate", *how, "-o", str(device_file))
    device = read_device(device_file)
    _held_out(device)
    flopscope("measure", *OTHERS, "--res", RES, *how, "-o", str(table))
    page = flopscope(
        "predict", *OTHERS, "--res", RES, "--device", str(device_file), "--format", "json",
    )  # fmt: skip
    _new(read_latencies(table), json.loads(page)["networks"])
    _assert(json.loads(page)["networks"][0], device_file)
    if asked.every:
        _every(folder, how)


def _every(folder: Path, how: Sequence[str]) -> None:
    """The errors of a device that is fitted to all networks of the catalogue but the largest."""
    models = json.loads(flopscope("list", "--format", "json"))["models"]
    small = [each["model"] for each in models if each["macs"] <= LARGEST]
    table, both = folder / "every.csv", folder / "both.csv"
    flopscope("measure", *small, *how, "-o", str(table))
    alone = (folder / "device.csv").read_text(encoding="utf-8").splitlines()
    operators = [line for line in alone if " on " in line.split(",")[0]]
    lines = [*table.read_text(encoding="utf-8").splitlines(), *operators]
    both.write_text("\n".join(lines) + "\n", encoding="utf-8")
    fitted = folder / "every.json"
    flopscope("calibrate", "--from", str(both), "-o", str(fitted))
    _held_out(read_device(fitted))


def flopscope(*words: str, status: int = 0) -> str:
    """What the command prints. Ends the program where its exit status is another one."""
    print("$ flopscope", " ".join(words), flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "flopscope", *words], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != status:
        sys.exit(f"{done.stdout}exit status {done.returncode}, and not {status}")
    return done.stdout


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runtime", default="ort")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("build/here"))
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--every", action="store_true")
    return parser.parse_args()


def _held_out(device: Device) -> None:
    held = device.held_out
    simple = min(held.baselines[name] for name in SIMPLE)
    print(f"\n{device.protocol}; {held.protocol}")
    _show("median error (%)", held.median, f"at most {MEDIAN:g}", held.median <= MEDIAN)
    _show("Kendall's τ", held.kendall, f"at least {KENDALL:g}", held.kendall >= KENDALL)
    _show(
        "the best simple predictor's error over it", simple / held.median,
        f"at least {TIMES_BETTER:g}", simple >= TIMES_BETTER * held.median,
    )  # fmt: skip
    for name in SIMPLE:
        _show(f"median error (%), {name}", held.baselines[name])
    _show("networks within 10 % (%)", held.within_10)
    for level, covered in held.coverage.items():
        _show(f"covered by intervals for {level} % (%)", covered)


def _new(measured: Sequence[Latency], predicted: Sequence[Mapping[str, Any]]) -> None:
    """Networks of the catalogue that the device has not been calibrated with."""
    busy = any(each.is_loaded for each in measured)
    clock = "processor time, as the machine was busy" if busy else "wall time"
    print(f"\nnetworks that it has not seen, {clock}")
    errors, within = [], 0
    for latency, said in zip(measured, predicted, strict=True):
        taken = latency.cpu_min_ms if busy and latency.cpu_min_ms else latency.latency_ms
        time, (low, high) = 1e3 * said["seconds"], (1e3 * end for end in said["interval_90"])
        errors.append(100 * abs(time / taken - 1))
        within += low <= taken <= high
        inside = "" if low <= taken <= high else "  outside"
        print(
            f"{latency.model:<26} {taken:7.2f} ms, predicted {time:7.2f} ({low:.2f} to "
            f"{high:.2f}), {100 * (time / taken - 1):+.0f} %{inside}"
        )
    _show("median error (%)", statistics.median(errors))
    _show("covered by intervals for 90 % (%)", 100 * within / len(errors))


def _assert(network: Mapping[str, Any], device: Path) -> None:
    """A latency that the prediction keeps, and one that it breaks: exit status 0 and 1."""
    print()
    milliseconds = 1e3 * network["seconds"]
    for share, status in ((1.1, 0), (0.9, 1)):
        print(
            flopscope(
                "assert", network["name"], "--res", RES, "--max-latency",
                f"{share * milliseconds:.4g}ms", "--device", str(device), status=status,
            )
        )  # fmt: skip


def _show(name: str, value: float, target: str = "", holds: bool = True) -> None:
    met = "" if not target else f" (target {target}{'' if holds else ': missed'})"
    print(f"{name:<58} {value:>10,.4g}{met}")


if __name__ == "__main__":
    main()
