"""The costs of an ONNX file's nodes for the programs that show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flopscope.api.budgets import device_given
from flopscope.api.given import as_given, text, texts
from flopscope.api.public import public
from flopscope.api.subject import Shapes, shapes
from flopscope.brief import short
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.timing.device import Device


@dataclass(frozen=True, repr=False)
class OverlayFile:
    """The file that `overlay` returns: `data` is the object that the viewer reads, `notes` say what
    of the network stands at no node."""

    target: str
    viewer: str
    data: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return short(self, f"{self.target} for {self.viewer}")

    def __str__(self) -> str:
        from flopscope.present.overlay import overlay_text

        return overlay_text(self.data)

    def save(self, path: str | Path) -> Path:
        """Write the file. Raises BadInput for one that cannot be written."""
        file = Path(path)
        part = file.with_name(f"{file.name}.part")
        try:
            part.write_text(str(self), encoding="utf-8")
            part.replace(file)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise BadInput(
                f"cannot write '{path}'; give a file in a folder that exists and is writable"
            ) from error
        return file


@public(viewer=text, of=texts, device=as_given, inputs=shapes)
def overlay(
    target: str,
    viewer: str,
    *,
    of: str | Sequence[str] = (),
    convention: str = "macs",
    device: str | Device | None = None,
    inputs: Shapes = (),
    batch: int = 1,
    example: Mapping[str, int] | None = None,
) -> OverlayFile:
    """What each node of an ONNX file costs, for a program that shows the file: "model-explorer" or
    "netron".

    `of` names quantities, such as "macs" or "latency", of which Model Explorer takes one; a latency
    is that on the `device`. `inputs`, `batch` and `example` are the sizes at which the file is
    counted, which is not changed. Raises BadInput, UnknownName.

    >>> overlay("net.onnx", "nitron")
    Traceback (most recent call last):
    flopscope.errors.UnknownName: unknown viewer 'nitron'; did you mean netron?
    """
    from flopscope.answers.counted import Given
    from flopscope.answers.overlay import overlay as laid
    from flopscope.answers.target import parse_target
    from flopscope.conventions import convention as named
    from flopscope.present import overlay as present

    present.check_viewer(viewer)
    known = device_given(device)
    asked = present.asked_of(viewer, tuple(of), timed=known is not None)
    given = Given(None, batch, tuple(inputs), (), example or {})
    found = laid(parse_target(target), given, named(convention), asked, known)
    return OverlayFile(found.target, viewer, present.VIEWERS[viewer](found), found.notes)
