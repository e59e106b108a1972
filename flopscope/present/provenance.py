"""Where a table or picture comes from: enough to make it again and see that it is the same."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from flopscope.answers.formula import formula
from flopscope.conventions import Convention
from flopscope.version import __version__

SCHEMA = "flopscope.provenance/1"


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
    distributions that shape its output, each with its version, None where it is not installed.
    Neither time nor machine is in it: the same inputs give the same bytes. Raises OSError for a
    file that cannot be read.

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
        "files": {path: sha256(Path(path).read_bytes()).hexdigest() for path in files},
    }


def _convention(convention: Convention) -> dict[str, str]:
    return {
        "name": convention.name,
        "unit": convention.unit,
        "counts": convention.counts,
        "source": convention.source,
    }


def closed_forms(names: Iterable[str], quantity: str) -> dict[str, str]:
    """Each network's formula on one line, and where it holds.

    >>> closed_forms(["mobilenetv2"], "params")
    {'mobilenetv2': '3,504,872; domain: no free sizes'}
    """
    found = {name: formula(name, quantity) for name in dict.fromkeys(names)}
    return {
        name: f"{' '.join(str(closed).split())}; domain: {closed.domain}"
        for name, closed in found.items()
    }


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
