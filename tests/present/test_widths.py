"""Tables of large networks and of different inputs fit 80 columns, and say what they said."""

from __future__ import annotations

import csv
import io

import pytest

import flopscope as fs
from flopscope.agreement.records import (
    FVCORE,
    LEDGER,
    MODULE,
    TORCH,
    Agreement,
    Check,
    RowAgreement,
)
from flopscope.answers.compare import Entry
from flopscope.answers.target import of_variant
from flopscope.catalog.variant import parse
from flopscope.cli import main
from flopscope.costs import cost
from flopscope.present.check import agreement_document
from flopscope.present.operators import path_lines
from flopscope.present.render import render

LARGE = "mobilevlm_v2_3b"


def printed(capsys, *arguments: str) -> str:
    main([*arguments])
    out, err = capsys.readouterr()
    assert err == ""
    return out


@pytest.mark.parametrize(
    "command",
    [
        f"compare {LARGE}",
        f"compare {LARGE} mobilevlm_v2_1.7b --by layer --convention all",
        f"compare {LARGE}:phase=decode,tokens=1904 shufflenetv1_g1_x0.25",
        f"compare mobileclip_s0:form=train mobilenetv2 efficientsam_s {LARGE}",
        f"compare {LARGE} efficientsam_s mobilevlm_v2_1.7b --by kind",
        "compare mobilenetv2 efficientnet_b7 --by stage",
        f"show {LARGE}:tokens=1904 --convention all",
        "show mobileclip_s0:form=train",
        "show efficientsam_s:queries=3",
        f"reconcile {LARGE} --tool ptflops",
        f"reconcile {LARGE} --reported 1.48T",
        f"reconcile {LARGE} --params 3B",
        "reconcile efficientsam_s --reported 247463636480",
    ],
)
def test_tables_fit_80_columns(command: str, capsys) -> None:
    assert max(map(len, printed(capsys, *command.split()).splitlines())) <= 80


def test_different_inputs_stand_under_the_names_and_in_csv(capsys) -> None:
    command = ["compare", "mobilenetv2", "efficientnet_b7"]
    lines = printed(capsys, *command).splitlines()
    (second,) = (n for n, line in enumerate(lines) if line.startswith("efficientnet_b7 "))
    assert lines[second + 1] == "  600×600"
    # ratios and bytes are shorter; the work has its digits
    assert "37,745,884,192" in lines[second]
    rows = csv.DictReader(io.StringIO(printed(capsys, *command, "--format", "csv")))
    assert [row["resolution"] for row in rows] == ["(224, 224)", "(600, 600)"]


def test_a_path_is_broken_behind_dots_and_its_parts_are_all_there() -> None:
    path = "mask_decoder.layer1.cross_attention.q_proj"
    for room in (20, 30, 42):
        lines = path_lines(path, room).split("\n")
        assert "".join(line.strip("\u00a0") for line in lines) == path
        assert max(map(len, lines)) <= room


def test_a_check_of_a_large_network_fits_with_every_digit() -> None:
    """As if all witnesses agreed, whose run would take minutes."""
    ledger = fs.analyze(LARGE)
    everyone = (LEDGER, FVCORE, TORCH)
    rows = [
        RowAgreement(
            row.path,
            row.path,
            (Check(f"{row.path}: MACs", dict.fromkeys(everyone, int(cost(row).macs))),),
        )
        for row in ledger
    ]
    counts = {
        "parameters": (int(ledger.params()), (LEDGER, MODULE)),
        "activations": (int(ledger.activations()), (LEDGER, MODULE, FVCORE, TORCH)),
        "MACs of convolution": (int(ledger.macs()), everyone),
        "torch's own total": (int(ledger.flops("torch")), (LEDGER, TORCH)),
    }
    totals = [Check(name, dict.fromkeys(who, n)) for name, (n, who) in counts.items()]
    agreement = Agreement(tuple(rows), (), tuple(totals))
    variant = parse(LARGE)
    entry = Entry(of_variant(variant), variant.resolution(), 1, ledger, (), agreement)
    text = render(agreement_document([entry]), "table")
    assert max(map(len, text.splitlines())) <= 80
    total = text[text.index("\ntorch's own total") :].split()
    assert "1,480,488," in total
    assert "038,400" in total
