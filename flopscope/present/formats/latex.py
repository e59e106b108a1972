"""Tables in LaTeX, by the package booktabs."""

from __future__ import annotations

from collections.abc import Sequence

from flopscope.present.table import Cell, Document, Table


def text(document: Document) -> str:
    """Tables in the style of booktabs."""
    return "\n\n".join(_text(table.shown()) for table in document.tables)


def _text(table: Table) -> str:
    alignment = "".join("r" if column.numeric else "l" for column in table.columns)
    heads = " & ".join(_escaped(column.line) for column in table.columns)
    rows = []
    for index, row in enumerate(table.rows):
        if (heading := table.heading(index)) is not None:
            over = rf"\multicolumn{{{len(table.columns)}}}{{l}}{{\emph{{{_escaped(heading)}}}}} \\"
            rows += [r"\midrule", over] if index else [over]
        rows.append(" & ".join(_cells(table, row)) + r" \\")
    if table.total:
        rows.insert(-1, r"\midrule")
    body = [rf"\begin{{tabular}}{{{alignment}}}", r"\toprule", heads + r" \\", r"\midrule"]
    body += [*rows, r"\bottomrule", r"\end{tabular}"]
    texts = (table.title, *table.notes, *table.bibliography)
    comments = [f"% {line}" for text in texts if text for line in text.split("\n")]
    return "\n".join([*comments, *body])


def _cells(table: Table, row: Sequence[Cell]) -> list[str]:
    return [
        _escaped(c.write(cell)) if c.latex is None or cell is None else c.latex(cell)
        for c, cell in zip(table.columns, row, strict=True)
    ]


_SIGNS = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {
        "×": r"$\times$",
        "α": r"$\alpha$",
        "ρ": r"$\rho$",
        "≥": r"$\geq$",
        "−": "$-$",
        "½": r"$\frac{1}{2}$",
        "\n": " ",
        "\u00a0": "~",
    }
)


def _escaped(text: str) -> str:
    return text.translate(_SIGNS)
