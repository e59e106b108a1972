"""Networks side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flopscope.api.budgets import device_given
from flopscope.api.given import as_given, scaling
from flopscope.api.networks import formed, named
from flopscope.api.public import public
from flopscope.api.subject import Shapes, shapes
from flopscope.extras import require_plots
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import nn

    from flopscope.answers.compare import Comparison
    from flopscope.catalog.scaling import Scaling
    from flopscope.present.paper import Layout
    from flopscope.timing.device import Device


@dataclass(frozen=True, repr=False)
class ComparisonReport(Report):
    """The report that `compare` returns. `comparison` holds its entries; a `layout` makes it a
    table for a paper. It is false where it was checked and a witness disagrees."""

    comparison: Comparison
    layout: Layout | None = None

    def document(self) -> Document:
        """The networks side by side."""
        if self.layout is not None:
            from flopscope.present.paper import paper_document

            return paper_document(self.comparison, self.layout)
        from flopscope.present.compare import comparison_document

        return comparison_document(self.comparison)

    @property
    def about(self) -> str:
        return named(self.comparison.entries)

    @property
    def holds(self) -> bool:
        return self.comparison.agrees

    def to_bibtex(self) -> str:
        """The papers of the networks as a file for BibTeX; empty if none is of the catalogue.

        >>> print(compare("efficientnet_b0").to_bibtex().split("\\n\\n")[1])
        @article{arxiv-1905.11946,
          author = {Tan, Mingxing and Le, Quoc V.},
          title = {{EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks}},
          journal = {arXiv preprint arXiv:1905.11946},
          year = {2019},
        }
        <BLANKLINE>
        """
        from flopscope.present.citations import bibliography, papers

        return bibliography(papers(self.comparison))

    def plot(self, ax: Axes | None = None, panel: str = "kind", **look: Any) -> Axes:
        """One picture on these axes or new ones: the count by "stage" or "kind", each as
        "stage-share" or "kind-share" too, "totals", or against "resolution", "width" or
        "activations".

        `look` has the command's options: size, title, xlim="100M:1G", ylim, xscale, yscale. Needs
        matplotlib. Raises UnknownName for another panel, BadInput where nothing can vary and for a
        look that cannot be drawn.
        """
        require_plots()
        from flopscope.present.plots.comparison import draw
        from flopscope.present.plots.export import axes_for
        from flopscope.present.plots.look import read_look

        seen = read_look(**look)
        return draw(axes_for(ax, seen), self.comparison, panel, seen)


@public(inputs=shapes, device=as_given)
def compare(
    *targets: str | nn.Module,
    res: int | tuple[int, int] | None = None,
    batch: int = 1,
    inputs: Shapes = (),
    example: Mapping[str, int] | None = None,
    convention: str = "macs",
    accuracy: str | None = None,
    by: str | None = None,
    check: bool = False,
    scale: Scaling | str | None = None,
    form: str | None = None,
    columns: str | Sequence[str] | None = None,
    sort: str | None = None,
    group: str | None = None,
    device: str | Device | Sequence[str | Device] = (),
) -> ComparisonReport:
    """The parameters, work, activations, size and published accuracy of networks, side by side.

    Each is a model of the catalogue, a target as the command line takes it (`net.py:Net`,
    `timm:NAME`, `torchvision:NAME`, `model.onnx`) or a module, which is traced and needs torch.
    `inputs` is the shape of the input of all of them, such as (1, 77, 512), or a list of several
    shapes; `example` gives the named sizes of an ONNX file. `scale`, a `Scaling`, multiplies the
    depth, width and resolution of each. `accuracy` says whose top-1 is taken: "paper",
    "torchvision", "timm:a1_in1k", "best". `columns`, `sort` and `group` lay the table out for a
    paper. On a `device`, or on each of several, the latency is predicted, by which rows are sorted
    as in `sort="+latency"`. Raises BadInput, UnknownName.

    >>> compare("mobilenetv1", "mobilenetv2", res=224).to_dict()["models"][1]["macs"]
    300774272
    """
    from flopscope.answers import compare as answers
    from flopscope.ledger import Level
    from flopscope.present.paper import Layout

    several = device if isinstance(device, list | tuple) else [device]
    devices = [each for each in map(device_given, several) if each is not None]
    chosen = ",".join(columns) if columns else None
    named_devices = [each.name for each in devices]
    layout = Layout.parse(chosen, sort, group, named_devices) if chosen or sort or group else None
    found = answers.compare(
        formed(targets, form),
        res=res,
        batch=batch,
        inputs=inputs,
        example=example,
        convention_name=convention,
        accuracy=accuracy,
        by=None if by is None else Level.named(by),
        check=check,
        scaling=scaling(scale),
        devices=devices,
    )
    return ComparisonReport(found, layout)
