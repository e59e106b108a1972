"""The design space that a command is about: a built-in one, or one of the reader's own."""

from __future__ import annotations

from typing import TypeAlias

from flopscope.designspaces.known import space_named
from flopscope.designspaces.listed import ListedSpace
from flopscope.designspaces.space import DesignSpace
from flopscope.errors import BadInput, FlopscopeError
from flopscope.extras import require_witnesses

AnySpace: TypeAlias = DesignSpace | ListedSpace


def space_of(target: str | AnySpace) -> AnySpace:
    """The design space of a name, or of 'file.py:NAME', which may be a function that returns one.

    Raises UnknownName for a name that no space has, BadInput for what is no design space.
    """
    if isinstance(target, DesignSpace | ListedSpace):
        return target
    if ":" not in target:
        return space_named(target)
    require_witnesses()
    from flopscope.tracing.loading.targets import maker

    found = maker(target)
    if callable(found) and not isinstance(found, DesignSpace | ListedSpace):
        try:
            found = found()
        except FlopscopeError:
            raise
        except Exception as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())
            raise BadInput(
                f"{target} raises {said}; name a design space, or a function that returns one "
                "without arguments"
            ) from error
    if not isinstance(found, DesignSpace | ListedSpace):
        raise BadInput(
            f"{target} gives {type(found).__name__}, which is no design space; name a "
            "flopscope.designspaces.space.DesignSpace, or a function that returns one"
        )
    return found
