"""Zero-cost proxies by name: what each is, who defined it, and what it knows of accuracy.

`CORRELATIONS` is printed by `benchmarks/proxies.py`. The functions themselves, with their
equations, are in `flopscope/measured/proxies/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flopscope.brief import short
from flopscope.errors import UnknownName


class Proxy(NamedTuple):
    """A number of an untrained network. `words` are its definition in a phrase, `source` the paper
    and the implementation that it agrees with; `runs` says whether the network must run."""

    name: str
    words: str
    source: str
    runs: bool = True

    def __repr__(self) -> str:
        return short(self, self.name)


class Correlation(NamedTuple):
    """Spearman's rank correlation with accuracy and its 95 % bootstrap interval; the same given
    MACs, None for MACs themselves."""

    spearman: float
    low: float
    high: float
    given_macs: float | None = None
    given_low: float | None = None
    given_high: float | None = None


_ABDELFATTAH = "arXiv 2101.08134; SamsungLabs/zero-cost-nas at a43bfbc"
_AZ_NAS = "arXiv 2403.19232; cvlab-yonsei/AZ-NAS at 5e6683a"

_ROWS = (
    Proxy("params", "learnable parameters", "counted", runs=False),
    Proxy("macs", "multiply-accumulates of one image", "counted", runs=False),
    Proxy("grad_norm", "Σ over layers of ‖∂L/∂W‖₂", _ABDELFATTAH),
    Proxy("snip", "Σ |∂L/∂W ⊙ W|", f"arXiv 1810.02340; {_ABDELFATTAH}"),
    Proxy("grasp", "Σ −(H·∂L/∂W) ⊙ W", f"arXiv 2002.07376; {_ABDELFATTAH}"),
    Proxy("synflow", "Σ |∂R/∂W ⊙ W|, R = 1ᵀ∏|W|1", f"arXiv 2006.05467; {_ABDELFATTAH}"),
    Proxy(
        "fisher",
        "Σ over weights of their channel's ½ mean (Σ z ⊙ ∂L/∂z)²",
        f"arXiv 1801.05787; {_ABDELFATTAH}",
    ),
    Proxy(
        "jacob_cov",
        "−Σ ln(λ + k) + 1/(λ + k) of the correlations of input gradients",
        f"arXiv 2006.04647v1; {_ABDELFATTAH}",
    ),
    Proxy(
        "naswot",
        "ln|det K|, K = N − Hamming distances of ReLU codes",
        "arXiv 2006.04647v3; BayesWatch/nas-without-training at b3a82a6",
    ),
    Proxy(
        "zico",
        "Σ over layers of ln Σ mean|g| / std(g)",
        "arXiv 2301.11300; SLDGroup/ZiCo at b0fec65",
    ),
    Proxy(
        "zen",
        "ln E‖f(x) − f(x + γε)‖₁ + Σ ln σ of batch norms",
        "arXiv 2102.01063; idstcv/ZenNAS at d1d617e",
    ),
    Proxy("expressivity", "Σ over blocks of the entropy of their maps", _AZ_NAS),
    Proxy("progressivity", "least rise of that entropy", _AZ_NAS),
    Proxy("trainability", "mean over blocks of 2 − σ − 1/σ", _AZ_NAS),
    Proxy("az_nas", "Σ ln(rank / m) of the last three and MACs, among m networks", _AZ_NAS),
)

PROXIES: Mapping[str, Proxy] = {row.name: row for row in _ROWS}
"""The proxies, in the order in which they are shown."""

AZ_NAS = "az_nas"
AZ_NAS_PARTS = ("expressivity", "progressivity", "trainability", "macs")
"""What is ranked in `az_nas`."""

NETWORKS, SEED, DATE = 200, 0, "30 November 2026"
MEASURED_ON = (
    f"{NETWORKS} of the 6,561 networks of NAS-Bench-Macro (CIFAR-10), drawn with seed {SEED}, on "
    f"16 random images; {DATE}"
)
"""What the correlations are of."""

CORRELATIONS: Mapping[str, Correlation] = {}
"""The rows that `benchmarks/proxies.py` prints."""


def proxy(name: str) -> Proxy:
    """The proxy of this name, which may have hyphens, as in az-nas. Raises UnknownName.

    >>> proxy("az-nas").name
    'az_nas'
    """
    known = name.replace("-", "_")
    if known not in PROXIES:
        raise UnknownName("proxy", name, PROXIES)
    return PROXIES[known]
