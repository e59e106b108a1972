"""A reader's Python file or module is imported as the reader's own Python would import it.

A file with relative imports is a module of its package, so `from .block import conv` works, whether
or not the folder has an `__init__.py`. Any other file is a script; its imports are looked up beside
it, and above its package. The working directory is importable too, as under `python -m`. After a
call, `sys.path` is what it was, and modules loaded from these folders are forgotten, so that the
next call reads the files as they are then.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from flopscope.tracing.callers import package_of
from flopscope.tracing.loading.guards import guarded

KEPT = frozenset({"flopscope", "reference_models"})
"""Packages that are never forgotten."""


PUBLIC = frozenset({"timm", "torchvision"})
"""Names that mean installed packages, whatever is in the working directory."""


class Folder(str):
    """An entry of `sys.path` that was put there for a call."""


@contextmanager
def importable(target: str) -> Iterator[None]:
    """While active, imports of a file or module are found where its author finds them.

    What its code prints goes to standard error, because standard output is for the answer. Its code
    sees a command line without arguments, under the target's name, and cannot end the program. A
    call inside another call shares the outer one's state.
    """
    if _folders():
        yield
        return
    before, path, argv = dict(sys.modules), list(sys.path), list(sys.argv)
    if target.partition(":")[0] in PUBLIC:
        _put_last(Path.cwd())
    else:
        _put_first([Path.cwd()])
    sys.argv = [target]
    try:
        with guarded(target):
            yield
    finally:
        folders = _folders()
        sys.path[:], sys.argv = path, argv
        _forget(before, folders)


def _folders() -> list[Path]:
    return [Path(entry) for entry in sys.path if isinstance(entry, Folder)]


def _put_first(folders: Sequence[Path]) -> None:
    mine = [Folder(folder) for folder in dict.fromkeys(folders)]
    sys.path[:] = [*mine, *(entry for entry in sys.path if entry not in mine)]


def _put_last(folder: Path) -> None:
    """Put the entry behind the installed packages."""
    others = [entry for entry in sys.path if Path(entry or ".").absolute() != folder]
    sys.path[:] = [*others, Folder(folder)]


def _forget(before: dict[str, ModuleType], folders: Sequence[Path]) -> None:
    """Forget modules that were loaded from these folders since then, and put back those whose names
    they had taken."""
    known = KEPT | sys.stdlib_module_names | {name.partition(".")[0] for name in before}
    for name, module in list(sys.modules.items()):
        if name in before and before[name] is not module:
            sys.modules[name] = before[name]
        elif name.partition(".")[0] not in known and _lies_in(module, folders):
            del sys.modules[name]


def _lies_in(module: ModuleType, folders: Sequence[Path]) -> bool:
    files = [getattr(module, "__file__", None), *_search_path(module)]
    return any(
        file and package_of(str(file)) is None and Path(file).is_relative_to(folder)
        for file in files
        for folder in folders
    )


def _search_path(module: ModuleType) -> list[str]:
    try:
        return list(getattr(module, "__path__", ()))
    except Exception:  # a lazy module may answer with anything
        return []


# --- a file ---------------------------------------------------------------------------------------


def loaded_module(place: str) -> ModuleType:
    """The module of a file or of a dotted name. Raises whatever its code raises."""
    return _of_file(Path(os.path.abspath(place))) if place.endswith(".py") else import_module(place)


def _of_file(path: Path) -> ModuleType:
    """The module of a file. It is loaded again from a folder further up if its imports reach
    further."""
    relative = _relative_depth(path) or path.name == "__init__.py"
    depth = max(relative, _regular_depth(path)) if relative else 0
    looked, hidden = [path.parent], list[Path]()
    while True:
        before = dict(sys.modules)
        try:
            for package in hidden:
                _package(package.name, package)
            return _loaded(path, depth)
        except ImportError as error:
            above = _above(path, error)
            deeper = "beyond top-level package" in str(error) and depth < len(path.parents) - 1
            if not deeper and (above is None or above in looked):
                raise
            _forget(before, _folders())
            if deeper:
                depth += 1
            elif above is not None:
                looked.append(above)
                sys.path.append(Folder(above))
                if "is not a package" in str(error):  # but a file with its name
                    hidden.append(above / str(error.name).partition(".")[0])


def _regular_depth(path: Path) -> int:
    """The number of folders above the file that are packages."""
    folders = list(path.parents)
    return next(i for i, folder in enumerate(folders) if not (folder / "__init__.py").is_file())


def _relative_depth(path: Path) -> int:
    """The number of folders up that the file's relative imports reach."""
    return max((n.level for n in _nodes(path) if isinstance(n, ast.ImportFrom)), default=0)


def _nodes(path: Path) -> list[ast.AST]:
    try:
        return list(ast.walk(ast.parse(path.read_bytes())))
    except (SyntaxError, ValueError):  # loading it reports the error
        return []


def _above(path: Path, error: ImportError) -> Path | None:
    """The nearest folder above the file that has the missing module."""
    missing = (error.name or "").replace(".", os.sep)
    if not isinstance(error, ModuleNotFoundError) or not missing:
        return None
    for folder in path.parents:
        if (folder / f"{missing}.py").is_file() or any((folder / missing).glob("*.py")):
            return folder
    return None


def _loaded(path: Path, depth: int) -> ModuleType:
    """The module of a file, as a module inside this many packages."""
    if depth == 0:
        return _script(path)
    _put_first([path.parents[depth], Path.cwd()])
    if path.parent not in _folders():
        _put_last(path.parent)  # for a script beside the files of its package
    name = ""
    for folder in reversed(path.parents[:depth]):
        name = f"{name}.{_identifier(folder)}" if name else _top(folder)
        module = _package(name, folder)
    return module if path.name == "__init__.py" else _executed(f"{name}.{path.stem}", path)


def _script(path: Path) -> ModuleType:
    """Import a file as a script. Beside the files of a package it is imported as from the package's
    folder, otherwise as from its own. It does not replace another module with its name."""
    name, own, root = path.stem, path.parent, path.parents[_regular_depth(path)]
    other = _is_elsewhere(name, own)
    if other and (name in sys.stdlib_module_names or name in _imports(path)):
        _import_other(name, own)  # before a folder that hides it is on the path
    _put_first([root, Path.cwd()])
    if root != own:
        _put_last(own)
    return _executed(f"{name}__" if other else name, path)


def _without(folder: Path) -> list[str]:
    """The path without the reader's folders."""
    folders = {folder, *_folders()}
    return [entry for entry in sys.path if Path(entry).absolute() not in folders]


def _import_other(name: str, own: Path) -> None:
    path = list(sys.path)
    sys.path[:] = _without(own)
    try:
        with suppress(Exception):  # if the file needs it, its own error is clearer
            import_module(name)
    finally:
        sys.path[:] = path


def _is_elsewhere(name: str, folder: Path) -> bool:
    """Does the name of a script mean another module, of Python or outside the reader's folders?"""
    if name in sys.stdlib_module_names or not _is_from(sys.modules.get(name), folder):
        return True
    spec = PathFinder.find_spec(name, _without(folder))
    return spec is not None and spec.origin is not None


def _imports(path: Path) -> frozenset[str]:
    """The top-level names that a file imports."""
    found = set()
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return frozenset(found)


def _is_from(module: ModuleType | None, folder: Path) -> bool:
    return module is None or _lies_in(module, [folder])


def _top(folder: Path) -> str:
    """The name of an outermost package; another name if it would mean another module."""
    name = _identifier(folder)
    taken = name in sys.stdlib_module_names or not _is_from(sys.modules.get(name), folder)
    return f"{name}__" if taken else name


def _identifier(folder: Path) -> str:
    """The name of a folder as a part of a dotted name, without dots."""
    return folder.name.replace(".", "_")


def _package(name: str, folder: Path) -> ModuleType:
    if name in sys.modules and str(folder) in _search_path(sys.modules[name]):
        return sys.modules[name]
    init = folder / "__init__.py"
    if init.is_file():
        return _executed(name, init, str(folder))
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    module = module_from_spec(spec)
    _register(name, module)
    return module


def _executed(name: str, path: Path, folder: str | None = None) -> ModuleType:
    """Run the code of a module, which is known by its name meanwhile, and forgotten if that
    fails."""
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known
    spec = spec_from_file_location(
        name, path, submodule_search_locations=None if folder is None else [folder]
    )
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    _register(name, module)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _register(name: str, module: ModuleType) -> None:
    sys.modules[name] = module
    above, _, last = name.rpartition(".")
    if above:
        setattr(sys.modules[above], last, module)
