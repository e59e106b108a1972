"""What the documentation site adds to Sphinx: formulas that every browser typesets by itself, and
docstrings as this project writes them."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

FUNCTION = re.compile(r"`fs\.(\w+)`")
CODE = re.compile(r"(?<![`:\\\w])`([^`\n]+)`(?![`_])")


def _inline(self: Any, node: nodes.math) -> None:
    self.body.append(tex2mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def _displayed(self: Any, node: nodes.math_block) -> None:
    tex = node.astext().strip()
    self.body.append(f'<div class="math">{tex2mathml(tex, as_block=True)}</div>\n')
    raise nodes.SkipNode


def linked(line: str) -> str:
    """A docstring's line for Sphinx: `name` is code, and `fs.name` leads to that function.

    >>> linked("see `fs.hold`, with `max_macs`")
    'see :py:obj:`fs.hold <flopscope.hold>`, with ``max_macs``'
    """
    return CODE.sub(r"``\1``", FUNCTION.sub(r":py:obj:`fs.\1 <flopscope.\1>`", line))


def _docstring(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = [line if line.lstrip().startswith(">>> ") else linked(line) for line in lines]


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls this as it starts."""
    app.add_html_math_renderer("mathml", (_inline, None), (_displayed, None))
    app.connect("autodoc-process-docstring", _docstring)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
