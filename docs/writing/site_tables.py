"""Tables of the documentation site: the errors of devices, and the gallery of pictures."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

from flopscope.timing.builtin import device_names, device_of
from flopscope.timing.device import LEVELS, Device

ROOT = Path(__file__).parents[2]

DEVICES = """\
# Errors of the built-in devices

A device predicts times of networks that nobody measured on it, and so it has an error, which was
measured on families of networks (or widths) that were left out of the fit. *Median* and *90 %*
say how far the predicted time of half and of nine tenths of them was at most from the measured
one. *Within 10 %* is the share of them that were predicted so well, and Kendall's τ says how well
the predicted order is the measured one. The intervals of 80 and 90 % covered as many of them as
the next column says. The last columns say what simpler predictors would have reached, fitted to
the same networks. [Time](../docs/time.md) says how this is done, and `flopscope calibrate` makes
a device of your own.

{rows}

Each is fitted to a table of measurements that somebody published:

{sources}
"""
COLUMNS = (
    *("device", "runtime", "type", "networks", "families", "held out", "median", "90 %"),
    *("within 10 %", "τ", "covered", "∝ MACs", "∝ bytes"),
)
GALLERY = """\
---
html_theme.sidebar_secondary.remove: true
---

# Gallery

Every kind of picture that flopscope draws. Below each is the command that made it, and a picture
leads to the page that explains it. [Pictures](docs/pictures.md) has the options.

{figures}
"""


def devices() -> str:
    """The page on the errors of devices."""
    found = [device_of(name) for name in device_names()]
    head = (f"| {' | '.join(COLUMNS)} |", f"|{'---|' * 3}{'---:|' * 2}---|{'---:|' * 7}")
    rows = "\n".join([*head, *map(_device, found)])
    sources = "\n".join(f"* `{each.name}`: {each.calibration.source}" for each in found)
    return DEVICES.format(rows=rows, sources=sources)


def _device(device: Device) -> str:
    held, simple = device.held_out, device.held_out.baselines
    cells = [
        f"`{device.name}`: {device.device}",
        device.runtime,
        device.dtype,
        str(device.calibration.networks),
        str(len(device.calibration.families)),
        held.protocol.removesuffix(" held out"),
        f"{held.median:.1f} %",
        f"{held.p90:.1f} %",
        f"{held.within_10:.0f} %",
        f"{held.kendall:.3f}",
        " and ".join(f"{held.coverage[level]:.0f}" for level in LEVELS) + " %",
        *(f"{simple[name]:.1f} %" if name in simple else "" for name in ("∝ MACs", "∝ bytes")),
    ]
    return f"| {' | '.join(cells)} |"


def pictures() -> Iterator[tuple[Path, str, str, str]]:
    """Of each picture its path, its command, its description, and the page that shows it."""
    pages = {page: page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md")}
    for made in sorted((ROOT / "docs").rglob("*.png.json")):
        picture = made.with_suffix("").relative_to(ROOT)
        command = json.loads(made.read_text(encoding="utf-8"))["command"]
        for page, text in sorted(pages.items()):
            before, shown, _ = text.partition(f"]({picture.relative_to('docs')})")
            if shown:
                yield picture, command, before.rpartition("![")[2], f"docs/{page.name}"
                break


def _broken(command: str) -> str:
    """A command on short lines, as a shell reads it.

    >>> print(_broken("flopscope compare mobilenetv2 resnet18 --panel totals --plot totals.png"))
    flopscope compare mobilenetv2 resnet18 --panel \\
        totals --plot totals.png
    """
    lines = textwrap.wrap(command, 50, subsequent_indent="    ", break_on_hyphens=False)
    return " \\\n".join(lines)


def gallery() -> str:
    """The page with every picture and its command."""
    figures = [
        f"## {about}\n\n[![{about}]({picture})]({page})\n\n```sh\n{_broken(command)}\n```"
        for picture, command, about, page in pictures()
    ]
    return GALLERY.format(figures="\n\n".join(figures))


NOTEBOOKS = """\
# Notebooks

Each answers one question with the public names only. What they show is stored in them; the tests
execute all of them anew and compare every text.

{{.cards}}
{listed}
"""


def notebooks() -> str:
    """The page that lists the notebooks, each with its first paragraph."""
    parts = []
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        (first, *_) = json.loads(path.read_text(encoding="utf-8"))["cells"]
        title, _, text = "".join(first["source"]).partition("\n")
        paragraph = " ".join(text.strip().partition("\n\n")[0].split())
        parts.append(f"* [**{title.removeprefix('# ')}**]({path.name})\n  {paragraph}")
    return NOTEBOOKS.format(listed="\n".join(parts))
