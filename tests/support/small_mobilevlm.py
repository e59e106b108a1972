"""MobileVLM with a small vision tower, image, vocabulary and context, in both files at once.

Its own weights fill gigabytes; what depends on values or needs a CPU runs on these.
"""

import pytest

from flopscope.analytic import mobilevlm as closed
from reference_models import clipvision as tower
from reference_models import mobilevlm as module

DESIGN = (16, 24, 4, 2)  # width, hidden width, heads, layers
PIXELS, SEEN = 56, 4  # an image, and its tokens


def shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the test ends, mobilevlm_v2_1.7b is of `DESIGN` and takes images of `PIXELS`."""
    for where in (module, closed):
        for name, value in {"GRID": 2, "VOCABULARY": 50, "CONTEXT": 40, "IMAGE": PIXELS}.items():
            monkeypatch.setattr(where, name, value)
    for where in (tower, closed):
        for name, value in {"HIDDEN": 40, "HEADS": 4, "LAYERS": 3}.items():
            monkeypatch.setattr(where, f"VISION_{name}", value)
    for where, name, value in (
        (tower, "IMAGE", PIXELS),
        (tower, "VISION_WIDTH", 32),
        (module, "VISION_WIDTH", 32),
        (closed, "VISION_C", 32),
    ):
        monkeypatch.setattr(where, name, value)
    monkeypatch.setattr(closed, "PATCHES", (PIXELS // 14) ** 2)
    monkeypatch.setattr(closed, "IMAGE_TOKENS", SEEN)
    monkeypatch.setattr(module, "SMALL", module.DecoderSizes(*DESIGN))
    monkeypatch.setattr(closed, "SMALL", closed.DecoderSizes(*DESIGN))
