"""What a file of the reader's holds outside its networks is left as it was, and never asked."""

import importlib.util
import random
import sys
import types
import weakref
from collections import UserDict
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from states import changes, state
from torch import nn

from flopscope.measured.untouched import untouched
from flopscope.symbolic import symbol
from flopscope.tracing import trace

SHAPES = ((2, 5, 8), (3, 7, 8), (symbol("B"), symbol("T"), 8))


@dataclass
class Settings:
    mask: Any = None
    seen: list[Any] = field(default_factory=list)


class Shared:
    """A class as a place for what all networks of the file use."""

    cos: Any = None
    by_size: ClassVar[dict[int, Any]] = {}


class Slots:
    __slots__ = ("kept",)


def positions(length: int, kept: dict[int, Any] = {}) -> Any:  # noqa: B006
    """The idiom of a default that is a cache."""
    return kept.setdefault(length, torch.zeros(length, 1))


def noting(x: Any) -> None:
    vars(noting).setdefault("seen", []).append(x)


def closed_over() -> Any:
    kept: list[Any] = []
    return kept.append


SETTINGS, SLOTS, SPACE = Settings(), Slots(), types.SimpleNamespace(calls=0)
KEEP, PART = closed_over(), partial(positions)
WEIGHT, TABLE = torch.ones(8), np.zeros(3)
DRAWN, PYTHONS = np.random.default_rng(1), random.Random(2)
NORM = nn.BatchNorm1d(8)
DICTIONARY: Any = UserDict(a=1)


def _settings(x: Any) -> None:
    SETTINGS.mask = x
    SETTINGS.seen.append(x)


def _shared(x: Any) -> None:
    Shared.cos = x
    Shared.by_size[x.shape[1]] = x


def _slots(x: Any) -> None:
    SLOTS.kept = x


def _space(x: Any) -> None:
    SPACE.calls += 1
    SPACE.latest = x


def _numbers(_: Any) -> None:
    WEIGHT.add_(1)
    TABLE[0] += 1


def _draws(_: Any) -> None:
    DRAWN.random(3)
    PYTHONS.random()


def _norm(x: Any) -> None:
    NORM.eval()
    NORM.latest = x


WRITES = {
    "an object": _settings,
    "a class": _shared,
    "slots": _slots,
    "a namespace": _space,
    "a default": lambda x: positions(x.shape[1]),
    "a partial function": lambda x: PART(x.shape[1] + 1),
    "an attribute of a function": noting,
    "a bound method": lambda x: KEEP(x),
    "a dictionary of Python's": lambda x: DICTIONARY.update({x.shape[1]: x}),
    "numbers": _numbers,
    "sources of random numbers": _draws,
    "a layer": _norm,
}


class Writes(nn.Module):
    def __init__(self, write: Any) -> None:
        super().__init__()
        self.write, self.layer = write, nn.Linear(8, 8)

    def forward(self, x: Any) -> Any:
        self.write(x)
        return self.layer(x)


def held() -> dict[str, Any]:
    """What the names of this file hold."""
    places = (SETTINGS, SPACE, Shared, WEIGHT, NORM, SLOTS, DRAWN, PYTHONS)
    found = state(NORM, *places, positions.__defaults__, vars(noting), KEEP.__self__)
    slot, dictionary = id(getattr(SLOTS, "kept", None)), list(DICTIONARY)
    return found | {"table": TABLE.tolist(), "slot": slot, "dictionary": dictionary}


@pytest.mark.parametrize("name", WRITES)
def test_what_a_file_keeps_is_left_as_it_was(name: str) -> None:
    net = Writes(WRITES[name])
    before = held()
    for shape in SHAPES:
        trace(net, shape)
        assert changes(before, held()) == []


@pytest.mark.parametrize("name", WRITES)
def test_a_measured_run_leaves_it_too(name: str) -> None:
    before, numbers = held(), WEIGHT.tolist()
    with untouched(net := Writes(WRITES[name])):
        net(torch.zeros(2, 5, 8))
    assert WEIGHT.tolist() == numbers
    written = changes(before, held())
    assert written == (["<3>"] if name == "numbers" else [])  # torch counts the writes to a tensor


@pytest.mark.parametrize("name", WRITES)
def test_the_walk_of_these_tests_sees_each_write(name: str) -> None:
    before = held()
    WRITES[name](torch.zeros(2, 11, 8))
    assert changes(before, held()) != []


# --- what is never asked ------------------------------------------------------------------------


class Unready:
    """An object that stands for another one, which is not there yet."""

    @property
    def __class__(self) -> Any:
        raise RuntimeError("not configured")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


class Module(types.ModuleType):
    """A module that imports itself as it is asked for a name."""

    asked: ClassVar[list[str]] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self.asked.append(name)
        raise ImportError(name)


LATER = Module(f"{__name__}.later")


def gone() -> Any:
    """A reference to an object that is no more."""
    return weakref.proxy(Settings())


DEEP: list[Any] = []
for _ in range(5 * sys.getrecursionlimit()):
    DEEP = [DEEP]


@pytest.mark.parametrize("shape", SHAPES)
def test_what_stands_for_something_else_is_not_asked(
    shape: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = Writes(lambda x: None)
    net.held = [Unready(), gone(), LATER, DEEP]  # type: ignore[assignment]
    monkeypatch.setitem(globals(), "UNREADY", Unready())
    monkeypatch.setitem(globals(), "GONE", gone())
    LATER.asked.clear()
    macs = trace(net, shape).ledger.macs()
    assert str(macs.value) == {2: "640", 3: "1344"}.get(shape[0], "64·B·T")
    assert LATER.asked == []


def test_a_module_that_is_loaded_when_it_is_used_is_not_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from flopscope.snapshot import Snapshot, name_spaces
    from flopscope.tracing.caches import uncached

    spec = importlib.util.find_spec("tabnanny")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = loader = importlib.util.LazyLoader(spec.loader)
    lazy = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "tabnanny", lazy)
    loader.exec_module(lazy)
    monkeypatch.setitem(globals(), "LAZY", lazy)
    kind = type(lazy)
    assert kind is not types.ModuleType
    spaces = name_spaces([Writes])
    snapshot = Snapshot([lazy])
    snapshot.name_spaces(spaces)
    with uncached(spaces):
        snapshot.restore()
    assert type(lazy) is kind
