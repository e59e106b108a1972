"""Text for a terminal that lacks some signs, or is narrower than a line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from textwrap import wrap
from unicodedata import normalize

SIGNS: Mapping[str, str] = {
    "×": "x", "·": "*", "−": "-", "→": "->", "…": "...", "─": "-", "½": "1/2", "\u00a0": " ",
    "≥": ">=", "≤": "<=", "≠": "!=", "≈": "~", "±": "+-", "∞": "inf", "√": "sqrt", "∂": "d",
    "⌈": "ceil(", "⌉": ")", "⌊": "floor(", "⌋": ")", "Σ": "Sum", "Π": "Prod", "‖": "||",
    "α": "alpha", "β": "beta", "γ": "gamma", "ε": "eps", "λ": "lambda", "μ": "mu", "π": "pi",
    "ρ": "rho", "σ": "sigma", "φ": "phi", "–": "-", "—": "-", "’": "'", "“": '"', "”": '"',
}  # fmt: skip
"""What stands for a sign in ASCII, as in ceil(H/2)."""

_RAISED = re.compile("[⁻⁰¹²³⁴-⁹ⁿᵀᵖ]+")
_LOWERED = re.compile("[₀-₉]+")
RULE = "─"
INDENT = 4
"""How much further in a line goes on that does not fit."""


def spelled(text: str, encoding: str) -> str:
    """The text with ASCII for the signs that an encoding lacks.

    >>> spelled("≥ 32·⌈H/2⌉² × 10¹²", "ascii")
    '>= 32*ceil(H/2)^2 x 10^12'
    >>> spelled("≥ 32·⌈H/2⌉² × 10¹²", "latin-1")
    '>= 32·ceil(H/2)² × 10¹²'
    """
    if _has(encoding, text):
        return text
    text = _RAISED.sub(lambda found: _moved(found[0], "^", encoding), text)
    text = _LOWERED.sub(lambda found: _moved(found[0], "_", encoding), text)
    return "".join(char if _has(encoding, char) else _plain(char) for char in text)


def escaped(text: str, encoding: str) -> str:
    """JSON with escapes for the signs that an encoding lacks, so that its strings stay as they are.

    >>> print(escaped('["224×224"]', "ascii"))
    ["224\\u00d7224"]
    """
    return "".join(char if _has(encoding, char) else _escape(char) for char in text)


def fitted(text: str, width: int) -> str:
    """The text with no line wider than this: what does not fit goes on in the next line.

    >>> fitted("one two three four", 12)
    'one two\\n    three\\n    four'
    """
    return "\n".join(part for line in text.split("\n") for part in _parts(line, width))


def _has(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _moved(run: str, sign: str, encoding: str) -> str:
    """An exponent or an index: all of it in ASCII, unless the encoding has all of it."""
    digits = normalize("NFKC", run).replace("\u2212", "-")
    return run if _has(encoding, run) else f"{sign}{digits}"


def _plain(char: str) -> str:
    """ASCII for a sign; what has none is written as JSON and Python write it."""
    if char in SIGNS:
        return SIGNS[char]
    return normalize("NFKD", char).encode("ascii", "ignore").decode() or _escape(char)


def _escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _parts(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    if set(line) <= {RULE, SIGNS[RULE]}:
        return [line[:width]]
    inside = len(line) - len(line.lstrip())
    further = " " * min(inside + INDENT, width // 3)
    return wrap(line, width, subsequent_indent=further, break_on_hyphens=False)
