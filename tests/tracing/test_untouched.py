"""The user's object, files and numbers are left as they were, whatever a forward pass writes."""

import functools
import random
import signal
import sys
from contextlib import nullcontext
from types import ModuleType

import numpy as np
import pytest
import torch
import writers
from hypothesis import settings
from states import changes, state
from torch import nn
from torch.nn.utils import skip_init
from writers import SHAPE, WIDTH, WRITERS, Writer

from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import parse
from flopscope.errors import BadInput
from flopscope.measured import without_memory
from flopscope.symbolic import symbol
from flopscope.tracing import derive, trace
from flopscope.tracing.inputs import tensors_for

FREE = (symbol("B"), symbol("T"), WIDTH)
PLACES = 2 * 5


@pytest.fixture(autouse=True)
def fresh():
    """What a real run leaves on classes and in this folder's tables is no other test's concern."""
    writers.table.cache_clear()
    vars(writers.CachedMethod)["table"].cache_clear()
    writers.TABLE.clear()
    writers.MASK, writers.OnTheClass.cos, writers.NewOnTheClass.latest = None, None, None


def everything(net):
    """The network, its class, this folder's tables and the random numbers."""
    drawn = random.getstate(), str(np.random.get_state()), torch.get_rng_state().sum().item()
    cached = [writers.table.cache_info(), writers.CachedMethod.table.cache_info()]
    return state(net, type(net), writers.TABLE, writers.MASK) | {"drawn": drawn, "cached": cached}


@pytest.mark.parametrize("shape", [SHAPE, FREE], ids=["numbers", "free"])
@pytest.mark.parametrize("name", WRITERS)
def test_what_is_written_on_the_way_is_taken_back(name, shape):
    net = WRITERS[name]()
    before = everything(net)
    trace(net, shape)
    assert changes(before, everything(net)) == []
    net(torch.randn(SHAPE))  # and it runs
    assert all(t.device.type == "cpu" for t in net.state_dict().values())


@pytest.mark.parametrize("name", WRITERS)
def test_what_a_run_has_written_stays_as_it_is(name):
    net = WRITERS[name]()
    net(torch.randn(SHAPE))
    before = everything(net)
    trace(net, SHAPE)
    assert changes(before, everything(net)) == []
    net(torch.randn(SHAPE))


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("name", WRITERS)
def test_also_after_an_error_and_after_ctrl_c(name, error):
    class Fails(nn.Module):
        def forward(self, x):
            raise error("on the way")

    net = nn.Sequential(WRITERS[name](), Fails())
    before = everything(net)
    with pytest.raises(error):
        trace(net, SHAPE)
    assert changes(before, everything(net)) == []
    net[0](torch.randn(SHAPE))


def test_a_signal_in_the_middle_of_a_trace():
    """Ctrl-C itself, raised by the interpreter between two lines of the network."""

    class Interrupted(writers.ListOfGrids):
        def keep(self, x):
            x = super().keep(x)
            signal.raise_signal(signal.SIGINT)
            return x

    net = Interrupted()
    before = everything(net)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in background jobs
    try:
        with pytest.raises(KeyboardInterrupt):
            trace(net, SHAPE)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert changes(before, everything(net)) == []


@pytest.mark.parametrize("name", WRITERS)
def test_a_training_step_takes_back_too(name):
    net = WRITERS[name]()
    before = everything(net)
    with pytest.raises(BadInput) if name == "recurrent" else nullcontext():
        trace(net, SHAPE, backward=True)
    assert changes(before, everything(net)) == []
    net(torch.randn(SHAPE)).sum().backward()


def test_the_walk_of_these_tests_sees_each_kind_of_write():
    """Run for real, the writers do change: the tests above could fail."""
    x = torch.randn(SHAPE)
    seen = {
        name: bool(changes(before, after))
        for name, make in WRITERS.items()
        for net in [make()]
        for before in [everything(net)]
        for _ in [net(x)]
        for after in [everything(net)]
    }
    unwritten = {name for name, change in seen.items() if not change}
    assert unwritten == {"Unregistered", "Patched", "weight_normed", "parametrized_twice"}


# --- the catalogue's networks and public ones -----------------------------------------------------

EXPLORING = settings.get_current_profile_name() == "explore"
FIRST = {model.family: model.id for model in reversed(MODELS.values())}


@pytest.mark.parametrize("name", MODELS if EXPLORING else FIRST.values())
def test_reference_models_are_left_as_they_were(name):
    variant = parse(name)
    net = without_memory(variant.build)
    inputs, _ = tensors_for(variant.inputs(variant.resolution(), 1))
    before = state(net)
    trace(net, *inputs)
    assert changes(before, state(net)) == []


# --- the counts of such networks ------------------------------------------------------------------

LAYER = WIDTH * WIDTH


def test_layers_that_are_shared_are_counted_at_each_call_and_stored_once():
    ledger = trace(writers.Alias(), SHAPE).ledger
    assert ledger.macs().value == PLACES * LAYER * (2 + 3 + 2)
    assert ledger.params().value == 2 * (LAYER + WIDTH) + WIDTH + 2 * 2 * WIDTH


def test_layers_in_plain_lists_are_counted_with_their_weights():
    ledger = trace(writers.Unregistered(), SHAPE).ledger
    assert ledger.macs().value == PLACES * LAYER * 4
    assert ledger.params().value == 2 * (LAYER + WIDTH) + 2 * LAYER


class Head(nn.Module):
    """Layers made as the network runs: kept, made anew, and parameters alone."""

    def __init__(self, how):
        super().__init__()
        self.how, self.head = how, None

    def forward(self, x):
        if self.how == "kept":
            self.head = self.head or nn.Linear(x.shape[-1], 3)
        head = self.head or nn.Linear(x.shape[-1], 3)
        if self.how == "parameter":
            self.weight = nn.Parameter(torch.empty(3, x.shape[-1]))
            return nn.functional.linear(x, self.weight) + nn.Parameter(torch.zeros(3))
        return head(x)


@pytest.mark.parametrize("how", ["kept", "anew", "parameter"])
def test_parameters_that_are_made_in_forward_are_counted(how):
    net = Head(how)
    ledger = trace(net, SHAPE).ledger
    assert ledger.params().value == ledger.trainable().value == 3 * WIDTH + 3
    assert ledger.macs().value == PLACES * 3 * WIDTH
    assert net.head is None
    assert not list(net.parameters())
    free = trace(Head(how), FREE).ledger
    assert free.params().value == 3 * WIDTH + 3
    assert str(free.macs().value) == f"{3 * WIDTH}·B·T"


def test_weights_that_are_recomputed_are_counted_as_stored():
    for make in (writers.weight_normed, writers.pruned, writers.old_norms):
        net = make()
        ledger = trace(net, SHAPE).ledger
        assert ledger.params().value == sum(p.numel() for p in net.parameters())


def test_a_constructor_that_writes_is_taken_back_too():
    width = symbol("C")
    kept = [writers.TABLE, writers.Registered.made]
    before = [list(kept[0].items()), list(kept[1]), writers.table.cache_info()]
    found = derive(writers.Registered, {"width": width}, ("B", width))
    assert str(found.ledger.params().value) == "C² + C"
    assert [list(kept[0].items()), list(kept[1]), writers.table.cache_info()] == before
    assert writers.table(7).device.type == "cpu"
    writers.table.cache_clear()


def test_a_network_on_the_meta_device_stays_there():
    net = skip_init(nn.Linear, WIDTH, WIDTH, device="meta")
    before = state(net)
    trace(net, SHAPE)
    assert changes(before, state(net)) == []


def test_a_writer_that_fails_at_its_first_example_starts_clean_at_the_next():
    """A cache that an example has filled does not decide the next one's branches."""

    class Once(Writer):
        length = None

        def keep(self, x):
            self.length = self.length or int(x.shape[1])
            if self.length % 64:
                raise ValueError("takes multiples of 64")
            return x

    found = trace(Once(), FREE)
    assert found.trail.example["T"] == 64


class Tables(nn.Module):
    """Tables by size: literal ones, and caches by size and by pairs of sizes."""

    def __init__(self, pick):
        super().__init__()
        self.pick, self.layer, self.kept = pick, nn.Linear(WIDTH, WIDTH, bias=False), {}

    def forward(self, x):
        for _ in range(self.pick(self, x)):
            x = self.layer(x)
        return x


def by_pair(s, x):
    key = x.shape[0], x.shape[1]
    s.kept[key] = torch.zeros(key)
    s.kept.setdefault((x.shape[1], x.shape[0]), 0)
    return len(s.kept)


PICKS = {
    "a literal table": (lambda s, x: {3: 1, 40: 2}[x.shape[1]], "B ≥ 1; T = 40", 2),
    "a set": (lambda s, x: 2 if x.shape[1] in {39, 40} else 1, "B ≥ 1; T = 40", 2),
    "a cache": (by_pair, "B, T ≥ 1", 2),
    "a size in a list": (lambda s, x: [7, 40].index(x.shape[1]), "B ≥ 1; T = 40", 1),
}


@pytest.mark.parametrize("name", PICKS)
def test_sizes_are_keys_and_what_they_hit_is_a_condition(name):
    pick, domain, layers = PICKS[name]
    formula = trace(Tables(pick), FREE).ledger.macs().formula
    assert formula.domain == domain
    assert formula.at(B=2, T=40) == layers * 2 * 40 * LAYER
    assert formula.at(B=2, T=40) == trace(Tables(pick), (2, 40, WIDTH)).ledger.macs().value


def test_sizes_of_two_traces_are_never_the_same_key():
    """In a cache that outlives both, as one in another package."""

    class Keeps(nn.Module):
        def forward(self, x):
            table = vars(functools).setdefault("_sizes", {})  # where no trace puts anything back
            table.setdefault(x.shape[1], []).append(1)
            return x

    try:
        for _ in range(2):
            trace(Keeps(), FREE)
        assert [len(found) for found in vars(functools)["_sizes"].values()] == [1, 1]
    finally:
        vars(functools).pop("_sizes", None)


WRITTEN = """\
from torch import nn


class Noted:
    def __init__(self):
        self.seen = []


class Net(nn.Module):
    calls = 0

    def __init__(self):
        super().__init__()
        self.norm, self.noted = nn.BatchNorm1d(4), Noted()

    def forward(self, x):
        type(self).calls += 1
        self.noted.seen.append(x)
        return self.norm(x)
"""
"""A network that writes on itself, on an object of its own and on its class."""


@pytest.mark.parametrize("named", [None, "builtins", "cmd", "this", "antigravity"])
def test_a_class_under_a_name_of_the_standard_library_is_the_reader_s_own(named, monkeypatch):
    """`exec` without a name for its code makes classes of "builtins", and a reader's file may be
    called cmd.py."""
    names = {} if named is None else {"__name__": named}
    if named not in (None, "builtins"):
        file = ModuleType(named)
        file.__file__, names = f"/home/reader/{named}.py", vars(file)
        monkeypatch.setitem(sys.modules, named, file)
    exec(WRITTEN, names)
    net = names["Net"]()
    before = everything(net)
    trace(net, (FREE[0], 4))
    assert changes(before, everything(net)) == []
    assert (net.noted.seen, net.calls) == ([], 0)
    assert net.norm.running_mean.device.type == "cpu"
