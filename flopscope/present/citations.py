"""Papers of the catalogue as citations: a key for LaTeX, an entry for BibTeX, and a file of
entries."""

from __future__ import annotations

from collections.abc import Iterable

from flopscope.answers.compare import Comparison
from flopscope.catalog.papers import Paper

SIGNS = str.maketrans({c: f"\\{c}" for c in "&%$#_{}"} | {"á": r"{\'a}"})
"""What stands for signs of titles and names, so that every BibTeX reads and sorts them."""

HEADER = "% BibTeX entries by flopscope, which writes this file anew: keep your own in another."
"""The first line of a file of entries. It tells the file from a person's own."""


def papers(comparison: Comparison) -> list[Paper]:
    """The papers of the compared networks, each once."""
    variants = [entry.variant for entry in comparison.entries if entry.variant is not None]
    return list(dict.fromkeys(variant.model.paper for variant in variants))


def key(paper: Paper) -> str:
    r"""The citation key, which BibTeX and \cite share: by the paper's arXiv number.

    >>> from flopscope.catalog.models import MODELS
    >>> key(MODELS["mobilenetv2"].paper)
    'arxiv-1801.04381'
    """
    return f"arxiv-{paper.arxiv}"


def bibtex(paper: Paper) -> str:
    """The paper as a BibTeX entry, which needs no package; braces keep the capitals of its title.

    >>> from flopscope.catalog.models import MODELS
    >>> print(bibtex(MODELS["efficientnet_b0"].paper))
    @article{arxiv-1905.11946,
      author = {Tan, Mingxing and Le, Quoc V.},
      title = {{EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks}},
      journal = {arXiv preprint arXiv:1905.11946},
      year = {2019},
    }
    """
    return (
        f"@article{{{key(paper)},\n"
        f"  author = {{{' and '.join(map(_surname_first, paper.authors))}}},\n"
        f"  title = {{{{{paper.title.translate(SIGNS)}}}}},\n"
        f"  journal = {{arXiv preprint arXiv:{paper.arxiv}}},\n"
        f"  year = {{{paper.year}}},\n"
        "}"
    )


def bibliography(cited: Iterable[Paper]) -> str:
    """A file with the entries of these papers, in the order of their keys; empty without papers."""
    entries = [bibtex(paper) for paper in sorted(cited, key=key)]
    if not entries:
        return ""
    return "\n\n".join([HEADER, *entries]) + "\n"


def _surname_first(author: str) -> str:
    given, _, surname = author.rpartition(" ")
    return f"{surname}, {given}".translate(SIGNS)
