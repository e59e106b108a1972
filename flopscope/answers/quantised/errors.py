"""How far a quantised network is from its float32 form, at its output and layer by layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from flopscope.answers.quantised.images import Images
from flopscope.quantising.marking import Marked
from flopscope.quantising.steps import Steps

if TYPE_CHECKING:
    from flopscope.measured.runtimes.quantising import Plan

TESTED = 4
"""Images on which errors are measured."""
Tell = Callable[[int, int], None]
"""Is told how many of how many layers are done."""


class LayerError(NamedTuple):
    """How far a layer's output in the quantised network is from that in float32, as the ratio of
    signal to noise in dB; and what is left at the network's output where this layer alone is
    quantised, None where that was not asked for."""

    name: str
    sqnr: float
    alone: float | None = None


def decibels(signal: float, noise: float) -> float:
    """A ratio of signal to noise.

    >>> decibels(100.0, 1.0), decibels(1.0, 0.0)
    (20.0, inf)
    """
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf


def output_error(plain: Path, made_file: Path, given: Images) -> tuple[float, float]:
    """The SQNR of the first result, and the share of images whose largest value is at the same
    place."""
    from flopscope.measured.runtimes.quantising import outputs, signal_to_noise

    signal = noise = same = 0.0
    tested = given.each[:TESTED]
    for ours, theirs in zip(outputs(plain, tested), outputs(made_file, tested), strict=True):
        one, other = next(iter(ours.values())), next(iter(theirs.values()))
        more, error = signal_to_noise(one, other)
        signal, noise = signal + more, noise + error
        same += float((_largest(one) == _largest(other)).mean())
    return decibels(signal, noise), same / len(tested)


def layer_errors(
    plain: Path, made_file: Path, steps: Steps, found: Marked, given: Images
) -> list[LayerError]:
    """The SQNR of each quantised layer's output, the one with the most noise first."""
    from flopscope.measured.runtimes.quantising import outputs, signal_to_noise
    from flopscope.onnxgraph.quantised import dequantised, with_outputs

    behind = {step.reads[0]: step.writes[0] for step in found.folded}
    tensors = {behind.get(s.writes[0], s.writes[0]): s.name for s in found.layers}
    pairs = dequantised(made_file, list(tensors))
    first, second = plain.with_name("plain_all.onnx"), plain.with_name("quantised_all.onnx")
    with_outputs(plain, list(pairs), first)
    with_outputs(made_file, list(pairs.values()), second)
    sums = {name: [0.0, 0.0] for name in pairs}
    tested = given.each[:TESTED]
    for ours, theirs in zip(outputs(first, tested), outputs(second, tested), strict=True):
        for name, made_of_it in pairs.items():
            more, error = signal_to_noise(ours[name], theirs[made_of_it])
            sums[name][0] += more
            sums[name][1] += error
    found_errors = [LayerError(tensors[name], decibels(*both)) for name, both in sums.items()]
    return sorted(found_errors, key=lambda each: each.sqnr)


def alone(
    plain: Path,
    found: Marked,
    errors: Sequence[LayerError],
    given: Images,
    plan: Plan,
    tell: Tell,
) -> list[LayerError]:
    """The errors with what each layer does alone, the one that costs most first."""
    from flopscope.measured.runtimes.quantising import quantise

    few = given._replace(each=given.each[:TESTED])
    to = plain.with_name("alone.onnx")
    left: dict[str, float] = {}
    for number, layer in enumerate(found.layers):
        tell(number, len(found.layers))
        others = [each.node for each in found.layers if each.node != layer.node]
        single = replace(plan, operators=(layer.operator,), left=[*plan.left, *others])
        quantise(plain, to, few.each, single)
        left[layer.name] = output_error(plain, to, few)[0]
    tell(len(found.layers), len(found.layers))
    both = [each._replace(alone=left[each.name]) for each in errors]
    return sorted(both, key=lambda each: each.alone if each.alone is not None else math.inf)


def _largest(results: Any) -> Any:
    return results.reshape(len(results), -1).argmax(1)
