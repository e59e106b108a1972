"""What `import flopscope as fs` offers."""

import numpy as np
import pytest

import flopscope as fs
from flopscope.errors import BadInput, UnknownName
from flopscope.symbolic import symbol


def test_the_public_names_exist():
    for name in fs.__all__:
        assert getattr(fs, name) is not None
        assert name in dir(fs)
    with pytest.raises(AttributeError, match="module 'flopscope' has no attribute 'analyse'"):
        _ = fs.analyse


def test_functions_are_not_hidden_by_modules():

    assert callable(fs.formula)
    assert callable(fs.compare)
    assert callable(fs.check)


def test_analyze_over_numbers_arrays_and_symbols_agree():
    widths, sizes = np.array([0.35, 1.0, 1.4]), np.array([97, 224, 160])
    column = fs.analyze("mobilenetv2", (sizes, 224), width=widths).macs().value
    for width, size, macs in zip(widths, sizes, column, strict=True):
        assert int(fs.analyze(f"mobilenetv2:width={width}", (int(size), 224)).macs()) == macs
    formula = fs.analyze("mobilenetv2", (symbol("H"), 224)).macs().formula
    assert formula.at(H=97) == int(fs.analyze("mobilenetv2", (97, 224)).macs())


@pytest.mark.parametrize(
    ("size", "of_image", "of_batch"),
    [
        *(
            (size, "is not the size of an image", "is not a positive integer")
            for size in [0, -3, 2.5, True, np.array([0, 3]), np.array([1.5])]
        ),
        ("224", "is text", "is text"),
    ],
)
def test_sizes_that_no_network_takes(size, of_image, of_batch):
    with pytest.raises(BadInput) as raised:
        fs.analyze("mobilenetv2", res=size)
    assert str(raised.value) == (
        f"res {size!r} {of_image}; give a size such as 224, or height and width such as "
        "(192, 256), or arrays or symbols"
    )
    with pytest.raises(BadInput) as raised:
        fs.analyze("mobilenetv2", batch=size)
    assert str(raised.value) == (
        f"batch {size!r} {of_batch}; give an integer from 1, an array of them or a symbol"
    )


def test_unknown_options():
    with pytest.raises(UnknownName) as raised:
        fs.analyze("mobilenetv2", res=224, widht=2)
    assert str(raised.value) == "unknown free option of mobilenetv2 'widht'; did you mean width?"


def test_comparison_converts():
    report = fs.compare("mobilenetv1", "mobilenetv2", res=224, by="stage")
    frame = report.to_frame()
    assert list(frame["macs_macs"]) == [568_740_352, 300_774_272]
    assert "568,740,352" in report.to_markdown()
    assert r"\toprule" in report.to_latex()
    assert "<table>" in report._repr_html_()
    assert "568,740,352" in str(report)
    assert report.to_csv().startswith("stage,")
    alone = fs.compare("mobilenetv1", "mobilenetv2", res=224)
    assert alone.to_csv().startswith("model,params,")


def test_a_ledger_is_a_frame():
    frame = fs.analyze("mobilenetv2", res=224).to_frame()
    assert frame["macs"].sum() == 300_774_272
    assert frame["params"].sum() == 3_504_872


def test_build_gives_the_real_network_and_check_compares_it():
    module = fs.build("mobilenetv2:width=0.5,classes=7")
    assert sum(p.numel() for p in module.parameters()) == int(
        fs.analyze("mobilenetv2:width=0.5,classes=7", res=32).params()
    )
    report = fs.check("mobilenetv2:width=0.5,classes=7", res=33)
    assert report
    assert "agrees" in str(report)


@pytest.mark.parametrize("width", [0.05, 0.25, 1.0])
def test_peak_memory_of_a_substituted_ledger_is_the_concrete_one(width):
    free = fs.analyze("mobilenetv3_small", (64, 64), width=symbol("width", 0, False))
    concrete = fs.analyze(f"mobilenetv3_small:width={width}", (64, 64))
    for fused in (True, False):
        peak = free.at(width=width).peak_activation_bytes(fused=fused).value
        assert peak == concrete.peak_activation_bytes(fused=fused).value


def test_ledgers_side_by_side_share_neither_weights_nor_inputs():
    small, large = fs.analyze("mobilenetv2", 32), fs.analyze("mobilenetv2", 224)
    both = small + large
    assert int(both.params()) == int(small.params()) + int(large.params())
    peaks = [int(ledger.peak_activation_bytes()) for ledger in (small, large, both)]
    assert max(peaks[:2]) <= peaks[2] <= sum(peaks[:2])
    assert {source for row in both for source in row.reads if source < 0} == {-1, -2}


def test_narrow_arrays_are_counted_in_64_bits():
    sizes = np.array([200, 224], dtype=np.uint8)
    counted = fs.analyze("mobilenetv2", (sizes, 224)).macs().value
    assert counted[1] == 300_774_272


def test_compare_takes_the_accuracy_that_is_chosen():
    (chosen,) = fs.compare("resnet50", accuracy="timm:a3_in1k").to_dict()["models"]
    assert (chosen["accuracy"]["whose"], chosen["accuracy"]["top1"]) == ("timm", 78.052)
    with pytest.raises(UnknownName) as raised:
        fs.compare("resnet50", accuracy="tim")
    assert str(raised.value) == "unknown accuracy 'tim'; did you mean timm?"


def test_pareto_takes_the_accuracies_that_are_chosen():
    report = fs.pareto(families="resnet", res=224, accuracy="torchvision:V2")
    assert [float(point.top1) for point in report.front.points] == [80.858, 81.886, 82.284]
    with pytest.raises(BadInput) as raised:
        fs.pareto(results="r.csv", accuracy="best")
    assert str(raised.value) == (
        "accuracy chooses among published accuracies, and results takes those of a file in their "
        "place; leave one of them out, or add with_catalogue"
    )


def test_pareto_lists_dominated_networks_on_request():
    report = fs.pareto(families=["mobilenetv1", "ghostnet"], res=224)
    assert (len(report.to_frame()), len(report.data["points"])) == (4, 7)
    assert len(fs.pareto(families="mobilenetv1,ghostnet", res=224, every=True).to_frame()) == 7
