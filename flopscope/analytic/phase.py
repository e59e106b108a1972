"""The two ways in which a language model runs."""

from enum import Enum


class Phase(Enum):
    """All tokens at once, or one more after those whose keys and values are kept."""

    PREFILL = "prefill"
    DECODE = "decode"
