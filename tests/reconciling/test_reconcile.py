"""Readings of reported numbers: what the tools answer is found again, exactly, and by its name."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from fractions import Fraction
from functools import cache, lru_cache, partial
from pathlib import Path

import pytest
import torch
from counters import COUNTERS, ON_META, says
from graphs import node, value, write
from hypothesis import settings
from small_mobilevlm import PIXELS, shrink
from torch import Tensor, nn
from torch.fx.experimental.optimization import fuse
from torch.utils.flop_counter import FlopCounterMode

import flopscope as fs
from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import Variant, parse
from flopscope.cli import main
from flopscope.errors import BadInput, UnknownName
from flopscope.facts import Kind
from flopscope.ledger import Ledger
from flopscope.measured import without_memory
from flopscope.reconciling.amounts import Amounts
from flopscope.reconciling.changes import folded, without_bare_weights, without_classifier
from flopscope.reconciling.countings import IMGCLSMOB, MMCV, PNNX, SCRIPTS, SPELLINGS, countings
from flopscope.reconciling.digits import Digits, Reported
from flopscope.reconciling.parameters import parts
from flopscope.reconciling.search import answers, explain_parameters, explain_work
from flopscope.reconciling.subjects import Subject, of_catalog, of_target, of_variant

NET = "tests/support/nets.py:Net"
SIDE = 64
"""The side of the inputs that the tools run on."""

# --- what the tools answer ------------------------------------------------------------------------

SMALL = {
    "mobilenetv1": "mobilenetv1:width=0.25",
    "mobilenetv2": "mobilenetv2:width=0.35",
    "mobilenetv3": "mobilenetv3_small",
    "efficientnet": "efficientnet_b0",
    "efficientnetv2": "efficientnetv2_s",
    "shufflenetv1": "shufflenetv1_g3_x0.5",
    "shufflenetv2": "shufflenetv2_x0.5",
    "ghostnet": "ghostnet_050",
    "ghostnetv2": "ghostnetv2_100",
    "ghostnetv3": "ghostnetv3_050",
    "resnet": "resnet18",
    "regnet": "regnety_200mf",
    "convnext": "convnext_tiny",
    "wtconvnext": "wtconvnext_tiny",
    "poolformer": "poolformer_s12",
    "mobileclip": "mobileclip_s0:tokens=9",
    "efficientsam": "efficientsam_ti",
    "mobileone": "mobileone_s0",
    "starnet": "starnet_s050",
    "repvit": "repvit_m0.9",
}
"""A small network of each family; of another the first, at its own input."""


def one_a_family() -> list[str]:
    first = {model.family: model.id for model in reversed(MODELS.values())}
    return [SMALL.get(family, first[family]) for family in dict.fromkeys(first)]


def side(model: str) -> int:
    known = MODELS[model.partition(":")[0]]
    return SIDE if known.family in SMALL else known.resolution


EXPLORING = settings.get_current_profile_name() == "explore"
CHOSEN = [*dict.fromkeys([*one_a_family(), *(MODELS if EXPLORING else ())])]
TOOLS = [tool for tool in COUNTERS if tool != "macs"]

UNSEEN_SOFTMAX = "softmax as a method, not seen"
SPELLED = {
    "thop": {
        Kind.RESIZE: "interpolation as a function, not seen",
        Kind.SOFTMAX: "softmax as a function, not seen",
    },
    "ptflops": {
        Kind.RESIZE: "interpolation as a function, once",
        Kind.SOFTMAX: UNSEEN_SOFTMAX,
        Kind.MATMUL: "products of two inputs not counted",
    },
    "deepspeed": {
        Kind.RESIZE: "interpolation to a size, its positions",
        Kind.SOFTMAX: UNSEEN_SOFTMAX,
    },
}
"""What is no module in the reference models, nor in the authors' code: an interpolation, and
attention, `(q @ k).softmax(-1) @ v`."""

BARE = ("wtconvnext", "mobileclip", "mobileclip2", "efficientsam")
"""Families with weights outside layers: a wavelet's filters, a projection, random frequencies."""
BY_A_FACTOR = ("efficientformerv2",)
"""Families that interpolate by a factor, which deepspeed counts as its rule says."""
HOOKING = ("thop", "ptflops", "torchinfo")


def expected(variant: Variant, tool: str, ledger: Ledger) -> str:
    kinds = {row.kind for row in ledger.rows}
    spelled = [text for kind, text in SPELLED.get(tool, {}).items() if kind in kinds]
    if variant.model.family in BY_A_FACTOR and tool == "deepspeed":
        spelled.remove(SPELLED[tool][Kind.RESIZE])
    bare = variant.model.family in BARE and tool in HOOKING
    return ", ".join([tool, *spelled]) + ("; weights outside layers not seen" if bare else "")


@lru_cache(maxsize=2)
def module(variant: Variant, on_meta: bool) -> nn.Module:
    """A network that every tool is given a copy of, one after the other."""
    return without_memory(variant.build) if on_meta else variant.build()


@cache
def subject(name: str, res: int) -> Subject:
    """A network and its other versions, which are the same for every tool."""
    found = of_catalog(name, res)
    versions = {key: tuple(getattr(found, key)()) for key in ("near", "far", "elsewhere")}
    return replace(found, **{key: partial(iter, made) for key, made in versions.items()})


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("model", CHOSEN)
def test_a_tool_s_answer_has_its_name(model: str, tool: str, monkeypatch) -> None:
    variant, n = parse(model), side(model)
    on_meta = len(variant.model.inputs) > 1 and tool in ON_META
    if variant.model.family == "mobilevlm" and not on_meta:  # gigabytes, on a CPU
        variant, n = parse("mobilevlm_v2_1.7b:tokens=9"), PIXELS
        shrink(monkeypatch)
    answer = says(tool, module(variant, on_meta), *variant.inputs((n, n)))
    found = explain_work(subject(str(variant), n), Reported.parse(str(answer)))
    named = {fit.account.name: fit for fit in found.fits}
    assert expected(variant, tool, found.subject.asked.ledger) in named
    fit = named[expected(variant, tool, found.subject.asked.ledger)]
    assert fit.digits is Digits.ROUNDED
    assert fit.account.factor == 1
    assert sum(term.count for term in fit.account.terms) == answer
    # of equal numbers an earlier tool's, but nothing further from the plain count
    assert found.fits[0].steps <= fit.steps


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_s_answer_to_a_module_has_its_name(tool: str, monkeypatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    from nets import Net

    torch.manual_seed(0)
    answer = says(tool, Net(), (2, 3, 32, 32))
    found = explain_work(of_target(NET, ["2,3,32,32"]), Reported.parse(str(answer)), tool)
    # Net takes a mean, which these do not see; its layers as modules are a further reading
    assert found.fits[0].account.name == tool
    assert found.fits[0].account.count == answer
    names = [fit.account.name for fit in found.fits]
    others = {"ptflops", "fvcore", "deepspeed"}
    assert (f"{tool} if layers were modules; global pooling not seen" in names) is (tool in others)
    assert f"{tool} if layers were modules" not in names


def test_another_input_is_found_where_the_given_one_does_not_fit(monkeypatch) -> None:
    from nets import Net

    monkeypatch.chdir(Path(__file__).parents[2])
    answer = says("torch", Net(), (1, 3, 224, 224))
    found = explain_work(of_target(NET, ["1,3,32,32"]), Reported.parse(str(answer)))
    assert not found
    assert [fit.account.name for fit in found.elsewhere][:1] == ["torch; input 224×224"]


# --- changes of the network -----------------------------------------------------------------------


@pytest.mark.parametrize("model", ["resnet18", "mobilenetv2:width=0.35", "shufflenetv2_x0.5"])
def test_folding_leaves_the_parameters_that_torch_leaves(model: str) -> None:
    variant = parse(model)
    fused = fuse(variant.build().eval())
    rows = folded(variant.ledger((SIDE, SIDE)).rows)
    assert not any(row.kind is Kind.BATCH_NORM for row in rows)
    counted = sum(n for name, n in parts(rows).items() if "running" not in name)
    assert counted == sum(p.numel() for p in fused.parameters())


@pytest.mark.parametrize("model", ["resnet18", "mobilenetv3_small", "convnext_tiny"])
def test_the_classifier_is_the_last_layer(model: str) -> None:
    variant = parse(model)
    net = variant.build().eval()
    last = [name for name, layer in net.named_modules() if isinstance(layer, nn.Linear)][-1]
    parent, _, name = last.rpartition(".")
    setattr(net.get_submodule(parent), name, nn.Identity())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.zeros(1, 3, SIDE, SIDE))
    rows = without_classifier(variant.ledger((SIDE, SIDE)).rows)
    terms = Amounts(rows).terms(next(c for c in countings() if c.name == "torch").convention)
    assert sum(term.count for term in terms) == counter.get_total_flops()
    assert parts(rows) != parts(variant.ledger((SIDE, SIDE)).rows)


class Projecting(nn.Module):
    """A layer, frozen, and a matrix that is no layer's."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 7).requires_grad_(requires_grad=False)
        self.proj = nn.Parameter(torch.zeros(7, 5))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) @ self.proj


def test_a_weight_outside_layers_is_what_hooks_do_not_see() -> None:
    rows = without_bare_weights(fs.trace(Projecting(), (2, 4)).rows)
    terms = Amounts(rows).terms(next(c for c in countings() if c.name == "thop").convention)
    assert sum(term.count for term in terms) == 2 * 4 * 7 == says("thop", Projecting(), (2, 4))


def test_a_phase_is_a_form_of_the_network_though_its_inputs_are_others() -> None:
    prefill = of_catalog("mobilevlm_v2_1.7b")
    torch_count = next(answer.count for answer in answers(prefill, "torch"))
    found = explain_work(
        of_catalog("mobilevlm_v2_1.7b:phase=decode"), Reported.parse(str(torch_count))
    )
    assert found.fits[0].account.name == "torch; phase=prefill"


def test_the_parts_of_the_parameters_are_all_of_them() -> None:
    for model in one_a_family():
        ledger = parse(model).ledger((side(model), side(model)))
        found = parts(ledger.rows)
        stored = found.pop("norm: running mean and variance", 0) + found.pop("constants", 0)
        assert sum(found.values()) == int(ledger.params())
        assert stored == int(ledger.buffers())


def test_a_transpose_of_attention_is_a_reading_of_its_own() -> None:
    from flopscope.analytic import operators as ops
    from flopscope.analytic.tape import record
    from flopscope.reconciling.accounts import work_accounts
    from flopscope.reconciling.subjects import Version

    def network(x):
        x = ops.linear(x, 8)
        *batch, n, k = x.shape
        return ops.matmul(x, x._replace(shape=(*batch, k, n)))

    version = Version("", 0, record(network, (1, 7, 8)))
    counts = {account.name: account.count for account in work_accounts(version, countings())}
    assert counts["macs"] == counts["fvcore"] == 7 * 8 * 8 + 7 * 8 * 7
    assert counts["macs, products of two inputs not counted"] == counts["thop"] == 7 * 8 * 8


# --- the scripts of repositories ------------------------------------------------------------------


def test_scripts_count_a_layer_as_their_sources_say() -> None:
    """A 3×3 convolution 3→4 without bias and one with, batch norm, ReLU, on 8×8."""
    from flopscope.analytic import operators as ops
    from flopscope.analytic.tape import record
    from flopscope.facts import Function

    def network(x):
        x = ops.conv2d(x, 4, kernel=3, padding=1)
        x = ops.activation(ops.batch_norm(x), Function.RELU)
        x = ops.conv2d(x, 4, kernel=1, bias=True)
        return ops.linear(ops.flatten(ops.global_pool(x)), 5)

    amounts = Amounts(record(network, (1, 3, 8, 8)).rows)
    macs = 64 * 4 * 27 + 64 * 4 * 4 + 4 * 5
    mmcv = macs + 64 * 4 + 2 * 64 * 4 + 64 * 4 + 64 * 4
    assert sum(term.count for term in amounts.terms(MMCV)) == mmcv
    imgclsmob = 2 * macs - 3 * 4 + 4 * 64 * 4 + 64 * 4 + 4
    assert sum(term.count for term in amounts.terms(IMGCLSMOB)) == imgclsmob
    pnnx = 2 * macs + 64 * 4 + 5 + 64 * 4 + 64 * 4
    assert sum(term.count for term in amounts.terms(PNNX)) == pnnx


@pytest.mark.parametrize(
    ("model", "printed"),
    [("mobilenetv2", "614.613M"), ("efficientnet_b0", "820.265M")],
)
def test_what_pnnx_prints_is_its_own_count_of_the_folded_network(model: str, printed: str) -> None:
    """The figures were printed by pnnx 20261020, of the files that `flopscope export` gives it."""
    (found,) = fs.reconcile(model, reported=printed).to_dict()["reported"]
    (reading, *others) = found["readings"]
    assert (reading["reading"], others) == ("pnnx; batch norm folded", [])


def test_every_spelling_is_of_a_known_counting() -> None:
    tools = {counting.tool for counting in countings()}
    assert set(SPELLINGS) <= tools
    assert {script.name for script in SCRIPTS} <= tools
    assert len({counting.name for counting in countings()}) == len(countings())


# --- digits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "digits"),
    [
        (578_000_000, None),
        (578_000_001, Digits.RAISED),
        (578_499_999, Digits.RAISED),
        (578_500_000, Digits.ROUNDED),
        (579_499_999, Digits.ROUNDED),
        (579_500_000, Digits.TRUNCATED),
        (579_999_999, Digits.TRUNCATED),
        (580_000_000, None),
    ],
)
def test_the_digits_of_579m(count: int, digits: Digits | None) -> None:
    assert Reported.parse("579M").digits(count) is digits


def test_a_whole_number_is_exact() -> None:
    reported = Reported.parse("568,740,352")
    assert [reported.digits(568_740_352 + n) for n in (-1, 0, 1)] == [None, Digits.ROUNDED, None]
    assert reported.digits(Fraction(2 * 568_740_352 + 1, 2)) is Digits.TRUNCATED


# --- readings -------------------------------------------------------------------------------------


def test_readings_come_simplest_first_and_fit() -> None:
    found = explain_work(of_catalog("mobilenetv1"), Reported.parse("579M"))
    steps = [fit.steps for fit in found.fits]
    assert steps == sorted(steps)
    assert all(found.reported.digits(fit.account.count) is fit.digits for fit in found.fits)
    assert found.fits[0].account.name == "fvcore"
    assert found.remainder(found.fits[0].account) == 579_000_000 - 578_875_904


@pytest.mark.parametrize(
    ("model", "reported", "reading"),
    [
        ("mobilenetv1", "568740352", "macs"),
        ("mobilenetv1", "1137480704", "torch"),
        ("mobilenetv1", "567716352", "macs; without the classifier"),
        ("mobilenetv1", "1157751808", "2 × fvcore"),
        ("mobilenetv1", str(568_740_352 + 1024 + 1001), "macs + bias; classes=1001"),
        ("mobilenetv3_small:width=0.5", str(24_188_688), "macs; recipe=timm"),
    ],
)
def test_a_number_has_its_reading(model: str, reported: str, reading: str) -> None:
    found = explain_work(of_catalog(model), Reported.parse(reported))
    assert found.fits[0].account.name == reading


def test_another_input_is_no_reading_of_this_one(capsys) -> None:
    """It is listed apart, behind the nearest of this input, and explains nothing."""
    command = ["reconcile", "mobilenetv1:rho=0.714", "--reported", "568740352"]
    assert main(command) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "Simplest" not in out
    nearest, other = out.split("At another input, which any number fits more easily:")
    said = r"None of [\d,]+ readings gives 568740352 at this input; the nearest are:"
    assert re.search(said, nearest)
    assert "macs; input 224×224 MACs 568,740,352 0 exact" in other
    assert main([*command, "--format", "json"]) == 1
    (reported,) = json.loads(capsys.readouterr().out)["reported"]
    assert (reported["explained"], reported["readings"]) == (False, [])
    assert reported["elsewhere"][0]["reading"] == "macs; input 224×224"


def test_a_reading_of_this_input_comes_before_any_of_another() -> None:
    """Where one here gives the number, no other input is tried."""
    for text in ("579M", "568740352", "0.57G"):
        found = explain_work(of_catalog("mobilenetv1"), Reported.parse(text))
        assert found.fits
        assert found.elsewhere == ()
        assert not any("input" in fit.account.name for fit in found.fits)


# --- units of 1024 ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value", "unit", "prefix"),
    [
        ("1.08G", 1_080_000_000, 10_000_000, ""),
        ("1.08 GFLOPs", 1_080_000_000, 10_000_000, ""),
        ("579 MMac", 579_000_000, 1_000_000, ""),
        ("1.5Gi", 3 * 2**29, Fraction(2**30, 10), "G as 1024³"),
        ("1.5 GiFLOPs", 3 * 2**29, Fraction(2**30, 10), "G as 1024³"),
        ("3Ki", 3 * 1024, 1024, "K as 1024"),
        ("2 MiMACs", 2**21, 2**20, "M as 1024²"),
        ("1 TiFLOPs", 2**40, 2**40, "T as 1024⁴"),
    ],
)
def test_a_letter_is_a_power(text: str, value: int, unit: Fraction, prefix: str) -> None:
    reported = Reported.parse(text)
    assert (reported.value, reported.unit, reported.prefix) == (value, unit, prefix)


def test_a_letter_may_be_a_power_of_1024() -> None:
    assert Reported.parse("1.5G").binary == Reported(
        "1.5G", Fraction(3 * 2**29), Fraction(2**30, 10), "G as 1024³"
    )
    assert Reported.parse("1.5B").binary.value == Reported.parse("1.5Gi").value
    assert Reported.parse("1.5Gi").binary is None
    assert Reported.parse("1500").binary is None


def test_a_number_in_powers_of_1024_has_its_reading() -> None:
    """568,740,352 multiply-accumulates are 542.4 × 1024²."""
    network = of_catalog("mobilenetv1")
    for text in ("542.4M", "542.4Mi", "542.4 MiMACs"):
        fit = explain_work(network, Reported.parse(text)).fits[0]
        assert (fit.account.name, fit.said) == ("macs", "rounded, M as 1024²")
        assert fit.remainder == Fraction(5424, 10) * 2**20 - 568_740_352
    assert explain_work(network, Reported.parse("569M")).fits[0].said == "rounded"
    assert explain_work(network, Reported.parse("569M")).fits[0].account.name == "macs"


def test_a_power_of_a_thousand_is_a_step_nearer() -> None:
    found = explain_work(of_catalog("mobilenetv1"), Reported.parse("0.53G"))
    for fit in found.fits:
        extra = fit.steps - fit.account.steps - fit.digits.steps
        assert extra == bool(fit.reported.prefix)
    assert any(fit.reported.prefix for fit in found.fits)


@pytest.mark.parametrize(
    ("model", "reported", "reading"),
    [
        ("mobilenetv1", "4231976", "parameters"),
        ("mobilenetv1", "4210088", "parameters without norm"),
        ("mobilenetv1", "4.24M", "parameters, three a channel of norm"),
        ("mobilenetv1", "4253864", "parameters and running statistics"),
        ("mobilenetv2", "2223872", "parameters; without the classifier"),
        ("efficientsam_ti", "10223204", "parameters"),
    ],
)
def test_parameters_have_their_reading(model: str, reported: str, reading: str) -> None:
    found = explain_parameters(of_catalog(model), Reported.parse(reported))
    assert found.fits[0].account.name == reading


def test_fused_parameters_have_their_reading() -> None:
    fused = fuse(parse("resnet18").build().eval())
    reported = Reported.parse(str(sum(p.numel() for p in fused.parameters())))
    found = explain_parameters(of_catalog("resnet18"), reported)
    assert "parameters; batch norm folded" in [fit.account.name for fit in found.fits]


def test_without_a_reading_the_nearest_come_first() -> None:
    found = explain_work(of_catalog("mobilenetv1"), Reported.parse("3M"))
    assert not found
    distances = [abs(found.remainder(account)) for account in found.nearest]
    assert distances == sorted(distances)


def test_a_reading_with_the_terms_of_a_simpler_one_is_left_out() -> None:
    found = answers(of_variant(parse("mobilenetv1"), (224, 224)), "thop")
    assert [account.name for account in found] == ["thop", "thop, pooling as functions, not seen"]
    assert len({account.terms for account in found}) == len(found)


# --- the command ----------------------------------------------------------------------------------


def test_json_has_every_reading_and_its_terms(capsys) -> None:
    assert main(["reconcile", "mobilenetv1", "--reported", "579M", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    (reported,) = data["reported"]
    assert (data["schema"], data["target"]) == ("flopscope.reconcile/1", "mobilenetv1")
    assert data["inputs"] == [[1, 3, 224, 224]]
    assert reported["explained"] is True
    for reading in reported["readings"]:
        terms = sum(term["count"] for term in reading["terms"])
        assert reading["count"] == terms * reading["factor"]
        assert reading["remainder"] == 579_000_000 - reading["count"]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["mobilenetv1", "--reported", "579M"], 0),
        (["mobilenetv1", "--reported", "3M"], 1),
        (["mobilenetv1", "--params", "4.2M"], 0),
        (["mobilenetv1", "--reported", "579M", "--params", "9M"], 1),
        (["mobilenetv1", "--tool", "fvcore"], 0),
        (["mobilenetv1", "--reported", "579M", "--tool", "thop"], 1),
    ],
)
def test_the_exit_status_says_whether_a_reading_gives_it(arguments, status, capsys) -> None:
    assert main(["reconcile", *arguments]) == status
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("model", "tool", "inputs"),
    [
        ("mobilenetv1", "fvcore", [[1, 3, 224, 224]]),
        ("mobileclip_s0", "fvcore", [[1, 3, 256, 256], [1, 77]]),
        ("mobilevlm_v2_1.7b", "torch", [[1, 3, 336, 336], [1, 64]]),
        ("efficientsam_ti", "torch", [[1, 3, 1024, 1024], [1, 1, 2, 2], [1, 1, 2]]),
    ],
)
def test_what_a_tool_would_answer_is_its_convention(model, tool, inputs, capsys) -> None:
    assert main(["reconcile", model, "--tool", tool, "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["inputs"] == inputs
    assert data["answers"][0]["count"] == int(fs.analyze(model).flops(tool))


def test_an_unknown_operator_makes_a_lower_bound(capsys, monkeypatch) -> None:
    """Of what is counted; not of what a tool answers, which leaves it out by its own rules."""
    monkeypatch.chdir(Path(__file__).parents[2])
    from nets import Odd

    command = ["reconcile", "tests/support/nets.py:Odd", "--res", "32"]
    assert main([*command, "--tool", "macs"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Counts are lower bounds: the cost of inner" in out
    assert main([*command, "--tool", "fvcore", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["answers"][0]["count"] == says("fvcore", Odd(), (1, 3, 32, 32))


@pytest.mark.parametrize(
    ("target", "tool", "why"),
    [
        (NET, "mmcv", "it is a script of a repository, which no test runs"),
        ("net.onnx", "thop", "an ONNX file is a graph, and the tool runs modules of torch"),
    ],
)
def test_no_number_where_not_modelled(target, tool, why, capsys, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    if target.endswith(".onnx"):
        target = str(tmp_path / target)
        parts = [value("x", 1, 8)], [value("y", 1, 8)]
        write(tmp_path / "net.onnx", [node("Relu", ["x"], ["y"])], *parts)
        given = ["--input", "1,8"]
    else:
        given = ["--res", "32"]
    command = ["reconcile", target, *given, "--tool", tool]
    assert main([*command, "--format", "json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert (data["modelled"], data["answers"]) == (False, [])
    assert data["not_modelled"] == {"operator": "", "path": "", "why": why}
    assert main(command) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert f"What {tool} answers is not modelled." in out
    assert not re.search(r"\d{3}", out.partition("modelled.")[2])


def test_a_tool_that_is_not_modelled_names_the_operator(capsys, monkeypatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    command = [
        "reconcile",
        "tests/support/nets.py:ByKeyword",
        "--input",
        "2,3,8,8",
        "--tool",
        "thop",
    ]
    assert main(command) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "thop conv.Conv2d head the tool itself stops with an error there" in out


MESSAGES = {
    ("mobilenetv1",): "give a number, such as --reported 579M or --params 4.2M, or --tool fvcore",
    ("mobilenetv1", "--reported", "many"): "'many' is not a stated figure; expected digits, at "
    "most one decimal point and at most one of K, M, G, B, T or an exponent, as in 4.2M, 4.2e6 or "
    "3504872",
    ("mobilenetv1", "--tool", "thopp"): "unknown tool 'thopp'; did you mean thop?",
    (
        "mobilenetv1",
        "--reported",
        "1M",
        "--arg",
        "width=2",
    ): "mobilenetv1 is a catalogue model; its "
    "options follow a colon, as in mobilenetv2:width=1.4, and --arg and --example are for a "
    "network of your own",
    (NET, "--reported", "1M"): f"{NET} does not state the size of its input; give it, "
    "such as --res 224 or --input 1,3,224,224",
    ("net.py:Net", "--reported", "1M", "--input", "1,3,32,32", "--batch", "2"): "--input gives the "
    "batch too, as in 8,3,H,W; leave --batch out",
    ("net.py:Net", "--reported", "1M", "--input", "B,3,H,W"): "this counts at sizes that are "
    "numbers, and B,3,H,W has free ones; give an input such as --input 1,3,224,224",
}


@pytest.mark.parametrize("arguments", MESSAGES)
def test_bad_input_is_said_in_a_sentence(arguments, capsys) -> None:
    assert main(["reconcile", *arguments]) == 2
    assert capsys.readouterr() == ("", f"flopscope: {MESSAGES[arguments]}\n")


def test_what_is_neither_model_nor_target_is_refused(capsys) -> None:
    assert main(["reconcile", "mobilenetv9", "--reported", "1M", "--res", "32"]) == 2
    assert capsys.readouterr().out == ""


def test_the_functions_raise_what_the_command_says() -> None:
    with pytest.raises(UnknownName) as unknown:
        answers(of_catalog("mobilenetv1"), "thopp")
    assert str(unknown.value) == "unknown tool 'thopp'; did you mean thop?"
    with pytest.raises(BadInput) as unread:
        Reported.parse("4,2.3.4M")
    assert str(unread.value) == (
        "'42.3.4M' is not a stated figure; expected digits, at most one decimal point and at most "
        "one of K, M, G, B, T or an exponent, as in 4.2M, 4.2e6 or 3504872"
    )
