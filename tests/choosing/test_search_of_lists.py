"""Spaces that follow from a rule are searched by counting each network."""

import pytest

import flopscope as fs
from flopscope.answers.listedtimes import listed_times
from flopscope.answers.timed import latency_on
from flopscope.designspaces.known import space_named
from flopscope.designspaces.listed import listed_tables
from flopscope.errors import BadInput
from flopscope.quantities import MACS, PARAMS
from flopscope.timing.builtin import device_of

GRID = space_named("efficientnet_grid")
REGNET = space_named("regnetx")


@pytest.fixture(scope="module")
def costs():
    return {space: listed_tables(space, [MACS, PARAMS]) for space in (GRID, REGNET)}


@pytest.mark.parametrize("space", [GRID, REGNET], ids=lambda space: space.name)
def test_the_best_within_two_budgets_is_that_of_all(space, costs):
    macs, params = (table.costs for table in costs[space])
    report = fs.search(space, maximise="params", max_macs="700M", max_params="9M")
    assert report.proven
    best = params[(macs <= 700_000_000) & (params <= 9_000_000)].max()
    assert report.found.best.score == best == report.found.best.costs[1]
    assert int(report.ledger().params()) == best
    assert "proven optimal by counting each of them" in report.about


def test_the_frontier_is_that_of_all(costs):
    macs, params = (table.costs.tolist() for table in costs[GRID])
    found = fs.search(GRID, maximise="params", max_macs="600M").found
    expected, most = [], 0
    for cost, score in sorted(zip(macs, params, strict=True), key=lambda pair: (pair[0], -pair[1])):
        if cost <= 600_000_000 and score > most:
            expected.append((cost, score))
            most = score
    assert [(each.costs[0], each.score) for each in found.front] == expected


def test_times_are_those_of_each_network():
    device = device_of("pixel3-cpu-tflite")
    found = fs.search(GRID, maximise="macs", max_latency=f"{device.name}:100ms", batch=2).found
    ledger = GRID.ledger(found.best.design, None, 2)
    assert found.best.latency == int(latency_on(device).read(ledger)) <= 100 * 10**15
    assert found.res is None


def test_any_function_is_maximised_with_a_proof():
    asked = []

    def score(settings):
        asked.append(settings)
        return -abs(settings["width"] - 1.3) - abs(settings["res"] - 256)

    report = fs.search(GRID, accuracy=score, max_macs="1G")
    assert report.proven
    assert report.found.best.score == max(
        -abs(s["width"] - 1.3) - abs(s["res"] - 256) for s in asked
    )
    assert len(asked) < GRID.networks


def test_an_interrupt_keeps_what_was_found():
    asked = []

    def score(settings):
        asked.append(settings["width"])
        if len(asked) == 30:
            raise KeyboardInterrupt
        return settings["width"]

    report = fs.search(GRID, accuracy=score, max_macs="1G")
    assert report.found.best.score == max(asked[:29])
    assert not report.proven
    assert "the best of 29 of 7,392 networks, before the interruption" in report.about
    assert "29 designs were tried; the search was interrupted" in " ".join(str(report).split())


def write(path, *rows):
    path.write_text("design,top1\n" + "\n".join(rows) + "\n")
    return f"{path}:top1"


def test_only_measured_networks_of_a_file_are_candidates(tmp_path):
    path = write(
        tmp_path / "own.csv", "width=1 depth=1 res=224,77.1", "width=1.1 depth=1.2 res=240,79.1",
        "width=2 depth=3.1 res=600,84.3",
    )  # fmt: skip
    report = fs.search(GRID, accuracy=path, max_macs="1G")
    assert report.best == "width=1.1 depth=1.1 res=240"  # the same network
    assert report.found.best.score == 79.1
    assert "the best of 3 networks that have a score, of 7,392 networks, proven" in report.about
    assert not fs.search(GRID, accuracy=write(tmp_path / "b.csv", "width=2 depth=3.1 res=600,84"),
                         max_macs="1G")  # fmt: skip


def test_settings_of_one_network_have_its_place():
    for space in (REGNET, GRID):
        index = int((space.listing.written > 1).argmax())
        assert space.place(space.at(index)) == index
    b1, same = (GRID.design(f"width=1 depth={depth} res=240") for depth in ("1.1", "1.15"))
    assert GRID.place(b1) == GRID.place(same)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"maximise": "params", "method": "dp"},
            "efficientnet_grid is a list of 7,392 networks, each of which is counted; leave the "
            "method out, or take listing",
        ),
        (
            {"maximise": "params", "max_latency": "blocks.csv:3"},
            "efficientnet_grid is a list of networks without choices that a table could name; "
            "give a device and a time, as in pixel3-cpu-tflite:15ms",
        ),
        (
            {"maximise": "params", "fit_rows": 5},
            "fit-rows is for a CSV of measured networks, and nothing is fitted here",
        ),
        (
            {"accuracy": "measured"},
            "efficientnet_grid comes without measured accuracies; give a CSV of your own, with "
            "the columns design and accuracy (`flopscope space efficientnet_grid --sample 300` "
            "draws designs to measure)",
        ),
        (
            {},
            "a search maximises one thing; give either accuracy, such as a CSV with the columns "
            "design and accuracy of networks that you measured, or maximise, such as params",
        ),
        (
            {"accuracy": lambda settings: "high"},
            "the accuracy of the design 'width=1 depth=1 res=224' is no finite number; the "
            "function must return one for each design",
        ),
        (
            {"maximise": "params", "max_latency": "pixel1-cpu-tflite:3ms", "batch": 8},
            "networks of efficientnet_grid and a batch of 8 take so long on pixel1-cpu-tflite "
            "that their times are not exact; give a smaller batch",
        ),
    ],
)
def test_what_is_refused(given, message):
    with pytest.raises(BadInput) as refused:
        fs.search(GRID, **given)
    assert str(refused.value) == message


def test_networks_that_fuse_otherwise_are_not_timed_at_once():
    with pytest.raises(BadInput) as refused:
        fs.search(REGNET, maximise="params", max_latency="i7-12700h-inductor:20ms")
    assert str(refused.value) == (
        "the runtime of i7-12700h-inductor, inductor, fuses 'w0=64 wa=80 wm=2.3 d=13 g=4' "
        "otherwise than other networks of regnetx, so that they cannot be timed at once; give a "
        "device of another runtime, or bound another cost"
    )


@pytest.mark.parametrize("device", ["pixel3-cpu-tflite", "rtx4090-eager-amp"])
def test_networks_of_other_operators_are_timed_apart(device):
    """A group of the whole width is no grouped convolution, and one of 1 is a depthwise one."""
    table = listed_times(REGNET, latency_on(device_of(device)), None, 2)
    widths, groups = (REGNET.listing.sizes[name] for name in ("w1", "g1"))
    for kind in (widths == groups, groups == 1, (groups > 1) & (groups < widths)):
        for index in kind.nonzero()[0][::4000]:
            assert table.cost(REGNET.at(int(index))) == table.costs[index]


def test_a_measured_network_must_be_on_the_grid(tmp_path):
    path = write(tmp_path / "own.csv", "width=1.05 depth=1 res=224,77")
    with pytest.raises(BadInput) as refused:
        fs.search(GRID, accuracy=path)
    assert str(refused.value) == (
        f"{tmp_path / 'own.csv'} measures 'width=1.05 depth=1 res=224', which is not on the grid "
        "of efficientnet_grid; one that is there is 'width=1 depth=1 res=224'"
    )


def test_a_list_is_no_method_for_slots():
    with pytest.raises(BadInput) as refused:
        fs.search("nas_bench_macro", maximise="params", method="listing")
    assert str(refused.value) == (
        "listing is for a space that is a list of networks, such as regnetx; leave the method out, "
        "or take dp, cp-sat or nsga2"
    )
