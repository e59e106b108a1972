"""Every named block is the formula traced from its PyTorch counterpart, in all its sizes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from flopscope.agreement import blocks
from flopscope.agreement.blocks import COUNTERPARTS, prove_block
from flopscope.analytic.blocks import conv_bn_act
from flopscope.analytic.named_blocks import C_OUT, NAMED_BLOCKS, NamedBlock
from flopscope.analytic.operators import conv2d
from flopscope.cli import main

EXCEPTIONS: frozenset[str] = frozenset()
"""Forms without a PyTorch counterpart."""


def test_every_form_has_a_counterpart_or_is_a_known_exception() -> None:
    assert COUNTERPARTS.keys() | EXCEPTIONS == NAMED_BLOCKS.keys()
    assert not COUNTERPARTS.keys() & EXCEPTIONS


@pytest.mark.parametrize("block", COUNTERPARTS)
def test_every_block_is_proved(block: str) -> None:
    for case, proof in prove_block(block):
        assert proof.mismatches == (), case
        assert proof.assumptions == (), case
        assert [total.name for total in proof.totals if not total.proved] == [], case
        assert proof.rows > 0
        assert proof


@pytest.mark.parametrize("block", ["inverted_residual", "mobilenetv3_block", "mbconv"])
def test_the_cases_of_a_shortcut_cover_all_widths(block: str) -> None:
    """Wider, equal, narrower; the input is added in one of them, where every row is compared."""
    rows = {case.where[-1 - len(COUNTERPARTS[block].given)]: proof.rows
            for case, proof in prove_block(block)}  # fmt: skip
    most = max(rows.values())
    assert rows == {
        "C_out = C_in": most,
        "C_out = C_in + j": most - 1,
        "C_in = C_out + j": most - 1,
    }


def test_a_condition_that_is_not_given_is_an_assumption(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the hidden width is the input's, MobileNetV3's code leaves out the expansion."""
    told = COUNTERPARTS["mobilenetv3_block"]
    untold = {**COUNTERPARTS, "mobilenetv3_block": told._replace(given=())}
    monkeypatch.setattr(blocks, "COUNTERPARTS", untold)
    proofs = dict(prove_block("mobilenetv3_block"))
    assert [proof.assumptions for proof in proofs.values()] == [
        ("C_in ≠ 32·m",), ("C_in ≠ 32·m",), ("C_out + j ≠ 32·m",)
    ]  # fmt: skip
    assert not any(proofs.values())


def test_a_wrong_closed_form_is_not_proved(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    wrong = replace(
        NAMED_BLOCKS["separable_conv"],
        block=lambda x: conv2d(conv2d(x, x.channels, 3, groups=x.channels, name="dw"), C_OUT, 1),
    )
    monkeypatch.setattr(blocks, "NAMED_BLOCKS", {**NAMED_BLOCKS, "separable_conv": wrong})
    ((case, proof),) = prove_block("separable_conv")
    assert str(case) == "separable_conv where K = 2·k + 1"
    assert not proof
    (mismatch,) = proof.mismatches
    assert set(mismatch.facts) == {"weights", "window"}
    assert main(["check", "separable_conv", "--prove", "--format", "csv"]) == 1
    _, parameters, *_ = capsys.readouterr().out.splitlines()
    assert parameters == "parameters,-4·C_in·k² - 4·C_in·k + 8·C_in,NOT PROVED"


def test_a_row_too_many_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = replace(NAMED_BLOCKS["pointwise_conv"], block=lambda x: conv_bn_act(x, C_OUT, 1))
    monkeypatch.setattr(blocks, "NAMED_BLOCKS", {**NAMED_BLOCKS, "pointwise_conv": wrong})
    ((_, proof),) = prove_block("pointwise_conv")
    assert [str(mismatch) for mismatch in proof.mismatches] == [
        "bn (no layer): row: closed form batch norm, traced None"
    ]
    assert not proof


def test_the_command_proves_blocks_and_models_together(capsys) -> None:
    assert main(["check", "resnext_bottleneck", "mobilenetv1", "--prove"]) == 0
    said = capsys.readouterr().out
    assert (
        "resnext_bottleneck where C_hid = G·m: 10 of 10 rows identical for all B, C_in,\n"
        "    G, H, W, m ≥ 1; proved\n"
    ) in said
    assert "mobilenetv1: 83 of 83 rows identical for all B, H, W ≥ 1; proved\n" in said


def test_the_json_has_a_record_for_each_case(capsys) -> None:
    names = ["mobilenetv1", "inverted_residual", "batch_norm"]
    assert main(["check", *names, "--prove", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [model["model"] for model in data["models"]] == ["mobilenetv1"]
    assert [(found["block"], found["where"], found["bounds"]) for found in data["blocks"]] == [
        ("inverted_residual", ["K = 2·k + 1", "C_out = C_in"], "B, C_in, H, W ≥ 1, k ≥ 0, t ≥ 2"),
        (
            "inverted_residual",
            ["K = 2·k + 1", "C_out = C_in + j"],
            "B, C_in, H, W, j ≥ 1, k ≥ 0, t ≥ 2",
        ),
        (
            "inverted_residual",
            ["K = 2·k + 1", "C_in = C_out + j"],
            "B, C_out, H, W, j ≥ 1, k ≥ 0, t ≥ 2",
        ),
        ("batch_norm", [], "B, C_in, H, W ≥ 1"),
    ]
    assert all(found["proved"] for found in data["blocks"])
    macs = next(t for t in data["blocks"][0]["totals"] if t["quantity"] == "MACs (macs)")
    assert macs["difference"] == "0"
    assert macs["closed_form"] == macs["traced"]


def test_each_case_is_a_column(capsys) -> None:
    assert main(["check", "fused_mbconv", "--prove", "--format", "csv"]) == 0
    head, first, *_ = capsys.readouterr().out.splitlines()
    assert head == "quantity,difference_case_1,difference_case_2,difference_case_3,verdict"
    assert first == "parameters,0,0,0,proved"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["separable_conv:width=2", "--prove"],
            "separable_conv is a block, free in all its sizes, but 'separable_conv:width=2' fixes "
            "some; leave them out",
        ),
        (
            ["separable_cov", "--prove"],
            "unknown model or block 'separable_cov'; did you mean separable_conv?",
        ),
        (
            ["mobilenetv1", "mbconv", "batch_norm"],
            "mbconv, batch_norm: a block has no sizes at which it could be checked; "
            "flopscope check --prove proves it for all sizes",
        ),
    ],
)
def test_messages(arguments: list[str], said: str, capsys) -> None:
    assert main(["check", *arguments]) == 2
    assert capsys.readouterr().err.replace("Error: ", "").strip().endswith(said)


def test_a_block_without_a_counterpart_is_named_as_such(
    monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    form = NamedBlock("a block of nowhere", "no paper", lambda x: conv2d(x, C_OUT, 1))
    monkeypatch.setitem(NAMED_BLOCKS, "nowhere", form)
    assert main(["check", "mobilenetv1", "nowhere", "--prove"]) == 2
    said = capsys.readouterr().err.strip()
    assert said.endswith(
        "nowhere is a closed form without a PyTorch counterpart, so there is nothing to prove it "
        f"against; with one are {', '.join(COUNTERPARTS)}"
    )
