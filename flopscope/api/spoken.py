"""Messages of the command line in the words of Python: `--res 224` is `res=224`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from flopscope.errors import FlopscopeError

_OPTION = re.compile(
    r"(?<![\w-])--([a-z][a-z_-]*[a-z])"  # the option
    r"(?: ('[^']*'|(?=\S*[\d=…/:])[^\s;]*[^\s;,.?]))?"  # a value, which has a sign of one in it
)

_COMMAND = re.compile(r"(`flopscope [^`]*`)")
"""A command that a reader is sent to, which stays as it is."""


def _entry(name: str) -> Callable[[str], str]:
    """Writes `key=value` as an entry of a mapping."""

    def written(pair: str) -> str:
        key, _, value = pair.partition("=")
        return f"{name}={{'{key}': {value}}}"

    return written


VALUES: Mapping[str, Callable[[str], str]] = {
    "arg": _entry("arguments"),
    "example": _entry("example"),
    "input": lambda sizes: f"'{sizes}'",
}
"""How an option is written whose value is not simply that of an argument."""
NAMES: Mapping[str, str] = {
    "arg": "arguments", "for": "to", "input": "an input", "of": "quantities",
}  # fmt: skip
"""The options whose arguments have another name."""


def as_python(message: str) -> str:
    """The message with arguments of Python in place of options.

    >>> as_python("give its size, such as --res 224 or --input 1,3,224,224")
    "give its size, such as res=224 or '1,3,224,224'"
    >>> as_python("no budget is given; give one, such as --macs 150M")
    "no budget is given; give one, such as macs='150M'"
    >>> as_python("`flopscope profile --columns help` lists them")
    '`flopscope profile --columns help` lists them'
    """
    parts = _COMMAND.split(message)  # with the commands at odd places
    parts[::2] = [_OPTION.sub(lambda found: _argument(found[1], found[2]), p) for p in parts[::2]]
    return "".join(parts)


def _argument(option: str, value: str | None) -> str:
    name = NAMES.get(option, option.replace("-", "_"))
    if value is None:
        return name
    if option in VALUES:
        return VALUES[option](value.strip("'"))
    return f"{name}={value if value.isdecimal() else repr(value.strip(chr(39)))}"


@contextmanager
def speaking_python() -> Iterator[None]:
    """While active, the message of an error names arguments of Python, not options."""
    try:
        yield
    except FlopscopeError as error:
        error.args = (as_python(str(error)),)
        raise
