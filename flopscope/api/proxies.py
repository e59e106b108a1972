"""Zero-cost proxies of untrained networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flopscope.api.given import natural, some_texts
from flopscope.api.public import public
from flopscope.api.subject import Shapes, shapes
from flopscope.present.report import Report
from flopscope.present.table import Document

if TYPE_CHECKING:
    from torch import nn

    from flopscope.answers.proxies import Proxies


@dataclass(frozen=True, repr=False)
class ProxiesReport(Report):
    """The report that `proxies` returns; `found` has the values."""

    found: Proxies

    def document(self) -> Document:
        """The values, each with what it knows of accuracy."""
        from flopscope.present.proxies import proxies_document

        return proxies_document(self.found)

    @property
    def about(self) -> str:
        networks = ", ".join(each.name for each in self.found.networks)
        return f"{', '.join(each.name for each in self.found.asked)} of {networks}"


@public(of=some_texts, seed=natural, inputs=shapes)
def proxies(
    *targets: str | nn.Module,
    of: str | Sequence[str] = (),
    res: int | tuple[int, int] | None = None,
    batch: int = 16,
    seed: int = 0,
    inputs: Shapes = (),
    arguments: Mapping[str, Any] | None = None,
) -> ProxiesReport:
    """The zero-cost proxies named in `of`, or all, of each network on a `batch` of random images.

    A text is built with weights from the `seed`. A module keeps its own weights and is left exactly
    as it is found: weights, gradients, buffers, mode, and the state of all random numbers. Needs
    torch. Raises BadInput, UnknownName.

    >>> from torch import nn
    >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> found = proxies(net, of="params,macs", res=8).found
    >>> dict(found.networks[0].values)
    {'params': 224, 'macs': 7776}
    """
    from flopscope.answers.proxies import proxies as answer
    from flopscope.errors import BadInput

    if not targets:
        raise BadInput("fs.proxies is given no network; name one, such as 'mobilenetv2'")
    return ProxiesReport(
        answer(targets, of, res=res, batch=batch, seed=seed, inputs=inputs, arguments=arguments)
    )
