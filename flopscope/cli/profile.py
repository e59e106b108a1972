"""The commands that take a network apart: profile, by modules as it runs, and show, row by row."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING

import click

from flopscope.cli.answering import Answer, answered, asked
from flopscope.cli.completing import target_argument
from flopscope.cli.part_options import Asked, part_options
from flopscope.cli.progress import waiting
from flopscope.cli.tables import style_options

if TYPE_CHECKING:
    from flopscope.answers.epoch import Epoch
    from flopscope.answers.profile import Profile
    from flopscope.answers.target import Target
    from flopscope.facts import InputSpec
    from flopscope.present.view import View
    from flopscope.sizes import Shape


@click.command()
@target_argument("target", "MODEL|TARGET")
@part_options("module")
@style_options()
@answered
def profile(target: str, given: Asked) -> Answer:
    """Trace a network and print its modules as a tree, with numbers or, at free sizes, formulas.

    TARGET is path/to/file.py:Name, package.module:Name, timm:NAME or torchvision:NAME. Name is an
    nn.Module, or a class or function that makes one; Net.small, 'Net(Config(width=16))' and
    'Net[width=16]', which is --arg width=16, are read too. Loading a Python target runs its code.
    Without --input and --res the input is the image that a model of the catalogue, of timm or of
    torchvision is made for. path/to/model.onnx is read and never run: it has inputs of its own,
    whose sizes --input replaces, and --example gives a named size its value.

    \b
    flopscope profile timm:convnext_tiny --res 224 --depth 2
    flopscope profile mobilenetv2
    flopscope profile net.py:Net --res 224 --by layer --sort macs
    flopscope profile net.py:Net --by layer --columns input,kernel,macs -o out.csv
    flopscope profile net.py:Net --arg width=24 --input B,3,H,W
    flopscope profile net.py:Net --res 224 --batch 128 --backward --epoch 1.28M
    flopscope profile model.onnx

    A total over an operator whose cost is unknown is a lower bound, and printed with ≥.
    """
    from flopscope.present.profile import ProfileReport
    from flopscope.present.profile_formats import FORMATS
    from flopscope.present.provenance import Sources

    network, given = _settled(target, given)
    found, epoch = _counted(network, given, closed=False)
    report = ProfileReport(found, _view(given), epoch)
    packages = ("onnx",) if network.is_graph else ("torch",)
    sources = Sources(given.convention, packages=packages)
    return Answer(report, sources, _holds(found, given), formats=FORMATS)


@click.command()
@target_argument("target", "MODEL|TARGET")
@part_options("layer")
@style_options()
@answered
def show(target: str, given: Asked) -> Answer:
    """Show one network layer by layer.

    TARGET is a model of the catalogue, or what `flopscope profile` takes. The options are those of
    `flopscope profile`. A model of the catalogue is shown by its closed form, in the names of its
    paper; profile traces it, and has the names of its modules. Without --batch it is 1.

    \b
    flopscope show mobilenetv2 --by stage
    flopscope show mobilenetv2 --columns input,kernel,stride,groups,output,count%
    flopscope show timm:mobilenetv4_conv_small --sort params
    """
    from flopscope.present.profile_formats import FORMATS
    from flopscope.present.provenance import of_entries
    from flopscope.present.show import ShowReport

    network, given = _settled(target, given)
    found, epoch = _counted(network, given, closed=True)
    report = ShowReport(found, _view(given), epoch)
    sources = of_entries(given.convention, [report.entry])
    return Answer(report, sources, _holds(found, given), formats=FORMATS)


def _settled(target: str, given: Asked) -> tuple[Target, Asked]:
    """The network in its form and scaled, and its size."""
    from flopscope.answers.target import of_variant, parse_target
    from flopscope.catalog.scaling import scaled
    from flopscope.catalog.variant import with_form
    from flopscope.errors import BadInput

    network = parse_target(with_form([target], given.form)[0])
    if given.scaling is None:
        return network, given
    if network.variant is None:
        raise BadInput(
            f"{network.name} is not a catalogue model and has no coefficients that could be "
            "scaled; leave --scale out, or name a catalogue model"
        )
    variant, size = scaled(network.variant, given.scaling, given.res)
    return of_variant(variant), given._replace(res=size)


def _counted(network: Target, given: Asked, *, closed: bool) -> tuple[Profile, Epoch | None]:
    """The network at its inputs, from its `closed` form if it has one and no trace is needed."""
    from flopscope import arguments as texts
    from flopscope.answers import profile as answers
    from flopscope.answers.epoch import check_epoch, epoch_of
    from flopscope.answers.target import refuse_arguments

    values, sizes = texts.parse_arguments(given.arguments), texts.parse_examples(given.examples)
    view = _view(given)
    if closed and network.variant is not None and not given.needs_trace:
        refuse_arguments(network.name, values, sizes)
        found = answers.closed(network, given.res, given.batch or 1)
        _check(view, found.shapes)
        return found, None
    inputs = network.given(given.inputs, given.res, given.batch or 1, values)
    if not network.is_graph:  # whose sizes are in the file
        _check(view, (one.shape for one in inputs), given.backward)

    def counted(on: tuple[InputSpec, ...]) -> Profile:
        return answers.profile(network, on, values, sizes, given.rules, given.backward)

    if given.epoch is not None:
        check_epoch(network.read(inputs, values), backward=given.backward)
    with waiting(f"{'reading' if network.is_graph else 'tracing'} {network.name}"):
        found = _at_batch(counted(inputs), given, closed=closed)
        _check(view, found.shapes)
        if given.epoch is None:
            return found, None
        specs = network.read(inputs, values)
        return found, epoch_of(found, specs, given.epoch, lambda on: counted(tuple(on)))


def _at_batch(found: Profile, given: Asked, *, closed: bool) -> Profile:
    """A named batch of a file is the one that is asked for, and 1 where rows are shown."""
    from flopscope.answers.profile import with_batch

    graph = found.network is not None and found.network.is_graph
    if not graph or given.inputs or (given.batch is None and not closed):
        return found
    return with_batch(found, given.batch or 1)


def _view(given: Asked) -> View:
    from flopscope.present.columns import Rows, parse_columns
    from flopscope.present.view import View

    columns = () if given.columns is None else parse_columns(given.columns, Rows.PARTS)
    return View(given.convention, given.by, given.depth, given.sort, columns)


def _holds(found: Profile, given: Asked) -> bool:
    """With --strict, is every cost known?"""
    names = [counting.name for counting in _view(given).conventions]
    return not (given.strict and any(map(found.unknown, names)))


def _check(view: View, shapes: Iterable[Shape], backward: bool = False) -> None:
    """Raises BadInput or UnknownName for an order, a column or a format that is not offered at
    these sizes, free or numbers."""
    from flopscope.present.profile import check_view
    from flopscope.present.profile_formats import check_profile_format
    from flopscope.sizes import is_symbolic

    free = any(map(is_symbolic, chain.from_iterable(shapes)))
    check_view(view, free=free, backward=backward)
    check_profile_format(asked("format_name"), free=free)
