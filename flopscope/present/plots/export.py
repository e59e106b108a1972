"""A figure as the bytes of a file: the same figure gives the same bytes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flopscope.brief import shown
from flopscope.errors import BadInput
from flopscope.present.plots.look import DOTS_PER_INCH, PLAIN, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The fields in which matplotlib would write its version and the time.
METADATA: Mapping[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def picture_format(path: str) -> str:
    """The format that the ending of the name asks for. Raises BadInput for endings other than png,
    svg and pdf.

    >>> picture_format("out/frontier.SVG")
    'svg'
    """
    ending = Path(path).suffix.lower().removeprefix(".")
    if ending not in METADATA:
        raise BadInput(
            f"a picture cannot be drawn into '{path}'; give a name that ends in .png, .svg or .pdf"
        )
    return ending


def figure(width: float, height: float, look: Look = PLAIN) -> Figure:
    """An empty figure, whose axes matplotlib lays out: of this size in inches, or of the reader's
    own."""
    from matplotlib.figure import Figure

    return Figure(
        figsize=look.figsize(width, height), dpi=look.dpi or DOTS_PER_INCH, layout="constrained"
    )


def make_room(made: Figure, inches: float, look: Look) -> None:
    """Make the figure higher, for a legend below its axes, unless the reader gives the height."""
    if look.size is None or look.size[1] is None:
        made.set_figheight(made.get_figheight() + inches)


def drawn(picture: Figure, file_format: str) -> bytes:
    """The bytes of the figure as a file of this format, at its own size."""
    from matplotlib import rc_context

    stream = io.BytesIO()
    # Text stays text in PDF, which carries its fonts, and in SVG, where the names of parts are
    # hashed with a word in place of a random number.
    settings: dict[Any, Any] = {
        "pdf.fonttype": 42,
        "svg.fonttype": "none",
        "svg.hashsalt": "flopscope",
    }
    with rc_context(settings), warnings.catch_warnings():
        # a character that the font lacks is drawn as a box
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        picture.savefig(stream, format=file_format, dpi="figure", metadata=METADATA[file_format])
    return stream.getvalue()


def axes_for(ax: Axes | None, look: Look) -> Axes:
    """These axes, or new ones of a figure that a notebook shows.

    Raises BadInput for what are no axes, and for a size or dots per inch where axes are given.
    """
    from matplotlib import pyplot
    from matplotlib.axes import Axes

    if ax is not None:
        if not isinstance(ax, Axes):
            raise BadInput(
                f"{shown(ax)} is not axes of matplotlib; give axes or none, and write the picture "
                "with plot().figure.savefig('picture.pdf')"
            )
        if look.size is not None or look.dpi is not None:
            given = "dpi" if look.size is None else "size"
            raise BadInput(
                f"{given} is for a new figure, and these axes have theirs; leave {given} out"
            )
        return ax
    size = None if look.size is None else look.figsize(*pyplot.rcParams["figure.figsize"])
    return pyplot.subplots(figsize=size, dpi=look.dpi, layout="constrained")[1]
