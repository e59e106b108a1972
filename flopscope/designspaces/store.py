"""Distributions that were computed before, in the user's folder for caches.

A file is named after what it was computed from, so that another network, resolution or version of
the format has another file. It holds a line of JSON and plain numbers, each block of them with a
checksum. A file that is damaged in any way is as good as none. Nothing depends on the cache: where
it cannot be written, answers are computed anew each time.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from flopscope.designspaces.lattice import BLOCK, Numbers

FORMAT = 2
"""Rises with every change of what the files mean."""
VARIABLE = "FLOPSCOPE_CACHE"
"""The environment variable that names another folder; 'off' keeps nothing."""
ROOM = 10**9
"""So many bytes are kept at most; the files that were used longest ago go first."""


class Damaged(Exception):
    """A file is not what was written."""


def folder() -> Path | None:
    """The folder for distributions; None where nothing is to be kept."""
    given = os.environ.get(VARIABLE, "")
    if given.lower() == "off":
        return None
    return (Path(given) if given else _usual()) / "designspaces"


def _usual() -> Path:
    """Where programs of this system keep what they can compute again."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "flopscope" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "flopscope"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flopscope"


def key(facts: Any) -> str:
    """The name of what is computed from these facts, which JSON can write."""
    return sha256(json.dumps([FORMAT, BLOCK, facts]).encode()).hexdigest()[:40]


class Stored:
    """An array in a file, of which a block is read and checked when it is asked for."""

    def __init__(self, path: Path, facts: Mapping[str, Any], begin: int) -> None:
        self._path, self._begin = path, begin
        self.facts = facts
        self.limbs, self.size = (int(each) for each in facts["shape"])
        self._type = np.dtype("<i4" if facts["bytes"] == 4 else "<i8")
        self._sums: list[int] = facts["checksums"]
        if len(self._sums) != -(-self.size // BLOCK):
            raise Damaged
        if path.stat().st_size != begin + self._type.itemsize * self.limbs * self.size:
            raise Damaged

    def block(self, index: int) -> Numbers:
        """The numbers of a block. Raises Damaged where they are not those that were written."""
        width = min(BLOCK, self.size - index * BLOCK)
        count = self._type.itemsize * self.limbs * width
        try:
            with self._path.open("rb") as file:
                file.seek(self._begin + self._type.itemsize * self.limbs * BLOCK * index)
                found = file.read(count)
        except OSError as error:
            raise Damaged from error
        if len(found) != count or crc32(found) != self._sums[index]:
            raise Damaged
        numbers = np.frombuffer(found, self._type).reshape(self.limbs, width)
        return numbers.astype(self._type.newbyteorder("="), copy=False)

    def whole(self) -> Numbers:
        """All numbers. Raises Damaged as `block` does."""
        found = np.empty((self.limbs, self.size), self._type.newbyteorder("="))
        for index in range(len(self._sums)):
            found[:, index * BLOCK : (index + 1) * BLOCK] = self.block(index)
        return found


def load(name: str) -> Stored | None:
    """What is kept under a name; None where nothing is, or the file is damaged."""
    where = folder()
    if where is None:
        return None
    path = where / name
    try:
        with path.open("rb") as file:
            line = file.readline(1 << 26)
            facts = json.loads(line)
        body = json.dumps({**facts, "checksum": None})
        if facts["name"] != name or facts["checksum"] != crc32(body.encode()):
            return None
        with suppress(OSError):
            os.utime(path)
        return Stored(path, facts, len(line))
    except (OSError, ValueError, KeyError, TypeError, Damaged):
        return None


def whole(name: str) -> Numbers | None:
    """All numbers that are kept under a name; None where none are, or the file is damaged, which
    then goes."""
    found = load(name)
    if found is None:
        return None
    try:
        return found.whole()
    except Damaged:
        drop(name)
        return None


def keep(name: str, numbers: NDArray[Any], more: Mapping[str, Any]) -> int:
    """Keep an array with some facts under a name, whole or not at all. How many bytes were
    written?"""
    where = folder()
    if where is None:
        return 0
    blocks = list(_blocks(numbers))
    facts = {
        **more,
        "name": name,
        "shape": list(numbers.shape),
        "bytes": numbers.itemsize,
        "checksums": [crc32(block) for block in blocks],
        "checksum": None,
    }
    facts["checksum"] = crc32(json.dumps(facts).encode())
    part = None
    try:
        where.mkdir(parents=True, exist_ok=True)
        _make_room(where, numbers.nbytes)
        handle, part = mkstemp(dir=where, prefix="part-")
        with open(handle, "wb") as file:
            file.write(json.dumps(facts).encode() + b"\n")
            file.writelines(blocks)
            written = file.tell()
        os.replace(part, where / name)
    except OSError:
        if part is not None:
            with suppress(OSError):
                os.unlink(part)
        return 0
    return written


def drop(name: str) -> None:
    """Forget what is kept under a name."""
    where = folder()
    if where is not None:
        with suppress(OSError):
            (where / name).unlink()


def _blocks(numbers: NDArray[Any]) -> Iterator[bytes]:
    for begin in range(0, numbers.shape[1], BLOCK):
        block = numbers[:, begin : begin + BLOCK]
        yield block.astype(block.dtype.newbyteorder("<"), copy=False).tobytes()


def _make_room(where: Path, needed: int) -> None:
    """Remove the files that were used longest ago until this many bytes fit."""
    files = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in where.iterdir())
    room = ROOM - needed - sum(size for _, size, _ in files)
    for _, size, path in files:
        if room >= 0:
            return
        path.unlink()
        room += size
