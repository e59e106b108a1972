"""The functions of `import flopscope as fs`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flopscope.answers import check as checking
from flopscope.answers import compare as comparing
from flopscope.answers import formula as formulas
from flopscope.answers.compare import Comparison
from flopscope.catalog.scaling import Scaling
from flopscope.catalog.variant import check_size, known_options, parse
from flopscope.closedform import Formula
from flopscope.extras import require_plots, require_witnesses
from flopscope.ledger import Ledger, Level
from flopscope.present.check import agreement_document
from flopscope.present.compare import comparison_document
from flopscope.present.report import Report
from flopscope.present.table import Document
from flopscope.sizes import Size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import nn

    from flopscope.answers.derive import Derivation
    from flopscope.tracing.calls import Rule

ImageSize = int | tuple[int, int]


def analyze(
    model: str, res: Size | tuple[Size, Size] | None = None, batch: Size = 1, **options: Size
) -> Ledger:
    """The ledger of a catalogue model, from its closed form.

    `res` is one size or (H, W), each an int, an integer array or a symbol; `options` override the
    variant's, arrays and symbols included. Raises BadInput, UnknownName.

    >>> analyze("mobilenetv2:width=1.4", res=224).macs().value
    582195824
    """
    variant = parse(model)
    check_size("batch", batch, "such as 1")
    known_options(variant, options)
    return variant.ledger(variant.resolution(res), batch, **options)


def build(model: str) -> nn.Module:
    """The reference PyTorch module of a catalogue model, randomly initialised. Needs torch.

    Raises BadInput or UnknownName for a model or option that does not exist.

    >>> sum(p.numel() for p in build("mobilenetv2").parameters())
    3504872
    """
    return parse(model).build()


def formula(name: str, quantity: str = "macs", *, free: Sequence[str] = ()) -> Formula:
    """The closed form of a model or block; see `flopscope.answers.formula.formula`.

    >>> print(formula("separable_conv"))
      B·C_in · H·W · (K² + C_out)
    """
    return formulas.formula(name, quantity, free)


def trace(
    module: nn.Module,
    *inputs: Any,
    example: Mapping[str, int] | None = None,
    rules: Mapping[str, Rule] | None = None,
    backward: bool = False,
    **named: Any,
) -> Ledger:
    """The ledger of any module on inputs of these shapes, sizes being numbers or names.

    See `flopscope.tracing.trace`; the ledger's conditions say where its formulas hold. Needs torch.
    Raises BadInput for anything but a module, and where the module cannot run on these inputs.

    >>> from torch import nn
    >>> print(trace(nn.Conv2d(3, 8, 3), ("B", 3, "H", "W")).macs().formula.domain)
    B ≥ 1; H, W ≥ 3
    """
    require_witnesses()
    from flopscope import tracing
    from flopscope.tracing.loading.refusals import check_module, named_inputs, refusing

    check_module(module)
    name, on = type(module).__name__, named_inputs(inputs, named)
    with refusing(name, module, on, inputs, named):
        traced = tracing.trace(
            module, *inputs, example=example, rules=rules, backward=backward, **named
        )
    return traced.ledger


def derive(
    make: Callable[..., nn.Module],
    arguments: Mapping[str, Any],
    *inputs: Any,
    quantities: Sequence[str] = ("macs", "params"),
    example: Mapping[str, int] | None = None,
) -> Derivation:
    """The formulas of a class or factory in its own arguments. An argument that is a symbol is a
    free size.

    >>> from torch import nn
    >>> from flopscope.symbolic import symbol
    >>> C, N = symbol("C"), symbol("N")
    >>> print(derive(nn.Linear, {"in_features": C, "out_features": N}).formula("params"))
      N · (C + 1)
    """
    require_witnesses()
    from flopscope import tracing
    from flopscope.answers import derive as deriving
    from flopscope.tracing.loading.refusals import named_inputs

    def run(sizes: Mapping[str, Any]) -> tracing.Trace:
        return tracing.derive(make, arguments, *inputs, example=sizes)

    name = getattr(make, "__name__", str(make))
    said = ", ".join(f"{key}={value}" for key, value in arguments.items()) or "no arguments"
    said += f" on {named_inputs(inputs, {})}" if inputs else ""
    first = deriving.first_trace(name, said, run, example or {}, make, arguments, option="")
    return deriving.derived(name, run, first, quantities)


@dataclass(frozen=True)
class ComparisonReport(Report):
    """The report that `compare` returns. `comparison` holds its entries."""

    comparison: Comparison

    def document(self) -> Document:
        return comparison_document(self.comparison)

    def plot(self, ax: Axes | None = None, panel: str = "kind") -> Axes:
        """One picture on these axes or new ones: the count by "stage" or "kind", or against
        "resolution", "width" or "activations".

        Needs matplotlib. Raises UnknownName for another panel, BadInput where nothing can vary.
        """
        require_plots()
        from flopscope.present.plots.comparison import draw
        from flopscope.present.plots.export import shown_axes

        return draw(shown_axes() if ax is None else ax, self.comparison, panel)


def compare(
    *models: str | nn.Module,
    res: ImageSize | None = None,
    batch: int = 1,
    convention: str = "macs",
    accuracy: str | None = None,
    by: str | None = None,
    check: bool = False,
    scale: Scaling | None = None,
) -> ComparisonReport:
    """Networks side by side: their params, work, activations, size and published accuracy.

    Each is a model of the catalogue, or a target as the command line takes it: `net.py:Net`,
    `timm:NAME`, `torchvision:NAME`, `model.onnx`, or a module, which is traced and needs torch.
    `accuracy` says whose top-1 is taken, as in "torchvision", "timm:a1_in1k" or "best". `scale`, a
    `flopscope.catalog.scaling.Scaling`, multiplies depth, width and resolution of each.

    >>> compare("mobilenetv1", "mobilenetv2", res=224).to_dict()["models"][1]["macs"]
    300774272
    """
    level = None if by is None else Level.named(by)
    return ComparisonReport(
        comparing.compare(
            models,
            res=res,
            batch=batch,
            convention_name=convention,
            accuracy=accuracy,
            by=level,
            check=check,
            scaling=scale,
        )
    )


@dataclass(frozen=True)
class AgreementReport(Report):
    """The report that `check` returns. It is false where anything differs."""

    comparison: Comparison

    def __bool__(self) -> bool:
        return self.comparison.agrees

    def document(self) -> Document:
        return agreement_document(self.comparison.entries)


def check(
    *models: str | nn.Module, res: ImageSize | None = None, batch: int = 1
) -> AgreementReport:
    """Each closed form against the real module, row by row, with fvcore and torch as witnesses; any
    other network's trace against fvcore and torch, in total.

    Needs torch and fvcore; raises BadInput where they are not installed.
    """
    return AgreementReport(checking.check(models, res=res, batch=batch))
