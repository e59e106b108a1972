"""Tensors that no input reaches keep their values while a network is traced."""

import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from flopscope.errors import BadInput
from flopscope.symbolic import symbol
from flopscope.tracing import trace
from flopscope.tracing.building.constructing import without_memory

WIDTH = 4
SHAPE = (2, 6, WIDTH)
FREE = (symbol("B"), symbol("T"), WIDTH)


class Net(nn.Module):
    """A linear layer that runs `times(x)` times."""

    def __init__(self, times):
        super().__init__()
        self.times, self.layer = times, nn.Linear(WIDTH, WIDTH, bias=False)
        self.register_buffer("two", torch.tensor(2))
        self.register_buffer("table", torch.arange(12.0).reshape(3, 4))
        self.strides = torch.tensor([8.0, 16.0, 32.0])
        self.gain = nn.Parameter(torch.full((), 3.0))

    def forward(self, x):
        for _ in range(int(self.times(self, x))):
            x = self.layer(x)
        return x


CONSTANTS = {
    "a buffer": lambda s, x: s.two,
    "an item": lambda s, x: s.two.item(),
    "a table's entry": lambda s, x: s.table[0, 2],
    "a plain tensor": lambda s, x: s.strides[1] / s.strides[0],
    "a list": lambda s, x: s.strides.tolist()[1] // 8,
    "an array": lambda s, x: s.strides.numpy()[1] // 8,
    "a copy on the CPU": lambda s, x: s.table.detach().cpu().numpy()[0, 2],
    "a parameter": lambda s, x: s.gain - 1,
    "a number in code": lambda s, x: torch.tensor([1.0, 2.0]).max(),
    "a tensor on the input's device": lambda s, x: torch.tensor(2, device=x.device),
    "what is new there": lambda s, x: x.new_full((1,), s.strides[1]) / 8,
    "ones like it": lambda s, x: torch.ones_like(x[:1, :2, 0]).sum(),
    "nonzero": lambda s, x: torch.ones(3, 3).triu().nonzero().shape[0] / 3,
    "a boolean mask": lambda s, x: len(s.table[s.table > 9]),
    "where": lambda s, x: len(torch.where(s.table > 9)[0]),
    "unique": lambda s, x: torch.tensor([1, 1, 5]).unique().numel(),
    "masked_select": lambda s, x: s.table.masked_select(s.table > 9).numel(),
    "equal": lambda s, x: 1 + torch.equal(s.table, s.table + 0),
    "all": lambda s, x: 2 if bool((s.strides > 0).all()) else 7,
    "repeats": lambda s, x: torch.repeat_interleave(torch.tensor([1, 1])).numel(),
    "bincount": lambda s, x: torch.bincount(torch.tensor([0, 1, 1])).numel(),
    "in place": lambda s, x: torch.zeros(3).add_(2).max(),
    "a view written through": lambda s, x: written_through_a_view(),
    "filled": lambda s, x: torch.empty(4).fill_(2).min(),
    "copied": lambda s, x: torch.empty(2).copy_(torch.tensor([2.0, 2.0]))[0],
    "autocast": lambda s, x: autocast(x),
    "the loop over a tensor": lambda s, x: sum(int(v) for v in torch.tensor([1, 1])),
    "a shape as a tensor": lambda s, x: torch.tensor(x.shape[-1:])[0] / 2,
    "isin": lambda s, x: 2 if 8 in s.strides else 7,
    "format": lambda s, x: int(f"{s.two}"),
    "index": lambda s, x: [0, 1, 2, 3][s.two],
    "linspace": lambda s, x: torch.linspace(0, 2, 5)[-1],
}


def written_through_a_view():
    whole = torch.zeros(2, 2)
    whole[0].fill_(2)
    whole.T[1, 1] = 1
    return whole.max()


def autocast(x):
    with torch.autocast(device_type=x.device.type, enabled=False):
        return torch.full((), 2)


@pytest.mark.parametrize("name", CONSTANTS)
def test_what_does_not_depend_on_the_input_is_known(name):
    net = Net(CONSTANTS[name])
    assert int(net.times(net, torch.zeros(SHAPE))) == 2  # as it runs
    assert trace(net, SHAPE).ledger.macs().value == 2 * 2 * 6 * WIDTH**2
    assert str(trace(net, FREE).ledger.macs().value) == f"{2 * WIDTH**2}·B·T"


@pytest.mark.parametrize("name", CONSTANTS)
def test_also_in_a_module_that_is_built_of_shapes(name):
    net = without_memory(Net, {"times": CONSTANTS[name]})
    assert next(net.parameters()).device.type == "meta"
    assert trace(net, SHAPE).ledger.macs().value == 2 * 2 * 6 * WIDTH**2


def refused(times):
    with pytest.raises(BadInput) as error:
        trace(Net(times), SHAPE)
    return re.sub(r"at \S*test_known_values.py:\d+", "HERE", str(error.value))


ITEM = ".item(), .tolist() or a condition"

DATA = {
    "a condition": (lambda s, x: 1 if x.sum() > 0 else 2, ITEM),
    "a number of times": (lambda s, x: x.sum() > 0, ITEM),
    "an item": (lambda s, x: x[0, 0, 0].item(), ITEM),
    "known times data": (lambda s, x: (s.two * x).max(), ITEM),
    "nonzero": (lambda s, x: len(x.nonzero()), "nonzero or a boolean mask"),
    "a mask": (lambda s, x: len(x[x > 0]), "a boolean mask"),
    "written into": (lambda s, x: mixed(x), ITEM),
    "written into a view": (lambda s, x: mixed_view(x), ITEM),
    "a draw": (lambda s, x: torch.rand(3).max(), ITEM),
    "a draw in place": (lambda s, x: torch.zeros(3).normal_()[0], ITEM),
    "not filled": (lambda s, x: torch.empty(3)[0], ITEM),
    "half filled": (lambda s, x: half_filled(), ITEM),
}


def mixed(x):
    table = torch.zeros(6, WIDTH)
    table += x[0]
    return table.max()


def mixed_view(x):
    table = torch.zeros(6, WIDTH)
    table[2:4].copy_(x[0, :2])
    return table[0, 0]


def half_filled():
    table = torch.empty(4)
    table[:2].fill_(2)
    return table[3]


@pytest.mark.parametrize("name", DATA)
def test_what_depends_on_data_or_chance_is_refused(name):
    times, how = DATA[name]
    assert refused(times) == (
        f"the network reads the values of a tensor ({how}) HERE; "
        "a trace has shapes only, so give it a form that depends on shapes alone"
    )


PATTERNS = {
    "packed positions": lambda x: (torch.arange(x.shape[1]).diff() != 1).sum() == 0,
    "positions in a batch": lambda x: packed(torch.arange(x.shape[1])[None].expand(len(x), -1)),
    "a mask of ones": lambda x: torch.ones(x.shape[:2], dtype=torch.bool).all(),
    "a mask that hides nothing": lambda x: not (torch.ones(x.shape[:2]) == 0).any(),
    "positions from a mask": lambda x: packed(torch.ones(x.shape[:2]).cumsum(-1) - 1),
    "no padding": lambda x: (1.0 - x.new_ones(x.shape[:2])).max() == 0,
    "from a start": lambda x: torch.arange(3, 3 + x.shape[1]).min() >= 3,
    "scaled": lambda x: (2 * torch.arange(x.shape[1]) + 1)[0] == 1,
    "turned": lambda x: torch.arange(x.shape[1])[:, None].t()[0, 3] == 3,
    "zeros": lambda x: torch.zeros(x.shape[1], x.shape[1]).sum() == 0,
    "pooled": lambda x: F.max_pool1d(torch.ones(1, x.shape[1]), 2, 1, 1).all(),
    "averaged": lambda x: (F.avg_pool2d(x.new_ones(1, x.shape[1], 8), 1, 2) == 1).all(),
}


def packed(positions):
    """As libraries look for several sequences in one."""
    first = positions[:, :1] - 1
    apart = (torch.diff(positions, prepend=first, dim=-1) != 1).cumsum(-1)
    return (apart[:, -1] == 0).all()


@pytest.mark.parametrize("name", PATTERNS)
def test_masks_and_positions_of_free_sizes_are_known_by_their_pattern(name):
    net = Net(lambda _, x: 2 if PATTERNS[name](x) else 5)
    assert int(net.times(net, torch.zeros(SHAPE))) == 2
    formula = trace(net, FREE).ledger.macs().formula
    compared = 0
    for tokens in (1, 2, 6, 64):
        try:
            counted = trace(net, (3, tokens, WIDTH)).ledger.macs().value
        except (BadInput, IndexError):
            continue
        if tokens > 1 and name != "turned":
            assert formula.at(B=3, T=tokens) == counted
            compared += 1
    assert compared or name == "turned"


def reads_values():
    """The refusal of a condition on numbers that are not known, at a line of this file."""
    return pytest.raises(
        BadInput,
        match=r"^the network reads the values of a tensor "
        r"\(\.item\(\), \.tolist\(\) or a condition\) at .*test_known_values\.py:\d+; "
        r"a trace has shapes only, so give it a form that depends on shapes alone$",
    )


def test_an_average_over_an_edge_is_not_the_number_inside():
    net = Net(
        lambda _, x: 2 if (F.avg_pool1d(x.new_ones(1, x.shape[1]), 3, 1, 1) == 1).all() else 5
    )
    with reads_values():
        trace(net, FREE)


ROUNDED = {
    "tenths": lambda x: (torch.arange(x.shape[1]) * 0.1).diff().min() > 0.05,
    "halves": lambda x: torch.arange(x.shape[1], dtype=torch.float16).diff().min() == 1,
}


@pytest.mark.parametrize("name", ROUNDED)
def test_steps_that_are_rounded_are_not_known(name):
    with reads_values():
        trace(Net(lambda _, x: 2 if ROUNDED[name](x) else 5), FREE)


WRITES = [
    lambda mask: mask.fill_(3),
    lambda mask: mask[:, 1:].zero_(),
    lambda mask: mask.t()[1:].mul_(2),
    lambda mask: mask[None].masked_fill_(mask[None] > 0, 0),
]


@pytest.mark.parametrize("write", WRITES)
def test_a_pattern_that_is_written_into_is_known_no_longer(write):
    def times(_, x):
        mask = torch.ones(x.shape[:2])
        write(mask)
        return mask.all()

    with reads_values():
        trace(Net(times), FREE)


def test_numbers_are_copies():
    """What code does to the numbers that it is handed does not come back."""

    class Writes(Net):
        def forward(self, x):
            self.strides.numpy()[0] = 7
            self.strides[1] = 9
            self.table.zero_()
            return self.layer(x)

    net = Writes(None)
    trace(net, SHAPE)
    assert net.strides.tolist() == [8, 16, 32]
    assert net.table.max() == 11


def test_a_detector_s_grid_of_anchors():
    """Anchors from stored strides and map sizes, as in the heads of detectors."""

    class Head(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.stride = nn.Conv2d(3, 8, 3, 2, 1), torch.tensor([8.0, 16.0])
            self.anchors = torch.empty(0)

        def forward(self, x):
            y = self.conv(x)
            h, w = y.shape[2:]
            grid = torch.stack(torch.meshgrid(torch.arange(w), torch.arange(h), indexing="xy"), -1)
            self.anchors = (grid + 0.5).view(-1, 2) * self.stride[0]
            scale = self.stride.max().item() / self.stride[0]
            boxes = y.flatten(2).mT[..., :2] + self.anchors
            return F.interpolate(y, scale_factor=float(scale)), boxes

    head = Head()
    assert trace(head, (1, 3, 8, 8)).ledger.complete
    assert trace(head, (symbol("B"), 3, symbol("H"), symbol("W"))).ledger.complete
    assert head.anchors.numel() == 0


# --- conditions on data ---------------------------------------------------------------------------


class Asks(nn.Module):
    """Conditions on data as real code has them; `ask` says which."""

    def __init__(self, ask):
        super().__init__()
        self.ask = ask
        self.a, self.b = nn.Linear(WIDTH, WIDTH, bias=False), nn.Linear(WIDTH, WIDTH, bias=False)
        self.warned = False

    def forward(self, x):
        return self.ask(self, x)


def warns(s, x):
    if x.max() > 1:
        s.warned = True
    return s.a(x)


def asserts(s, x):
    assert not torch.isnan(x).any(), "not a number"
    return s.b(s.a(x))


def raises(s, x):
    if (x < -9).any():
        raise ValueError("too small")
    return s.a(x)


def contains(s, x):
    if 0.5 in x[:, [-1, 0]]:
        s.warned = True
    return s.a(x)


def several(s, x):
    for layer in (s.a, s.b):
        if x.sum() > 0:
            s.warned = True
        if x.amax() < 7:
            s.warned = False
        x = layer(x)
    return x


def same_work(s, x):
    return s.a(x) if x.sum() > 0 else s.a(x.flip(0))


SAME = {"warns": 1, "asserts": 2, "raises": 1, "contains": 1, "several": 2, "same_work": 1}


@pytest.mark.parametrize("name", SAME)
def test_a_condition_on_data_on_which_no_work_depends_is_no_refusal(name):
    net = Asks(globals()[name])
    layers = SAME[name]
    assert trace(net, SHAPE).ledger.macs().value == layers * 2 * 6 * WIDTH**2
    assert str(trace(net, FREE).ledger.macs().value) == f"{layers * WIDTH**2}·B·T"
    assert net.warned is False


def deeper(s, x):
    return s.b(s.a(x)) if x.sum() > 0 else s.a(x)


def until(s, x):
    while x.max() > 1:
        x = s.a(x)
    return x


def clamps(s, x):
    y = s.a(x)
    return y.clamp(-9, 9) if torch.isinf(y).any() else y


@pytest.mark.parametrize("ask", [deeper, until, clamps])
def test_one_on_which_work_depends_is_a_refusal_with_its_line(ask):
    for shape in (SHAPE, FREE):
        with pytest.raises(BadInput) as error:
            trace(Asks(ask), shape)
        assert re.fullmatch(
            r"the network reads the values of a tensor \(.item\(\), .tolist\(\) or a condition\) "
            r"at \S*test_known_values.py:\d+; "
            r"a trace has shapes only, so give it a form that depends on shapes alone",
            str(error.value),
        )


def test_a_network_that_fails_on_every_way_fails_with_its_own_error():
    def fails(s, x):
        if x.sum() > 0:
            raise KeyError("one")
        raise KeyError("other")

    with pytest.raises(KeyError, match="other"):
        trace(Asks(fails), SHAPE)


class Buckets(nn.Module):
    """Positions to buckets by a logarithm, which is infinite at the first, before whole numbers."""

    def __init__(self, filled, dtype):
        super().__init__()
        self.filled, self.dtype = filled, dtype
        self.layer = nn.Linear(WIDTH, WIDTH, bias=False)

    def forward(self, x):
        places = torch.full((x.shape[1],), self.filled).to(self.dtype)
        return self.layer(x) + torch.where(places > 3, 1, places).unsqueeze(-1).real


@pytest.mark.parametrize("shape", [SHAPE, FREE, (2, 1, WIDTH)])
@pytest.mark.parametrize(
    ("filled", "dtype"),
    [
        (float("-inf"), torch.int64),
        (float("nan"), torch.int32),
        (3e9, torch.int32),
        (300.0, torch.uint8),
    ],
)
def test_numbers_that_a_type_cannot_hold_are_not_known(shape, filled, dtype):
    macs = trace(Buckets(filled, dtype), shape).ledger.macs().value
    assert macs == WIDTH * WIDTH * shape[0] * shape[1]


def test_of_complex_numbers_no_real_one_is_known():
    asked = Net(lambda s, x: 1 + bool(x.new_full((x.shape[1],), 0.5, dtype=torch.cfloat).all()))
    with reads_values():
        trace(asked, FREE)
