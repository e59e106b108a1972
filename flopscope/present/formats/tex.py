"""Plain text as LaTeX: the signs that flopscope prints, and those that LaTeX takes for commands."""

from __future__ import annotations

import re
from unicodedata import normalize

_SPECIAL = (
    {c: f"\\{c}" for c in "&%$#_{}"}
    | {c: f"${c}$" for c in "<>|"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"\u00a0": "~", "½": r"$\frac{1}{2}$"}
    | {"–": "--", "—": "---", "─": "-", "‘": "`", "’": "'", "“": "``", "”": "''", "…": r"\dots{}"}
)  # fmt: skip
_MATHS = {
    "×": r"\times", "·": r"\cdot", "−": "-", "→": r"\to", "±": r"\pm", "∞": r"\infty",
    "≥": r"\geq", "≤": r"\leq", "≠": r"\neq", "≈": r"\approx", "∂": r"\partial",
    "√": r"\surd", "Δ": r"\Delta", "Σ": r"\Sigma", "Π": r"\Pi", "‖": r"\|",
    "⌈": r"\lceil", "⌉": r"\rceil", "⌊": r"\lfloor", "⌋": r"\rfloor",
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "ε": r"\varepsilon", "λ": r"\lambda",
    "μ": r"\mu", "π": r"\pi", "ρ": r"\rho", "σ": r"\sigma", "φ": r"\varphi",
}  # fmt: skip
_SIGNS = str.maketrans(_SPECIAL | {sign: f"${code}$" for sign, code in _MATHS.items()})
_RAISED = re.compile("[⁻⁰¹²³⁴-⁹ⁿᵀᵖ]+")
_LOWERED = re.compile("[₀-₉]+")
_LINES = re.compile(r"[ ]*\n[ ]*")
_PERCENT = re.compile(r"(?<=\d) (?=%)")
_DASHES = re.compile("-(?=-)")
_BREAK = "\0"
"""It stands between two dashes, which LaTeX would join."""


def escaped(text: str) -> str:
    r"""The text so that LaTeX prints it as it is, on one line.

    >>> print(escaped("50% of net_a --res 224×224, B ≥ 10²"))
    50\% of net\_a -{}-res 224$\times$224, B $\geq$ 10$^{2}$
    """
    together = _PERCENT.sub("\u00a0", _LINES.sub(" ", text))
    apart = _DASHES.sub("-" + _BREAK, together)
    signs = apart.translate(_SIGNS).replace(_BREAK, "{}")
    raised = _RAISED.sub(lambda found: f"$^{{{_digits(found[0])}}}$", signs)
    return _LOWERED.sub(lambda found: f"$_{{{_digits(found[0])}}}$", raised)


def _digits(run: str) -> str:
    return normalize("NFKC", run).replace("\u2212", "-")
