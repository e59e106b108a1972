"""Where a table or picture comes from: enough to make it again, and to see that it is the same."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from flopscope.answers.compare import Comparison, Entry
from flopscope.answers.target import Source
from flopscope.conventions import CONVENTIONS, Convention
from flopscope.present.citations import bibtex, papers
from flopscope.quantities import MACS, formulas
from flopscope.version import __version__

if TYPE_CHECKING:
    from flopscope.choosing.front import Front

SCHEMA = "flopscope.provenance/1"
DRAWING = ("matplotlib", "numpy")
"""The packages that shape a picture; no package shapes a table."""
WITNESSES = ("torch", "fvcore")
"""The packages that a check runs."""
PACKAGES: Mapping[Source, Sequence[str]] = {
    Source.CATALOG: (),
    Source.OWN: ("torch",),
    Source.TIMM: ("torch", "timm"),
    Source.TORCHVISION: ("torch", "torchvision"),
    Source.ONNX: ("onnx",),
}
"""The packages that count a network, by where it comes from."""


@dataclass(frozen=True)
class Sources:
    """What a result rests on, besides the command that makes it.

    The provenance has the closed form of each of the `networks`: of `quantity`, or of the work
    under the convention if that is None. `files` are the files that are read; `packages` shape the
    output. `others` go into the provenance under keys of their own.
    """

    convention: Convention | None = None
    networks: Sequence[str] = ()
    quantity: str | None = None
    files: Sequence[str] = ()
    packages: Sequence[str] = ()
    others: Mapping[str, Any] = field(default_factory=dict)


def of_front(front: Front, results: str | None, devices: Sequence[str] = ()) -> Sources:
    """What a frontier rests on: the networks on it, the file of results, if there is one, and the
    files of `devices`.

    Costs that are sums have closed forms; a measured latency and a peak have none.
    """
    cost, convention = front.question.criteria[0], front.question.convention
    variants = [front.points[index].variant for index in front.on]
    quantity = convention.name if cost == MACS.name else cost
    names = [str(each) for each in variants if each and quantity in formulas()]
    targets = [p.target for p in front.points if p.target is not None and p.variant is None]
    files = [path for target in targets for path in target.files]
    files += [*([] if results is None else [results]), *devices]
    packages = [package for target in targets for package in PACKAGES[target.source]]
    return Sources(
        convention, names, quantity, tuple(dict.fromkeys(files)), tuple(dict.fromkeys(packages))
    )


def of_comparison(comparison: Comparison, files: Sequence[str] = ()) -> Sources:
    """What a comparison rests on: the closed forms of its networks and their papers in BibTeX, the
    files of one's own that it reads, with the device `files`, and the libraries that networks come
    from."""
    cited = [bibtex(paper) for paper in papers(comparison)]
    found = of_entries(comparison.convention, comparison.entries, {"bibtex": cited})
    return replace(found, files=(*found.files, *files)) if files else found


def of_entries(
    convention: Convention, entries: Sequence[Entry], others: Mapping[str, Any] | None = None
) -> Sources:
    """What the counts of these networks rest on."""
    names = [entry.name for entry in entries if entry.variant is not None]
    files = [path for entry in entries for path in entry.target.files]
    packages = [name for entry in entries for name in PACKAGES[entry.target.source]]
    return Sources(
        convention,
        names,
        files=tuple(dict.fromkeys(files)),
        packages=tuple(dict.fromkeys(packages)),
        others=others or {},
    )


def of_checked(comparison: Comparison) -> Sources:
    """What a check rests on: its networks, and the witnesses that ran them."""
    found = of_entries(comparison.convention, comparison.entries)
    packages = dict.fromkeys((*WITNESSES, *found.packages))
    return replace(found, convention=None, packages=tuple(packages))


def of_readings() -> Sources:
    """What a reconciliation or an audit rests on: all conventions."""
    sources = {name: convention.source for name, convention in CONVENTIONS.items()}
    return Sources(CONVENTIONS["macs"], others={"conventions": sources})


def explained(
    sources: Sources, command: Sequence[str], data: Mapping[str, Any], *, drawn: bool = False
) -> dict[str, Any]:
    """The provenance of a result with the data that it shows; of a picture if it is `drawn`."""
    name = "macs" if sources.convention is None else sources.convention.name
    made = provenance(
        command,
        sources.convention,
        formulas=closed_forms(sources.networks, sources.quantity or name),
        files=sources.files,
        packages=(*sources.packages, *(DRAWING if drawn else ())),
    )
    return {**made, **sources.others, "data": data}


def provenance(
    command: Sequence[str],
    convention: Convention | None = None,
    *,
    formulas: Mapping[str, str] | None = None,
    files: Iterable[str] = (),
    packages: Iterable[str] = (),
) -> dict[str, Any]:
    """The command that makes a result again, and all that the result depends on, as one object.

    `command` is the command line in words; `formulas` gives each network's closed form as text;
    `files` are the paths it reads, each with the SHA-256 of its bytes; `packages` are the
    distributions that shape its output, each with its version, None where it is not installed. It
    has neither time nor machine, so the same inputs give the same bytes. Raises OSError for a file
    that cannot be read.

    >>> made = provenance(["flopscope", "pareto", "--results", "my results.csv"])
    >>> made["command"]
    "flopscope pareto --results 'my results.csv'"
    """
    return {
        "schema": SCHEMA,
        "command": shlex.join(command),
        "flopscope": __version__,
        "python": platform.python_version(),
        "packages": {name: _installed(name) for name in packages},
        "convention": None if convention is None else _convention(convention),
        "formulas": dict(formulas or {}),
        "files": {path: _digest(path) for path in files},
    }


def closed_forms(names: Iterable[str], quantity: str) -> dict[str, str]:
    """Each network's formula on one line, and where it holds.

    >>> closed_forms(["mobilenetv2"], "params")
    {'mobilenetv2': '3,504,872; domain: no free sizes'}
    """
    from flopscope.answers.formula import (
        formula,
    )  # not for printed tables

    found = {name: formula(name, quantity) for name in dict.fromkeys(names)}
    return {
        name: f"{' '.join(str(closed).split())}; domain: {closed.domain}"
        for name, closed in found.items()
    }


def _convention(convention: Convention) -> dict[str, str]:
    return {
        "name": convention.name,
        "unit": convention.unit,
        "counts": convention.counts,
        "source": convention.source,
    }


def _digest(path: str) -> str:
    from hashlib import sha256
    from pathlib import Path

    return sha256(Path(path).read_bytes()).hexdigest()


def _installed(name: str) -> str | None:
    # Loading it takes a hundredth of a second, and a table on the screen does not need it.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None
