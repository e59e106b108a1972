"""The commands that take a network apart: profile, by modules as it runs, and show, row by row."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING

from flopscope.cli.answering import Answer, answered, asked
from flopscope.cli.completing import target_argument
from flopscope.cli.options import PLOT
from flopscope.cli.part_options import Asked, part_options
from flopscope.cli.progress import waiting
from flopscope.cli.sections import command
from flopscope.cli.tables import style_options

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from flopscope.answers.epoch import Epoch
    from flopscope.answers.profile import Profile
    from flopscope.cli.options import Plot
    from flopscope.present.profile import ProfileReport
    from flopscope.present.view import View
    from flopscope.sizes import Shape


@command()
@target_argument("target", "TARGET")
@part_options("module")
@style_options()
@PLOT
@answered
def profile(target: str, given: Asked) -> Answer:
    """Show what each part of a network costs, as a tree of its modules.

    TARGET is a network of any kind, as `flopscope --help` lists them. The name in a file or module
    is an nn.Module, or a class or function that makes one; Net.small and 'Net(Config(width=16))'
    are read too, and 'Net[width=16]' means the same as --arg width=16. The network is traced on
    shapes, without weights. Where a size of the input is a letter, as in --input B,3,H,W, costs are
    formulas. Without --input and --res the input is the image that a model of the catalogue, of
    timm or of torchvision is made for. An ONNX file has inputs of its own: --input replaces their
    sizes, and --example gives a named size its value.

    \b
    flopscope profile timm:convnext_tiny --res 224 --depth 2
    flopscope profile mobilenetv2
    flopscope profile net.py:Net --res 224 --by layer --sort macs
    flopscope profile net.py:Net --by layer --columns input,kernel,macs -o out.csv
    flopscope profile net.py:Net --by layer --plot layers.pdf
    flopscope profile net.py:Net --arg width=24 --input B,3,H,W
    flopscope profile net.py:Net --res 224 --batch 128 --backward --epoch 1.28M
    flopscope profile model.onnx

    A total that has an operator of unknown cost in it is a lower bound, which is printed with ≥.
    """
    from flopscope.present.profile import ProfileReport
    from flopscope.present.profile_formats import FORMATS
    from flopscope.present.provenance import Sources

    found, epoch = _counted(target, given, closed=False)
    report = ProfileReport(found, _view(given), epoch)
    graph = found.network is not None and found.network.is_graph
    packages = ("onnx",) if graph else ("torch",)
    sources = Sources(given.convention, packages=packages)
    holds = _holds(found, given)
    return Answer(report, sources, holds, lambda plot: _picture(report, plot), FORMATS)


@command()
@target_argument("target", "TARGET")
@part_options("layer")
@PLOT
@style_options()
@answered
def show(target: str, given: Asked) -> Answer:
    """Show what each layer of a network costs, in order.

    TARGET is a network of any kind, as `flopscope --help` lists them. A model of the catalogue is
    shown from its closed form, with the names of its paper and without torch; `flopscope profile`
    traces its PyTorch module and shows the names of the code. The options of both commands are the
    same. Without --batch the batch is 1.

    \b
    flopscope show mobilenetv2 --by stage
    flopscope show mobilenetv2 --columns input,kernel,stride,groups,output,count%
    flopscope show timm:mobilenetv4_conv_small --sort params
    """
    from flopscope.present.profile_formats import FORMATS
    from flopscope.present.provenance import of_entries
    from flopscope.present.show import ShowReport

    found, epoch = _counted(target, given, closed=True)
    report = ShowReport(found, _view(given), epoch)
    sources = of_entries(given.convention, [report.entry])
    holds = _holds(found, given)
    return Answer(report, sources, holds, lambda plot: _picture(report, plot), FORMATS)


def _picture(report: ProfileReport, plot: Plot) -> Figure:
    from flopscope.present.plots.parts import profile_figure

    return profile_figure(report.profile, report.view, plot.look)


def _counted(target: str, given: Asked, *, closed: bool) -> tuple[Profile, Epoch | None]:
    """The network at its inputs, from its `closed` form if it has one and need not run."""
    from flopscope import arguments as texts
    from flopscope.answers.apart import Question, in_size, shown, traced
    from flopscope.answers.target import parse_target
    from flopscope.catalog.variant import with_form

    network = parse_target(with_form([target], given.form)[0])
    network, res = in_size(network, given.scaling, given.res)
    values, sizes = texts.parse_arguments(given.arguments), texts.parse_examples(given.examples)
    inputs = network.given(given.inputs, res, given.batch or 1, values)
    question = Question(
        network, inputs, bool(given.inputs), res, given.batch, values, sizes, given.rules,
        given.backward, given.epoch,
    )  # fmt: skip
    view = _view(given)
    doing = "reading" if network.is_graph else "tracing"
    with waiting(f"{doing} {network.name}", long=not closed or network.variant is None):
        answer = shown if closed else traced
        return answer(question, lambda shapes: _check(view, shapes, given.backward))


def _view(given: Asked) -> View:
    from flopscope.present.columns import Rows, parse_columns
    from flopscope.present.view import View

    columns = () if given.columns is None else parse_columns(given.columns, Rows.PARTS)
    return View(given.convention, given.by, given.depth, given.sort, columns)


def _holds(found: Profile, given: Asked) -> bool:
    """With --strict, is every cost known?"""
    names = [counting.name for counting in _view(given).conventions]
    return not (given.strict and any(map(found.unknown, names)))


def _check(view: View, shapes: Iterable[Shape], backward: bool) -> None:
    """Raises BadInput or UnknownName for an order, a column or a format that is not offered at
    these sizes, free or numbers."""
    from flopscope.present.profile import check_view
    from flopscope.present.profile_formats import check_profile_format
    from flopscope.sizes import is_symbolic

    free = any(map(is_symbolic, chain.from_iterable(shapes)))
    check_view(view, free=free, backward=backward)
    check_profile_format(asked("format_name"), free=free)
