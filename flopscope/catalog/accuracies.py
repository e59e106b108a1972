"""Whose accuracy a network is said to have, where several sources publish one.

Every command asks here, so all take the same. Unasked it is that of the first of `SOURCES` that
states one for the network at this input size; a reader may name a source, one recipe of it, or
"best". Accuracies in doubt, of more training data or of another structure, come after all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from fractions import Fraction
from functools import cache
from typing import NamedTuple, TypeAlias

from flopscope.catalog.figures import Figure, figures, has_figures
from flopscope.catalog.metrics import METRICS
from flopscope.catalog.models import MODELS
from flopscope.errors import BadInput, UnknownName

PAPER, AUTHORS, OTHER_PAPER = "paper", "authors", "other-paper"
LIBRARIES: Mapping[str, str] = {
    "torchvision": "torchvision",
    "huggingface/pytorch-image-models": "timm",
    "facebookresearch/pycls": "pycls",
    "keras-team/keras-applications": "keras",
    "open-mmlab/mmpretrain": "mmpretrain",
    "PaddlePaddle/PaddleClas": "paddleclas",
    "apple/ml-cvnets": "cvnets",
    "d-li14/mobilenetv3.pytorch": "d-li14",
    "osmr/imgclsmob": "imgclsmob",
}
"""The libraries by the first word of a citation."""
SOURCES = (
    PAPER, AUTHORS, "torchvision", "timm", OTHER_PAPER, "pycls", "keras", "mmpretrain",
    "paddleclas", "cvnets", "d-li14", "imgclsmob",
)  # fmt: skip
"""Whose accuracy is taken unasked: the first of these that states one. A network's own paper comes
before a paper that compares with it."""
NAMING = ("torchvision", "timm", "imgclsmob")
"""The sources whose citations name a network after the table that has it."""
WORDS: Mapping[str, str] = {OTHER_PAPER: "another paper"}
"""What a sentence says for a source that is not its name."""
PHRASES: Mapping[str, str] = {
    **WORDS,
    PAPER: "the network's own paper",
    AUTHORS: "the authors' repository",
}
"""The same for a source that is asked for."""
BEST = "best"

_WEIGHTS = re.compile(r"torchvision \S+ \S+ IMAGENET1K_(\S+)")
_TAG = re.compile(r"results-imagenet\.csv [^\s.]+\.([^\s;]+)")


class Doubt(Enum):
    """Why an accuracy is not one to choose by."""

    DATA = "from ImageNet-1k alone"
    STRUCTURE = "of this structure"


class Accuracy(NamedTuple):
    """One published accuracy of one network.

    top1: per cent on ImageNet-1k, as stated. whose: the one of `SOURCES` that states it. recipe:
    the training recipe, as torchvision (V1) and timm (a1_in1k) name theirs. library: the library
    that the repository is, the authors' own too. resolution: (height, width). source: the citation.
    doubt: what it is not, if anything. precision: "int8" of a quantised network, None of float32.
    """

    top1: Fraction
    whose: str
    recipe: str | None
    library: str | None
    resolution: tuple[int, int]
    source: str
    doubt: Doubt | None
    precision: str | None = None

    @property
    def words(self) -> str:
        """Whose it is, in a sentence.

        >>> from flopscope.catalog.figures import published
        >>> accuracies(published("resnet50", "resnet", "", (224, 224)))[1].words
        'torchvision V2'
        """
        whose = WORDS.get(self.whose, self.whose)
        return " ".join(filter(None, (whose, self.recipe, self.precision)))

    @property
    def table(self) -> str:
        """The citation without the network's own name, which some libraries' have at the end."""
        return " ".join(self.source.split()[:2]) if self.whose in NAMING else self.source

    @property
    def training(self) -> tuple[str, str]:
        """Who trained it, and by which recipe: its name, else the paper or repository."""
        first, second, *_ = self.source.split()
        return self.library or self.whose, self.recipe or (second if first == "arXiv" else first)


class Choice(NamedTuple):
    """Whose accuracy a reader wants: a source and one of its recipes, "best", or by default the
    first of `SOURCES`."""

    source: str | None = None
    recipe: str | None = None

    @property
    def words(self) -> str:
        """What it keeps to, in a sentence; "anyone" where it keeps to no source.

        >>> Choice("torchvision", "V2").words, Choice("authors").words
        ('torchvision V2', "the authors' repository")
        """
        if self.source is None or self.source == BEST:
            return "anyone"
        whose = PHRASES.get(self.source, self.source)
        return f"{whose} {self.recipe}" if self.recipe else whose

    def fits(self, accuracy: Accuracy) -> bool:
        """May it be taken?"""
        named = self.source in (None, BEST, accuracy.whose, accuracy.library)
        return named and self.recipe in (None, accuracy.recipe)

    def of(self, accuracies: Sequence[Accuracy]) -> Accuracy | None:
        """The one that is taken of those of a network, which are in order; None if none fits.

        >>> from flopscope.catalog.figures import published
        >>> found = accuracies(published("resnet18", "resnet", "", (224, 224)))
        >>> [float(choice.of(found).top1) for choice in (UNASKED, Choice(BEST))]
        [69.758, 71.504]
        """
        fitting = [accuracy for accuracy in accuracies if self.fits(accuracy)]
        if self.source == BEST and fitting:
            return max(fitting, key=lambda found: (found.doubt is None, found.top1))
        return fitting[0] if fitting else None


UNASKED = Choice()
"""The choice of a reader who names none."""


def parse_choice(text: str | None) -> Choice:
    """'torchvision', 'timm:a1_in1k' or 'best' as a choice; None is that of a reader who names none.

    Raises UnknownName for a source that does not exist, or a recipe that it does not have, and
    BadInput for the name of another metric.

    >>> parse_choice("torchvision:V2")
    Choice(source='torchvision', recipe='V2')
    """
    if text is None:
        return UNASKED
    source, colon, recipe = text.partition(":")
    if source in METRICS:
        raise BadInput(
            f"{source} is a metric of its own, {METRICS[source].words}, which is never mixed with "
            "the ImageNet-1k top-1 that an accuracy is; `flopscope compare --columns "
            f"{source}` shows it"
        )
    if source not in (*SOURCES, BEST):
        raise UnknownName("accuracy", source, (*SOURCES, BEST))
    if colon and recipe not in (known := _recipes(source)):
        raise UnknownName(f"recipe of {source}", recipe, known)
    return Choice(source, recipe if colon else None)


def accuracies(stated: Iterable[Figure], precision: str | None = None) -> tuple[Accuracy, ...]:
    """The accuracies among the figures of one network, in the order in which they are taken: those
    of float32, or those of a network quantised to a `precision` such as int8.

    Within a source the order is that of its file: a paper's final version before an early one,
    torchvision's first weights before later ones, timm's by top-1.

    >>> from flopscope.catalog.figures import published
    >>> found = accuracies(published("mobilenetv2", "mobilenetv2", "", (224, 224)))
    >>> [f"{float(each.top1)} {each.words}" for each in found[:4]]
    ['72.0 paper', '71.8 authors', '71.878 torchvision V1', '72.154 torchvision V2']
    """
    found = (f for f in stated if f.top1 is not None and f.precision == precision)
    return tuple(sorted(map(_accuracy, found), key=_order))


Network: TypeAlias = tuple[str, str, tuple[int, int]]
"""A model, the canonical text of its variant, and an input size."""


@cache
def networks(family: str, precision: str | None = None) -> Mapping[Network, tuple[Accuracy, ...]]:
    """The accuracies of each network of a family that has any, of float32 or of a precision."""
    found: dict[Network, list[Figure]] = {}
    for figure in figures(family) if has_figures(family) else ():
        if figure.top1 is not None and figure.precision == precision:
            key = (figure.model, figure.variant, figure.resolution)
            found.setdefault(key, []).append(figure)
    return {key: accuracies(several, precision) for key, several in found.items()}


def _order(accuracy: Accuracy) -> tuple[bool, int]:
    return accuracy.doubt is not None, SOURCES.index(accuracy.whose)


def _accuracy(figure: Figure) -> Accuracy:
    library = LIBRARIES.get(figure.source.split()[0])
    recipe = _WEIGHTS.match(figure.source) or _TAG.search(figure.source)
    assert figure.top1 is not None
    return Accuracy(
        Fraction(figure.top1),
        _whose(figure, library),
        recipe[1] if recipe else None,
        library,
        figure.resolution,
        figure.source,
        Doubt.DATA if figure.other_data else Doubt.STRUCTURE if figure.other_network else None,
        figure.precision,
    )


def _whose(figure: Figure, library: str | None) -> str:
    if figure.kind == "paper":
        own = figure.source.split()[1] == MODELS[figure.model].paper.arxiv
        return PAPER if own else OTHER_PAPER
    return AUTHORS if library is None or figure.kind == "official" else library


def _recipes(source: str) -> list[str]:
    """The names of the recipes of a source."""
    families = dict.fromkeys(model.family for model in MODELS.values())
    every = (a for family in families for several in networks(family).values() for a in several)
    return sorted({a.recipe for a in every if a.recipe and source in (BEST, a.whose)})
