"""A network really quantised by ONNX Runtime: exported, folded, calibrated, written, compared with
its float32 form, and timed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from flopscope.answers.counted import Given, made
from flopscope.answers.making import target_of
from flopscope.answers.quantised.errors import LayerError, Tell, alone, layer_errors, output_error
from flopscope.answers.quantised.images import Images, images_for
from flopscope.answers.quantize import Quantised, predicted, quantize
from flopscope.answers.running import inputs_of, runnable
from flopscope.answers.target import Source, Target
from flopscope.errors import BadInput
from flopscope.extras import require_onnx, require_runtime, require_witnesses
from flopscope.quantising.marking import Marked, marked
from flopscope.quantising.scheme import Scheme
from flopscope.quantising.steps import Steps
from flopscope.quantising.terms import Terms

if TYPE_CHECKING:
    from flopscope.measured.runtimes.quantising import Plan

LIBRARIES = (Source.TIMM, Source.TORCHVISION)
TRAINED = ("pretrained", "weights", "checkpoint")
"""Words in the arguments by which a network of a library gets weights that somebody trained."""


@dataclass(frozen=True)
class Run:
    """What quantising gave. `planned` are the bytes by the formula, from the graph as it was
    folded, and `stored` those of the file. `milliseconds` is processor time of a run of the whole
    batch, the least of the rounds, in float32 and quantised. `drawn`: its weights are random."""

    planned: Terms
    stored: Terms
    file_bytes: int
    plain_file_bytes: int
    nodes: int
    sqnr: float
    same_class: float
    errors: tuple[LayerError, ...]
    milliseconds: tuple[float, float]
    reduced_range: bool
    images: str
    made_up: bool
    drawn: bool
    version: str
    content: bytes

    @property
    def graph(self) -> int:
        """The bytes of nodes, names and headers: all of the file but its tensors."""
        return self.file_bytes - self.stored.total


def quantize_for_real(
    given: Any,
    scheme: Scheme | None = None,
    at: Given | None = None,
    images: Any = None,
    arguments: Mapping[str, Any] | None = None,
    sensitivity: bool = False,
    tell: Tell = lambda done, of: None,
) -> Quantised:
    """A target quantised by ONNX Runtime, with what was predicted of it.

    `images` are those to calibrate with, as `images_for` reads them; without, made-up numbers.
    Raises BadInput as `quantize` and `images_for` do, where packages are missing, and with ONNX
    Runtime's own words for what it refuses.
    """
    require_runtime("onnxruntime")
    require_onnx()
    scheme, at = scheme or Scheme(), at or Given()
    _check_bits(scheme)
    answer = quantize(given, scheme, at, arguments)
    (target,) = made([target_of(given)], at)
    if not target.is_graph:
        require_witnesses()
    _check_inputs(target, at, arguments)
    from flopscope.measured.runtimes import Refused
    from flopscope.measured.runtimes.quantising import logging_nothing
    from flopscope.tracing.loading.guards import prints_aside

    try:
        with TemporaryDirectory() as folder, prints_aside(), logging_nothing():
            return _run(answer, target, at, images, arguments, sensitivity, Path(folder), tell)
    except Refused as error:
        raise BadInput(f"ONNX Runtime refuses {target.name}: {error}") from error


def _run(
    answer: Quantised,
    target: Target,
    at: Given,
    images: Any,
    arguments: Mapping[str, Any] | None,
    sensitivity: bool,
    folder: Path,
    tell: Tell,
) -> Quantised:
    from flopscope.measured.runtimes import quantising as ort
    from flopscope.onnxgraph.quantised import file_terms, named_steps, node_count

    plain, made_file = folder / "plain.onnx", folder / "quantised.onnx"
    _write_folded(target, at, answer.shapes[0], arguments, plain)
    steps = _named_alike(named_steps(plain), answer)
    graph = predicted(target, answer.shapes, steps, answer.scheme)
    found = marked(steps, answer.scheme.skipped([layer.name for layer in steps.layers]))
    name = _only_input(target, ort.input_of(plain), answer.shapes[0])
    given = images_for(images, name, answer.shapes[0])
    reduced = ort.needs_reduced_range()
    plan = _plan(steps, found, answer.scheme, reduced)
    ort.quantise(plain, made_file, given.each, plan)
    sqnr, same = output_error(plain, made_file, given)
    errors = layer_errors(plain, made_file, steps, found, given)
    if sensitivity:
        errors = alone(plain, found, errors, given, plan, tell)
    run = Run(
        planned=graph.terms,
        stored=file_terms(made_file),
        file_bytes=made_file.stat().st_size,
        plain_file_bytes=plain.stat().st_size,
        nodes=node_count(made_file),
        sqnr=sqnr,
        same_class=same,
        errors=tuple(errors),
        milliseconds=(_time(plain, given, folder), _time(made_file, given, folder)),
        reduced_range=reduced,
        images=given.words,
        made_up=given.made_up,
        drawn=is_untrained(target, arguments),
        version=ort.VERSION,
        content=made_file.read_bytes(),
    )
    return replace(answer, run=run)


def is_untrained(target: Target, arguments: Mapping[str, Any] | None = None) -> bool:
    """Are its weights drawn at random? Of other people's code that is not known.

    >>> from flopscope.answers.target import parse_target
    >>> is_untrained(parse_target("mobilenetv2")), is_untrained(parse_target("net.py:Net"))
    (True, False)
    >>> is_untrained(parse_target("timm:resnet18[pretrained=True]"))
    False
    """
    if target.source not in LIBRARIES:
        return target.variant is not None
    given = target.arguments(arguments)
    return not any(value and word in name for name, value in given.items() for word in TRAINED)


def _check_bits(scheme: Scheme) -> None:
    asked = {scheme.bits, *(bits for _, bits in scheme.mixed)}
    if not asked <= {4, 8}:
        raise BadInput(
            f"ONNX Runtime quantises weights to 8 or 4 bits, and {min(asked - {4, 8})} is neither; "
            "give one of them, or leave --runtime out for the bytes alone"
        )


# --- the graph ------------------------------------------------------------------------------------


def _write_folded(
    target: Target,
    at: Given,
    shape: Sequence[int],
    arguments: Mapping[str, Any] | None,
    plain: Path,
) -> None:
    """Write the graph of the network with its norms folded. Raises BadInput where it does not
    compute what the network does."""
    from flopscope.measured.drawn import drawn
    from flopscope.measured.outputs import TOLERANCE, difference
    from flopscope.measured.runtimes import Asked, Refused
    from flopscope.measured.runtimes import quantising as ort
    from flopscope.measured.runtimes.eager import load
    from flopscope.measured.runtimes.exported import exported
    from flopscope.onnxgraph.quantised import in_one_file

    exported_file = plain.with_name("network.onnx")
    if target.is_graph:
        in_one_file(Path(target.place), exported_file)
        _only_input(target, ort.input_of(exported_file), shape)
        ort.folded(exported_file, plain)
        return
    with runnable(target, at, arguments) as network:
        assert network.module is not None
        if is_untrained(target, arguments):
            drawn(network.module, network.inputs, network.named)
        try:
            reference = load(network, Asked(), plain.parent).outputs()
            exported_file = exported(network, plain.parent)
        except Refused as error:
            raise BadInput(f"{target.name} cannot be quantised: {error}") from error
        ort.folded(exported_file, plain)
    given = dict(zip(ort.input_of(plain), network.values, strict=True))
    (found,) = ort.outputs(plain, [given])
    apart = difference(list(found.values()), reference)
    if apart is not None and apart > TOLERANCE["float32"]:
        raise BadInput(
            f"the graph that torch exports of {target.name} is another network: its outputs are "
            f"apart by up to {apart:.2g} of their largest value; give an ONNX file of the network"
        )


def _named_alike(steps: Steps, answer: Quantised) -> Steps:
    """The graph's steps, whose layers have the names of the answer's layers where the sizes of
    their weights, in order, say which is which."""
    ours = [layer.elements for layer in answer.layers]
    theirs = [step.weight.elements if step.weight else 0 for step in steps.layers]
    names: dict[str, str] = {}
    for one, other, count in SequenceMatcher(None, ours, theirs, False).get_matching_blocks():
        for n in range(count):
            names[steps.layers[other + n].node] = answer.layers[one + n].name
    renamed = (step._replace(name=names.get(step.node, step.name)) for step in steps.steps)
    return steps._replace(steps=tuple(renamed))


def _only_input(
    target: Target, inputs: Mapping[str, tuple[list[Any], str]], shape: Sequence[int]
) -> str:
    """The name of the graph's input. Raises BadInput where it takes others, or another size."""
    kinds = [kind[len("tensor(") : -1] for _, kind in inputs.values()]
    if kinds != ["float"]:
        raise _refusal(target, [{"float": "float32"}.get(kind, kind) for kind in kinds])
    ((name, (own, _)),) = inputs.items()
    fixed = zip(own, shape, strict=False)
    if len(own) != len(shape) or any(isinstance(n, int) and n != given for n, given in fixed):
        sizes = ["×".join(map(str, each)) for each in (own, shape)]
        raise BadInput(
            f"{target.name} takes an input of {sizes[0]}, and {sizes[1]} was asked for; leave "
            "--res, --batch and --input out"
        )
    return name


def _check_inputs(target: Target, given: Given, arguments: Mapping[str, Any] | None) -> None:
    """Raises BadInput for inputs that are no images, before anything is exported."""
    if target.is_graph:
        return
    kinds = [each.dtype for each in inputs_of(target, given, arguments)]
    if kinds != ["float32"]:
        raise _refusal(target, kinds)


def _refusal(target: Target, kinds: Sequence[str]) -> BadInput:
    one = "an input" if len(kinds) == 1 else "inputs"
    return BadInput(
        f"{target.name} takes {one} of {' and '.join(kinds)}, and quantising needs a network that "
        "takes one input of float32, such as images"
    )


def _plan(steps: Steps, found: Marked, scheme: Scheme, reduced: bool) -> Plan:
    from flopscope.measured.runtimes.quantising import Plan
    from flopscope.onnxgraph.steps import ROLES

    mixed: dict[str, tuple[int, int | None]] = {}
    for layer in found.layers:
        assert layer.weight is not None
        if (bits := scheme.bits_of(layer.name)) != scheme.bits:
            axis = layer.weight.axis if scheme.per_channel else None
            mixed[layer.weight.key] = (bits, axis)
    left = [step.node for step in found.left if step.operator in ROLES]
    return Plan(
        tuple(ROLES), left, scheme.bits, mixed, scheme.per_channel, scheme.activations, reduced
    )


def _time(file: Path, given: Images, folder: Path) -> float:
    from flopscope.measured.runtimes import Asked, Network
    from flopscope.measured.runtimes.ort import load
    from flopscope.measured.stopwatch import timed

    inputs = list(given.each[0].values())
    running = load(Network(file.name, inputs, {}, file=file), Asked(), folder)
    rounds = timed(running.run, running.clock)
    return 1e3 * min(rounds.cpu or rounds.wall)
