"""How torchvision is imported if its compiled extension does not load.

torchvision describes the operators of its extension when it is imported. If the extension was
compiled for another torch they do not exist, so the import fails, and with it the import of timm. A
trace runs no kernel, so it is enough to declare the operators and to import torchvision again,
which itself registers the shapes of their results and their gradients.

They are declared only after such a failure, because a second declaration beside a working extension
would end the program.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import TypeVar

import torch

Returned = TypeVar("Returned")

_GRID = "float spatial_scale, SymInt pooled_height, SymInt pooled_width"
_WHOLE = "SymInt batch_size, SymInt channels, SymInt height, SymInt width"
_BOXES = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_DEFORMED = (
    "Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, SymInt stride_h, "
    "SymInt stride_w, SymInt pad_h, SymInt pad_w, SymInt dilation_h, SymInt dilation_w, "
    "SymInt groups, SymInt offset_groups, bool use_mask"
)

SCHEMAS: Mapping[str, str] = {
    "_cuda_version": "() -> int",
    "nms": _BOXES,
    "qnms": _BOXES,
    "roi_align": (
        f"(Tensor input, Tensor rois, {_GRID}, int sampling_ratio, bool aligned) -> Tensor"
    ),
    "_roi_align_backward": (
        f"(Tensor grad, Tensor rois, {_GRID}, {_WHOLE}, int sampling_ratio, bool aligned) -> Tensor"
    ),
    "qroi_align": (
        "(Tensor input, Tensor rois, float input_scale, int input_zero_point, float rois_scale, "
        f"int rois_zero_point, {_GRID}, int sampling_ratio, bool aligned) -> Tensor"
    ),
    "roi_pool": f"(Tensor input, Tensor rois, {_GRID}) -> (Tensor, Tensor)",
    "_roi_pool_backward": (
        f"(Tensor grad, Tensor rois, Tensor argmax, {_GRID}, {_WHOLE}) -> Tensor"
    ),
    "ps_roi_align": (
        f"(Tensor input, Tensor rois, {_GRID}, int sampling_ratio) -> (Tensor, Tensor)"
    ),
    "_ps_roi_align_backward": (
        f"(Tensor grad, Tensor rois, Tensor channel_mapping, {_GRID}, int sampling_ratio, "
        f"{_WHOLE}) -> Tensor"
    ),
    "ps_roi_pool": f"(Tensor input, Tensor rois, {_GRID}) -> (Tensor, Tensor)",
    "_ps_roi_pool_backward": (
        f"(Tensor grad, Tensor rois, Tensor channel_mapping, {_GRID}, {_WHOLE}) -> Tensor"
    ),
    "deform_conv2d": f"({_DEFORMED}) -> Tensor",
    "_deform_conv2d_backward": (
        f"(Tensor grad, {_DEFORMED}) -> (Tensor, Tensor, Tensor, Tensor, Tensor)"
    ),
    "box_iou_rotated": "(Tensor boxes1, Tensor boxes2) -> Tensor",
}
"""The operators of torchvision's extension, as its C++ declares them."""

SAID = (
    "flopscope: the compiled extension of torchvision does not load beside torch "
    f"{torch.__version__}; its operators are declared by their shapes, which is all that a trace "
    "needs\n"
)


def with_torchvision(run: Callable[[], Returned]) -> Returned:
    """Call `run`, which may import torchvision. If that fails because the extension's operators are
    missing, they are declared, a line on standard error says so, and `run` is called again. Raises
    what `run` raises otherwise."""
    try:
        return run()
    except Exception as error:
        if not lacks_operators(error) or _declared():
            raise
    _declare()
    with _extension_taken_as_loaded():
        import_module("torchvision")
    sys.stderr.write(SAID)
    return run()


def lacks_operators(error: BaseException | None) -> bool:
    """Does the error, or one from which it was raised, say that operators of torchvision are
    missing?"""
    while error is not None:
        if "operator torchvision::" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _declared() -> bool:
    return hasattr(torch.ops.torchvision, "nms")


def _declare() -> None:
    for name, schema in SCHEMAS.items():
        torch.library.define(f"torchvision::{name}", schema)
    answers = torch.library.impl("torchvision::_cuda_version", "default")
    answers(_no_cuda)


def _no_cuda() -> int:
    """What the extension answers if it was compiled without CUDA."""
    return -1


@contextmanager
def _extension_taken_as_loaded() -> Iterator[None]:
    """While active, torchvision can be imported again and finds its operators, so that it registers
    their shapes and gradients."""
    for name in [n for n in sys.modules if n == "torchvision" or n.startswith("torchvision.")]:
        del sys.modules[name]
    load = torch.ops.load_library

    def tolerant(path: str) -> None:
        try:
            load(path)  # type: ignore[no-untyped-call]
        except OSError:
            if "_C" not in path:
                raise

    vars(torch.ops)["load_library"] = tolerant
    try:
        yield
    finally:
        del vars(torch.ops)["load_library"]
