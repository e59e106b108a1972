"""Random networks: a trace, at numbers and in symbols, against torch's counter on the same module.

torch's counter has gaps, which are named and held here: it sees no product inside attention that a
fused kernel or the fast path of a transformer layer computes, so both are off while it counts; and
it counts no product with a vector, which the networks do without.
"""

import copy

import pytest
import torch
from architectures import measured
from hypothesis import Phase, find, given, settings
from random_networks import STEPS, asking, made, networks
from states import changes, state
from torch import nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from witnesses import Calls

from flopscope.errors import OutsideDomain
from flopscope.symbolic import symbol
from flopscope.tracing import trace

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")

EXPLORING = settings.get_current_profile_name() == "explore"
NAMES = "B", "C", "L", "M", "N"
SHARE_INSIDE = 0.85
"""Of the networks, those whose formula is compared at another size too."""


def functions(module):
    """What the parts call that are functions."""
    return {getattr(part, "function", None) for part in module.modules()}


def writable(module):
    """A copy that may be written to, with numbers where it asks for some, and its device."""
    own = copy.deepcopy(module)
    return (own.to_empty(device="cpu"), "cpu") if asking in functions(module) else (own, "meta")


def counted(module, shape):
    """torch's count, with no fused attention, of a copy that it may write to."""
    module, device = writable(module)
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            return measured(module, *shape, device=device)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def parameters(module, shape):
    """Its own, and those that it makes as it runs."""
    ran, device = writable(module)
    if made in functions(module):
        measured(ran, *shape, device=device)
    return sum(p.numel() for p in ran.parameters())


def sizes(shape):
    """By name, without the channels."""
    return {n: size for n, size in zip(NAMES, shape, strict=False) if n != "C"}


def test_trace_equals_what_torch_counts():
    """A formula may exclude the other size that is drawn, but not often."""
    inside = []

    @settings(max_examples=10_000 if EXPLORING else 100)
    @given(networks())
    def compare(network):
        inside.append(is_torchs_count(*network))

    compare()
    assert len(inside) >= 100
    assert sum(inside) > SHARE_INSIDE * len(inside)


def is_torchs_count(module, shape, other):
    """A trace at numbers and in symbols counts as torch does; has the formula the other size?"""
    before = state(module)
    numeric = trace(module, shape).ledger
    assert numeric.complete
    assert numeric.macs().value == counted(module, shape)
    assert numeric.params().value == parameters(module, shape)

    free = (symbol("B"), shape[1], *(symbol(name) for name in NAMES[2 : len(shape)]))
    symbolic = trace(module, free, example=sizes(shape)).ledger
    assert changes(before, state(module)) == []
    assert symbolic.complete
    assert symbolic.params().value == numeric.params().value
    assert symbolic.at(**sizes(shape)).macs().value == numeric.macs().value
    try:
        elsewhere = symbolic.at(**sizes(other)).macs().value
    except OutsideDomain:
        return False
    assert elsewhere == counted(module, other)
    return True


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_each_step_is_drawn(step):
    drawing = settings(phases=[Phase.generate], derandomize=True)
    find(networks([step], 1), lambda network: len(network.module) == 1, settings=drawing)


def test_a_count_that_is_wrong_by_one_layer_is_seen():
    with torch.device("meta"):
        net = nn.Sequential(nn.Conv2d(4, 4, 3), nn.Linear(5, 5))
    whole = counted(net, (1, 4, 7, 5 + 2))
    assert trace(net[0], (1, 4, 7, 7)).ledger.macs().value == whole - 4 * 5 * 5 * 5


# --- the gaps of torch's counter, by name -----------------------------------------------------


def test_torch_counts_no_product_with_a_vector():
    class Vector(nn.Module):
        def forward(self, x):
            return x @ x[0]

    assert measured(Vector(), 6, 5) == 0
    assert trace(Vector(), (6, 5)).ledger.macs().value == 6 * 5


def test_torch_counts_no_fused_attention_on_a_cpu():
    fused = Calls(lambda _, x: F.scaled_dot_product_attention(x, x, x))
    flash = sdpa_kernel(SDPBackend.FLASH_ATTENTION)
    with FlopCounterMode(display=False) as counter, torch.no_grad(), flash:
        fused(torch.zeros(1, 2, 8, 4))
    assert counter.get_total_flops() == 0
    assert trace(fused, (1, 2, 8, 4)).ledger.macs().value == 2 * (2 * 8 * 8 * 4)
    assert counted(fused, (1, 2, 8, 4)) == 2 * (2 * 8 * 8 * 4)


def test_torch_counts_nothing_on_the_fast_path_of_a_transformer_layer():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(True)
    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            layer(torch.zeros(1, 5, 8))
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
    ours = trace(layer, (1, 5, 8)).ledger.macs().value
    assert ours == 5 * (4 * 8 * 8 + 2 * 8 * 16) + 2 * 5 * 5 * 8
    assert counter.get_total_flops() == 0


def test_torch_counts_a_grouped_transposed_convolution_as_it_is():
    """Forward only: each input element meets the kernel of its own group once."""
    with torch.device("meta"):
        layer = nn.ConvTranspose2d(8, 6, 3, stride=2, groups=2)
    expected = 3 * (5 * 7) * 8 * (6 // 2) * 9
    assert trace(layer, (3, 8, 5, 7)).ledger.macs().value == expected
    assert counted(layer, (3, 8, 5, 7)) == expected
