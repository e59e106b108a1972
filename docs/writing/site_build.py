"""Lay out the pages of the documentation site and build it: `make docs`.

The pages are those that a code host shows, in the same folders, so that their links hold, and pages
that are written here from the program. `--reduced` leaves out the notebooks, the reference of
Python and the schemas, which take most of the time; `--explored` limits the page to explore.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import site_commands
import site_links
import site_python
import site_schemas
import site_tables

from flopscope.cli import main as flopscope_main
from flopscope.cli.commands import COMMANDS

ROOT = Path(__file__).parents[2]
SITE = ROOT / "docs" / "site"
BESIDE = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "CITATION.cff", "LICENSE")
CHAPTERS: Mapping[str, Sequence[str]] = {
    "docs/tutorial": ("README", "docs/installing"),
    "docs/concepts": ("docs/conventions", "docs/tracing", "docs/witnesses"),
    "gallery": ("docs/pictures",),
    "notebooks/index": (),
    "reference/index": (
        *("reference/cli/index", "reference/python/index", "reference/json", "docs/typed"),
        *("docs/networks", "docs/architectures", "docs/laws", "reference/devices"),
    ),
    "project": ("CHANGELOG", "CONTRIBUTING", "docs/architecture", "SECURITY"),
}
"""The pages below each page of the site's bar. All others are how-to pages, below HOW_TO, in the
order in which that page names them."""
HOW_TO = "docs/README"
LEFT_OUT = "# {title}\n\nThis build leaves it out; `make docs` has it.\n"
EXPLORER = "explore"
"""The command that writes the page to explore. While there is none, the site has no such page."""
BEHIND = "Gallery <gallery>"
"""The entry of the site's bar before which the explorer stands."""
EMBEDDED = """\
# Explorer

Every network of the catalogue, computed in this page as its sliders move. `flopscope explore`
writes the same file for networks of your own.

```{raw} html
<p><a href="explorer-page.html">On a page of its own</a></p>
<iframe class="explorer" src="explorer-page.html" title="Explorer of networks"></iframe>
```
"""


def stage(folder: Path, reduced: bool = False, explored: Sequence[str] = ()) -> None:
    """Lay out every page below a folder, which is made anew. `explored` are the networks of the
    page to explore, all of the catalogue where none is named."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SITE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    ignored = shutil.ignore_patterns("site", "writing", "__pycache__", "*.png.json")
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=ignored)
    for name in BESIDE:
        shutil.copy(ROOT / name, folder)
    (folder / "notebooks").mkdir()
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(notebook, folder / "notebooks")
    _pages(folder / "reference" / "cli", site_commands.pages())
    (folder / "reference" / "devices.md").write_text(site_tables.devices(), encoding="utf-8")
    (folder / "gallery.md").write_text(site_tables.gallery(), encoding="utf-8")
    (folder / "notebooks" / "index.md").write_text(site_tables.notebooks(), encoding="utf-8")
    _explorer(folder, explored)
    if reduced:
        _pages(folder / "reference" / "python", [("index", LEFT_OUT.format(title="Python"))])
        _pages(folder / "reference", [("json", LEFT_OUT.format(title="JSON"))])
    else:
        _pages(folder / "reference" / "python", site_python.pages())
        site_schemas.write(folder / "reference" / "json.md", folder / "reference" / "schemas")
    _chapters(folder)


def _chapters(folder: Path) -> None:
    """Add to the page of each chapter the list of the pages below it, for the site's sidebar."""
    chapters = dict(CHAPTERS)
    chapters["notebooks/index"] = sorted(
        f"notebooks/{path.stem}" for path in (folder / "notebooks").glob("*.ipynb")
    )
    placed = {HOW_TO, *chapters, *itertools.chain(*chapters.values())}
    text = (folder / f"{HOW_TO}.md").read_text(encoding="utf-8")
    pages = [f"docs/{path.stem}" for path in (folder / "docs").glob("*.md")]
    others = [page for page in pages if page not in placed]
    chapters[HOW_TO] = sorted(others, key=lambda page: _place(text, page))
    for chapter, below in chapters.items():
        listed = "\n".join(f"/{page}" for page in below)
        with (folder / f"{chapter}.md").open("a", encoding="utf-8") as page:
            page.write(f"\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n")


def _place(text: str, page: str) -> tuple[int, str]:
    """Where the index names a page first; behind all others if it does not."""
    found = text.find(f"]({page.removeprefix('docs/')}.md")
    return (found if found >= 0 else len(text), page)


def _pages(folder: Path, pages: Iterable[tuple[str, str]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages:
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


def _explorer(folder: Path, explored: Sequence[str]) -> None:
    """The page to explore, in a page of the site, where the program has that command."""
    if EXPLORER not in COMMANDS:
        return
    (folder / "_extra").mkdir(exist_ok=True)
    written = folder / "_extra" / "explorer-page.html"
    named = [*explored, "--only"] if explored else []
    if flopscope_main([EXPLORER, *named, "-o", str(written)]) != 0:
        raise SystemExit("flopscope explore failed; the site was not built")
    (folder / "explorer.md").write_text(EMBEDDED, encoding="utf-8")
    index = folder / "index.md"
    text = index.read_text(encoding="utf-8")
    assert BEHIND in text
    text = text.replace(BEHIND, f"Explorer <explorer>\n{BEHIND}")
    index.write_text(text, encoding="utf-8")


def build(folder: Path, reduced: bool = False, explored: Sequence[str] = ()) -> list[str]:
    """Build the site into `folder/html` from `folder/source`; what is wrong with it, if anything.

    Every warning of Sphinx is an error.
    """
    source, site = folder / "source", folder / "html"
    stage(source, reduced, explored)
    shutil.rmtree(site, ignore_errors=True)
    from sphinx.cmd.build import main as sphinx

    tags = ["-t", "reduced"] if reduced else []
    options = ["-b", "html", "-W", "--keep-going", "--fresh-env", "-q", *tags]
    status = sphinx([*options, "-d", str(folder / "doctrees"), str(source), str(site)])
    if status:
        return [f"Sphinx ended with status {status}"]
    return list(site_links.wrong(site))


def spelling() -> int:
    """The exit status of codespell over everything that is written in words."""
    words = SITE / "words.txt"
    read = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", ".github")
    places = ("docs", "flopscope", "reference_models", "notebooks", "benchmarks", *read)
    skipped = "*.csv,*.json,*.png,*.svg,*.ipynb,*/build/*"
    options = ("--ignore-words", str(words), "--skip", skipped)
    command = [sys.executable, "-m", "codespell_lib", *options, *places]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def main(arguments: list[str] | None = None) -> int:
    """Build and check the site; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--reduced", action="store_true", help="without notebooks, Python and JSON")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "build" / "site")
    parser.add_argument(
        "--explored", action="append", default=[], help="a network of the page to explore; else all"
    )
    asked = parser.parse_args(arguments)
    faults = build(asked.output, asked.reduced, asked.explored)
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    if faults or spelling():
        return 1
    sys.stdout.write(f"wrote {asked.output / 'html' / 'index.html'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
