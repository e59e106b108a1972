"""The reference of the Python interface for the documentation site: a page for each public name.

Sphinx reads signatures and docstrings from the package as it builds; what stands here says which
names there are, and what each returns.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module

import flopscope as fs
from flopscope import api, present
from flopscope.present.report import Report

INDEX = """\
# Python

`import flopscope as fs` offers these names. [From Python](../../docs/python.md) shows them at
work, and [Types](../../docs/typed.md) says what a type checker knows of them.

## Functions

| function | what it does |
|---|---|
{functions}

## Classes

| class | what it is |
|---|---|
{classes}

## Tables

| name | what it lists |
|---|---|
{tables}

```{{toctree}}
:hidden:
:maxdepth: 1

reports
{names}
```
"""
TABLES = {
    "CONVENTIONS": "What each tool and paper counts, by its name",
    "LAWS": "What follows from closed forms, by its name",
    "MODELS": "The models of the catalogue, by their names",
    "QUANTITIES": "What can be asked of a ledger, by its name",
    "TERMS": "The terms of an equation of costs, by their names",
}


def pages() -> Iterator[tuple[str, str]]:
    """The name and the Markdown of every page; the first is the index."""
    names = [name for name in fs.__all__ if name not in TABLES]
    functions = [name for name in names if inspect.isfunction(getattr(fs, name))]
    classes = [name for name in names if name not in functions]
    tables = [f"| [`fs.{name}`](tables.md) | {about}. |" for name, about in TABLES.items()]
    yield (
        "index",
        INDEX.format(
            functions="\n".join(map(_row, functions)),
            classes="\n".join(map(_row, classes)),
            tables="\n".join(tables),
            names="\n".join(["tables", *names]),
        ),
    )
    yield "tables", _tables()
    yield "reports", _reports()
    for name in functions:
        yield name, _directives(f"fs.{name}", [f".. autofunction:: {name}"])
    for name in classes:
        kind = "autoexception" if issubclass(getattr(fs, name), Exception) else "autoclass"
        yield name, _directives(f"fs.{name}", [f".. {kind}:: {name}\n   :members:"])


def _row(name: str) -> str:
    """A line of the index: the name, and the first sentence of its docstring."""
    text = inspect.getdoc(getattr(fs, name)) or ""
    first = " ".join(text.partition("\n\n")[0].split())
    return f"| [`fs.{name}`]({name}.md) | {first.replace('|', chr(92) + '|')} |"


def _directives(title: str, directives: list[str]) -> str:
    body = "\n\n".join([".. py:currentmodule:: flopscope", *directives])
    return f"# {title}\n\n```{{eval-rst}}\n{body}\n```\n"


def _tables() -> str:
    assert set(TABLES) == {name for name in fs.__all__ if name.isupper()}
    parts = ["# Tables", "Each is a mapping from names."]
    for name, about in TABLES.items():
        keys = ", ".join(f"`{key}`" for key in getattr(fs, name))
        parts += [f"## fs.{name}", f"{about}: {keys}."]
    return "\n\n".join(parts) + "\n"


def reports() -> dict[str, type[Report]]:
    """The kinds of reports that the functions say they return, by name."""
    said = " ".join(str(getattr(fs, n).__annotations__.get("return")) for n in _functions())
    for room in (api, present):
        for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            import_module(module.name)
    kinds = {each.__name__: each for each in _below(Report)}
    return {name: kinds[name] for name in dict.fromkeys(re.findall(r"\w+Report", said))}


def _functions() -> list[str]:
    return [name for name in fs.__all__ if inspect.isfunction(getattr(fs, name))]


def _below(kind: type) -> Iterator[type]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def _reports() -> str:
    base = f".. autoclass:: {Report.__module__}.Report\n   :members:"
    kinds = [
        f".. autoclass:: {kind.__module__}.{name}\n   :show-inheritance:"
        for name, kind in sorted(reports().items())
    ]
    return _directives("Reports", [base, *kinds])
