"""What the documentation site adds to Sphinx: formulas that every browser typesets by itself, and
docstrings as this project writes them."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from pygments.lexer import RegexLexer, bygroups
from pygments.token import Generic

CODE = re.compile(r"(?<![`:\\\w])`([^`]+)`(?![`_])")
ENDING = re.compile(r"(?<=\w)_(?=\W|$)")
"""An underscore at the end of a word, which would make a link of the word."""


class Console(RegexLexer):
    """What a terminal shows: behind a prompt what was typed, and as it is what was printed."""

    name = "console"
    tokens: ClassVar = {
        "root": [
            (r"^(\$ )(.*\n)", bygroups(Generic.Prompt, Generic.Strong)),
            (r".*\n", Generic.Output),
        ]
    }


class Commands(RegexLexer):
    """Commands alone, in which colours would pick out words by chance."""

    name = "sh"
    tokens: ClassVar = {"root": [(r".*\n", Generic.Output)]}


def _inline(self: Any, node: nodes.math) -> None:
    self.body.append(tex2mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def _displayed(self: Any, node: nodes.math_block) -> None:
    tex = node.astext().strip()
    self.body.append(f'<div class="math">{tex2mathml(tex, as_block=True)}</div>\n')
    raise nodes.SkipNode


def linked(paragraph: str) -> str:
    """A docstring's paragraph for Sphinx: `name` is code, and `fs.name` leads to that function.

    >>> linked("see `fs.hold`, with `max_` before max_macs or max_")
    'see :py:obj:`fs.hold <flopscope.hold>`, with ``max_`` before max_macs or max\\\\_'
    """
    if paragraph.lstrip().startswith(">>>"):
        return paragraph
    pieces = CODE.split(paragraph)
    pieces[::2] = [ENDING.sub(r"\\_", piece) for piece in pieces[::2]]
    pieces[1::2] = map(_code, pieces[1::2])
    return "".join(pieces)


def _code(text: str) -> str:
    name = text.removeprefix("fs.")
    if name != text and name.isidentifier():
        return f":py:obj:`{text} <flopscope.{name}>`"
    return f"``{text}``"


def _docstring(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    paragraphs = "\n".join(lines).split("\n\n")
    lines[:] = "\n\n".join(map(linked, paragraphs)).split("\n")


def setup(app: Any) -> dict[str, bool]:
    """Sphinx calls this as it starts."""
    app.add_html_math_renderer("mathml", (_inline, None), (_displayed, None))
    app.add_lexer("console", Console)
    app.add_lexer("sh", Commands)
    app.connect("autodoc-process-docstring", _docstring)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
