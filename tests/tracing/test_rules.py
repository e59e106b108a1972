"""Rules of the reader's own: given in one line, checked against a run, used by the command."""

import pytest
import torch
from torch import nn

from flopscope.cli import main
from flopscope.errors import BadInput
from flopscope.facts import Kind
from flopscope.tracing import trace
from flopscope.tracing.calls import Facts
from flopscope.tracing.rules import check_rule


@torch.library.custom_op("flopscope_tests::product", mutates_args=())
def product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return a @ b


@product.register_fake
def _(a, b):
    return a.new_empty((a.shape[0], b.shape[1]))


class Net(nn.Module):
    def forward(self, x):
        return product(x, x.t())


NAME = "flopscope_tests::product"
RULES = {NAME: lambda call: Facts(Kind.MATMUL, call.tensors)}
WRONG = {NAME: lambda call: Facts(Kind.ADD, call.tensors)}


def test_without_a_rule_the_operator_is_unknown_and_with_one_it_counts():
    ledger = trace(Net(), (3, 5)).ledger
    assert ledger.macs().missing == (f":{NAME}",)
    ledger = trace(Net(), (3, 5), rules=RULES).ledger
    assert ledger.complete
    assert ledger.macs().value == 3 * 5 * 3


def test_a_rule_holds_at_free_sizes_too():
    ledger = trace(Net(), ("B", 5), rules=RULES).ledger
    assert str(ledger.macs().value) == "5·B²"


@pytest.mark.parametrize("shapes", [((2, 3), (3, 4)), ((5, 1), (1, 7))])
def test_a_right_rule_is_confirmed(shapes):
    inputs = [torch.randn(shape) for shape in shapes]
    (n, k), (_, m) = shapes
    assert check_rule(NAME, RULES[NAME], product, torch.matmul, *inputs).macs == n * k * m


A, B = torch.ones(2, 3), torch.ones(3, 4)


@pytest.mark.parametrize(
    ("rule", "operator", "reference", "said"),
    [
        (
            WRONG[NAME],
            product,
            torch.matmul,
            f"the rule of {NAME} counts 0 MACs and 8 acts on inputs of 2×3 and 3×4, "
            "the reference 24 and 40",
        ),
        (
            RULES[NAME],
            product,
            lambda a, b: a @ b + 1,
            f"{NAME} and its reference give other values on inputs of 2×3 and 3×4; "
            "the reference must do the same work",
        ),
        (
            RULES[NAME],
            torch.matmul,
            torch.matmul,
            f"the operator that was given does not call {NAME}",
        ),
        (
            RULES[NAME],
            product,
            lambda a, b: torch.fft.ifft(torch.fft.fft(a @ b)).real,
            "the reference leaves operators of unknown cost: :_fft_r2c, :_fft_c2c",
        ),
    ],
)
def test_a_wrong_rule_or_reference_is_named(rule, operator, reference, said):
    with pytest.raises(BadInput) as error:
        check_rule(NAME, rule, operator, reference, A, B)
    assert str(error.value) == said


FILE = """
from test_rules import Net, RULES
numbers = [1, 2]
"""


def run(capsys, *arguments):
    status = main(["profile", "rules.py:Net", "--input", "4,6", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.fixture
def _rules_file(tmp_path, monkeypatch):
    (tmp_path / "rules.py").write_text(FILE)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_rules_file")
def test_the_command_takes_rules(capsys):
    assert run(capsys, "--strict")[0] == 1
    assert run(capsys, "--strict", "--rules", "rules.py:RULES")[0] == 0
    assert run(capsys, "--rules", "rules.py:numbers") == (
        2,
        "",
        "flopscope: rules.py:numbers gives list, which is no mapping from operators' names, "
        "such as mylib::scan, to rules\n",
    )
