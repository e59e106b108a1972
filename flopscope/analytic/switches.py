"""Options of a network that are words: whose structure it follows, its form, and how it runs."""

from enum import Enum


class Recipe(Enum):
    """Which public implementation's structure to follow where they differ: `paper` is the authors'
    own code; the others are the libraries that most people load."""

    PAPER = "paper"
    TORCHVISION = "torchvision"
    TIMM = "timm"


class NetworkForm(Enum):
    """The two forms of a network whose branches are folded into one after training.

    `train` has parallel branches with norms of their own; in `deploy` each group of them is one
    convolution with bias, which computes the same: arXiv 2101.03697, section 3.3.
    """

    TRAIN = "train"
    DEPLOY = "deploy"


class Phase(Enum):
    """The two ways in which a language model runs: all tokens at once, or one more after those
    whose keys and values are kept."""

    PREFILL = "prefill"
    DECODE = "decode"
