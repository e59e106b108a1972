"""The papers of the catalogue as entries for BibTeX."""

from __future__ import annotations

import re

from flopscope.catalog.models import MODELS
from flopscope.present.citations import bibliography, bibtex, key

PAPERS = {model.paper for model in MODELS.values()}


def test_every_paper_of_the_catalogue_has_an_entry_of_its_own() -> None:
    assert len({key(paper) for paper in PAPERS}) == len(PAPERS)
    for paper in PAPERS:
        entry = bibtex(paper)
        assert entry.count("{") == entry.count("}")
        assert f"journal = {{arXiv preprint arXiv:{paper.arxiv}}}" in entry
        assert f"year = {{{paper.year}}}" in entry
        assert entry.isascii(), entry
        (authors,) = re.findall(r"^  author = \{(.*)\},$", entry, re.MULTILINE)
        assert len(authors.split(" and ")) == len(paper.authors) >= 2
        assert all(re.fullmatch(r"[^,]+, [^,]+", name) for name in authors.split(" and "))


def test_authors_stand_by_surname_and_accents_as_tex_writes_them() -> None:
    entry = bibtex(MODELS["regnetx_200mf"].paper)
    assert "author = {Radosavovic, Ilija and Kosaraju, Raj Prateek and Girshick, Ross" in entry
    assert entry.splitlines()[1].endswith(r"and He, Kaiming and Doll{\'a}r, Piotr},")


def test_the_bibliography_has_each_paper_once_in_the_order_of_keys() -> None:
    text = bibliography(PAPERS)
    keys = [line.split("{")[1].rstrip(",") for line in text.splitlines() if line[:1] == "@"]
    assert keys == sorted({key(paper) for paper in PAPERS})
    assert len(keys) == len(PAPERS)
    assert all(bibtex(paper) in text for paper in PAPERS)
    assert text.splitlines()[0].startswith("% BibTeX entries by flopscope")


def test_without_papers_there_is_no_file() -> None:
    assert bibliography([]) == ""
