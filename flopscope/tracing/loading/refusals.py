"""Messages about a reader's code that does not import, whose module cannot be made, or that does
not run: the error, the line of their code from which it came, and what would help if that is
known."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from torch import nn

from flopscope.errors import BadInput, FlopscopeError
from flopscope.symbolic import Polynomial
from flopscope.tracing.callers import is_theirs, line_of, place_of, shown_line
from flopscope.tracing.loading.extensions import lacks_operators
from flopscope.tracing.loading.misfits import misfit
from flopscope.tracing.loading.offline import refused

OTHER_TORCH = (
    "{name} cannot be imported, because the installed torchvision was compiled for another torch; "
    "install both from one index, as in pip install --force-reinstall torch torchvision "
    "--index-url https://download.pytorch.org/whl/cpu"
)


@contextmanager
def refusing(what: str, module: nn.Module, on: str, *given: Any) -> Iterator[None]:
    """While active, an error of the network's code becomes BadInput, which says that `what` cannot
    run on `on`."""
    try:
        yield
    except BaseException as error:
        _raise_unless_theirs(error)
        _raise_if_it_reads_values(error)
        if said := misfit(module, error):
            raise BadInput(f"{what} cannot run on {on}: {said}{_at(line_of(error))}") from error
        positional, named = given
        unfit = _inputs_misfit(module, positional, named) if isinstance(error, TypeError) else ""
        where = "" if unfit or line_of(error) else _at(_class_line(type(module)))
        cure = unfit or _missing_module(error)
        raise BadInput(f"{what} cannot run on {on}: {told(error)}{where}{cure}") from error


@contextmanager
def import_refused(target: str, place: str) -> Iterator[None]:
    """While active, an error becomes BadInput, which says that the target does not import."""
    try:
        yield
    except BaseException as error:
        _raise_unless_theirs(error)
        if lacks_operators(error):
            raise BadInput(OTHER_TORCH.format(name=target)) from error
        where = "" if line_of(error) or not _is_file(place, error) else f" in {place}"
        cure = _import_cure(place, error)
        raise BadInput(f"{target} does not import: {told(error)}{where}{cure}") from error


@contextmanager
def making_refused(
    said: str,
    make: Callable[..., Any],
    given: Mapping[str, Any],
    option: str = "--arg ",
    hint: str = "",
) -> Iterator[None]:
    """While active, an error becomes BadInput that begins as `said` and ends in the `hint`: a
    network cannot be made from what is `given`, each argument after the command line's `option`."""
    try:
        yield
    except BaseException as error:
        _raise_unless_theirs(error)
        _raise_if_it_reads_values(error)
        raise BadInput(f"{said}: {_not_made(error, make, given, option)}{hint}") from error


def _raise_unless_theirs(error: BaseException) -> None:
    """Raise an error again that has its message already or that asks the program to stop."""
    if isinstance(error, FlopscopeError | KeyboardInterrupt | GeneratorExit):
        raise error
    if (connection := refused(error)) is not None:
        raise BadInput(str(connection)) from error


READS = {
    "meta device type tensor to numpy": ".numpy()",
    "Cannot copy out of meta tensor": "a copy off the meta device",
    "item() cannot be called on meta tensors": ".item()",
}
"""What torch says if the values of a tensor are missing, and how code asked for them."""


def _raise_if_it_reads_values(error: BaseException) -> None:
    for text, how in READS.items():
        if text in str(error):
            raise reads_values(how, line_of(error) or "unknown") from error


def reads_values(how: str, where: str) -> BadInput:
    """The refusal of a network that reads the values of a tensor at one of its lines."""
    return BadInput(
        f"the network reads the values of a tensor ({how}) at {where}; "
        "a trace has shapes only, so give it a form that depends on shapes alone"
    )


def _at(where: str | None) -> str:
    return f" at {where}" if where else ""


def check_module(module: Any) -> None:
    """Raises BadInput for anything but a module, for example for its class."""
    if isinstance(module, nn.Module):
        return
    if inspect.isclass(module) and issubclass(module, nn.Module):
        raise BadInput(f"{module.__name__} is a class; give a module of it, {module.__name__}(...)")
    raise BadInput(
        f"only an nn.Module is traced, not {type(module).__name__}; give one whose forward "
        "does what is to be counted"
    )


def named_inputs(positional: Sequence[Any], named: Mapping[str, Any]) -> str:
    """The inputs as a sentence names them: 1,3,224,224 and mask=1,77."""
    texts = [*map(_input_text, positional)]
    texts += [f"{name}={_input_text(value)}" for name, value in named.items()]
    return " and ".join(texts) or "no input"


def _input_text(value: Any) -> str:
    if getattr(value, "is_nested", False):
        return "a nested tensor"
    sizes = getattr(value, "shape", value)
    if isinstance(sizes, tuple) and all(isinstance(n, int | str | Polynomial) for n in sizes):
        return ",".join(map(str, sizes))
    plain = value is None or isinstance(value, int | float | str)
    return str(value) if plain else type(value).__name__


def told(error: BaseException) -> str:
    """The type, text and place of an error, and of the error from which it was raised."""
    if isinstance(error, SystemExit):
        where = line_of(error)
        return "its code ends the program" + (f" at {where}" if where else "")
    text, cause = place_of(error), error.__cause__
    return f"{text}, because of {place_of(cause)}" if isinstance(cause, Exception) else text


# --- importing ------------------------------------------------------------------------------------


def not_had(name: str, error: BaseException) -> BadInput:
    """The error for a target in a library of public models that cannot be imported."""
    if lacks_operators(error):
        return BadInput(OTHER_TORCH.format(name=name))
    return BadInput(
        f"{name} cannot be imported ({told(error)}); install it, or name a target of your own"
    )


def _is_file(place: str, error: BaseException) -> bool:
    return place.endswith(".py") and isinstance(error, SyntaxError)


def _import_cure(place: str, error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "; keep what a program does under if __name__ == '__main__'"
    root = _root(error)
    if isinstance(root, ModuleNotFoundError) and f"{place}.".startswith(f"{root.name}."):
        return "; write path/to/file.py:Name, or run where the module can be imported"
    if missing := _missing_module(error):
        return missing
    if isinstance(root, ImportError) and _is_circular(root):
        return (
            "; these files import each other, so import in one of them inside the function that "
            "needs it"
        )
    if isinstance(root, ImportError) and str(root).startswith("cannot import name"):
        return "; correct the name, or install the version that has it"
    return ""


def _missing_module(error: BaseException) -> str:
    """What helps if code imports a missing module; "" for any other error."""
    root = _root(error)
    if not isinstance(root, ModuleNotFoundError) or not root.name:
        return ""
    return f"; install {root.name.partition('.')[0]}, or put its folder into PYTHONPATH"


def _is_circular(error: ImportError) -> bool:
    """Does the error come from two modules that import each other?"""
    files, step = [], error.__traceback__
    while step is not None:
        files.append(step.tb_frame.f_code.co_filename)
        step = step.tb_next
    return "partially initialized module" in str(error) or error.path in files[:-1]


def _root(error: BaseException) -> BaseException:
    """The first error in a chain of causes."""
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    return error


# --- arguments that do not fit --------------------------------------------------------------------


def _not_made(
    error: BaseException, make: Callable[..., Any], given: Mapping[str, Any], option: str
) -> str:
    """What went wrong, and which arguments are accepted."""
    text = told(error) + _missing_module(error)
    parameters = _parameters(make)
    if not isinstance(error, TypeError) or parameters is None or _fits(make, (), given):
        return text
    text += "" if line_of(error) else _at(_defined(make))
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
    """What the network takes, if the number or the names of the inputs do not fit."""
    parameters = _parameters(module.forward)
    if parameters is None or _fits(module.forward, given, named):
        return ""
    takes = [p.name for p in parameters.values() if _is_plain(p)]
    needs = [p.name for p in parameters.values() if _is_plain(p) and p.default is p.empty]
    at = _at(_defined(module.forward))
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
    """An argument written as name=VALUE, or a configuration as a call of its class."""
    kind = parameter.annotation
    name = kind if isinstance(kind, str) else getattr(kind, "__name__", "")
    is_class = name[:1].isupper() and name.isidentifier() and name not in TYPING
    return f"'{parameter.name}={name}()'" if is_class else f"{parameter.name}=VALUE"


TYPING = frozenset("Any Callable Optional Union Sequence Iterable List Tuple Dict Tensor".split())
"""Names used in annotations that cannot be called to make a value."""


def _defined(function: Callable[..., Any]) -> str | None:
    """file:line where a class's constructor or a function of the reader's begins."""
    function = getattr(function, "func", getattr(function, "function", function))  # of a partial
    function = function.__init__ if inspect.isclass(function) else function
    code = getattr(inspect.unwrap(function), "__code__", None)
    return _shown(code.co_filename, code.co_firstlineno) if code else None


def _class_line(kind: type) -> str | None:
    """file:line where a class of the reader's begins."""
    try:
        return _shown(inspect.getsourcefile(kind) or "<", inspect.getsourcelines(kind)[1])
    except (OSError, TypeError):  # a class that was made at run time
        return None


def _shown(filename: str, line: int) -> str | None:
    return shown_line(filename, line) if is_theirs(filename) else None
