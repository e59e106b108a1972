"""What the answer does not depend on, and what a trace leaves alone."""

import io
from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules import module as machinery
from torch.overrides import _get_current_function_mode_stack
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

from flopscope.errors import BadInput
from flopscope.ledger import Ledger
from flopscope.symbolic import symbol
from flopscope.tracing import trace
from flopscope.tracing.inputs import Input

B, H, W = symbol("B"), symbol("H"), symbol("W")
SHAPE = (2, 3, 16, 12)


class Net(nn.Module):
    """Convolution, norms with state, dropout, attention written in three ways, a tied matrix."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.Dropout(0.5))
        self.attention = nn.MultiheadAttention(8, 2, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.first, self.second = nn.Linear(8, 8), nn.Linear(8, 8)
        self.second.weight = self.first.weight
        self.scale = nn.Parameter(torch.ones(8))

    def forward(self, x):
        x = self.stem(x).flatten(2).transpose(1, 2)
        x = self.encoder(x + self.attention(x, x, x, need_weights=False)[0])
        return self.second(self.first(F.scaled_dot_product_attention(x, x, x))) * self.scale


PLACES = 2 * 8 * 6
TOKENS = 48
EXPECTED = (
    PLACES * 8 * 3 * 9  # stem
    + 2 * (PLACES * 4 * 8 * 8 + 2 * 2 * TOKENS * TOKENS * 8)  # both attention layers
    + PLACES * 2 * 8 * 16  # the encoder's own layers
    + 2 * 2 * TOKENS * TOKENS * 8  # attention without weights
    + PLACES * 2 * 8 * 8  # the tied matrix, used twice
)


def rows(ledger):
    """Everything but the numbers of the rows and the types of elements."""
    return [
        (r.kind, r.path, r.inputs, r.output, untyped(r.weights), untyped(r.buffers), r.reads)
        for r in ledger.rows
    ]


def untyped(weights):
    return tuple(weight._replace(element="") for weight in weights)


def thawed(ledger):
    """The ledger with no parameter frozen."""
    return Ledger(
        tuple(
            row._replace(weights=tuple(w._replace(frozen=False) for w in row.weights))
            for row in ledger.rows
        ),
        ledger.conditions,
    )


@pytest.fixture(scope="module")
def expected():
    with torch.device("meta"):
        ledger = trace(Net().eval(), SHAPE).ledger
    assert ledger.macs().value == EXPECTED
    assert ledger.complete
    return rows(ledger)


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_device_and_type_of_the_weights(expected, device, dtype):
    net = Net().to(device=device, dtype=dtype)
    net.second.weight = net.first.weight  # a move to the meta device makes two of them
    assert rows(trace(net, Input(SHAPE, dtype)).ledger) == expected
    x = torch.empty(SHAPE, device=device, dtype=dtype)
    assert rows(trace(net, x).ledger) == expected


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("learnt", [True, False])
@pytest.mark.parametrize("mode", [torch.no_grad, torch.enable_grad, torch.inference_mode])
def test_mode_and_gradients(expected, training, learnt, mode):
    net = Net().train(training).requires_grad_(learnt)
    with mode():
        ledger = trace(net, SHAPE).ledger
    assert rows(thawed(ledger)) == expected
    assert ledger.trainable().value == (ledger.params().value if learnt else 0)
    assert all(part.training is training for part in net.modules())
    assert all(p.requires_grad is learnt for p in net.parameters())


KERNELS = {
    "math": lambda: sdpa_kernel(SDPBackend.MATH),
    "flash": lambda: sdpa_kernel(SDPBackend.FLASH_ATTENTION),
    "efficient": lambda: sdpa_kernel(SDPBackend.EFFICIENT_ATTENTION),
    "no mkldnn": lambda: torch.backends.mkldnn.flags(enabled=False, allow_tf32=None),
    "no cudnn": lambda: torch.backends.cudnn.flags(enabled=False),
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_that_torch_would_pick(expected, kernel):
    with KERNELS[kernel]():
        assert rows(trace(Net(), SHAPE).ledger) == expected


@pytest.mark.parametrize("fast", [True, False])
def test_fast_path_of_attention_layers(expected, fast):
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(fast)
    try:
        assert rows(trace(Net(), SHAPE).ledger) == expected
        assert torch.backends.mha.get_fastpath_enabled() is fast
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def test_compiled_modules_and_methods(expected):
    net = Net()
    assert rows(trace(torch.compile(net), SHAPE).ledger) == expected
    inner = nn.Sequential(torch.compile(nn.Linear(4, 5)))
    assert trace(inner, (3, 4)).ledger.macs().value == 3 * 4 * 5


class Direct(nn.Module):
    """Calls `forward` of its part, past the hooks."""

    def __init__(self):
        super().__init__()
        self.part = nn.Linear(4, 5)

    def forward(self, x):
        return self.part.forward(x)


def test_forward_called_directly():
    ledger = trace(Direct(), (3, 4)).ledger
    assert (ledger.macs().value, ledger.params().value) == (3 * 4 * 5, 4 * 5 + 5)


@pytest.mark.parametrize("name", ["", "0"])
def test_scripted_modules_are_refused_by_name(name):
    with pytest.warns(DeprecationWarning, match="`torch.jit.script` is deprecated"):
        scripted = torch.jit.script(nn.Linear(4, 5))
    module = nn.Sequential(scripted) if name else scripted
    with pytest.raises(BadInput) as error:
        trace(module, (3, 4))
    assert str(error.value) == (
        f"{'its part 0' if name else 'the module'} is a scripted module, which runs outside "
        "Python; give the Python module that it was made from"
    )


# --- what is left as it was ---------------------------------------------------------------------


class Failing(Net):
    """Changes its state on the way, and then fails."""

    def forward(self, x):
        super().forward(x)
        raise KeyError("on the way")


def snapshot(net):
    """Of the module and of torch: what must be the same objects, with the same contents."""
    stored = {**dict(net.named_parameters()), **dict(net.named_buffers())}
    contents = [t.clone() for t in stored.values()]
    hooks = [
        {name: dict(value) for name, value in vars(part).items() if name.endswith("hooks")}
        for part in net.modules()
    ]
    own = [set(vars(part)) for part in net.modules()]
    torch_s = (
        {k: dict(v) for k, v in vars(machinery).items() if k.startswith("_global_") and v},
        list(_get_current_dispatch_mode_stack()),
        list(_get_current_function_mode_stack()),
        torch.is_grad_enabled(),
        torch.get_default_device(),
        torch.get_default_dtype(),
        torch.backends.mha.get_fastpath_enabled(),
        [dict(vars(part)) for part in (F, nn.modules.normalization, nn.modules.rnn, torch)],
        dict(globals()),
    )
    return {n: id(t) for n, t in stored.items()}, contents, hooks, own, torch_s


def same(before, after):
    pairs = zip(before[1], after[1], strict=True)
    return all(torch.equal(a, b) for a, b in pairs) and (
        before[0],
        *before[2:],
    ) == (after[0], *after[2:])


@pytest.mark.parametrize("kind", [Net, Failing])
@pytest.mark.parametrize("shape", [SHAPE, (B, 3, H, W)], ids=["numbers", "symbols"])
def test_everything_is_left_as_it_was(kind, shape):
    net, called = kind().train(), io.StringIO()  # what hooks put into a list is taken out again
    net.stem[1].eval()
    net.register_forward_hook(lambda *_: called.write("after ") and None)
    net.first.register_forward_pre_hook(lambda *_: called.write("before ") and None)
    trace(nn.Linear(2, 2), (1, 2))  # what torch imports on the first use is not a change
    modes = [part.training for part in net.modules()]
    before, random = snapshot(net), torch.get_rng_state()
    with pytest.raises(KeyError, match="on the way") if kind is Failing else nullcontext():
        trace(net, shape)
    assert "before" in called.getvalue()
    assert ("after" in called.getvalue()) is (kind is Net)
    assert same(before, snapshot(net))
    assert torch.equal(random, torch.get_rng_state())
    assert [part.training for part in net.modules()] == modes
    assert torch.empty(1).device.type == "cpu"


def test_a_hook_s_work_is_counted():
    net = nn.Linear(4, 4)
    net.register_forward_hook(lambda module, _, y: F.linear(y, module.weight))
    assert trace(net, (3, 4)).ledger.macs().value == 2 * 3 * 4 * 4
