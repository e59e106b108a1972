"""A user's own network, named on the command line. Loading a Python target runs its code."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from flopscope.arguments import Deferred, NamedObject, as_numbers, parse_name
from flopscope.errors import BadInput, UnknownName
from flopscope.tracing.building.constructing import origins_of, without_memory
from flopscope.tracing.loading.extensions import with_torchvision
from flopscope.tracing.loading.libraries import LIBRARIES, NATIVE_SIZES, as_released
from flopscope.tracing.loading.refusals import import_refused, making_refused
from flopscope.tracing.loading.usercode import importable, loaded_module

SIZED = frozenset({"img_size", "image_size"})
"""Arguments by which networks of timm and torchvision are made for another image."""


def load(
    target: str, arguments: Mapping[str, Any] | None = None, *, values: bool = False
) -> nn.Module:
    """The module that a target names: `file.py:Name`, `package.module:Name`, `timm:NAME`,
    `torchvision:NAME`.

    Name is an nn.Module, or a class or function that makes one from `arguments`. It may be nested,
    as in Net.small, or called, as in Net(Config(width=16)). Classes and functions are called on the
    meta device, so that no weights are allocated, unless they read values. With `values` they are
    called to have weights, and the attention of timm is fused as timm has it. Raises BadInput for a
    target that does not import, does not exist, is not a module, or does not accept the arguments.
    """
    with importable(target):
        make, given = maker(target), dict(arguments or {})
        if values:
            as_released(parts_of(target)[0])
        if isinstance(make, nn.Module) and given:
            raise BadInput(
                f"{target} is a module already, which takes no arguments; leave --arg out, or name "
                "the class or function that makes it"
            )
        module = make if isinstance(make, nn.Module) else _made(make, given, target, values)
    if not isinstance(module, nn.Module):
        raise BadInput(
            f"{target} gives {type(module).__name__}, "
            "which is not an nn.Module, nor a class or function that makes one"
        )
    return module


def maker(target: str) -> Any:
    """What a target names: a module, or what makes one. Raises BadInput, UnknownName."""
    place, name = parts_of(target)
    with importable(target):
        if place in LIBRARIES:
            return LIBRARIES[place](name)
        module, named = _imported(place, target), parse_name(name)
        found = _found(module, named.name, target)
        if not named.called:
            return found
        if not callable(found):
            raise BadInput(f"{target} calls {named.name}, which cannot be called; leave () out")
        values = dict(_in_module(dict(named.named), module, target))
        positional = tuple(_in_module(value, module, target) for value in named.positional)
        return Deferred(found, positional, values)


def constructor_parameters(make: Any) -> tuple[inspect.Parameter, ...]:
    """What a maker takes; nothing where it is a module already, or its signature is not known."""
    if isinstance(make, nn.Module):
        return ()
    try:
        return tuple(inspect.signature(make).parameters.values())
    except (TypeError, ValueError):  # it is written in C, or cannot be called
        return ()


def parts_of(target: str) -> tuple[str, str]:
    """The place and the name in a target. Raises BadInput unless it has both."""
    library, _, rest = target.partition(":")
    if library in LIBRARIES and rest:
        return library, rest
    dotted, call, arguments = target.partition("(")
    place, _, name = dotted.rpartition(":")
    if not place or not name:
        raise BadInput(
            f"'{target}' is not a target; "
            "write path/to/file.py:Name, package.module:Name, timm:NAME or torchvision:NAME"
        )
    return place, name + call + arguments


def resolved(target: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, with names in them looked up in the target's module. Calls among them are
    carried out later. Text that only looks like a dotted name stays text. Raises as `maker`
    does."""
    place, _ = parts_of(target)
    with importable(target):
        module = None if place in LIBRARIES else _imported(place, target)
        return {key: _in_module(value, module, target) for key, value in arguments.items()}


def native_size(target: str, arguments: Mapping[str, Any]) -> tuple[int, int] | None:
    """Height and width of the image that a library's network is trained on, where the library
    states them and no argument changes them. Raises as `maker` does."""
    library, name = parts_of(target)
    if library not in LIBRARIES or not SIZED.isdisjoint(arguments):
        return None
    with importable(target):
        LIBRARIES[library](name)  # refuses a name that the library does not have
        return NATIVE_SIZES[library](name)


def load_rules(target: str) -> Mapping[str, Any]:
    """The reader's rules for operators, a mapping that `file.py:RULES` names. Raises BadInput."""
    rules = maker(target)
    if not isinstance(rules, Mapping) or not all(map(callable, rules.values())):
        raise BadInput(
            f"{target} gives {type(rules).__name__}, which is no mapping from operators' names, "
            "such as mylib::scan, to rules"
        )
    return rules


# --- names ----------------------------------------------------------------------------------------


def _imported(place: str, target: str) -> ModuleType:
    """The Python module of a file or dotted name."""
    _check_place(place, target)
    with import_refused(target, place):
        return with_torchvision(lambda: loaded_module(place))


def _check_place(place: str, target: str) -> None:
    if place.endswith(".py"):
        if not Path(place).is_file():
            raise BadInput(f"there is no file {place}, which {target} names")
    elif not all(map(str.isidentifier, place.split("."))):
        meant = f"{place}.py"
        hint = (
            f"did you mean {meant}{target[len(place) :]}?"
            if Path(meant).is_file()
            else "write path/to/file.py:Name or package.module:Name"
        )
        raise BadInput(f"{place} is neither a Python file nor the dotted name of a module; {hint}")


MISSING = object()


def _found(module: Any, name: str, target: str) -> Any:
    """The object with the dotted name in a module, for example a class's factory."""
    place, found = parts_of(target)[0], module
    for at, part in enumerate(name.split(".")):
        holder = found
        with import_refused(target, place):  # a lazy package imports what is asked for
            found = with_torchvision(partial(getattr, holder, part, MISSING))
        if found is MISSING:
            where = ".".join((place, *name.split(".")[:at])) if at else place
            raise UnknownName(f"name in {where}", part, _makers(holder))
    return found


def _makers(holder: Any) -> list[str]:
    """Names in a module or class that could make a network, including those of a lazy module. What
    a class inherits from torch is left out."""
    if inspect.isclass(holder):
        own = [base for base in holder.__mro__ if base.__module__.partition(".")[0] != "torch"]
        held = {name: value for base in own for name, value in vars(base).items()}
        names = list(held)
    else:
        held, names = getattr(holder, "__dict__", {}), dir(holder)
    names = [name for name in names if not name.startswith("_")]
    return [name for name in names if name not in held or callable(getattr(holder, name))]


def _in_module(value: Any, module: ModuleType | None, target: str) -> Any:
    """The value with its names looked up. Text with dots that names nothing stays text."""
    if isinstance(value, Mapping):
        return {key: _in_module(item, module, target) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_in_module(item, module, target) for item in value)
    if not isinstance(value, NamedObject):
        return value
    try:
        found = _looked_up(value.name, module, target)
    except UnknownName:
        if value.called or "." not in value.name:
            raise
        return value.text  # it may name a file, such as weights.pth
    if not value.called:
        return found
    positional = tuple(_in_module(item, module, target) for item in value.positional)
    return Deferred(found, positional, _in_module(dict(value.named), module, target))


def _looked_up(name: str, module: ModuleType | None, target: str) -> Any:
    """The object with this name in the module, whose own name may come first, or among all loaded
    modules. Raises UnknownName if there is none."""
    first, own = name.partition(".")[0], f"{_own_name(target)}."
    if module is not None and (first in dir(module) or _has(module, first)):
        return _found(module, name, target)
    if module is not None and name.startswith(own):
        return _found(module, name.removeprefix(own), target)
    found = _loaded(name)
    if found is None:
        raise UnknownName(f"name in {parts_of(target)[0]}", first, _makers(module))
    return found


def _own_name(target: str) -> str:
    """The name by which its author knows a target's module: net for path/to/net.py."""
    place, _ = parts_of(target)
    return Path(place).stem if place.endswith(".py") else place


def _has(module: ModuleType, name: str) -> bool:
    try:
        return hasattr(module, name)
    except Exception:  # a lazy package imports what is asked for
        return False


def _loaded(name: str) -> Any:
    """The object that a dotted name means among the loaded modules, such as torch.nn.GELU; else
    None."""
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        found: Any = sys.modules.get(".".join(parts[:cut]))
        for part in parts[cut:]:
            found = getattr(found, part, None)
        if found is not None:
            return found
    return None


# --- making ---------------------------------------------------------------------------------------


def _made(make: Any, arguments: dict[str, Any], target: str, values: bool) -> Any:
    if not callable(make):
        return make
    found = resolved(target, arguments)
    given = ", ".join(f"{k}={v}" for k, v in arguments.items()) or "no arguments"
    hint = _meant_as_name(target, arguments)
    with making_refused(f"{target} could not be made with {given}", make, found, hint=hint):
        return with_torchvision(lambda: _called(make, found, values))


def made_by(
    make: Callable[..., Any], arguments: Mapping[str, Any], name: str, *, values: bool = False
) -> nn.Module:
    """The module that a class or function of Python makes, with weights if they are to have
    `values`. Raises BadInput where it makes none."""
    given = ", ".join(f"{k}={v}" for k, v in arguments.items()) or "no arguments"
    with making_refused(f"{name} could not be made with {given}", make, arguments, option=""):
        made = with_torchvision(lambda: _called(make, dict(arguments), values))
    if not isinstance(made, nn.Module):
        raise BadInput(f"{name} makes {type(made).__name__}, which is not an nn.Module")
    return made


def _meant_as_name(target: str, arguments: Mapping[str, Any]) -> str:
    """What helps if an argument is text that names a class or function beside the target, or was
    meant to."""
    place, _ = parts_of(target)
    if place in LIBRARIES:
        return ""
    module = _imported(place, target)
    for key, value in arguments.items():
        if isinstance(value, str) and callable(vars(module).get(value)):
            name = f"{_own_name(target)}.{value}"
            return f"; {value} is text, --arg {key}={name} is what {place} has under that name"
        if isinstance(value, NamedObject) and _in_module(value, module, target) == value.text:
            return f"; {value} is text, since {place} has no such name"
    return ""


def _called(make: Callable[..., Any], arguments: dict[str, Any], values: bool) -> Any:
    return make(**as_numbers(arguments)) if values else _shapes_first(make, arguments)


def _shapes_first(make: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """The module, made from shapes, or from numbers if the constructor reads the values of a
    tensor."""
    try:
        return without_memory(
            lambda: make(**as_numbers(arguments)), {}, origins_of(make, arguments)
        )
    except (NotImplementedError, RuntimeError, TypeError) as error:
        if "meta" not in str(error).lower():
            raise
    return make(**as_numbers(arguments))
