"""What is said of a reader's code that does not import, cannot be made or does not run: its error,
the line of theirs that it came from, and what would help where that is known."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

import torch
from torch import nn

from flopscope.errors import BadInput, FlopscopeError
from flopscope.tracing.extensions import lacks_operators
from flopscope.tracing.places import line_of, place_of, shown

OTHER_TORCH = (
    "{name} cannot be imported, because the installed torchvision was compiled for another torch; "
    "install both from one index, as in pip install --force-reinstall torch torchvision "
    "--index-url https://download.pytorch.org/whl/cpu"
)


@contextmanager
def refusing(what: str, module: nn.Module, on: str, *given: Any) -> Iterator[None]:
    """While active, an error of the network's code becomes BadInput: `what` cannot run `on`."""
    try:
        yield
    except FlopscopeError:
        raise
    except (Exception, SystemExit) as error:
        positional, named = given
        help_ = _inputs_misfit(module, positional, named) if isinstance(error, TypeError) else ""
        raise BadInput(f"{what} cannot run on {on}: {told(error)}{help_}") from error


def check_module(module: Any) -> None:
    """Raises BadInput for what is no module, its class for example."""
    if isinstance(module, nn.Module):
        return
    if inspect.isclass(module) and issubclass(module, nn.Module):
        raise BadInput(f"{module.__name__} is a class; give a module of it, {module.__name__}(...)")
    raise BadInput(
        f"an nn.Module is traced, and {type(module).__name__} is none; give one whose forward "
        "does what is to be counted"
    )


def named_inputs(positional: Sequence[Any], named: Mapping[str, Any]) -> str:
    """Inputs as a sentence names them: 1,3,224,224 and mask=1,77."""
    texts = [*map(_input_text, positional)]
    texts += [f"{name}={_input_text(value)}" for name, value in named.items()]
    return " and ".join(texts) or "no input"


def _input_text(value: Any) -> str:
    sizes = getattr(value, "shape", value)
    if type(sizes) in (tuple, torch.Size) and sizes and not isinstance(sizes[0], tuple | dict):
        return ",".join(map(str, sizes))
    return (
        str(value)
        if value is None or isinstance(value, int | float | str)
        else type(value).__name__
    )


def told(error: BaseException) -> str:
    """Type, text and place of an error, and of the one that it was raised from."""
    if isinstance(error, SystemExit):
        where = line_of(error)
        return "its code ends the program" + (f" at {where}" if where else "")
    text, cause = place_of(error), error.__cause__
    return f"{text}, because of {place_of(cause)}" if isinstance(cause, Exception) else text


# --- importing ------------------------------------------------------------------------------------


def not_imported(target: str, place: str, error: BaseException) -> BadInput:
    """Of a module, or something in it, whose import failed."""
    if lacks_operators(error):
        return BadInput(OTHER_TORCH.format(name=target))
    return BadInput(f"{target} does not import: {told(error)}{_import_cure(place, error)}")


def not_had(name: str, error: BaseException) -> BadInput:
    """Of a library of public models."""
    if lacks_operators(error):
        return BadInput(OTHER_TORCH.format(name=name))
    return BadInput(
        f"{name} cannot be imported ({told(error)}); install it, or name a target of your own"
    )


def _import_cure(place: str, error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "; keep what a program does under if __name__ == '__main__'"
    root = _root(error)
    if isinstance(root, ModuleNotFoundError) and root.name:
        if f"{place}.".startswith(f"{root.name}."):
            return "; write path/to/file.py:Name, or run where the module can be imported"
        return f"; install {root.name.partition('.')[0]}, or put its folder into PYTHONPATH"
    if isinstance(root, ImportError) and "partially initialized module" in str(root):
        return (
            "; these files import each other, so import in one of them inside the function that "
            "needs it"
        )
    if isinstance(root, ImportError) and str(root).startswith("cannot import name"):
        return "; correct the name, or install the version that has it"
    return ""


def _root(error: BaseException) -> BaseException:
    """The error at the beginning of a chain of causes."""
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    return error


# --- arguments that do not fit --------------------------------------------------------------------


def not_made(
    error: BaseException, make: Callable[..., Any], given: Mapping[str, Any], option: str = "--arg "
) -> str:
    """What went wrong as a network was made from these arguments, and which would do, each after
    the command line's `option`."""
    text = told(error)
    parameters = _parameters(make)
    if not isinstance(error, TypeError) or parameters is None or _fits(make, (), given):
        return text
    where = _defined(make)
    text = f"{text} at {where}" if where and line_of(error) is None else text
    missing = _missing(parameters, given)
    unknown = [name for name in given if name not in parameters]
    if unknown:
        close = get_close_matches(unknown[0], parameters, n=1)
        known = ", ".join(p.name for p in parameters.values() if _is_plain(p)) or "no arguments"
        return f"{text}; {f'did you mean {close[0]}?' if close else f'it takes {known}'}"
    if missing:
        return f"{text}; give {' '.join(f'{option}{_example(p)}' for p in missing)}"
    return text


def _inputs_misfit(module: nn.Module, given: Sequence[Any], named: Mapping[str, Any]) -> str:
    """What the network takes, where the inputs are not as many or have other names."""
    parameters = _parameters(module.forward)
    if parameters is None or _fits(module.forward, given, named):
        return ""
    takes = [p.name for p in parameters.values() if _is_plain(p)]
    needs = [p.name for p in parameters.values() if _is_plain(p) and p.default is p.empty]
    where = _defined(module.forward)
    at = f" at {where}" if where else ""
    if len(given) + len(named) < len(needs):
        return f"{at}; give an input for each of {', '.join(needs)}"
    return f"{at}; it takes {', '.join(takes) or 'no input'}"


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter] | None:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # written in C
        return None


def _fits(function: Callable[..., Any], given: Sequence[Any], named: Mapping[str, Any]) -> bool:
    try:
        inspect.signature(function).bind(*given, **named)
    except TypeError:
        return False
    return True


def _is_plain(parameter: inspect.Parameter) -> bool:
    return parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)


def _missing(
    parameters: Mapping[str, inspect.Parameter], given: Mapping[str, Any]
) -> list[inspect.Parameter]:
    plain = [p for p in parameters.values() if _is_plain(p) and p.default is p.empty]
    return [p for p in plain if p.name not in given]


def _example(parameter: inspect.Parameter) -> str:
    """name=VALUE; a configuration as a call, since it is of a class."""
    kind = parameter.annotation
    name = kind if isinstance(kind, str) else getattr(kind, "__name__", "")
    is_class = name[:1].isupper() and name.isidentifier() and name not in TYPING
    return f"'{parameter.name}={name}()'" if is_class else f"{parameter.name}=VALUE"


TYPING = frozenset("Any Callable Optional Union Sequence Iterable List Tuple Dict Tensor".split())
"""Names that annotate, and make nothing."""


def _defined(function: Callable[..., Any]) -> str | None:
    """file:line where a class or function of the reader's begins."""
    function = getattr(function, "func", function)  # of a partial
    function = function.__init__ if inspect.isclass(function) else function
    code = getattr(inspect.unwrap(function), "__code__", None)
    return None if code is None else shown(code.co_filename, code.co_firstlineno)
