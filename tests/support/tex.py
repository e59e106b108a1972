"""A real TeX, where one is installed: a document is compiled, and its complaints are errors."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

NEEDS = "it needs pdflatex or tectonic"
PROGRAMS = ("pdflatex", "tectonic")
DOCUMENT = r"""\documentclass{article}
%s
\begin{document}
%s
\bibliographystyle{plain}
\bibliography{papers}
\end{document}
"""
COMPLAINTS = ("! ", "Missing character", "undefined", "multiply defined")


def check_compiles(code: str, entries: str, folder: Path) -> None:
    """Compile the code, with the packages that it names and these entries, or skip the test."""
    program = next(filter(shutil.which, PROGRAMS), None)
    if program is None:
        pytest.skip("neither pdflatex nor tectonic is installed")
    needs = [line.removeprefix("% needs ") for line in code.splitlines() if "% needs " in line]
    (folder / "doc.tex").write_text(DOCUMENT % ("\n".join(needs), code), encoding="utf-8")
    (folder / "papers.bib").write_text(entries, encoding="utf-8")
    log = _tectonic(folder) if program == "tectonic" else _pdflatex(folder)
    for complaint in COMPLAINTS:
        assert complaint not in log, log[max(0, log.index(complaint) - 500) :]
    assert (folder / "doc.pdf").read_bytes().startswith(b"%PDF")


def _tectonic(folder: Path) -> str:
    _said(["tectonic", "--keep-logs", "doc.tex"], folder)
    return (folder / "doc.log").read_text(encoding="latin-1")


def _pdflatex(folder: Path) -> str:
    """What TeX says in the last of its runs."""
    latex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "doc"]
    _said(latex, folder)
    if r"\citation" in (folder / "doc.aux").read_text(encoding="latin-1"):
        warned = _said(["bibtex", "doc"], folder)
        assert not {"Warning", "error"} & {*warned.replace("--", " ").split()}, warned
    else:  # an empty list of references is an error of its own
        (folder / "doc.bbl").write_text("", encoding="utf-8")
    _said(latex, folder)
    _said(latex, folder)
    return (folder / "doc.log").read_text(encoding="latin-1")


def _said(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, encoding="latin-1", timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
