"""The bytes of a quantised network, and the network really quantised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flopscope.api.given import as_given, flag, is_integer, texts
from flopscope.api.public import public
from flopscope.api.subject import Shapes, specs
from flopscope.errors import BadInput, check_name
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from torch import nn

    from flopscope.answers.quantize import Quantised


@dataclass(frozen=True, repr=False)
class QuantizeReport(Report):
    """The report that `quantize` returns. `found` holds terms, layers and the run. It is false
    where a file's tensors are not those of the formula."""

    found: Quantised
    everything: bool = False

    def document(self) -> Document:
        """The bytes term by term, and the layers."""
        from flopscope.present.quantize import quantize_document

        return quantize_document(self.found, everything=self.everything)

    @property
    def about(self) -> str:
        return f"{self.found.target.name}, {self.found.terms.total:,} bytes"

    @property
    def holds(self) -> bool:
        return self.found.holds

    def save(self, path: str | Path) -> None:
        """Write the quantised network as an ONNX file. Raises BadInput where nothing was quantised,
        for the file of the network itself, and where the file cannot be written."""
        if self.found.run is None:
            raise BadInput("nothing was quantised yet; give runtime='ort' to fs.quantize")
        from flopscope.answers.quantize import refuse_itself

        refuse_itself(self.found.target, path)
        part = Path(f"{path}.part")
        try:
            part.write_bytes(self.found.run.content)
            part.replace(path)
        except OSError as error:
            raise BadInput(
                f"cannot write '{path}'; give a file in a folder that exists and is writable"
            ) from error


def _bits(name: str, value: Any) -> tuple[str, ...]:
    """A number, a text, or a list of them."""
    each = value if isinstance(value, list | tuple) else [value]
    return texts(name, [str(one) if is_integer(one) else one for one in each])


@public(bits=_bits, per_tensor=flag, skip=texts, sensitivity=flag, everything=flag, images=as_given)
def quantize(
    target: str | nn.Module,
    *inputs: Shapes,
    bits: Any = 8,
    per_tensor: bool = False,
    skip: Any = (),
    activations: str = "uint8",
    runtime: str | None = None,
    images: Any = None,
    sensitivity: bool = False,
    res: int | tuple[int, int] | None = None,
    batch: int = 1,
    arguments: Mapping[str, Any] | None = None,
    example: Mapping[str, int] | None = None,
    everything: bool = False,
) -> QuantizeReport:
    """The bytes of a network once it is quantised, term by term, before anything runs.

    `bits` are those of weights, such as 8 or ["4", "head*=8"]; `skip` has "first", "last" and
    patterns of layers that stay in float32. With `runtime="ort"` it is really quantised, calibrated
    on `images`: a folder, or an array (N, C, H, W). Raises BadInput, UnknownName.

    >>> report = quantize("mobilenetv2", skip="last")
    >>> report.to_dict()["bytes"]["total"], report.to_dict()["float32_bytes"]
    (7604032, 13951264)
    """
    from flopscope.answers.counted import Given
    from flopscope.answers.quantize import quantize as predict
    from flopscope.quantising.scheme import Scheme, parse_bits

    every, mixed = parse_bits(bits if isinstance(bits, tuple) else (bits,))
    scheme = Scheme(every, mixed, not per_tensor, tuple(skip), activations)
    given = Given(res, batch, specs(inputs), example=example or {})
    if runtime is None:
        if images is not None or sensitivity:
            raise BadInput("images and sensitivity are for runtime='ort'; give that too")
        return QuantizeReport(predict(target, scheme, given, arguments), everything)
    check_name("runtime", runtime, ("ort",))
    from flopscope.answers.quantised.run import quantize_for_real

    found = quantize_for_real(target, scheme, given, images, arguments, sensitivity)
    return QuantizeReport(found, everything)
