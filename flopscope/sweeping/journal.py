"""A folder beside the file that a sweep writes. It keeps what is done until the file is whole, so
that the same command goes on where an earlier one was interrupted."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from flopscope.errors import BadInput
from flopscope.sweeping.reductions import Reduction, State

SCHEMA = "flopscope.partial/1"
ENDING = ".partial"
SECONDS = 1.0
"""States are stored at most so often."""
STATES = "sweep.json"
WHOLE = "whole"


class Part(NamedTuple):
    """A part of a table in a file, with numbers about it."""

    file: Path
    numbers: tuple[int, ...]


class Journal:
    """The folder of a file's sweep. `question` is all that the result depends on."""

    def __init__(self, path: str, question: Mapping[str, Any]) -> None:
        self.path = path
        self.folder = Path(os.path.realpath(path) + ENDING)
        self._question = _digest(question)
        self._stored = 0.0
        self._states: dict[str, Any] = {}

    def open(self) -> None:
        """Make the folder, or read what it keeps. Raises BadInput where it belongs to another
        sweep, or cannot be written."""
        try:
            self.folder.mkdir(exist_ok=True)
            others = any(self.folder.iterdir())
        except OSError as error:
            raise BadInput(
                f"cannot write '{self.path}': {error.strerror}; give a file in a folder that "
                "exists and is writable"
            ) from error
        found = self._read()
        if found is None and others:
            raise BadInput(
                f"'{self.path}{ENDING}' keeps a part of another sweep, or is not a folder of "
                "flopscope; remove it, or give the result another name"
            )
        self._states = found or {}
        self._store()

    def known(self, reduction: Reduction, blocks: int) -> tuple[int, State] | None:
        """How many blocks are done, and their state."""
        found = self._states.get(f"{reduction} of {blocks} blocks")
        return None if found is None else (found["done"], found["state"])

    def keep(
        self, reduction: Reduction, blocks: int, done: int, state: State, *, now: bool = False
    ) -> None:
        """Keep that so many blocks are done: at once, or if the last time was a second ago."""
        self._states[f"{reduction} of {blocks} blocks"] = {"done": done, "state": state}
        if now or time.monotonic() - self._stored > SECONDS:
            self._store()

    def parts(self) -> dict[int, Part]:
        """The parts of a table that are kept, by their numbers."""
        names = (file.name.split("-") for file in self.folder.glob("part-*") if file.suffix == "")
        return {
            int(number): Part(self.folder / "-".join(("part", number, *counts)), _ints(counts))
            for _, number, *counts in names
        }

    def write_part(self, number: int, numbers: tuple[int, ...], content: bytes) -> Part:
        """Keep a part of a table, with some numbers about it, which are in its name."""
        file = self.folder / "-".join(("part", f"{number:07}", *map(str, numbers)))
        self.write(file, content)
        return Part(file, numbers)

    def write(self, file: Path, content: bytes) -> None:
        """Write a file of the folder: it appears whole, or not at all."""
        with self.writing():
            new = file.with_name(f"{file.name}.new")
            new.write_bytes(content)
            os.replace(new, file)

    @property
    def goes_on(self) -> str:
        """How an interrupted sweep goes on, as a sentence ends."""
        kept = f"'{self.path}{ENDING}'"
        return f"what is done is kept in {kept}, and the same command goes on from there"

    @property
    def whole(self) -> Path:
        """Where the file is put together."""
        return self.folder / WHOLE

    def put_in_place(self) -> None:
        """Give the file that was put together its name, and remove the folder."""
        with self.writing():
            os.replace(self.whole, os.path.realpath(self.path))
        self.close()

    def close(self) -> None:
        """Remove the folder, when the file is in its place."""
        names = [STATES, WHOLE, *(each.name for each in self.folder.glob("part-*"))]
        for name in names:
            (self.folder / name).unlink(missing_ok=True)
        with suppress(OSError):  # somebody put another file there
            self.folder.rmdir()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """While active, an error of the file system becomes BadInput, which says what to do."""
        try:
            yield
        except OSError as error:
            raise BadInput(
                f"cannot write '{self.path}': {error.strerror or error}; {self.goes_on}"
            ) from error

    def _store(self) -> None:
        made = {"schema": SCHEMA, "question": self._question, "states": self._states}
        self.write(self.folder / STATES, json.dumps(made).encode())
        self._stored = time.monotonic()

    def _read(self) -> dict[str, Any] | None:
        """The states that the folder keeps; None where it is empty or belongs to another sweep."""
        try:
            made = json.loads((self.folder / STATES).read_bytes())
        except (OSError, ValueError):
            return None
        ours = isinstance(made, dict) and made.get("schema") == SCHEMA
        return made["states"] if ours and made["question"] == self._question else None


def _ints(texts: list[str]) -> tuple[int, ...]:
    return tuple(map(int, texts))


def _digest(question: Mapping[str, Any]) -> str:
    text = json.dumps(question, sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()
