"""The page to explore."""

from __future__ import annotations

import webbrowser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flopscope.api.budgets import device_given
from flopscope.api.given import as_given, flag
from flopscope.api.public import public
from flopscope.api.subject import Shapes, specs
from flopscope.brief import brief, short
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from torch import nn

    from flopscope.timing.device import Device


@dataclass(frozen=True, repr=False)
class ExplorerPage:
    """The page that `explore` returns: `html` is the whole file."""

    html: str
    names: tuple[str, ...]

    def __repr__(self) -> str:
        return short(self, brief(", ".join(self.names)))

    def __str__(self) -> str:
        return self.html

    def save(self, path: str | Path, *, show: bool = False) -> Path:
        """Write the page to a file, and with `show` open it in a browser. Raises BadInput for a
        file that cannot be written."""
        file = Path(path)
        part = file.with_name(f"{file.name}.part")
        try:
            part.write_text(self.html, encoding="utf-8")
            part.replace(file)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise BadInput(
                f"cannot write '{path}'; give a file in a folder that exists and is writable"
            ) from error
        if show:
            webbrowser.open(file.resolve().as_uri())
        return file


def _input(name: str, value: Any) -> Any:
    return specs(value if isinstance(value, list) else [value])


@public(only=flag, input=_input, device=as_given)
def explore(
    *targets: str | nn.Module,
    input: Shapes | None = None,
    res: int | tuple[int, int] | None = None,
    batch: int = 1,
    arguments: Mapping[str, Any] | None = None,
    device: str | Device | Sequence[str | Device] = (),
    only: bool = False,
) -> ExplorerPage:
    """One file that computes the cost of every network of the catalogue, and of `targets`, while
    sliders move their sizes.

    A target is a module, or a text as the command line takes it. Modules and networks outside of
    the catalogue are traced in free sizes of their image; `input` gives other inputs, such as
    ("B", 64), `res` and `batch` where the sliders begin. Times are predicted on the devices that
    come with flopscope, or on `device` or several: names, paths of device files, or the `device`
    of a calibration. With `only` the catalogue is left out. Raises BadInput, UnknownName.

    >>> page = explore("mobilenetv2:width=0.6", res=160, only=True)
    >>> page
    ExplorerPage(mobilenetv2)
    >>> page.html.startswith("<!doctype html>")
    True
    """
    from flopscope.answers.counted import Given
    from flopscope.answers.explore import explore as explored
    from flopscope.answers.target import parse_target
    from flopscope.present.explorer.page import explorer_page

    if arguments and not all(isinstance(each, str) for each in targets):
        raise BadInput("arguments are for targets that are named; a module is made already")
    pairs = tuple(f"{name}={value!r}" for name, value in (arguments or {}).items())
    given = Given(res, batch, tuple(input or ()), pairs)
    several = device if isinstance(device, list | tuple) else [device]
    known = [each for each in map(device_given, several) if each is not None]
    networks = [parse_target(each) for each in targets]
    found = explored(networks, given, devices=known or None, only=only)
    return ExplorerPage(explorer_page(found), tuple(each.name for each in found.networks))
