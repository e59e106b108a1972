"""The files that a command writes: each appears when it is complete, or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flopscope.errors import BadInput


def check_file(path: str) -> None:
    """Raises BadInput for a path where no file can be written."""
    file = Path(path)
    if file.is_dir() or not (file.parent.is_dir() and os.access(file.parent, os.W_OK)):
        raise BadInput(
            f"cannot write '{path}'; give a file in a folder that exists and is writable"
        )


def check_pair(path: str) -> None:
    """Raises BadInput where the file or the one beside it, <path>.json, cannot be written."""
    check_file(path)
    check_file(f"{path}.json")


def check_picture(path: str) -> None:
    """Raises BadInput where no picture can be written to the path, where its ending is not .png,
    .svg or .pdf, and where matplotlib is missing."""
    from flopscope.extras import require_plots
    from flopscope.present.plots.export import picture_format

    picture_format(path)
    check_pair(path)
    require_plots()


def write_with(path: str, content: bytes, made: Mapping[str, Any] | None) -> None:
    """Write a file and, where `made` is given, <path>.json beside it, which says how the file is
    made. Both are written, or neither. Raises BadInput."""
    files = {Path(path): content}
    if made is not None:
        files[Path(f"{path}.json")] = _json(made)
    _write_whole(files)


def _json(made: Mapping[str, Any]) -> bytes:
    return (json.dumps(made, indent=2, ensure_ascii=False) + "\n").encode()


def _write_whole(contents: Mapping[Path, bytes]) -> None:
    """Write beside the files and rename: a reader sees the old files or the new, never a part."""
    parts: dict[Path, str] = {}
    try:
        for file, content in contents.items():
            handle, parts[file] = tempfile.mkstemp(dir=file.parent)
            with open(handle, "wb") as stream:
                stream.write(content)
            os.chmod(parts[file], _mode())
        for file in contents:
            os.replace(parts[file], file)
            del parts[file]
    except OSError as error:
        raise BadInput(f"cannot write '{file}': {error.strerror}; give another file") from error
    finally:
        for part in parts.values():
            os.unlink(part)


def _mode() -> int:
    """The permissions of an ordinary new file, since mkstemp makes private ones."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
