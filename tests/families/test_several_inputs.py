"""Models with several inputs: image and tokens of text through formula, witnesses and proof."""

import io
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from witnesses import assert_all_agree

import flopscope as fs
from flopscope.agreement import check_variant
from flopscope.agreement.proof import prove_variant
from flopscope.analytic.operators import (
    concatenate,
    conv2d,
    embedding,
    flatten,
    global_pool,
    linear,
)
from flopscope.analytic.tape import Feature
from flopscope.catalog.models import CONVNEXT, IMAGE, MODELS, Model
from flopscope.catalog.options import CLASSES, TOKENS, Count
from flopscope.catalog.variant import Variant, parse
from flopscope.errors import BadInput
from flopscope.facts import InputSpec
from flopscope.measured import measure
from flopscope.symbolic import symbol

IDS = InputSpec(None, (symbol("B"), symbol("tokens") + 1), "int64")


def captioned(x: Feature, ids: Feature, classes: int = 1000) -> Feature:
    image = linear(flatten(global_pool(conv2d(x, 4, 3))), classes, name="image")
    text = linear(embedding(ids, 11, 6), classes, name="text")
    return concatenate([image, text._replace(shape=image.shape)])


class Captioned(nn.Module):
    """An image's scores beside those of the first token."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.image = nn.Linear(4, classes)
        self.embedding = nn.Embedding(11, 6)
        self.text = nn.Linear(6, classes)

    def forward(self, x: Tensor, ids: Tensor) -> Tensor:
        image = self.image(self.pool(self.conv(x)).flatten(1))
        return torch.cat((image, self.text(self.embedding(ids))[:, 0]), dim=1)


def words(ids: Feature) -> Feature:
    return linear(embedding(ids, 11, 6), 3)


def words_module() -> nn.Module:
    return nn.Sequential(nn.Embedding(11, 6), nn.Linear(6, 3))


@pytest.fixture(autouse=True)
def toys(monkeypatch):
    """A model of image and tokens, and one of tokens alone."""
    closed = SimpleNamespace(captioned=captioned, words=words)
    built = SimpleNamespace(captioned=Captioned, words=words_module)
    monkeypatch.setitem(sys.modules, "flopscope.analytic.toys", closed)
    monkeypatch.setitem(sys.modules, "reference_models.toys", built)
    both = Model("captioned", "toys", CONVNEXT, (CLASSES, TOKENS), 32, inputs=(IMAGE, IDS))
    alone = Model("words", "toys", CONVNEXT, (Count("tokens", 5),), inputs=(IDS,))
    for model in (both, alone):
        monkeypatch.setitem(MODELS, model.id, model)


def test_the_closed_form_takes_each_input_at_its_sizes():
    ledger = fs.analyze("captioned:tokens=7", batch=2)
    first = [row for row in ledger if min(row.reads) < 0]
    assert [row.inputs[0] for row in first] == [(2, 3, 32, 32), (2, 8)]
    assert [row.reads for row in first] == [(-1,), (-2,)]
    conv, image, text = 2 * 32 * 32 * 4 * 27, 2 * 4 * 1000, 2 * 8 * 6 * 1000
    assert ledger.macs().value == conv + image + text


def test_sizes_may_be_arrays_and_symbols():
    lengths = np.array([1, 5, 9])
    found = fs.analyze("words", tokens=lengths).macs().value
    assert list(found) == [int(fs.analyze("words", tokens=int(n)).macs()) for n in lengths]
    assert str(fs.analyze("words", tokens=symbol("tokens")).macs().value) == "18·T + 18"


def test_a_formula_is_free_in_the_sizes_that_no_option_fixes():
    macs = fs.formula("captioned")
    assert str(macs.expression) == "108·B·H·W + 6000·B·T + 10000·B"
    assert macs.at(B=2, H=9, W=8, tokens=3) == int(
        fs.analyze("captioned:tokens=3", res=(9, 8), batch=2).macs()
    )
    assert str(fs.formula("captioned:tokens=3").expression) == "108·B·H·W + 28000·B"
    free = fs.formula("captioned:tokens=3", "params", free=["classes"])
    assert str(free.expression) == "12·classes + 174"


@pytest.mark.parametrize("text", ["captioned", "captioned:tokens=3,classes=10", "words"])
def test_witnesses_and_proof(text):
    variant = parse(text)
    resolution = variant.resolution()
    assert_all_agree(check_variant(variant, resolution, 2), variant.ledger(resolution, 2))
    proof = prove_variant(variant)
    assert proof, proof.mismatches


def test_a_proof_fails_where_an_input_is_read_differently(monkeypatch):
    other = SimpleNamespace(words=lambda ids: linear(embedding(ids, 11, 6), 4))
    monkeypatch.setitem(sys.modules, "flopscope.analytic.toys", other)
    assert not prove_variant(parse("words"))


def test_a_model_without_image_has_no_resolution():
    variant = Variant(MODELS["words"])
    assert variant.resolution() is None
    assert (variant.lengths, variant.takes_image) == ({"tokens": 5}, False)
    with pytest.raises(BadInput) as error:
        fs.analyze("words", res=224)
    assert str(error.value) == (
        "words takes no image, so it has no resolution; the sizes of its input are options: tokens"
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_measured_inputs_have_the_types_that_are_said(dtype):
    seen = io.StringIO()  # what a network puts into a list is taken out again

    class Seen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 2, dtype=dtype)

        def forward(self, x: Tensor, y: Tensor, ids: Tensor) -> Tensor:
            seen.write(f"{x.dtype} {y.dtype} {ids.dtype}\n")
            return self.layer(x + y) + ids

    measure(Seen(), (3, 4), InputSpec(None, (3, 4)), InputSpec(None, (3, 1), "int64"))
    assert set(seen.getvalue().splitlines()) == {f"{dtype} {dtype} torch.int64"}


def test_every_shape_is_checked():
    with pytest.raises(BadInput) as error:
        measure(nn.Bilinear(2, 2, 2), (1, 2), (1, 0))
    assert str(error.value) == (
        "an input's shape is of positive integers such as (1, 3, 224, 224), not (1, 0)"
    )
