"""What every function of `fs` does first: it reads its arguments, before anything is computed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flopscope.api.given import READERS, Reader
from flopscope.api.spoken import speaking_python
from flopscope.errors import BadInput, UnknownName

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


def public(**own: Reader) -> Callable[[Callable[Given, Answer]], Callable[Given, Answer]]:
    """Makes a function read its arguments by `READERS`, or by readers of its `own`.

    An argument that is left at its default is not read. Raises UnknownName for an argument that the
    function does not have, and BadInput for one that is missing or is one too many, where Python
    would raise TypeError.
    """

    def decorated(function: Callable[Given, Answer]) -> Callable[Given, Answer]:
        signature = inspect.signature(function)
        readers = {**READERS, **own}

        @wraps(function)
        def checked(*args: Given.args, **kwargs: Given.kwargs) -> Answer:
            bound = _bound(function.__name__, signature, args, kwargs)
            read = inspect.BoundArguments(signature, _read(bound, readers))
            with speaking_python():
                return function(*read.args, **read.kwargs)

        return checked

    return decorated


def _bound(
    name: str, signature: inspect.Signature, args: Any, kwargs: Mapping[str, Any]
) -> inspect.BoundArguments:
    parameters = signature.parameters.values()
    open_ = any(p.kind is p.VAR_KEYWORD for p in parameters)
    named = [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
    unnamed = [p.name for p in parameters if p.kind is p.VAR_POSITIONAL]
    for key in kwargs:
        if key in unnamed and not open_:
            raise BadInput(
                f"fs.{name} takes {key} by position, not by name; it is called as "
                f"fs.{name}{_call(signature)}"
            )
        if key not in named and not open_:
            raise UnknownName(f"argument of fs.{name}", key, named)
    try:
        return signature.bind(*args, **kwargs)
    except TypeError as error:
        raise BadInput(f"fs.{name}: {error}; it is called as fs.{name}{_call(signature)}") from None


def _call(signature: inspect.Signature) -> str:
    """The parameters without their types, as in (target, *inputs, res=None)."""
    plain = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return str(inspect.Signature(plain))


def _read(bound: inspect.BoundArguments, readers: Mapping[str, Reader]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        parameter = bound.signature.parameters[name]
        reader = readers.get(name)
        if reader is None or value is parameter.default:
            found[name] = value
        elif parameter.kind is parameter.VAR_POSITIONAL:
            found[name] = tuple(reader(name, item) for item in value)
        else:
            found[name] = reader(name, value)
    return found
