"""The file of BibTeX entries that --bib writes beside a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from flopscope.cli.files import check_file, write_with
from flopscope.cli.options import checked_by
from flopscope.errors import BadInput

if TYPE_CHECKING:
    from flopscope.cli.answering import Answer


def check_bib(path: str) -> None:
    """Raises BadInput for a file that has another ending, that cannot be written, or that somebody
    else has written."""
    if not path.lower().endswith(".bib"):
        raise BadInput(
            f"--bib {path} names no file for BibTeX; give one that ends in .bib, such as papers.bib"
        )
    check_file(path)
    if not _is_ours(Path(path)):
        raise BadInput(
            f"'{path}' has entries that flopscope did not write, and --bib would write the file "
            "anew; give another name"
        )


BIB = click.option(
    "--bib",
    "bib_path",
    callback=checked_by(check_bib),
    metavar="FILE.bib",
    help="Write the BibTeX entries of the networks' papers into this file, for \\bibliography.",
)


def _is_ours(file: Path) -> bool:
    """May the file be written anew, as it is new or empty or has flopscope's first line?"""
    from flopscope.present.citations import HEADER

    if not file.is_file():
        return True
    content = file.read_text(encoding="utf-8", errors="replace")
    return not content.strip() or content.startswith(HEADER)


def write_bib(answer: Answer, path: str) -> Answer:
    """Write the entries of the answer, and give the answer without them.

    Raises BadInput where it has none.
    """
    if not answer.bibliography:
        raise BadInput(
            "--bib is for networks of the catalogue, whose papers are known, and the table has "
            "none; leave --bib out"
        )
    check_bib(path)  # again, as the answer may have taken long
    write_with(path, answer.bibliography.encode(), None)
    return answer.without_entries()
