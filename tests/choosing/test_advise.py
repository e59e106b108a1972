"""Advice: which rule applies, what it names, and what published accuracies say of it."""

from fractions import Fraction

import pytest

from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import parse
from flopscope.choosing.advise import advise
from flopscope.choosing.budgets import Budget
from flopscope.choosing.reach import related_positions
from flopscope.choosing.rules import LONG_RANGE, PLATFORMS, RULES, rules_for
from flopscope.choosing.wish import LatencyLimit, Wish, parse_latency
from flopscope.errors import BadInput, UnknownName
from flopscope.facts import Kind

PARAMS = "params"


def wish(platform="mobile", **limits):
    own = {name: limits.pop(name) for name in list(limits) if name in Wish.__dataclass_fields__}
    return Wish(platform, tuple(Budget(name, limit) for name, limit in limits.items()), **own)


@pytest.mark.parametrize(
    ("platform", "most", "context", "names"),
    [
        ("mobile", 10**6, "local", ["tiny"]),
        ("edge", 10**6 + 1, "local", ["small"]),
        ("mobile", 10**7, "local", ["small"]),
        ("edge", 5 * 10**7, "local", ["medium"]),
        ("mobile", 10**9, "local", ["medium"]),
        ("mobile", None, "local", ["tiny", "small", "medium"]),
        ("server", 10**6, "local", ["server"]),
        ("gpu", None, "local", ["server"]),
        ("edge", 10**6, "global", ["long range"]),
    ],
)
def test_the_rule_is_that_of_platform_size_and_context(platform, most, context, names):
    assert [rule.name for rule in rules_for(platform, most, context)] == names


def test_every_name_of_a_rule_is_in_the_catalogue():
    models = [model for rule in RULES for named in rule.names for model in named.models]
    assert set(models) <= set(MODELS)
    assert all(named.models for rule in RULES for named in rule.names)


def test_the_hybrids_are_the_classifiers_with_attention():
    named = {model for each in LONG_RANGE.names for model in each.models}
    attending = set()
    for name, model in MODELS.items():
        variant = parse(name)
        if variant.takes_image and len(model.inputs) == 1:
            kinds = {row.kind for row in variant.ledger(variant.resolution()).rows}
            if kinds & {Kind.MATMUL, Kind.SOFTMAX}:
                attending.add(name)
    others = ("efficientsam", "mobileclip", "mobilevlm")  # which are no classifiers of ImageNet
    assert {name for name in attending if not name.startswith(others)} == named


@pytest.mark.parametrize(
    ("name", "res", "positions"),
    [
        ("mobilevit_s", 256, 16 * 16),  # patches of 2×2 at a quarter of 64×64
        ("mobilevitv2_100", 256, 16 * 16),
        ("mobilenetv4_hybrid_medium", 256, 32 * 32),  # queries at a stride of 8... of 16 keys each
        ("efficientformer_l1", 224, 7 * 7),
        ("efficientvit_b1", 224, 14 * 14),  # linear attention has no softmax
        ("fastvit_sa12", 256, 8 * 8),
        ("convnext_tiny", 224, 0),
    ],
)
def test_attention_relates_so_many_positions(name, res, positions):
    assert related_positions(parse(name).ledger((res, res))) == positions


def test_a_candidate_is_the_most_accurate_that_fits():
    found = advise(wish(params=6_000_000, macs=300_000_000))
    large, b0 = found.candidates
    assert (large.named.words, large.point.name, large.by) == (
        "MobileNetV3-Large", "mobilenetv3_large", None,
    )  # fmt: skip
    assert large.point.costs == (281_663_360, 5_483_032)
    assert (b0.point, b0.reason) == (
        None, "efficientnet_b0 at 224×224, the nearest, has 385,814,752 MACs",
    )  # fmt: skip
    fitting = found.front.points
    assert all(p.costs[0] <= 300_000_000 and p.costs[1] <= 6_000_000 for p in fitting)
    assert found.best.top1 == max(point.top1 for point in fitting)


def test_the_data_contradict_the_rule_of_the_tiny():
    found = advise(wish(params=1_000_000))
    assert [each.point for each in found.candidates] == [None, None]
    assert [(named.words, params) for _, named, params in found.outside] == [
        ("MobileNetV3-Small", 2_542_856)
    ]
    assert found.best.name == "shufflenetv1_g1_x0.75"


def test_a_network_that_dominates_a_named_one_is_no_worse_in_anything():
    found = advise(wish("server"))
    dominated = [each for each in found.candidates if each.by]
    assert {each.named.words for each in dominated} == {"ResNet", "ConvNeXt", "EfficientNet-B7"}
    for each in dominated:
        assert all(a <= b for a, b in zip(each.by.costs, each.point.costs, strict=True))
        assert each.by.top1 >= each.point.top1
        assert (each.by.costs, -each.by.top1) != (each.point.costs, -each.point.top1)


def test_a_global_context_takes_attention_and_tokens_say_how_much():
    found = advise(wish(params=6_000_000, context="global"))
    assert all(related_positions(p.variant.ledger(p.resolution)) > 0 for p in found.front.points)
    far = advise(wish(tokens=1000))
    reasons = {each.named.words: each.reason for each in far.candidates}
    assert reasons["EfficientFormer"] == "its attention relates fewer than 1,000 positions"
    assert {point.name for point in far.front.points} < {
        f"mobilenetv4_hybrid_{size}" for size in ("medium", "large")
    } | {"mobilevitv2_200"} | {p.name for p in found.front.points} | {"efficientvit_b3"}


def test_a_latency_is_that_of_the_device():
    limit = LatencyLimit("pixel1-core-tflite", Fraction(20))
    found = advise(wish(params=6_000_000, latency=limit))
    assert found.best.name == "mobilenetv3_small"
    assert [float(point.costs[-1]) for point in found.offered] == [15.8, 12.8]
    assert [each.reason for each in found.candidates] == [
        "mobilenetv3_large:width=0.75 at 224×224, the nearest, has 39.8 ms on pixel1-core-tflite",
        "no published latency on pixel1-core-tflite",
    ]


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("pixel3-cpu-tflite:15ms", Fraction(15)),
        ("pixel3-cpu-tflite:15", Fraction(15)),
        ("pixel3-cpu-tflite:1.5 ms", Fraction(3, 2)),
        ("pixel3-cpu-tflite:0.2s", Fraction(200)),
    ],
)
def test_a_latency_is_read(text, limit):
    assert parse_latency("--max-latency", text) == LatencyLimit("pixel3-cpu-tflite", limit)


@pytest.mark.parametrize(
    "text",
    ["15ms", "pixel3-cpu-tflite", "pixel3-cpu-tflite:", "pixel3-cpu-tflite:soon", ":15ms",
     "pixel3-cpu-tflite:0ms", "pixel3-cpu-tflite:-3ms"],
)  # fmt: skip
def test_what_is_no_latency_gets_a_sentence(text):
    with pytest.raises(BadInput) as error:
        parse_latency("--max-latency", text)
    assert str(error.value) == (
        f"--max-latency {text} is not a device and a time; give one such as "
        "pixel3-cpu-tflite:15ms (`flopscope latencies` lists the devices)"
    )


def test_unknown_names_get_a_sentence():
    with pytest.raises(UnknownName, match="unknown device 'pixel9'; times are predicted on "):
        parse_latency("--max-latency", "pixel9:15ms")
    with pytest.raises(UnknownName) as error:
        wish("phone")
    assert str(error.value) == f"unknown platform 'phone'; known are {', '.join(PLATFORMS)}"
    with pytest.raises(UnknownName) as error:
        wish(context="wide")
    assert str(error.value) == "unknown context 'wide'; known are local, global"


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (
            {"params": 1000},
            "no published network keeps at most 1,000 params; the nearest, "
            "shufflenetv1_g1_x0.25 at 224×224, has 208,746 params",
        ),
        (
            {"tokens": 10**6},
            "no published network has attention that relates 1,000,000 positions at this input "
            "size; ask for fewer tokens",
        ),
    ],
)
def test_where_nothing_fits_the_nearest_is_named(asked, sentence):
    with pytest.raises(BadInput) as error:
        advise(wish(**asked))
    assert str(error.value) == sentence


def test_a_batch_without_a_latency_gets_a_sentence():
    with pytest.raises(BadInput) as error:
        wish(batch=8)
    assert str(error.value) == (
        "batch is that of the latencies of a device, and no latency is asked for; leave it out, "
        "or give a latency too, such as pixel3-cpu-tflite:15ms"
    )
