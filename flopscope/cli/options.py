"""Options that several commands share. Each reads its own text, before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from flopscope.cli.files import check_file, check_pair, check_picture
from flopscope.errors import BadInput, UnknownName, listed
from flopscope.numerals import image_size, integer_from

if TYPE_CHECKING:
    from flopscope.catalog.scaling import Scaling
    from flopscope.conventions import Convention
    from flopscope.present.plots.look import Look

Value = TypeVar("Value")


def read_by(read: Callable[[str], Value]) -> Callable[..., Value | None]:
    """The callback of an option whose text this function reads. It gives None where the option is
    left out."""
    return lambda context, parameter, text: None if text is None else read(text)


def checked_by(check: Callable[[str], None]) -> Callable[..., str | None]:
    """The callback of an option whose text stays as it is, if this function lets it pass."""

    def callback(
        context: click.Context, parameter: click.Parameter, text: str | None
    ) -> str | None:
        if text is not None:
            check(text)
        return text

    return callback


def resolution(text: str) -> tuple[int, int]:
    """'224' or '192x256' as (height, width). Raises BadInput for any other text.

    >>> resolution("224"), resolution("192x256"), resolution("192,256")
    ((224, 224), (192, 256), (192, 256))
    """
    size = image_size(text)
    if size is None:
        raise BadInput(
            f"--res {text} is not a size of at least 1; "
            "give a number such as 224, or HxW such as 192x256"
        )
    return size


def positive(name: str) -> Callable[..., int | None]:
    """The callback of an option that is an integer from 1. It raises BadInput for any other."""
    return read_by(lambda text: _integer(text, 1, f"--{name} {text} is not a positive integer"))


def natural(name: str) -> Callable[..., int | None]:
    """The callback of an option that is an integer from 0. It raises BadInput for any other."""
    return read_by(lambda text: _integer(text, 0, f"--{name} {text} is not an integer from 0"))


def _integer(text: str, least: int, otherwise: str) -> int:
    value = integer_from(text, least)
    if value is None:
        raise BadInput(f"{otherwise}; give one such as {least or 2}")
    return value


def names(text: str) -> list[str]:
    """'width,res' as a list."""
    return text.split(",")


def _scaling(text: str) -> Scaling:
    from flopscope.catalog.scaling import parse_scaling

    return parse_scaling(text)


def _convention(text: str) -> Convention:
    from flopscope.conventions import convention

    return convention(text)


def _check_accuracy(text: str) -> None:
    from flopscope.catalog.accuracies import parse_choice

    parse_choice(text)


def _check_format(text: str) -> None:
    from flopscope.present.render import check_format

    check_format(text)


def table_formats() -> str:
    """The formats of documents, as a sentence has them."""
    from flopscope.present.render import FORMATS

    return listed(FORMATS)


class _Formats(click.Option):
    """The option --format. Its help is made when it is printed, because listing the formats loads
    the code that writes them."""

    def __init__(self, *given: Any, formats: Callable[[], str], **more: Any) -> None:
        super().__init__(*given, **more)
        self._formats = formats

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option and its help, as click prints them."""
        self.help = f"{self._formats()}."
        return super().get_help_record(ctx)


def format_option(
    formats: Callable[[], str], default: str, **more: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option --format of a command whose pages have formats of their own, which `formats`
    names."""
    return click.option(
        "--format", "format_name", cls=_Formats, formats=formats, default=default,
        show_default=True, **more,
    )  # fmt: skip


def res_option(words: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option --res where it does not mean the input size of each model."""
    return click.option("--res", callback=read_by(resolution), metavar="SIZE", help=words)


def file_option(
    names: Sequence[str], check: Callable[[str], None], words: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option that names a file, which is checked as soon as it is read."""
    return click.option(*names, callback=checked_by(check), metavar="FILE", help=words)


FORMAT = format_option(table_formats, "table", callback=checked_by(_check_format))
OUTPUT = file_option(
    ("-o", "--output", "output_path"),
    check_pair,
    "Write to this file, whole or not at all. Its ending, .csv, .md, .tex, .json or .html, "
    "names the format. FILE.json beside it says how it was made. A - is standard output.",
)
PLAIN_OUTPUT = file_option(
    ("-o", "--output", "output_path"),
    check_file,
    "Write to this file, whole or not at all. Its ending, .tex, .json, .py or .md, names the "
    "format. A - is standard output.",
)
RES = res_option(
    "The input size: 224, or HxW as in 192x256. Without it, each model has the size it is made for."
)
ARGUMENTS = click.option(
    "--arg",
    "arguments",
    multiple=True,
    help="An argument of your own class or function, name=value. Repeatable.",
)
EXAMPLES = click.option(
    "--example",
    "examples",
    multiple=True,
    help="The value of a named size of an ONNX file, batch=1. Repeatable.",
)
BATCH = click.option(
    "--batch", default="1", callback=positive("batch"), help="Batch size.", show_default=True
)
SCALE = click.option(
    "--scale",
    "scaling",
    callback=read_by(_scaling),
    help="Compound scaling: phi=1,alpha=1.2,beta=1.1,gamma=1.15, which are the defaults, "
    "multiplies the depth by alpha^phi, the width by beta^phi and the resolution by gamma^phi.",
)
CONVENTION = click.option(
    "--convention",
    default="macs",
    callback=read_by(_convention),
    show_default=True,
    help="How work is counted; `flopscope conventions` lists the conventions.",
)
ACCURACY = click.option(
    "--accuracy",
    callback=checked_by(_check_accuracy),
    metavar="WHOSE",
    help="Whose top-1 to take: that of the paper, authors, torchvision, timm or another source "
    "(a wrong name lists them), of one training recipe as in torchvision:V2, or the best. "
    "Without it, the first of these that states one is taken.",
)
FORM = click.option(
    "--form",
    help="The form of models that have two, train or deploy.  [default: deploy]",
)


class Plot(NamedTuple):
    """The picture that is asked for: its file, its look, and the one panel that it shows; None
    where it shows what the command draws by itself. `option` asked for it."""

    path: str
    look: Look
    panel: str | None = None
    option: str = "plot"


LOOK = {
    "size": "Width and height of the picture in inches, such as 3.3x2.4; a width alone; or column "
    "or page, the widths of a paper.",
    "title": "The picture's title.",
    "xlim": "The ends of the picture's x-axis, such as 100M:1G, or one end, such as 100M:.",
    "ylim": "The ends of the picture's y-axis, such as 70:80.",
    "xscale": "The scale of the picture's x-axis: linear or log.",
    "yscale": "The scale of the picture's y-axis: linear or log.",
    "dpi": "Dots per inch of a .png.  [default: 300]",
}
"""The options on how a picture looks. Without them the picture decides."""


def plot_options(
    panels: Sequence[str] = (),
    option: str = "plot",
    words: str = "Draw the result into a .png, .svg or .pdf; FILE.json beside it says how it was "
    "made.",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options --plot, --panel where there are several panels, and those of the look, as the
    argument `plot`: a Plot, or None where none is asked for. `option` is another name for --plot,
    and `words` its help."""

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def run(plot_path: str | None, panel: str | None = None, **given: Any) -> None:
            look = {name: given.pop(f"plot_{name}") for name in LOOK}
            command(plot=_plot(plot_path, panel, panels, look, option), **given)

        found: Callable[..., Any] = run
        for name, meaning in reversed(LOOK.items()):
            found = click.option(f"--{name}", f"plot_{name}", help=meaning)(found)
        if panels:
            which = f"Draw one panel alone: {listed(panels)}."
            found = click.option("--panel", metavar="NAME", help=which)(found)
        return file_option((f"--{option}", "plot_path"), check_picture, words)(found)

    return decorated


def _plot(
    path: str | None,
    panel: str | None,
    panels: Sequence[str],
    look: Mapping[str, str | None],
    option: str,
) -> Plot | None:
    """The picture that the options ask for. Raises BadInput or UnknownName."""
    given = [name for name, text in {"panel": panel, **look}.items() if text is not None]
    if path is None:
        if given:
            raise BadInput(
                f"--{given[0]} is for a picture, and none is drawn; give --{option} FILE too"
            )
        return None
    from flopscope.present.plots.look import read_look

    if panel is not None and panel not in panels:
        raise UnknownName("panel", panel, panels)
    if "dpi" in given and not path.lower().endswith(".png"):
        raise BadInput(f"--dpi is for a .png, and {path} has no dots; leave it out, or draw a .png")
    return Plot(path, read_look(**look), panel, option)


PLOT = plot_options()
