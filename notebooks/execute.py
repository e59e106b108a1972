"""Execute notebooks as a reader does, cell by cell in a kernel, and store them with their outputs.

python notebooks/execute.py [NOTEBOOK…]; all of them where none is named. Images are stored too.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
"""No version of Python: it is not what a notebook shows."""


def executed(path: Path) -> nbformat.NotebookNode:
    """The notebook with the outputs of a new run in its folder; nothing is written.

    Raises CellExecutionError where a cell raises.
    """
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        # a cell may train a search for half a minute, on a machine that does other things too
        timeout=600,
        kernel_name="python3",
        # it would warn that it talks to this process over TCP
        extra_arguments=["--IPKernelApp.log_level=40"],
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        coalesce_streams=True,
    ).execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    return notebook


def stored(path: Path) -> None:
    """Execute the notebook and write it in its place, whole or, where a cell raises, not at all."""
    notebook = executed(path)
    nbformat.validate(notebook)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for named in map(Path, sys.argv[1:]) if sys.argv[1:] else sorted(FOLDER.glob("*.ipynb")):
        print(named)
        stored(named.resolve())
