"""How each tool and the papers weigh a row, as data.

For each kind of operator, or for a single function, a convention has a sum of multiples of what can
be counted. A kind that it does not name counts nothing. So one ledger answers for every tool at
once.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from flopscope.conventions.convention import Convention, Weights
from flopscope.conventions.countable import COUNTABLES, Countable
from flopscope.conventions.tools import (
    ALL,
    DEEPSPEED,
    FVCORE,
    MACS_CONVENTION,
    MULTIPLYING,
    PTFLOPS,
    THOP,
    TORCH,
    TORCHINFO,
)
from flopscope.errors import check_name

__all__ = [
    "CONVENTIONS",
    "COUNTABLES",
    "MULTIPLYING",
    "Convention",
    "Countable",
    "Weights",
    "convention",
]

CONVENTIONS: Mapping[str, Convention] = MappingProxyType(
    {
        convention.name: convention
        for convention in (
            MACS_CONVENTION,
            FVCORE,
            TORCH,
            THOP,
            PTFLOPS,
            TORCHINFO,
            DEEPSPEED,
            ALL,
        )
    }
)


def convention(name: str) -> Convention:
    """The convention of that name. Raises UnknownName, which suggests the nearest names.

    >>> convention("torch").unit
    'FLOPs'
    """
    check_name("convention", name, CONVENTIONS)
    return CONVENTIONS[name]
