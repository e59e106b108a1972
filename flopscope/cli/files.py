"""The files that a command writes: each appears when it is complete, or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from flopscope.errors import BadInput
from flopscope.storing import Content, refusing, write_whole

STANDARD_OUTPUT = "-"
"""The name of a file that means standard output, as for other programs."""

WRITTEN = "flopscope.provenance/"
"""How the schema of each file begins that flopscope writes beside another."""


def check_file(path: str) -> None:
    """Raises BadInput for a path where no file can be written."""
    if is_stream(path):
        return
    file = _named(path)
    other = file.exists() and not file.is_file()  # a folder, a disk
    endless = file.is_symlink()  # links that name each other
    if other or endless or not (file.parent.is_dir() and os.access(file.parent, os.W_OK)):
        raise BadInput(
            f"cannot write '{path}'; give a file in a folder that exists and is writable"
        )


def check_pair(path: str) -> None:
    """Raises BadInput where the file or the one beside it, <path>.json, cannot be written, or where
    that one is not flopscope's."""
    check_file(path)
    if is_stream(path):
        return
    beside = f"{path}.json"
    check_file(beside)
    if _named(beside).exists() and not _is_ours(_named(beside)):
        raise BadInput(
            f"'{beside}' would say how '{path}' is made, and another program wrote the file that "
            "has this name; move it away, or give another name"
        )


def check_beside(path: str, other: str) -> None:
    """Raises BadInput where a file that belongs to another cannot be written beside it, or where
    one of this name is there that is not of an earlier run."""
    check_file(other)
    if _named(other).exists() and not _is_ours(_named(f"{path}.json")):
        raise BadInput(
            f"'{other}' belongs to '{path}' and would be written with it, and something else has "
            "this name; move it away, or give another name"
        )


def check_apart(**given: str | None) -> None:
    """Raises BadInput where two of the options output, plot and bib would write the same file,
    beside their own or as their own."""
    paths = {option: path for option, path in given.items() if path and not is_stream(path)}
    for (option, path), (other, rival) in combinations(paths.items(), 2):
        if _written_by(option, path) & _written_by(other, rival):
            raise BadInput(
                f"--{option} {path} and --{other} {rival} would write the same file; give another "
                "name to one of them"
            )


def _written_by(option: str, path: str) -> set[Path]:
    alone = option == "bib"
    return {_named(path), *([] if alone else [_named(f"{path}.json")])}


def check_picture(path: str) -> None:
    """Raises BadInput where no picture can be written to the path, where its ending is not .png,
    .svg or .pdf, and where matplotlib is missing."""
    from flopscope.extras import require_plots
    from flopscope.present.plots.export import picture_format

    picture_format(path)
    check_pair(path)
    require_plots()


def write_with(
    path: str,
    content: Content,
    made: Mapping[str, Any] | None,
    beside: Mapping[str, bytes] | None = None,
) -> None:
    """Write a file, and beside it, in <path>.json, how it is made, where that is said, with what
    else belongs to it, by path: all or none. A device or a pipe gets the file alone. A content that
    is a file already, on the same disk, is moved into place. Raises BadInput."""
    if is_stream(path):
        assert not isinstance(content, Mapping)
        _write_stream(path, content.read_bytes() if isinstance(content, Path) else content)
        return
    files: dict[Path, Content] = {_named(path): content}
    files |= {_named(name): each for name, each in (beside or {}).items()}
    if made is not None:
        check_pair(path)  # again, as the answer may have taken long
        files[_named(f"{path}.json")] = _json(made)
    write_whole(path, files)


def _named(path: str) -> Path:
    """The file that a path names, whatever links lead to it."""
    return Path(os.path.realpath(path))


def is_stream(path: str) -> bool:
    """Is it standard output, a character device or a pipe, which takes what is written as it
    comes?"""
    if path == STANDARD_OUTPUT or _is_descriptor(path):
        return True
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def _is_descriptor(path: str) -> bool:
    """Does it name an open file of this process, as /dev/stdout and /dev/fd/3 do?"""
    if path in ("/dev/stdout", "/dev/stderr"):
        return True
    return os.path.realpath(os.path.dirname(path)).startswith("/proc/")


def _is_ours(file: Path) -> bool:
    """Is it a file that flopscope wrote beside another?"""
    import json

    try:
        made = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(made, dict) and str(made.get("schema")).startswith(WRITTEN)


def _json(made: Mapping[str, Any]) -> bytes:
    import json

    return (json.dumps(made, indent=2, ensure_ascii=False) + "\n").encode()


def _write_stream(path: str, content: bytes) -> None:
    """Append, so that an open file keeps what is in it."""
    with refusing(path), open(path, "ab") as stream:
        stream.write(content)
