"""Papers of the catalogue as citations: a key for LaTeX and an entry for BibTeX."""

from __future__ import annotations

from flopscope.answers.compare import Comparison
from flopscope.catalog.models import Paper

SIGNS = str.maketrans({c: f"\\{c}" for c in "&%$#_{}"})


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
    """The paper as a BibTeX entry; braces keep the capitals of its title.

    >>> from flopscope.catalog.models import MODELS
    >>> print(bibtex(MODELS["mobilenetv2"].paper))
    @misc{arxiv-1801.04381,
      title = {{MobileNetV2: Inverted Residuals and Linear Bottlenecks}},
      year = {2018},
      eprint = {1801.04381},
      archivePrefix = {arXiv},
    }
    """
    return (
        f"@misc{{{key(paper)},\n"
        f"  title = {{{{{paper.title.translate(SIGNS)}}}}},\n"
        f"  year = {{{paper.year}}},\n"
        f"  eprint = {{{paper.arxiv}}},\n"
        f"  archivePrefix = {{arXiv}},\n"
        "}"
    )
