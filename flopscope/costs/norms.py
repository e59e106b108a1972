"""What norms and softmaxes cost."""

from __future__ import annotations

from flopscope.costs.acts import Cost, added
from flopscope.facts import Operator
from flopscope.sizes import elements, product, total


def batch_norm(row: Operator) -> Cost:
    """In inference x·s + t with s = γ/√(σ²+ε), t = β − μ·s: 2 acts for each element, 5 for each
    channel.

    Input and output (B, C, …). Without γ and β, s = 1/√(σ²+ε) and t = −μ·s: 2 acts for each element
    and 4 for each channel, since x·s − μ·s needs no act for the sign. The acts for channels do not
    grow with B.
    """
    n, channels = elements(row.output), row.output[1]
    shifts = channels if row.weights else 0
    return Cost(
        add=total((n, channels, shifts)),
        multiply=total((n, channels)),
        divide=channels,
        transcendental=channels,
    )


def batch_norm_training(row: Operator) -> Cost:
    """The acts of layer norm with channels as groups, and the update of the running mean and
    variance.

    A running value is (1 − momentum)·old + momentum·new: 2 multiplications and 1 addition; the new
    variance is unbiased, by n/(n − 1): one more multiplication.
    """
    channels = row.groups if row.buffers else 0
    running = Cost(add=product((2, channels)), multiply=product((5, channels)))
    return added(layer_norm(row), running)


def layer_norm(row: Operator) -> Cost:
    """(x − μ)/√(σ²+ε)·γ + β over groups of n elements; group norm is the same with other groups.

    Per group: mean n−1 adds, 1 divide; centring n; variance n multiplies, n−1 adds, 1 divide; ε,
    root, reciprocal 1 each; scaling n multiplies. Affine: n multiplies and n adds more.
    """
    n, groups = elements(row.output), row.groups
    affine = n if row.weights else 0
    return Cost(
        add=total((product((3, n)), -groups, affine)),
        multiply=total((product((2, n)), affine)),
        divide=product((3, groups)),
        transcendental=groups,
    )


def rms_norm(row: Operator) -> Cost:
    """x/√(mean of x² + ε)·γ over groups of n elements.

    Per group: n squares, n−1 adds, 1 divide; ε, root, reciprocal 1 each; scaling n multiplies.
    With γ n multiplies more. Source: arXiv 1910.07467, equation 4.
    """
    n, groups = elements(row.output), row.groups
    affine = n if row.weights else 0
    return Cost(
        add=n,
        multiply=total((product((2, n)), affine)),
        divide=product((2, groups)),
        transcendental=groups,
    )


def softmax(row: Operator) -> Cost:
    """Over n elements: n−1 comparisons for the maximum, n subtractions, n exponentials, n−1
    additions, n divisions.

    >>> from flopscope.facts import Kind
    >>> row = Operator(Kind.SOFTMAX, "", ((2, 10),), (2, 10), groups=2)
    >>> softmax(row).acts == 2 * (9 + 10 + 10 + 9 + 10)
    True
    """
    n, groups = elements(row.output), row.groups
    return Cost(add=product((2, n)) - groups, divide=n, compare=n - groups, transcendental=n)


def log_softmax(row: Operator) -> Cost:
    """Over n elements: n−1 comparisons for the maximum, n subtractions, n exponentials, n−1
    additions, 1 logarithm, n subtractions.

    >>> from flopscope.facts import Kind
    >>> row = Operator(Kind.LOG_SOFTMAX, "", ((2, 10),), (2, 10), groups=2)
    >>> log_softmax(row).acts == 2 * (9 + 10 + 10 + 9 + 1 + 10)
    True
    """
    n, groups = elements(row.output), row.groups
    return Cost(add=product((3, n)) - groups, compare=n - groups, transcendental=total((n, groups)))
