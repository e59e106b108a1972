"""A network as an ONNX file, checked and counted, and what other runtimes need of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flopscope.answers.exporting.sizes import Range, batches, dimensions, images
from flopscope.api.given import flag, image, is_integer, positive, text, texts
from flopscope.api.own import network_or_maker
from flopscope.api.public import public
from flopscope.api.spoken import speaking_python
from flopscope.api.subject import Shapes, shapes
from flopscope.brief import shown
from flopscope.errors import BadInput
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from torch import nn

    from flopscope.answers.export import Exported


@dataclass(frozen=True, repr=False)
class ExportReport(Report):
    """The report that `export` returns. It is false where the file computes something else than the
    module, or the asked runtime does not read it. `found.files` has what is written, by the endings
    of the files."""

    found: Exported
    output: str | None = None

    def document(self) -> Document:
        """What it costs as a module, as a file and as it runs, and what a runtime needs."""
        from flopscope.present.export import export_document

        return export_document(self.found, self.output)

    @property
    def about(self) -> str:
        found = self.found
        return f"{found.target.name}, {len(found.content):,} bytes"

    @property
    def holds(self) -> bool:
        return self.found.holds


def _batch(name: str, value: Any) -> Range:
    """A batch, or the three of a profile, as numbers or as a text."""
    with speaking_python():
        if isinstance(value, str):
            return batches(text(name, value))
        if isinstance(value, tuple | list) and len(value) == 3 and all(map(is_integer, value)):
            return batches(":".join(map(str, value)))
        return batches(str(positive(name, value)))


def _res(name: str, value: Any) -> tuple[Range, Range]:
    """The size of an image, or three sides, or three sizes, as numbers or as a text."""
    with speaking_python():
        if isinstance(value, str):
            return images(text(name, value))
        if isinstance(value, tuple | list) and len(value) == 3:
            return images(":".join(_side(name, each, value) for each in value))
        return images(_side(name, value, value))


def _side(name: str, value: Any, whole: Any) -> str:
    try:
        found = image(name, value)
    except BadInput as error:
        raise BadInput(
            f"{name} {shown(whole)} is neither the size of an image nor three of them; give one "
            "such as 224 or (192, 256), or three such as (160, 224, 288)"
        ) from error
    return str(found) if isinstance(found, int) else "x".join(map(str, found))


@public(
    target=network_or_maker, batch=_batch, res=_res, inputs=shapes, dynamic=texts, opset=positive,
    to=text, fp16=flag, output=text,
)  # fmt: skip
def export(
    target: str | nn.Module | Callable[..., nn.Module],
    *,
    output: str | None = None,
    batch: int | str | Sequence[int] = 1,
    res: int | str | Sequence[int] | None = None,
    inputs: Shapes = (),
    arguments: Mapping[str, Any] | None = None,
    dynamic: str | Sequence[str] = (),
    opset: int = 17,
    to: str | None = None,
    fp16: bool = False,
) -> ExportReport:
    """Export a network to ONNX, run the file in ONNX Runtime beside the module, and count both.

    `batch` and `res` are one size or the minimum, the optimum and the maximum of a profile, such as
    (1, 16, 32); `dynamic` are dimensions that stay open: "batch", "height", "width". `to` makes it
    ready for "tensorrt", "openvino", "ncnn", "executorch" or "coreml", with `fp16` in numbers of 16
    bits. With `output` the files are written, all or none, and only if the report is true. A module
    keeps its weights, and is afterwards as it was; those of a network that is named are drawn.
    Needs torch, onnx and onnxruntime, and the runtime's own package. Raises BadInput, also where
    torch cannot export the network, and UnknownName.

    >>> report = export("mobilenetv1:width=0.25", res=32, dynamic="batch")
    >>> bool(report), report.to_dict()["inputs"][0]["sizes"]
    (True, ['batch', 3, 32, 32])
    """
    from flopscope.answers.counted import Given
    from flopscope.answers.export import export as answer
    from flopscope.answers.exporting.recipes import Wanted
    from flopscope.answers.exporting.sizes import ONE, Sizes
    from flopscope.answers.exporting.writing import check_output, write

    height, width = (None, None) if res is None else _read(res)
    span = ONE if batch == 1 else batch
    assert isinstance(span, Range)
    sizes = Sizes(span, height, width, dimensions(list(dynamic)))
    wanted = Wanted(sizes, opset, to, fp16)
    if output is not None:
        check_output(output, to)
    found = answer(target, wanted, Given(inputs=tuple(inputs)), arguments)
    if output is not None and found.holds:
        write(output, found)
    return ExportReport(found, output)


def _read(res: Any) -> tuple[Range, Range]:
    """The two ranges that the reader of `res` has made."""
    height, width = res
    return height, width
