"""Knowledge distillation: a student learns from the answers of a teacher."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.nn import functional

from flopscope.training.recipe import Distillation


def distilled(logits: Tensor, y: Tensor, taught: Tensor, by: Distillation) -> Tensor:
    """The loss of a student with a teacher.

    (1 − α)·H(y, softmax(s)) + α·T²·KL(softmax(t/T) ‖ softmax(s/T)), the mean over images, with the
    student's logits s and the teacher's t, (n, classes) each, and the labels y, (n,). T² keeps the
    gradients of both terms of one size as T changes. α in [0, 1], T > 0. Source: arXiv 1503.02531,
    section 2, whose cross entropy with soft targets has the gradient of KL.
    """
    t = by.temperature
    soft = functional.kl_div(
        functional.log_softmax(logits / t, dim=1),
        functional.log_softmax(taught / t, dim=1),
        reduction="batchmean",
        log_target=True,
    )
    return by.alpha * t * t * soft + (1 - by.alpha) * functional.cross_entropy(logits, y)


@contextmanager
def answering(teacher: nn.Module | None) -> Iterator[None]:
    """While active, the teacher is in the mode of evaluation; its parts are put back afterwards."""
    trained = [] if teacher is None else [part for part in teacher.modules() if part.training]
    for part in trained:
        part.training = False
    try:
        yield
    finally:
        for part in trained:
            part.training = True
