"""Networks of RegNetX's design space by the settings of its rule: arXiv 2003.13678, section 3.3."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from reference_models.regnet import regnetx


def network(settings: Mapping[str, float], classes: int = 1000) -> nn.Module:
    """The RegNetX of {'w0': 24, 'wa': 36, 'wm': 2.5, 'd': 13, 'g': 8}."""
    w0, d, g = (int(settings[name]) for name in ("w0", "d", "g"))
    return regnetx(classes, w0=w0, wa=settings["wa"], wm=settings["wm"], d=d, g=g)
