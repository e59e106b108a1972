"""A figure as the bytes of a file: the same figure gives the same bytes."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flopscope.errors import BadInput
from flopscope.present.plots.style import DOTS_PER_INCH

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


def figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, whose axes matplotlib lays out."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")


def drawn(picture: Figure, file_format: str) -> bytes:
    """The bytes of the figure as a file of this format, at its own size."""
    from matplotlib import rc_context

    stream = io.BytesIO()
    # svg: names of parts are hashed with this in place of a random number; pdf: text stays text
    with rc_context({"svg.hashsalt": "flopscope", "pdf.fonttype": 42}), warnings.catch_warnings():
        # a character that the font lacks is drawn as a box
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        picture.savefig(
            stream, format=file_format, dpi=DOTS_PER_INCH, metadata=METADATA[file_format]
        )
    return stream.getvalue()


def shown_axes() -> Axes:
    """New axes of a figure that a notebook shows."""
    from matplotlib import pyplot

    return pyplot.subplots(layout="constrained")[1]
