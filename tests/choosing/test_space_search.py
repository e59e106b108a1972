"""`fs.search`: proven optima equal brute force, and what cannot be answered is refused."""

import sys

import pytest
from small_spaces import BLOCKS, COUPLED

import flopscope as fs
from flopscope.answers.spacebounds import latency_bound
from flopscope.choosing.search import How, search
from flopscope.designspaces import store
from flopscope.designspaces.known import space_named
from flopscope.designspaces.tables import tables
from flopscope.errors import BadInput, UnknownName
from flopscope.quantities import MACS, PARAMS

MACRO = space_named("nas_bench_macro")


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv(store.VARIABLE, "off")


def brute(space, score, **most):
    """The highest score within budgets, by listing all designs."""
    found = tables(space, [fs_quantity(name) for name in most])
    kept = [
        score(design)
        for design in space.all()
        if all(t.cost(design) <= n for t, n in zip(found, most.values(), strict=True))
    ]
    return max(kept, default=None)


def fs_quantity(name):
    return {"macs": MACS, "params": PARAMS}[name]


@pytest.mark.parametrize("most", [20_000_000, 40_000_000, 60_000_000, 90_000_000])
def test_the_proven_best_under_a_budget_equals_brute_force(most):
    found = search("nas_bench_macro", accuracy="measured", most={"macs": most},
                   how=How(fit_rows=300))  # fmt: skip
    scores = found.objective.scores
    assert found.proven
    assert scores.of(found.best.design) == brute(MACRO, scores.of, macs=most)
    assert found.best.measured is not None
    assert found.best.costs[0] <= most


@pytest.mark.parametrize("limits", [{}, {"macs": 40_000_000}, {"macs": 4e7, "params": 7e5}])
def test_several_budgets_are_proved_by_cp_sat(limits):
    pytest.importorskip("ortools")
    limits = {name: int(most) for name, most in limits.items()}
    how = How(method="cp-sat")
    found = search("nas_bench_macro", accuracy="measured", most=limits, how=how)
    scores = found.objective.scores
    assert (found.method, found.proven) == ("cp-sat", True)
    assert scores.of(found.best.design) == brute(MACRO, scores.of, **limits)
    assert found.bound == found.best.score


def test_cp_sat_knows_coupled_states():
    pytest.importorskip("ortools")
    weight = {"w8": 1, "w16": 3, "w24": 4}
    macs, params = tables(COUPLED, [MACS, PARAMS])

    def score(design):
        return sum(weight[option] for option in design)

    from flopscope.designspaces.scores import by_option
    from flopscope.solvers.proof import Limit, best_design

    scores = by_option(COUPLED, [weight for _ in COUPLED.slots], words="score")
    costs = sorted(macs.cost(design) for design in COUPLED.all())
    for most in costs[:: len(costs) // 6]:
        limits = [Limit(macs, most), Limit(params, 4000)]
        proved = best_design(scores, limits, seconds=20)
        assert proved.decided
        expected = brute(COUPLED, score, macs=most, params=4000)
        assert (proved.design and score(proved.design)) == expected


def test_no_network_may_keep_all_budgets_though_each_can_be_kept():
    pytest.importorskip("ortools")
    found = fs.search(MACRO, accuracy="measured", max_macs=8_000_000, max_params=387_882)
    assert found.best == "00000000"
    found = fs.search(MACRO, accuracy="measured", max_macs=7_713_280, max_params=387_882)
    assert found
    macs, params = tables(BLOCKS, [MACS, PARAMS])
    least = min(macs.cost(d) for d in BLOCKS.all()), min(params.cost(d) for d in BLOCKS.all())
    both = any((macs.cost(d), params.cost(d)) == least for d in BLOCKS.all())
    found = fs.search(BLOCKS, maximise="params", max_macs=least[0], max_params=least[1])
    assert bool(found) == both


def test_nsga2_starts_from_uniform_samples_and_says_how_far_it_came():
    pytest.importorskip("pymoo")
    given = {"accuracy": "measured", "most": {"macs": 60_000_000}}
    exact = search("nas_bench_macro", **given)
    how = How(method="nsga2", evaluations=1000, seed=1)
    found = search("nas_bench_macro", **given, how=how)
    assert not found.proven
    assert found.evolved.finished
    assert 0.9 < found.evolved.share <= 1
    assert found.best.score <= exact.best.score
    assert all(each.costs[0] <= 60_000_000 for each in found.front)
    assert search("nas_bench_macro", **given, how=how).front == found.front


def test_any_function_is_searched_and_an_interrupt_keeps_what_was_found():
    pytest.importorskip("pymoo")
    asked = []

    def score(choices):
        asked.append(choices)
        if len(asked) == 250:
            raise KeyboardInterrupt
        return sum(int(option) for option in choices.values())

    found = search(MACRO, accuracy=score, most={"macs": 60_000_000}, how=How(evaluations=500))
    assert len(asked) == 250
    assert not found.evolved.finished
    assert found.best.score == max(
        each.score for each in found.front
    )  # fmt: skip
    assert found.front


def test_a_latency_budget_is_kept(tmp_path):
    path = tmp_path / "lut.csv"
    rows = [f"{s.name},{o},{int(o) + 0.25}" for s in MACRO.slots for o in s.options]
    path.write_text("slot,option,latency\n" + "\n".join(rows) + "\n")
    found = search(MACRO, accuracy="measured", max_latency=f"{path}:8.5")
    scores = found.objective.scores
    allowed = [d for d in MACRO.all() if sum(int(o) + 0.25 for o in d) <= 8.5]
    assert scores.of(found.best.design) == max(map(scores.of, allowed))
    assert found.best.latency <= 8_500_000
    assert latency_bound(f"{path}:8.5", MACRO, 32).text == "8.5 of latency"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: fs.search(MACRO),
            "a search maximises one thing; give either accuracy, such as a CSV with the columns "
            "design and accuracy of networks that you measured, or maximise, such as params",
        ),
        (
            lambda: fs.search(BLOCKS, accuracy="measured"),
            "blocks comes without measured accuracies; give a CSV of your own, with the columns "
            "design and accuracy (`flopscope space blocks --sample 300` draws designs to measure)",
        ),
        (
            lambda: fs.search(BLOCKS, maximise="params", fit_rows=3),
            "fit-rows is for a CSV of measured networks, and nothing is fitted here",
        ),
        (
            lambda: fs.search(BLOCKS, accuracy=lambda choices: 1.0, method="dp"),
            "a dynamic programme needs an additive score, and a function is none; leave the "
            "method out, or take nsga2",
        ),
        (
            lambda: fs.search(BLOCKS, maximise="params", max_macs=1e9, max_params=1e9, method="dp"),
            "a dynamic programme keeps one budget, and 2 are given; leave the method out, or take "
            "cp-sat",
        ),
        (
            lambda: fs.search(BLOCKS, maximise="params", max_latency="blocks.csv:fast"),
            "max-latency blocks.csv:fast ends in 'fast', which is no number above 0; give the most "
            "in the unit of the file, as in blocks.csv:11",
        ),
        (
            lambda: fs.search(BLOCKS, accuracy="none.csv"),
            "none.csv cannot be read: No such file or directory",
        ),
        (
            lambda: fs.search(BLOCKS, accuracy=3),
            "accuracy 3 is neither text nor a function; give 'measured', the path of a CSV, or a "
            "function from the options of a design to a number",
        ),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(BadInput) as refused:
        call()
    assert str(refused.value) == message


def test_a_function_must_give_numbers():
    pytest.importorskip("pymoo")
    with pytest.raises(BadInput) as refused:
        fs.search(BLOCKS, accuracy=lambda choices: "good")
    assert str(refused.value).endswith(
        "' is no finite number; the function must return one for each design"
    )


def test_a_function_that_raises_is_one_sentence():
    pytest.importorskip("pymoo")
    with pytest.raises(BadInput) as refused:
        fs.search(MACRO, accuracy=lambda choices: choices["nowhere"])
    assert str(refused.value).startswith("the accuracy of the design '")
    assert str(refused.value).endswith("' raises KeyError: 'nowhere'")
    assert isinstance(refused.value.__cause__, KeyError)


def test_unknown_names_are_refused():
    with pytest.raises(UnknownName):
        fs.search(BLOCKS, maximise="parms")
    with pytest.raises(UnknownName):
        fs.search(BLOCKS, maximise="params", method="cpsat")


@pytest.mark.parametrize(("method", "package", "version"), [
    ("cp-sat", "ortools", "9.10"), ("nsga2", "pymoo", "0.6.1"),
])  # fmt: skip
def test_a_missing_extra_is_one_sentence(monkeypatch, method, package, version):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(BadInput) as refused:
        fs.search(BLOCKS, maximise="params", method=method)
    assert str(refused.value) == (
        f"this needs {package}, but {package} cannot be imported; install it with: pip install "
        f"'{package}>={version}', or in a clone of flopscope with: make setup"
    )
