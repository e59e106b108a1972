"""A strict reader of the LaTeX that tables are: what it does not know is an error."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

ENVIRONMENTS = ("table", "threeparttable", "tabular", "tablenotes")
COMMANDS = (
    *("begin", "end", "centering", "caption", "label", "footnotesize", "item", "tnote"),
    *("toprule", "midrule", "bottomrule", "multicolumn", "emph", "textbf", "cite"),
    *("textbackslash", "textasciitilde", "textasciicircum", "dots"),
)
"""Commands outside of formulas: those of LaTeX itself, booktabs and threeparttable."""
RULES = (r"\toprule", r"\midrule", r"\bottomrule")
_LABEL = re.compile(r"^\\label\{(.*)\}$", re.MULTILINE)
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)


@dataclass
class Tabular:
    """A table as LaTeX reads it: its cells are code."""

    alignment: str
    heads: list[list[str]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    spans: list[str] = field(default_factory=list)


@dataclass
class Page:
    """What a document in LaTeX has. `around` are each table's environments, outermost first."""

    needs: list[str]
    captions: list[str]
    labels: list[str]
    notes: list[str]
    tables: list[Tabular]
    around: list[tuple[str, ...]]
    comments: list[str]


def read(code: str) -> Page:
    """The document, in which every brace, formula and environment ends, every row has a cell for
    each column, and no sign or command stands that LaTeX does not print or know."""
    lines = code.splitlines()
    comments = [line for line in lines if line.startswith("%")]
    body = "\n".join(line for line in lines if not line.startswith("%"))
    _check_signs(_LABEL.sub("", body))
    around = _check_environments(body)
    tables = re.findall(r"\\begin\{tabular\}\{(\w+)\}\n(.*?)\n\\end\{tabular\}", body, re.DOTALL)
    return Page(
        re.findall(r"^% needs \\usepackage\{(\w+)\}$", code, re.MULTILINE),
        re.findall(r"^\\caption\{(.*)\}$", body, re.MULTILINE),
        _LABEL.findall(body),
        re.findall(r"^\\item(.*)$", body, re.MULTILINE),
        [_tabular(alignment, rows) for alignment, rows in tables],
        around,
        comments,
    )  # fmt: skip


def _check_signs(body: str) -> None:
    depth, formula = 0, False
    for token in _TOKEN.findall(body):
        if token == "$":
            formula = not formula
        elif token in "{}":
            depth += 1 if token == "{" else -1
            assert depth >= 0, body
        elif token in "^_":
            assert formula, f"{token} outside of a formula: {body}"
        elif token == "\n":
            assert (depth, formula) == (0, False), f"a line ends inside braces: {body}"
        elif re.fullmatch(r"\\[A-Za-z]+", token):
            assert formula or token[1:] in COMMANDS, token
        else:
            assert token not in "#%<>|" or formula, f"{token} is not printed as it is: {body}"
            assert token.isascii() or token in "áéöüß–", f"{token} needs a command: {body}"
    assert (depth, formula) == (0, False)


def _check_environments(body: str) -> list[tuple[str, ...]]:
    inside: list[str] = []
    around = []
    for which, name in re.findall(r"\\(begin|end)\{(\w+)\}", body):
        assert name in ENVIRONMENTS, name
        if which == "begin":
            inside.append(name)
            around += [tuple(inside[:-1])] if name == "tabular" else []
        else:
            assert inside.pop() == name, body
    assert not inside, body
    return around


def _tabular(alignment: str, body: str) -> Tabular:
    found = Tabular(alignment)
    assert set(alignment) <= {"l", "r"}
    lines = body.split("\n")
    assert (lines[0], lines[-1]) == (RULES[0], RULES[2]), body
    first = lines.index(RULES[1])
    for number, line in enumerate(lines[1:-1], start=1):
        if line == RULES[1]:
            continue
        assert line.endswith(r" \\"), line
        assert not line.startswith(("[", "*")), f"the row before takes this as an option: {line}"
        cells = [cell.strip() for cell in re.split(r"(?<!\\)&", line.removesuffix(r" \\"))]
        span = re.fullmatch(r"\\multicolumn\{(\d+)\}\{l\}\{\\emph\{(.*)\}\}", cells[0])
        if span is not None:
            assert (int(span[1]), len(cells)) == (len(alignment), 1)
            found.spans.append(span[2])
            continue
        assert len(cells) == len(alignment), line
        (found.heads if number < first else found.rows).append(cells)
    return found
