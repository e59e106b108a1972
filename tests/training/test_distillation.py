"""The loss of a student, against its equation, its limits, and the gradient in the paper."""

import math

import numpy as np
import pytest
import torch
from small_training import few_images, small_net
from torch.nn import functional

import flopscope as fs
from flopscope.training.distilling import answering, distilled
from flopscope.training.images import images
from flopscope.training.recipe import Distillation

S = torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]], dtype=torch.float64)
T = torch.tensor([[2.0, 0.0, -1.0], [1.0, 1.0, 0.0]], dtype=torch.float64)
Y = torch.tensor([0, 2])


def softmax(row):
    total = sum(map(math.exp, row))
    return [math.exp(n) / total for n in row]


@pytest.mark.parametrize(("temperature", "alpha"), [(1, 0.5), (4, 0.9), (0.5, 0.1)])
def test_the_loss_is_its_equation(temperature, alpha):
    expected = 0.0
    for s, t, y in zip(S.tolist(), T.tolist(), Y.tolist(), strict=True):
        p, q = (softmax([n / temperature for n in row]) for row in (t, s))
        kl = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
        hard = -math.log(softmax(s)[y])
        expected += ((1 - alpha) * hard + alpha * temperature**2 * kl) / len(Y)
    found = distilled(S, Y, T, Distillation(temperature, alpha))
    assert found.item() == pytest.approx(expected)


def test_alpha_is_the_weight_of_the_teacher():
    assert distilled(S, Y, T, Distillation(2, 0)) == functional.cross_entropy(S, Y)
    assert distilled(S, Y, S, Distillation(2, 1)).item() == pytest.approx(0, abs=1e-12)


def test_a_high_temperature_matches_logits():
    """arXiv 1503.02531, section 2.1: with centred logits the gradient tends to (s − t)/n."""
    s = (S - S.mean(1, keepdim=True)).requires_grad_()
    t = T - T.mean(1, keepdim=True)
    distilled(s, Y, t, Distillation(1e4, 1)).backward()
    torch.testing.assert_close(s.grad, (s.detach() - t) / (3 * len(Y)), rtol=1e-3, atol=1e-4)


def test_a_student_learns_what_its_teacher_answers():
    """With α = 1 labels do not count: they are shuffled, and the student tells the teacher's."""
    x, y = (part[:500] for part in images("digits"))
    teacher = fs.train(small_net(), (x, y), epochs=10, batch=16, rate=0.1)
    assert teacher.accuracy > 0.85
    labels = np.random.default_rng(1).permutation(y)
    kept = {"epochs": 10, "batch": 16, "temperature": 2, "alpha": 1}
    student = fs.train(small_net(), (x, labels), teacher=teacher, **kept)
    answers = (net.network(torch.from_numpy(x)).argmax(1) for net in (teacher, student))
    first, second = answers
    assert (first == second).float().mean() > 0.9
    assert student.accuracy < 0.4  # on the shuffled labels


def test_the_teacher_stays_as_it_is():
    teacher = small_net().train()
    teacher[1].eval()
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    modes = [part.training for part in teacher.modules()]
    fs.train(small_net(), few_images(), epochs=1, batch=16, teacher=teacher)
    assert [part.training for part in teacher.modules()] == modes
    assert all(torch.equal(before[name], now) for name, now in teacher.state_dict().items())
    with answering(teacher):
        assert not any(part.training for part in teacher.modules())


def test_a_record_teaches_with_its_averaged_weights():
    taught = fs.train(small_net(), few_images(), epochs=2, batch=16, ema=0.5)
    assert taught.average is not None
    by_record = fs.train(small_net(), few_images(), epochs=1, batch=16, teacher=taught)
    by_module = fs.train(small_net(), few_images(), epochs=1, batch=16, teacher=taught.average)
    assert by_record == by_module
