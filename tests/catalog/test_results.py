"""A user's results file: what is read, what is skipped and said, what is refused."""

import importlib
from fractions import Fraction
from unittest.mock import patch

import pytest
import torch
from public_models import flops, meta, timm, torchvision

from flopscope.catalog.models import MODELS
from flopscope.catalog.names import TIMM, TORCHVISION, catalog_name
from flopscope.catalog.results import read_results
from flopscope.catalog.variant import parse
from flopscope.errors import BadInput

TIMM_HEADER = "model,img_size,top1,top1_err,top5,top5_err,param_count,crop_pct,interpolation\n"


@pytest.fixture
def file(tmp_path):
    """A function that writes a results file and returns its path."""

    def write(text, encoding="utf-8"):
        path = tmp_path / "results.csv"
        path.write_bytes(text.encode(encoding))
        return str(path)

    return write


# --- names --------------------------------------------------------------------------------------


def from_timm(name):
    return meta(timm().create_model, name)


def from_torchvision(name):
    """torchvision's RegNets compute widths with tensors, which without numbers they cannot."""
    models = torchvision().models
    params = importlib.import_module("torchvision.models.regnet").BlockParams
    original = params.from_init_params

    def on_cpu(*args, **options):
        with torch.device("cpu"):
            return original(*args, **options)

    with patch.object(params, "from_init_params", on_cpu):
        return meta(models.get_model, name)


BUILDERS = {"timm": from_timm, "torchvision": from_torchvision}
NAMED = [
    *(("timm", name, text) for name, text in TIMM.items()),
    *(("torchvision", name, text) for name, text in TORCHVISION.items()),
]


@pytest.mark.parametrize(("library", "name", "text"), NAMED, ids=lambda value: value)
def test_a_name_is_a_network_of_the_same_cost(library, name, text):
    """At 64×64 where it takes that: the same layers in less time."""
    variant = parse(text)
    height, width = variant.resolution() if "efficientformer" in text else (64, 64)
    module = BUILDERS[library](name)
    ledger = variant.ledger((height, width))
    assert sum(p.numel() for p in module.parameters()) == int(ledger.params())
    assert flops(module, height, width) == 2 * int(ledger.macs())


def test_every_name_is_a_canonical_variant():
    for _, _, text in NAMED:
        assert str(parse(text)) == text


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("mobilenetv2_100", "mobilenetv2"),
        ("mobilenetv2_100.ra_in1k", "mobilenetv2"),
        ("mobilenetv2_110d.ra_in1k", None),
        ("mobilenetv2", "mobilenetv2"),
        ("mobilenetv2:width=1.4", "mobilenetv2:width=1.4"),
        ("shufflenetv2_x0.5", "shufflenetv2_x0.5"),
        ("shufflenet_v2_x0_5", "shufflenetv2_x0.5:recipe=torchvision"),
        ("resnet50.a1_in1k", "resnet50"),
        ("resnet50d", None),
        ("MobileNetV2", None),
        ("", None),
    ],
)
def test_what_a_name_means(name, known):
    assert catalog_name(name) == known


def test_a_catalogue_id_is_itself():
    assert [catalog_name(id) for id in MODELS] == list(MODELS)


# --- reading ------------------------------------------------------------------------------------


def test_timm_s_layout(file):
    results = read_results(
        file(
            TIMM_HEADER
            + "mobilenetv2_100.ra_in1k,224,72.948,27.052,90.990,9.010,3.50,0.875,bicubic\n"
            + "eva02_large,448,90.052,9.948,99.048,0.952,305.08,1.000,bicubic\n"
            + 'eva_giant,336,89.480,10.520,98.860,1.140,"1,013.01",1.000,bicubic\n'
        )
    )
    first, second, third = results.rows
    assert first == (
        2, "mobilenetv2_100.ra_in1k", parse("mobilenetv2"), (224, 224), Fraction("72.948"),
        3_500_000, None, None,
    )  # fmt: skip
    assert (second.variant, second.params) == (None, 305_080_000)
    assert third.params == 1_013_010_000
    assert results.skipped == ()


def test_the_minimal_layout(file):
    results = read_results(
        file(
            "model,top1,res,params,macs,latency_ms\n"
            "mobilenetv2:width=1.4,74.7,192x256,6.1M,,1.25\n"
            "my net,70,,3504872,0.3G,\n"
            "efficientnet_b3,81.6,,,,12\n"
        )
    )
    first, second, third = results.rows
    assert (first.resolution, first.params, first.macs) == ((192, 256), 6_100_000, None)
    assert first.latency_ms == Fraction("1.25")
    assert second == (3, "my net", None, None, 70, 3_504_872, 300_000_000, None)
    assert third.resolution == (300, 300)


def test_a_spreadsheet_s_file(file):
    text = 'Note,top1,model\r\n"two\r\nlines",72.0,mobilenetv2\r\n\r\n,70.6,mobilenetv1\r\n'
    rows = read_results(file(text, "utf-8-sig")).rows
    assert [(row.line, row.name) for row in rows] == [(3, "mobilenetv2"), (5, "mobilenetv1")]


@pytest.mark.parametrize(
    ("row", "name", "reason"),
    [
        ("a,1,2", "a, 1, 2", "has 3 cells, the header 6"),
        (",72,224,1,1,1", "", "has no name"),
        ("a,,224,,,", "a", "states no top1"),
        ("a,NaN,224,,,", "a", "top1 'NaN' is not a percentage from 0 to 100"),
        ("a,inf,224,,,", "a", "top1 'inf' is not a percentage from 0 to 100"),
        ("a,-3,224,,,", "a", "top1 '-3' is not a percentage from 0 to 100"),
        ("a,100.1,224,,,", "a", "top1 '100.1' is not a percentage from 0 to 100"),
        ('a,"72,5",224,,,', "a", "top1 '72,5' is not a percentage from 0 to 100"),
        ("a,٧٢,224,,,", "a", "top1 '٧٢' is not a percentage from 0 to 100"),
        ("a,72,0,,,", "a", "res '0' is not a size such as 224 or 192x256"),
        ("a,72,224x,,,", "a", "res '224x' is not a size such as 224 or 192x256"),
        ("a,72,,many,,", "a", "params 'many' is not a count such as 3504872 or 4.2M"),
        ("a,72,,3.5,,", "a", "params '3.5' is not a count such as 3504872 or 4.2M"),
        ("a,72,,,NaN,", "a", "macs 'NaN' is not a count such as 3504872 or 4.2M"),
        ('a,72,,,"1,23",', "a", "macs '1,23' is not a count such as 3504872 or 4.2M"),
        ("a,72,,,,fast", "a", "latency_ms 'fast' is not a number above 0 such as 5.29"),
        ("a,72,,,,0", "a", "latency_ms '0' is not a number above 0 such as 5.29"),
        ("a,72,,0,,", "a", "params '0' is not a count such as 3504872 or 4.2M"),
        ("a\x1b[2J,72,,,,", "a�[2J", "its name has control characters"),
        ("mobilenetv1,72,224,,,", "mobilenetv1", "repeats line 2"),
        ("mobilenetv1,72,,,,", "mobilenetv1", "repeats line 2"),
        ("mobilenetv2:width=x,72,,,,", "mobilenetv2:width=x",
         "width=x is not a positive number; give a decimal such as 0.75"),
    ],
)  # fmt: skip
def test_a_row_that_is_skipped_says_why(file, row, name, reason):
    header = "model,top1,res,params,macs,latency_ms\n"
    results = read_results(file(f"{header}mobilenetv1,70.6,224,,,\n{row}\nmobilenetv2,72,224,,,\n"))
    assert [kept.name for kept in results.rows] == ["mobilenetv1", "mobilenetv2"]
    assert results.skipped == ((3, name, reason),)


def test_thousands_in_groups_are_read_and_other_commas_are_not(file):
    header = "model,top1,params\n"
    assert read_results(file(f'{header}a,72,"3,504,872"\n')).rows[0].params == 3_504_872


ACCEPTED = (
    "a results file is a CSV with columns model and top1, and may have img_size or res, "
    "param_count or params, macs, latency_ms"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"'FILE' is empty; {ACCEPTED}"),
        ("\n \n", f"'FILE' is empty; {ACCEPTED}"),
        ("model,acc\na,1\n", f"'FILE' has no column top1; {ACCEPTED}"),
        ("name;top1\na;1\n", f"'FILE' has no column model and no column top1; {ACCEPTED}"),
        ("model,top1,res,img_size\n", "'FILE' has columns res and img_size; keep one"),
        ("model,top1,top1\n", "'FILE' has columns top1 and top1; keep one"),
        ("model,top1\n", "'FILE' has a header and no rows; give a row for each network"),
        ("model,top1\na,x\nb,y\n",
         "no row of 'FILE' can be read; the first, line 2 (a): "
         "top1 'x' is not a percentage from 0 to 100"),
        ("model,top1\na,0.72\nb,1\n",
         "top1 in 'FILE' is nowhere above 1; give it in per cent, as in 72.0"),
        ('model,top1\n"a,72\n', "'FILE' is not CSV text in UTF-8: unexpected end of data"),
    ],
)  # fmt: skip
def test_what_is_no_results_file(file, text, message):
    path = file(text)
    with pytest.raises(BadInput) as raised:
        read_results(path)
    assert str(raised.value) == message.replace("FILE", path)


def test_text_in_another_encoding(file):
    path = file("model,top1\nréseau,72\n", "latin-1")
    with pytest.raises(BadInput) as raised:
        read_results(path)
    assert str(raised.value) == (
        f"'{path}' is not CSV text in UTF-8: 'utf-8' codec can't decode byte 0xe9 in position 12: "
        "invalid continuation byte"
    )


def test_a_file_that_is_not_there(tmp_path):
    for path, why in (
        (tmp_path / "no.csv", "No such file or directory"),
        (tmp_path, "Is a directory"),
    ):
        with pytest.raises(BadInput) as raised:
            read_results(str(path))
        assert str(raised.value) == f"cannot read '{path}': {why}; give a CSV file"
