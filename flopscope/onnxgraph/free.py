"""Operators that compute nothing by definition, and the inputs that only set an operator up."""

from __future__ import annotations

from collections.abc import Mapping

from flopscope.onnxgraph.tensors import Call

FREE: Mapping[str, int] = {
    "Cast": 0,
    "CastLike": 0,
    "Constant": 0,
    "ConstantOfShape": 0,
    "DepthToSpace": 0,
    "Dropout": 0,
    "Expand": 0,
    "EyeLike": 0,
    "Flatten": 0,
    "Gather": 0,
    "GatherElements": 0,
    "GatherND": 0,
    "Identity": 0,
    "OneHot": 0,
    "Pad": 0,
    "Range": 0,
    "Reshape": 0,
    "ReverseSequence": 0,
    "ScatterElements": 0,
    "ScatterND": 0,
    "Shape": 0,
    "Size": 0,
    "Slice": 0,
    "SpaceToDepth": 0,
    "Split": 0,
    "Squeeze": 0,
    "Tile": 0,
    "Transpose": 0,
    "Trilu": 0,
    "Unsqueeze": 0,
    "Where": 1,
}
"""Views, copies, look-ups, padding and constants, with the input whose elements they show."""

SETTINGS: Mapping[str, tuple[int, ...]] = {
    "Clip": (1, 2),
    "Dropout": (1, 2),
    "OneHot": (1, 2),
    "Pad": (1, 2, 3),
    "Range": (0, 1, 2),
    "Resize": (1, 2, 3),
    "Shape": (0,),
    "Size": (0,),
    "Upsample": (1,),
}
"""Inputs that are bounds, scales or fillings, or are asked for their shape only: no parameters."""


def is_free(call: Call) -> bool:
    """Does this call compute nothing? Training's dropout and scattered sums do."""
    if call.op == "Dropout" and (training := call.optional(2)) is not None:
        return training.numbers is not None and not training.numbers.any()
    if call.op in ("ScatterElements", "ScatterND"):
        return bool(call.attribute("reduction", "none") == "none")
    return call.op in FREE
