"""The files that a command writes: each appears when it is complete, or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import combinations
from pathlib import Path
from typing import Any

from flopscope.errors import BadInput

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


def write_with(path: str, content: bytes | Path, made: Mapping[str, Any] | None) -> None:
    """Write a file, and beside it, in <path>.json, how it is made, where that is said: both or
    neither. A device or a pipe gets the file alone. A content that is a file already, on the same
    disk, is moved into place. Raises BadInput."""
    if is_stream(path):
        _write_stream(path, content.read_bytes() if isinstance(content, Path) else content)
        return
    files: dict[Path, bytes | Path] = {_named(path): content}
    if made is not None:
        check_pair(path)  # again, as the answer may have taken long
        files[_named(f"{path}.json")] = _json(made)
    _write_whole(path, files)


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
    with _refusing(path), open(path, "ab") as stream:
        stream.write(content)


@contextmanager
def _refusing(path: str) -> Iterator[None]:
    """While active, an error of the file system becomes BadInput, which names the path."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"cannot write '{path}': {error.strerror}; give another file") from error


def _write_whole(path: str, contents: Mapping[Path, bytes | Path]) -> None:
    """Write beside the files and rename: a reader sees the old files or the new, never a part."""
    new: dict[Path, Path] = {}
    old: dict[Path, Path] = {}
    try:
        with _refusing(path):
            for file, content in contents.items():
                new[file] = _written(file, content)
                if file.exists():
                    old[file] = _copied(file)
            _exchange(new, old)
    finally:
        for part in (*new.values(), *old.values()):
            part.unlink(missing_ok=True)


def _exchange(new: Mapping[Path, Path], old: Mapping[Path, Path]) -> None:
    """Put the new files in place; if one cannot be, put the old ones back."""
    done: list[Path] = []
    try:
        for file, part in new.items():
            os.replace(part, file)
            done.append(file)
    except OSError:
        for file in done:
            if file in old:
                os.replace(old[file], file)
            else:
                file.unlink()
        raise


def _written(file: Path, content: bytes | Path) -> Path:
    """A new file beside this one, with its owner and mode, where it exists; or the file that is
    there already."""
    from tempfile import mkstemp

    if isinstance(content, Path):
        _give_mode(file, str(content))
        return content
    handle, part = mkstemp(dir=file.parent)
    try:
        with open(handle, "wb") as stream:
            stream.write(content)
        _give_mode(file, part)
    except OSError:
        os.unlink(part)
        raise
    return Path(part)


def _give_mode(file: Path, part: str) -> None:
    if not file.exists():
        os.chmod(part, _mode())
        return
    known = file.stat()
    with suppress(PermissionError):  # only root gives files away
        os.chown(part, known.st_uid, known.st_gid)
    os.chmod(part, stat.S_IMODE(known.st_mode))


def _copied(file: Path) -> Path:
    """A copy beside the file, to put back."""
    from shutil import copy2
    from tempfile import mkstemp

    handle, copy = mkstemp(dir=file.parent)
    os.close(handle)
    copy2(file, copy)
    return Path(copy)


def _mode() -> int:
    """The permissions of an ordinary new file, since mkstemp makes private ones."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
