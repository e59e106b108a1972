"""Traces of public architectures against torch's own counter, which runs the same module."""

import re

import pytest
import torch
from architectures import (
    ARCHITECTURES,
    AT_ONE_SIZE,
    BATCHES,
    LIBRARIES,
    MARK,
    PAGE,
    READS_VALUES,
    built,
    by_formula,
    measured,
    row,
    symbolic,
)
from hypothesis import settings
from states import changes, state
from torch.utils.flop_counter import FlopCounterMode

from flopscope.errors import BadInput
from flopscope.tracing import trace

QUICK = """
    torchvision:resnet18 torchvision:vit_b_16 torchvision:swin_t torchvision:regnet_y_400mf
    torchvision:r3d_18 torchvision:lraspp_mobilenet_v3_large timm:mobilevit_s timm:convnext_atto
    timm:levit_128s timm:pvt_v2_b0 timm:hrnet_w18_small timm:crossvit_tiny_240
""".split()
"""One of each kind; `make slow` runs them all."""

EXPLORING = settings.get_current_profile_name() == "explore"
CHOSEN = [a for a in ARCHITECTURES if EXPLORING or a.target in QUICK]


def test_the_tables_are_large_and_list_each_network_once():
    names = [a.target for a in ARCHITECTURES]
    assert len(set(names)) == len(names) >= 110
    assert set(QUICK) <= set(names)
    assert all(len(a.sizes.grids()) >= 1 for a in ARCHITECTURES)
    assert set(LIBRARIES) == {name.partition(":")[0] for name in names}


pytestmark = pytest.mark.filterwarnings(
    "ignore:The default weight initialization of .* will be changed:FutureWarning"
)


def at_numbers(module, shape):
    """The count of a trace without symbols."""
    numeric = trace(module, shape).ledger
    assert numeric.complete
    return numeric.macs().value


@pytest.mark.parametrize("architecture", CHOSEN, ids=lambda a: a.target)
def test_equals_what_torch_counts(architecture):
    module = built(architecture.target)
    before = state(module)
    traced = symbolic(architecture, module)
    assert changes(before, state(module)) == []
    assert traced.ledger.complete
    assert traced.ledger.params().value == sum(p.numel() for p in module.parameters())
    counts, formulas = [], []
    for height, width in architecture.sizes.grids():
        for batch in BATCHES:
            shape = (batch, 3, *architecture.sizes.frames, height, width)
            formulas.append(by_formula(traced, batch, height, width))
            counts.append(at_numbers(module, shape) if formulas[-1] is None else formulas[-1])
            assert counts[-1] == measured(module, *shape), shape
    example = traced.trail.example  # which is in the domain, whatever else is
    shape = (example["B"], 3, *architecture.sizes.frames, example["H"], example["W"])
    assert by_formula(traced, *example.values()) == measured(module, *shape)
    assert row(architecture, traced, counts[0]) in PAGE.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("target", AT_ONE_SIZE)
def test_those_at_one_size_equal_torch_and_name_what_is_not_stated(target):
    shapes = ((1, 3, 128, 128),) * 2 if "raft" in target else ((1, 3, 384, 384),)
    module = built(target)
    ledger = trace(module, *shapes).ledger
    with FlopCounterMode(display=False) as counter:
        module(*(torch.empty(shape, device="meta") for shape in shapes))
    assert (ledger.complete, 2 * ledger.macs().value) == (True, counter.get_total_flops())
    unknown = {place.rpartition(":")[2] for place in ledger.flops("all").missing}
    assert unknown == ({AT_ONE_SIZE[target]} - {""})


@pytest.mark.parametrize("target", READS_VALUES)
def test_a_detector_is_refused_with_the_line_that_reads_values(target):
    with pytest.raises(BadInput) as error:
        trace(built(target), [(3, 320, 320)])
    assert re.fullmatch(
        rf"the network reads the values of a tensor \({READS_VALUES[target]}\) at "
        r".+/torchvision/\w+/(detection/)?\w+\.py:\d+; "
        r"a trace has shapes only, so give it a form that depends on shapes alone",
        str(error.value),
    )


def test_the_page_lists_the_tables_and_nothing_else():
    first = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    rows = re.findall(r"^\| (\w+:\w+) \| (.*?) \|", first, re.MULTILINE)
    compared = [
        (a.target, ", ".join(f"{h}×{w}" for h, w in a.sizes.grids())) for a in ARCHITECTURES
    ]
    at_one = [(target, name or "nothing") for target, name in AT_ONE_SIZE.items()]
    assert rows == [*compared, *at_one, *READS_VALUES.items()]
    assert f"each of these {len(ARCHITECTURES)} networks" in first
