"""How long networks take on a device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flopscope.api.budgets import device_given
from flopscope.api.given import as_given, text
from flopscope.api.public import public
from flopscope.api.subject import Shapes, specs
from flopscope.errors import BadInput
from flopscope.extras import require_plots
from flopscope.present.report import Report
from flopscope.present.table import Document
from flopscope.timing.roofline import milliseconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import nn

    from flopscope.answers.predict import Prediction
    from flopscope.timing.device import Device


@dataclass(frozen=True, repr=False)
class PredictReport(Report):
    """The report that `predict` returns; `predictions` have the times, unit by unit. `by` names a
    level of the parts of one network."""

    predictions: tuple[Prediction, ...]
    by: str | None = None

    def document(self) -> Document:
        """The times in a table."""
        from flopscope.present.predict import prediction_document

        return prediction_document(self.predictions, self.by)

    def plot(self, ax: Axes | None = None, **look: Any) -> Axes:
        """The units of one network under the roofs of the device, on these axes or new ones.

        `look` has the command's options: size, title, xlim, ylim, xscale, yscale. Needs matplotlib.
        Raises BadInput for several networks, for one without multiply-accumulates and for a look
        that cannot be drawn.
        """
        require_plots()
        from flopscope.present.plots.export import axes_for
        from flopscope.present.plots.look import read_look
        from flopscope.present.plots.roofline import roofline

        if len(self.predictions) != 1:
            raise BadInput(
                f"a roofline is of one network, and {len(self.predictions)} are predicted; predict "
                "one of them alone"
            )
        seen = read_look(**look)
        return roofline(axes_for(ax, seen), self.predictions[0], seen)

    @property
    def about(self) -> str:
        return ", ".join(
            f"{each.network.target.name} {milliseconds(each.time.seconds)}"
            for each in self.predictions
        )


@public(device=as_given, runtime=text, dtype=text)
def predict(
    *targets: str | nn.Module,
    device: str | Device,
    inputs: list[Shapes] | tuple[Shapes, ...] = (),
    res: int | tuple[int, int] | None = None,
    batch: int | None = None,
    arguments: Mapping[str, Any] | None = None,
    example: Mapping[str, int] | None = None,
    by: str | None = None,
    runtime: str | None = None,
    dtype: str | None = None,
) -> PredictReport:
    """The predicted time of one run of each network on a device, with intervals.

    A target is a module, or a text as the command line takes it. `device` is a name of one that
    comes with flopscope, the path of a device file, or the `device` of a calibration. `batch` is
    the one that most networks had which it was calibrated with, unless it is given. `by` shows the
    parts of one network by "stage", "block", "layer" or "kind". Raises BadInput, UnknownName.

    >>> predict("mobilenetv2", device="i7-12700h-inductor").to_dict()["schema"]
    'flopscope.predict/1'
    """
    from flopscope.answers.counted import Given
    from flopscope.answers.predict import predict as predicted
    from flopscope.answers.target import parse_target
    from flopscope.ledger import Level

    if by is not None:
        Level.named(by)
    known = device_given(device)
    assert known is not None
    given = Given(res, 1, specs(inputs), _pairs(arguments), example or {})
    networks = [parse_target(target) for target in targets]
    found = predicted(networks, given, known, batch=batch, runtime=runtime, dtype=dtype)
    return PredictReport(found, by)


def _pairs(arguments: Mapping[str, Any] | None) -> tuple[str, ...]:
    return tuple(f"{name}={value!r}" for name, value in (arguments or {}).items())
