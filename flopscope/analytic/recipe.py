"""Which public implementation's structure to follow where they differ."""

from enum import Enum


class Recipe(Enum):
    """`paper` is the authors' own code; the others are the libraries that most people load."""

    PAPER = "paper"
    TORCHVISION = "torchvision"
    TIMM = "timm"
