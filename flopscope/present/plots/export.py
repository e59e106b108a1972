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

# What matplotlib would write of itself and of the time.
METADATA: Mapping[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def picture_format(path: str) -> str:
    """The format that the name's ending asks for. Raises BadInput for another than png, svg, pdf.

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
    """An empty figure of that size in inches; matplotlib lays out its axes."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")


def drawn(picture: Figure, file_format: str) -> bytes:
    """The figure as a file of that format, at its own size."""
    from matplotlib import rc_context

    stream = io.BytesIO()
    # svg: names of parts are hashed with this in place of a random number; pdf: text stays text
    with rc_context({"svg.hashsalt": "flopscope", "pdf.fonttype": 42}), warnings.catch_warnings():
        # a sign that the font lacks is drawn as a box
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        picture.savefig(
            stream, format=file_format, dpi=DOTS_PER_INCH, metadata=METADATA[file_format]
        )
    return stream.getvalue()


def shown_axes() -> Axes:
    """New axes of a figure that a notebook shows."""
    from matplotlib import pyplot

    return pyplot.subplots(layout="constrained")[1]
