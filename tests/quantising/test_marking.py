"""Which tensors get scales, on networks of a few steps, worked out by hand."""

from flopscope.quantising.marking import INPUT, marked
from flopscope.quantising.steps import Role, Step, Steps, Stored
from flopscope.quantising.terms import Terms, terms

X = f"{INPUT}x"


def layer(name, reads, writes, *, bias=True):
    """Of 2 channels and 6 elements."""
    shift = Stored(f"{name}.bias", 2, 1, 8) if bias else None
    return Step(name, Role.LAYER, (reads,), (writes,), "conv", Stored(name, 6, 2, 24), shift)


def step(role, reads, writes):
    return Step(writes, role, tuple(reads), (writes,))


def test_a_clamp_behind_a_layer_is_folded():
    found = marked(Steps((layer("a", X, "a"), step(Role.FOLD, ["a"], "b"))))
    assert found.activations == {X, "b"}
    assert [each.name for each in found.folded] == ["b"]


def test_a_clamp_whose_input_has_another_reader_stays():
    steps = layer("a", X, "a"), step(Role.FOLD, ["a"], "b"), layer("c", "a", "c")
    found = marked(Steps(steps))
    assert found.activations == {X, "a", "b", "c"}
    assert found.folded == []


def test_what_follows_shares_the_scale():
    steps = layer("a", X, "a"), step(Role.FOLLOW, ["a"], "b"), layer("c", "b", "c")
    found = marked(Steps(steps))
    assert (found.activations, found.following) == ({X, "a", "c"}, {"b"})


def test_what_runs_in_float32_is_rounded_for_a_layer_alone():
    """A sum of an int8 and a float32 tensor stays in float32, until a layer reads it."""
    steps = layer("a", X, "a"), step(Role.OTHER, ["a"], "b"), step(Role.JOIN, ["a", "b"], "c")
    assert marked(Steps(steps)).activations == {X, "a"}
    assert marked(Steps((*steps, layer("d", "c", "d")))).activations == {X, "a", "c", "d"}


def test_terms_by_hand():
    """6 bytes of weights, two scales for the weight and two for the bias, 1 + 4 bytes of zero
    points a channel, and two activations."""
    network = Steps((layer("a", X, "a"),))
    found = marked(network)
    each = terms(network, found, lambda name: 8, True)
    assert each == Terms(6, 4 * (2 + 2 + 2), 2 + 8 + 2, 8, 0)
    whole = terms(network, found, lambda name: 8, False)
    assert whole == Terms(6, 4 * (1 + 1 + 2), 1 + 4 + 2, 8, 0)
    fours = terms(network, found, lambda name: 4, True)
    assert fours == Terms(3, 24, 1 + 8 + 2, 8, 0)


def test_a_skipped_layer_is_untouched():
    network = Steps((layer("a", X, "a"), layer("b", "a", "b", bias=False)))
    found = marked(network, ["a"])
    assert found.activations == {"a", "b"}
    assert terms(network, found, lambda name: 8, True) == Terms(6, 4 * 4, 2 + 2, 0, 24 + 8)


def test_a_weight_of_two_layers_is_stored_once():
    one = layer("a", X, "a", bias=False)
    network = Steps((one, one._replace(name="b", reads=("a",), writes=("b",))))
    assert terms(network, marked(network), lambda name: 8, True).weights == 6
