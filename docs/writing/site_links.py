"""Do all links inside the built site lead somewhere, and does it load nothing from outside?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADING = {("img", "src"), ("script", "src"), ("iframe", "src"), ("source", "src")}
"""Attributes whose address a browser fetches by itself; so it does that of a `link`."""

EMBEDDED = "explorer-page.html"
"""A page with scripts in it, whose addresses are its state."""


class _Page(HTMLParser):
    """The links of a page, what it loads, and the names that links can lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.names = {"", "top"}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.names |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and given.get("rel") in ("stylesheet", "icon", "preload", "shortcut icon"):
            self.loads.append(given["href"])
        self.loads += [value for name, value in given.items() if (tag, name) in LOADING]


@cache
def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def wrong(site: Path) -> Iterator[str]:
    """One line for each link that leads nowhere, and for each address that a page loads."""
    static = {*(site / "_static").rglob("*"), site / EMBEDDED}
    for path in sorted(set(site.rglob("*.html")) - static):
        page = _read(path)
        for address in dict.fromkeys([*page.links, *page.loads]):
            if _outside(address):
                if address in page.loads:
                    yield f"{path.relative_to(site)} loads {address}"
            elif not _exists(path, address):
                yield f"{path.relative_to(site)} has a link to {address}, which leads nowhere"


def _outside(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.scheme or parts.netloc)


def _exists(page: Path, address: str) -> bool:
    parts = urlsplit(address)
    target = page.parent / unquote(parts.path) if parts.path else page
    if not target.exists():
        return False
    if target.is_dir():
        target = target / "index.html"
    if not parts.fragment or target.suffix != ".html":
        return target.exists()
    return unquote(parts.fragment) in _read(target.resolve()).names
