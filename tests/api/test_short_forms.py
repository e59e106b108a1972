"""Objects that a reader meets have a short form on one line."""

import pytest
from torch import nn

import flopscope as fs

NET = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
LEDGER = fs.analyze("mobilenetv2")
FREE = fs.trace(NET, ("B", 3, "H", "W"))
FRONT = fs.pareto(families="mobilenetv2").front
FOUND = fs.reconcile("mobilenetv1", reported="579M").explanations[0]
SOLUTION = fs.solve("mobilenetv2", macs="150M", free="width").solution


@pytest.mark.parametrize(
    ("thing", "short"),
    [
        (LEDGER, "Ledger(151 rows, 3,504,872 parameters, 300,774,272 MACs (macs))"),
        (FREE, "Ledger(2 rows, free in B, H, W)"),
        (LEDGER.rows[0], "Operator(convolution stem.conv, (1, 3, 224, 224) → (1, 32, 112, 112))"),
        (FREE.rows[0], "Operator(convolution 0, (B, 3, H, W) → (B, 8, H - 2, W - 2))"),
        (LEDGER.macs(), "Reading(300,774,272 MACs (macs))"),
        (
            fs.formula("separable_conv"),
            "Formula(separable_conv macs: B·C_in·H·K²·W + B·C_in·C_out·H·W; "
            "domain: B, C_in, C_out, H, W ≥ 1; K odd)",
        ),
        (fs.profile(NET, (1, 3, 8, 8)).profile, "Profile(Sequential on (1, 3, 8, 8), 2 rows)"),
        (fs.compare("mobilenetv1").comparison, "Comparison(mobilenetv1)"),
        (fs.CONVENTIONS["fvcore"], "Convention(fvcore, MACs)"),
        (FOUND, "Explanation(mobilenetv1, 579M of work: 13 ways found)"),
        (FOUND.subject, "Subject(mobilenetv1)"),
        (fs.MODELS["mobilenetv2"], "Model(mobilenetv2)"),
    ],
)
def test_it_tells_what_it_is(thing, short):
    assert repr(thing) == short


@pytest.mark.parametrize(
    "thing",
    [
        fs.formula("mobilenetv2", free="width,classes"),
        fs.formula("mobilenetv2", free="width").expression,
        fs.analyze("mobilenetv2", width=fs.symbol("width")).macs(),
        FRONT,
        FRONT.cloud,
        FRONT.points[0],
        FRONT.question,
        SOLUTION,
        SOLUTION.designs[0],
        fs.audit("mobilenetv1").findings[0],
        fs.audit("mobilenetv1").findings[0].figure,
        fs.law("regnet").pages[0].law,
        fs.show("mobilenetv2").document(),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_it_is_one_line(thing):
    assert repr(thing).startswith(f"{type(thing).__name__}(")
    assert len(repr(thing)) <= 200
    assert "\n" not in repr(thing)


def test_a_ledger_prints_as_a_table():
    assert str(fs.trace(NET, (1, 3, 8, 8))) == (
        "path   kind                  output        params   MACs\n"
        "0      standard convolution  (1, 8, 6, 6)     224  7,776\n"
        "1      relu                  (1, 8, 6, 6)       0      0\n"
        "total                                         224  7,776"
    )
