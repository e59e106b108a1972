"""A user's own network, named on the command line. Loading a Python target runs its code."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from flopscope.errors import BadInput, UnknownName
from flopscope.tracing.trail import is_theirs


def load(target: str, arguments: Mapping[str, Any] | None = None) -> nn.Module:
    """The module that a target names: `file.py:Name`, `package.module:Name`, `timm:NAME`,
    `torchvision:NAME`.

    Name is an nn.Module, or a class or function that makes one from `arguments`; those are called
    under the meta device, so no weights are allocated, unless they read values. Raises BadInput for
    a target that does not import, does not exist, is no module, or does not accept the arguments.
    """
    make = maker(target)
    module = make if isinstance(make, nn.Module) else _made(make, dict(arguments or {}), target)
    if not isinstance(module, nn.Module):
        raise BadInput(
            f"{target} gives {type(module).__name__}, "
            "which is not an nn.Module, nor a class or function that makes one"
        )
    return module


def maker(target: str) -> Any:
    """What a target names: a module, or what makes one. Raises BadInput, UnknownName."""
    place, colon, name = target.rpartition(":")
    if not colon or not place or not name:
        raise BadInput(
            f"'{target}' is not a target; "
            "write path/to/file.py:Name, package.module:Name, timm:NAME or torchvision:NAME"
        )
    if place in LIBRARIES:
        return LIBRARIES[place](name)
    return _attribute(_imported(place, target), name, target)


def load_rules(target: str) -> Mapping[str, Any]:
    """The reader's rules for operators, a mapping that `file.py:RULES` names. Raises BadInput."""
    rules = maker(target)
    if not isinstance(rules, Mapping) or not all(map(callable, rules.values())):
        raise BadInput(
            f"{target} gives {type(rules).__name__}, which is no mapping from operators' names, "
            "such as mylib::scan, to rules"
        )
    return rules


def _timm(name: str) -> Callable[..., Any]:
    timm = _library("timm")
    if not timm.is_model(name):
        raise UnknownName("timm model", name, timm.list_models())
    timm.layers.set_fused_attn(False)  # explicit products, which are what the model computes
    return lambda **arguments: timm.create_model(name, **arguments)


def _torchvision(name: str) -> Callable[..., Any]:
    models = _library("torchvision").models
    if name not in models.list_models():
        raise UnknownName("torchvision model", name, models.list_models())
    return lambda **arguments: models.get_model(name, **arguments)


LIBRARIES: Mapping[str, Callable[[str], Callable[..., Any]]] = {
    "timm": _timm,
    "torchvision": _torchvision,
}


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception as error:  # a broken extension raises what it likes
        if "torchvision::nms" in str(error):
            raise BadInput(
                f"{name} cannot be imported, because the installed torchvision was compiled for "
                "another torch; install both from one index, as in pip install --force-reinstall "
                "torch torchvision --index-url https://download.pytorch.org/whl/cpu"
            ) from error
        raise BadInput(
            f"{name} cannot be imported ({place_of(error)}); "
            "install it, or name a target of your own"
        ) from error


def _imported(place: str, target: str) -> ModuleType:
    """The Python module of a file or dotted name; its folder is importable while it loads."""
    try:
        if place.endswith(".py"):
            path = Path(place)
            if not path.is_file():
                raise BadInput(f"there is no file {place}, which {target} names")
            spec = importlib.util.spec_from_file_location(path.stem, path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.path.insert(0, str(path.parent))
            try:
                spec.loader.exec_module(module)
            finally:
                sys.path.remove(str(path.parent))
            return module
        return importlib.import_module(place)
    except BadInput:
        raise
    except Exception as error:
        raise BadInput(f"{target} does not import: {place_of(error)}") from error


def _attribute(module: ModuleType, name: str, target: str) -> Any:
    if not hasattr(module, name):
        makers = [
            key
            for key, value in vars(module).items()
            if callable(value) and not key.startswith("_")
        ]
        raise UnknownName(f"name in {target.rpartition(':')[0]}", name, makers)
    return getattr(module, name)


def _made(make: Any, arguments: dict[str, Any], target: str) -> Any:
    if not callable(make):
        return make
    try:
        return _without_memory(make, arguments)
    except Exception as error:
        given = ", ".join(f"{k}={v}" for k, v in arguments.items()) or "no arguments"
        raise BadInput(f"{target} could not be made with {given}: {place_of(error)}") from error


def _without_memory(make: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Made of shapes; of numbers where the constructor reads the values of a tensor."""
    try:
        with torch.device("meta"):
            return make(**arguments)
    except (NotImplementedError, RuntimeError, TypeError) as error:
        if "meta" not in str(error):
            raise
    return make(**arguments)


def place_of(error: Exception) -> str:
    """Type, text and place of a user's error: the innermost line that is neither torch's nor
    ours."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if is_theirs(frame.filename)]
    where = f" at {theirs[-1].filename}:{theirs[-1].lineno}" if theirs else ""
    notes = "".join(f"; {note}" for note in getattr(error, "__notes__", ()))
    return f"{type(error).__name__}: {' '.join(str(error).split())}{where}{notes}"
