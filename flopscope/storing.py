"""Files that appear when they are complete, or not at all: all of several, or none."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from flopscope.errors import BadInput

Content: TypeAlias = bytes | Path | Mapping[str, bytes]
"""What a file holds; a file that is there already, on the same disk; or the files of a folder by
their paths in it."""


def write_whole(path: str, contents: Mapping[Path, Content]) -> None:
    """Write beside the files and rename: a reader sees the old files or the new, never a part.

    A folder is written only where nothing has its name. Raises BadInput, which names the path.
    """
    new: dict[Path, Path] = {}
    old: dict[Path, Path] = {}
    try:
        with refusing(path):
            for file, content in contents.items():
                new[file] = _written(file, content)
                if file.exists():
                    old[file] = _copied(file)
            _exchange(new, old)
    finally:
        for part in (*new.values(), *old.values()):
            _remove(part)


def _remove(part: Path) -> None:
    """Remove a file, or a folder with what is in it, if it is there."""
    if part.is_dir():
        from shutil import rmtree

        rmtree(part)
    else:
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
                _remove(file)
        raise


def _written(file: Path, content: Content) -> Path:
    """A new file beside this one, with its owner and mode, where it exists; or the file that is
    there already."""
    from tempfile import mkstemp

    if isinstance(content, Path):
        _give_mode(file, str(content))
        return content
    if isinstance(content, Mapping):
        return _folder(file, content)
    handle, part = mkstemp(dir=file.parent)
    try:
        with open(handle, "wb") as stream:
            stream.write(content)
        _give_mode(file, part)
    except OSError:
        os.unlink(part)
        raise
    return Path(part)


def _folder(file: Path, contents: Mapping[str, bytes]) -> Path:
    """A new folder beside where it is to be. Raises OSError where something has its name."""
    from errno import EEXIST
    from tempfile import mkdtemp

    if file.exists():
        raise OSError(EEXIST, os.strerror(EEXIST))
    part = Path(mkdtemp(dir=file.parent))
    try:
        for name, content in contents.items():
            inner = part / name
            inner.parent.mkdir(parents=True, exist_ok=True)
            inner.write_bytes(content)
        os.chmod(part, _mode() | 0o111)
    except OSError:
        _remove(part)
        raise
    return part


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


@contextmanager
def refusing(path: str) -> Iterator[None]:
    """While active, an error of the file system becomes BadInput, which names the path."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"cannot write '{path}': {error.strerror}; give another file") from error
