"""The page of all networks says what is counted and what the witnesses say."""

import re

import pytest
from hypothesis import settings
from networks import PAGE, counted, verdict

from flopscope.catalog.models import MODELS
from flopscope.catalog.variant import Variant

LINES = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
ROWS = dict(zip(MODELS, LINES[1:], strict=True))
EXPLORING = settings.get_current_profile_name() == "explore"
QUICK = ("mobilenetv3_small", "ghostnet_050", "poolformer_s12", "efficientformer_l1")
"""A few whose witnesses answer soon; `make slow` asks them of all."""


@pytest.mark.parametrize("name", MODELS)
def test_the_counts_are_those_of_the_closed_form(name):
    assert ROWS[name].startswith(counted(Variant(MODELS[name])))


@pytest.mark.parametrize("name", MODELS if EXPLORING else QUICK)
def test_the_verdict_is_that_of_the_witnesses(name):
    assert ROWS[name] == counted(Variant(MODELS[name])) + verdict(Variant(MODELS[name]))


@pytest.mark.parametrize("name", MODELS)
def test_every_network_agrees_and_is_proved(name):
    layers, fvcore, torch, identity = ROWS[name].rstrip(" |").rsplit(" | ", 4)[1:]
    equal, of = layers.split(" of ")
    assert equal == of
    assert all(re.fullmatch("equal|but for .+", told) for told in (fvcore, torch))
    assert identity.startswith("in B")
