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
    """A number of an untrained network. `words` are its definition in a phrase; `paper` defined it,
    and `code` is the published implementation that it agrees with. Both are empty where it is
    counted and the network need not run."""

    name: str
    words: str
    paper: str = ""
    code: str = ""

    def __repr__(self) -> str:
        return short(self, self.name)

    @property
    def runs(self) -> bool:
        """Must the network run?"""
        return bool(self.code)


class Correlation(NamedTuple):
    """Spearman's rank correlation with accuracy and its 95 % bootstrap interval; the same given
    MACs, None for MACs themselves."""

    spearman: float
    low: float
    high: float
    given_macs: float | None = None
    given_low: float | None = None
    given_high: float | None = None


_SAMSUNG = "SamsungLabs/zero-cost-nas at a43bfbc, after arXiv 2101.08134"
_AZ_NAS = "arXiv 2403.19232", "cvlab-yonsei/AZ-NAS at 5e6683a"

_ROWS = (
    Proxy("params", "learnable parameters"),
    Proxy("macs", "multiply-accumulates of one image"),
    Proxy("grad_norm", "Σ over layers of ‖∂L/∂W‖₂", "arXiv 2101.08134", _SAMSUNG),
    Proxy("snip", "Σ |∂L/∂W ⊙ W|", "arXiv 1810.02340", _SAMSUNG),
    Proxy("grasp", "Σ −(H·∂L/∂W) ⊙ W", "arXiv 2002.07376", _SAMSUNG),
    Proxy("synflow", "Σ |∂R/∂W ⊙ W|, R = 1ᵀ∏|W|1", "arXiv 2006.05467", _SAMSUNG),
    Proxy(
        "fisher",
        "Σ over weights of their channel's ½ mean (Σ z ⊙ ∂L/∂z)²",
        "arXiv 1801.05787",
        _SAMSUNG,
    ),
    Proxy(
        "jacob_cov",
        "−Σ ln(λ + k) + 1/(λ + k) of the correlations of input gradients",
        "arXiv 2006.04647v1",
        _SAMSUNG,
    ),
    Proxy(
        "naswot",
        "ln|det K|, K = N − Hamming distances of ReLU codes",
        "arXiv 2006.04647v3",
        "BayesWatch/nas-without-training at b3a82a6",
    ),
    Proxy(
        "zico",
        "Σ over layers of ln Σ mean|g| / std(g)",
        "arXiv 2301.11300",
        "SLDGroup/ZiCo at b0fec65",
    ),
    Proxy(
        "zen",
        "ln E‖f(x) − f(x + γε)‖₁ + Σ ln σ of batch norms",
        "arXiv 2102.01063",
        "idstcv/ZenNAS at d1d617e",
    ),
    Proxy("expressivity", "Σ over blocks of the entropy of their maps", *_AZ_NAS),
    Proxy("progressivity", "least rise of that entropy", *_AZ_NAS),
    Proxy("trainability", "mean over blocks of 2 − σ − 1/σ", *_AZ_NAS),
    Proxy("az_nas", "Σ ln(rank / m) of the last three and MACs, among m networks", *_AZ_NAS),
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

CORRELATIONS: Mapping[str, Correlation] = {
    "params": Correlation(0.318, 0.175, 0.441, -0.466, -0.557, -0.341),
    "macs": Correlation(0.796, 0.733, 0.844),
    "grad_norm": Correlation(0.867, 0.822, 0.899, 0.590, 0.476, 0.684),
    "snip": Correlation(0.764, 0.692, 0.820, 0.222, 0.063, 0.372),
    "grasp": Correlation(0.017, -0.132, 0.172, -0.006, -0.144, 0.120),
    "synflow": Correlation(0.794, 0.730, 0.842, 0.289, 0.159, 0.428),
    "fisher": Correlation(0.654, 0.557, 0.733, 0.216, 0.068, 0.364),
    "jacob_cov": Correlation(0.533, 0.412, 0.634, 0.575, 0.473, 0.658),
    "naswot": Correlation(0.898, 0.861, 0.922, 0.697, 0.607, 0.768),
    "zico": Correlation(0.794, 0.733, 0.841, 0.327, 0.195, 0.465),
    "zen": Correlation(0.748, 0.674, 0.807, 0.150, 0.017, 0.298),
    "expressivity": Correlation(0.708, 0.619, 0.779, 0.148, 0.012, 0.302),
    "progressivity": Correlation(0.326, 0.198, 0.443, 0.379, 0.239, 0.504),
    "trainability": Correlation(0.864, 0.822, 0.895, 0.671, 0.587, 0.737),
    "az_nas": Correlation(0.820, 0.757, 0.869, 0.448, 0.329, 0.565),
}
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
