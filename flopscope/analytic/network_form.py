"""The two forms of networks whose branches are folded into one after training."""

from enum import Enum


class NetworkForm(Enum):
    """`train` has parallel branches with norms of their own; in `deploy` each group of them is one
    convolution with bias, which computes the same: arXiv 2101.03697, section 3.3."""

    TRAIN = "train"
    DEPLOY = "deploy"
