"""Loaded modules by package, also those loaded later or standing under a name of no module."""

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from flopscope.packages import loaded


@pytest.fixture
def names() -> Iterator[dict[str, Any]]:
    """Python's loaded modules, as they were afterwards."""
    before = dict(sys.modules)
    yield sys.modules
    for name in sys.modules.keys() - before.keys():
        del sys.modules[name]


def test_modules_come_by_package_in_the_order_in_which_they_were_loaded(
    names: dict[str, Any],
) -> None:
    first, other, second = (ModuleType(name) for name in ("shelf.b", "shelves", "shelf.a"))
    names |= {"shelf.b": first, "shelves": other, "shelf.a": second}
    assert loaded(["shelf"]) == [first, second]
    assert loaded(["shelves", "shelf"]) == [first, other, second]
    assert loaded(["nowhere"]) == []


def test_what_is_loaded_later_is_found_and_what_is_gone_is_not(names: dict[str, Any]) -> None:
    names["shelf"] = package = ModuleType("shelf")
    assert loaded(["shelf"]) == [package]
    names["shelf.later"] = later = ModuleType("shelf.later")
    assert loaded(["shelf"]) == [package, later]
    names["shelf"] = replaced = object()
    assert loaded(["shelf"]) == [replaced, later]
    del names["shelf"]
    assert loaded(["shelf"]) == [later]
