"""Objects that a reader meets have a short form on one line."""

from functools import cache

import pytest
from torch import nn

import flopscope as fs

NET = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())

# Whatever takes long is made when a test asks for it, not when the tests are collected.
ledger = cache(lambda: fs.analyze("mobilenetv2"))
traced = cache(lambda: fs.trace(NET, ("B", 3, "H", "W")))
front = cache(lambda: fs.pareto(families="mobilenetv2").front)
found = cache(lambda: fs.reconcile("mobilenetv1", reported="579M").explanations[0])
solution = cache(lambda: fs.solve("mobilenetv2", macs="150M", free="width").solution)
audited = cache(lambda: fs.audit("wtconvnext_tiny").findings[0])


@pytest.mark.parametrize(
    ("make", "short"),
    [
        (ledger, "Ledger(151 rows, 3,504,872 parameters, 300,774,272 MACs (macs))"),
        (traced, "Ledger(2 rows, free in B, H, W)"),
        (
            lambda: ledger().rows[0],
            "Operator(convolution stem.conv, (1, 3, 224, 224) → (1, 32, 112, 112))",
        ),
        (lambda: traced().rows[0], "Operator(convolution 0, (B, 3, H, W) → (B, 8, H - 2, W - 2))"),
        (lambda: ledger().macs(), "Reading(300,774,272 MACs (macs))"),
        (
            lambda: fs.formula("separable_conv"),
            "Formula(separable_conv macs: B·C_in·H·K²·W + B·C_in·C_out·H·W; "
            "domain: B, C_in, C_out, H, W ≥ 1; K odd)",
        ),
        (
            lambda: fs.profile(NET, (1, 3, 8, 8)).profile,
            "Profile(Sequential on (1, 3, 8, 8), 2 rows)",
        ),
        (lambda: fs.compare("mobilenetv1").comparison, "Comparison(mobilenetv1)"),
        (lambda: fs.CONVENTIONS["fvcore"], "Convention(fvcore, MACs)"),
        (found, "Explanation(mobilenetv1, 579M of work: 13 ways found)"),
        (lambda: found().subject, "Subject(mobilenetv1)"),
        (lambda: fs.MODELS["mobilenetv2"], "Model(mobilenetv2)"),
    ],
)
def test_it_tells_what_it_is(make, short):
    assert repr(make()) == short


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("Formula", lambda: fs.formula("mobilenetv2", free="width,classes")),
        ("Polynomial", lambda: fs.formula("mobilenetv2", free="width").expression),
        ("Reading", lambda: fs.analyze("mobilenetv2", width=fs.symbol("width")).macs()),
        ("Front", front),
        ("Cloud", lambda: front().cloud),
        ("Point", lambda: front().points[0]),
        ("Question", lambda: front().question),
        ("Solution", solution),
        ("Design", lambda: solution().designs[0]),
        ("Finding", audited),
        ("Figure", lambda: audited().figure),
        ("Law", lambda: fs.law("regnet").pages[0].law),
        ("Document", lambda: fs.show("mobilenetv2").document()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_is_one_line(kind, make):
    thing = make()
    assert repr(thing).startswith(f"{kind}(")
    assert len(repr(thing)) <= 200
    assert "\n" not in repr(thing)


def test_a_ledger_prints_as_a_table():
    assert str(fs.trace(NET, (1, 3, 8, 8))) == (
        "path   kind                  output        params   MACs\n"
        "0      standard convolution  (1, 8, 6, 6)     224  7,776\n"
        "1      relu                  (1, 8, 6, 6)       0      0\n"
        "total                                         224  7,776"
    )
