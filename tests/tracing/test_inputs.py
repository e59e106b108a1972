"""Inputs of a traced module: several, by keyword, of whole numbers, nested, and what comes out."""

import json
from collections import OrderedDict, UserDict, UserList, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

import flopscope as fs
from flopscope.arguments import parse_input
from flopscope.cli import main
from flopscope.errors import BadInput, UnknownName
from flopscope.facts import InputSpec
from flopscope.tracing.inputs import Input

NET = """
import torch
from torch import nn

class Text(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(100, 16)
        self.fc = nn.Linear(16, 4)

    def forward(self, ids, mask=None, *, image=None):
        x = self.embedding(ids)
        if mask is not None:
            x = x * mask[..., None]
        out = {"logits": self.fc(x), "more": [x]}
        if image is not None:
            out["image"] = image.mean()
        return out
"""


@pytest.fixture
def _net(tmp_path, monkeypatch):
    (tmp_path / "text_net.py").write_text(NET)
    monkeypatch.chdir(tmp_path)


def run(capsys, *arguments):
    status = main(["profile", "text_net.py:Text", *arguments, "--format", "json"])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.usefixtures("_net")
def test_tokens_several_inputs_and_keywords(capsys):
    status, out, _ = run(capsys, "--input", "2,7:int64")
    assert status == 0
    assert json.loads(out)["macs"] == 2 * 7 * 16 * 4
    status, out, _ = run(
        capsys, "--input", "2,7:int64", "--input", "2,7", "--input", "image=2,3,8,8"
    )
    assert status == 0
    assert json.loads(out)["complete"] is True


@pytest.mark.usefixtures("_net")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2,7:int63", "unknown type of an input 'int63'"),
        ("a b=2,7", "'a b' in the input 'a b=2,7' is not a name; write it like ids=B,T:int64"),
        ("2,x y", "'x y' in the input '2,x y' is not a size"),
    ],
)
def test_an_input_that_is_none_is_named(capsys, text, said):
    status, out, err = run(capsys, "--input", text)
    assert (status, out) == (2, "")
    assert err.startswith(f"flopscope: {said}")
    assert err.count("\n") == 1


def test_inputs_as_text():
    assert parse_input("B,3") == InputSpec(None, (fs.symbol("B"), 3))
    assert parse_input("x=4:bool") == InputSpec("x", (4,), "bool")
    with pytest.raises(BadInput) as nameless:
        parse_input("=4")
    assert str(nameless.value) == "'' in the input '=4' is not a name; write it like ids=B,T:int64"
    with pytest.raises(UnknownName) as untyped:
        parse_input("4:floaty")
    assert str(untyped.value) == (
        "unknown type of an input 'floaty'; did you mean float64, float32 or float16?"
    )


class Options(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, pair, options, scale, flag=False):
        a, b = pair
        return [self.fc(a) + self.fc(options["x"]) * scale, {"b": b if flag else None}]


def test_nested_inputs_tensors_and_plain_values():
    ledger = fs.trace(Options(), (("B", 4), torch.zeros(3)), {"x": ("B", 4)}, 2.0, flag=True)
    assert str(ledger.macs().value) == "16·B"
    assert ledger.params().value == 10


def test_token_numbers_at_free_sizes():
    module = nn.Sequential(nn.Embedding(50, 8), nn.Linear(8, 3))
    ledger = fs.trace(module, Input(("B", "T"), torch.int64))
    assert str(ledger.macs().value) == "24·B·T"


# --- collections of any type ----------------------------------------------------------------------


class Runs(nn.Module):
    """What `function` makes of a linear layer, 8 to 4, and the inputs."""

    def __init__(self, function):
        super().__init__()
        self.fc = nn.Linear(8, 4, bias=False)
        self.function = function

    def forward(self, *inputs, **named):
        return self.function(self.fc, *inputs, **named)


def macs(function, *inputs, **named):
    return fs.trace(Runs(function), *inputs, **named).macs().value


ONE = 2 * 8 * 4
"""The layer on two rows."""


def rows():
    return torch.zeros(2, 8)


class Batch(NamedTuple):
    left: torch.Tensor
    right: "torch.Tensor | None" = None
    size: tuple[int, int] = (3, 4)


Pair = namedtuple("Pair", "left right")


@dataclass(frozen=True)
class Image:
    pixels: torch.Tensor
    size: tuple[int, int] = (224, 224)
    name: str = "image"


@dataclass(frozen=True, slots=True)
class Sample:
    image: Image
    mask: "torch.Tensor | None" = None
    notes: list = field(default_factory=list)


class ModelOutput(OrderedDict):
    """A dictionary that has its items as attributes too, as transformers has them."""

    def __init__(self, **items):
        super().__init__(items)
        self.__dict__.update(items)


class Nested:
    """An object of tensors that is no data class."""

    def __init__(self, tensors, mask=None):
        self.tensors, self.mask, self.size = tensors, mask, (3, 4)


class Frames:
    """A sequence of its author's own."""

    def __init__(self, items):
        self.items = items

    def __getitem__(self, at):
        return self.items[at]

    def __len__(self):
        return len(self.items)


def both(fc, pair):
    return fc(pair[0]) + fc(pair[1])


@pytest.mark.parametrize("make", [list, tuple, deque, UserList, Frames, lambda x: Pair(*x)])
def test_sequences(make):
    def checked(fc, pair):
        assert type(pair) is type(given)
        return both(fc, pair)

    given = make([rows(), rows()])
    assert macs(checked, given) == 2 * ONE
    if not isinstance(given, Frames):
        assert macs(both, make([rows(), (2, 8)])) == 2 * ONE
        assert str(macs(both, make([("B", 8), ("B", 8)]))) == "64·B"


def default(items):
    return defaultdict(int, items)


MAPPINGS = [dict, OrderedDict, default, UserDict, MappingProxyType, lambda x: ModelOutput(**x)]


@pytest.mark.parametrize("make", MAPPINGS)
def test_mappings(make):
    def read(fc, items):
        assert type(items) is type(given)
        return fc(items["x"]) + fc(items["y"])

    given = make({"x": rows(), "y": (2, 8), "n": 3})
    assert macs(read, given) == macs(read, items=given) == 2 * ONE
    assert given["x"].device.type == "cpu"
    assert given["y"] == (2, 8)


def test_a_mapping_s_attributes_are_its_items():
    def read(fc, items):
        assert items.x is items["x"]
        return fc(items.x)

    assert macs(read, ModelOutput(x=rows())) == ONE
    assert macs(read, ModelOutput(x=(2, 8))) == ONE


def test_named_tuples():
    def read(fc, batch):
        assert type(batch) is Batch
        assert batch.size == (3, 4)
        return fc(batch.left) + (0 if batch.right is None else fc(batch.right))

    assert macs(read, Batch(rows(), rows())) == 2 * ONE
    assert macs(read, Batch((2, 8))) == ONE
    assert str(macs(read, Batch(("B", 8), ("B", 8)))) == "64·B"


def test_a_named_tuple_of_numbers_is_no_shape():
    assert macs(lambda fc, x, size: fc(x) * size.left, (2, 8), Pair(3, 4)) == ONE
    assert macs(lambda fc, x: fc(x), torch.Size((2, 8))) == ONE


def test_data_classes():
    """Frozen, nested, with slots; fields that are no tensors keep their values."""

    def read(fc, sample):
        assert isinstance(sample, Sample)
        assert (sample.image.size, sample.image.name) == ((224, 224), "image")
        sample.notes.append(sample.mask)
        return fc(sample.image.pixels) + (0 if sample.mask is None else fc(sample.mask))

    given = Sample(Image(rows()), rows())
    assert macs(read, given) == 2 * ONE
    assert given.notes == []
    assert given.mask.device.type == "cpu"
    assert macs(read, Sample(Image((2, 8)))) == ONE
    assert str(macs(read, Sample(Image(("B", 8)), ("B", 8)))) == "64·B"
    assert macs(lambda fc, x: fc(x.pixels), x=Image(Input((2, 8)))) == ONE


def test_objects_that_hold_tensors():
    given = Nested(rows())

    def read(fc, x):
        assert x.size == (3, 4)
        x.mask = fc(x.tensors)
        return x

    assert macs(read, given) == ONE
    assert (given.mask, given.tensors.device.type) == (None, "cpu")


def test_an_object_that_copies_refuse_and_one_that_there_is_one_of():
    class Guarded(Nested):
        def __copy__(self):
            raise TypeError("no copies")

    marker = object()

    def read(fc, x, same):
        assert same is marker
        return fc(x.tensors)

    assert macs(read, Guarded(rows()), marker) == ONE


def test_what_a_network_writes_into_its_inputs_is_not_written_into_the_user_s():
    cache, kept, names = {}, [], {"more": {}}

    def write(fc, x, cache, kept, names):
        cache["x"] = names["more"]["x"] = fc(x)
        kept.append(x)
        return cache

    assert macs(write, (2, 8), cache, kept, names) == ONE
    assert (cache, kept, names) == ({}, [], {"more": {}})


class Marked(torch.Tensor):
    """A tensor of a class of its own."""


@pytest.mark.parametrize(
    "given",
    [
        rows().requires_grad_(),
        nn.Parameter(rows()),
        rows().as_subclass(Marked),
        rows().to("meta"),
        rows().to_sparse(),
        torch.empty(8, 2).t(),
        np.int64(2),
    ],
    ids=["grad", "parameter", "subclass", "meta", "sparse", "transposed", "whole number"],
)
def test_tensors_of_any_kind(given):
    given = (given, 8) if isinstance(given, np.int64) else given

    def read(fc, x):
        assert type(x) is torch.Tensor
        sparse = isinstance(given, torch.Tensor) and given.is_sparse
        assert (x.layout is torch.strided, x.dtype) == (not sparse, torch.float32)
        return fc(x.to_dense() if sparse else x)

    assert macs(read, given) == ONE


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.int32, torch.bool])
def test_a_tensor_s_type_is_kept(dtype):
    def read(fc, x):
        assert x.dtype is dtype
        return x

    assert macs(read, torch.zeros(2, 8, dtype=dtype)) == 0


def test_one_tensor_given_twice_is_one():
    x = rows()
    assert macs(lambda fc, a, b: fc(a) if a is b else 0, x, x) == ONE
    assert macs(lambda fc, a, more: fc(a) if a is more["b"] else 0, x, {"b": x}) == ONE


def test_values_that_are_no_tensors_are_passed_on():
    def read(fc, x, *values):
        assert values == (None, True, 2.5, "bilinear", "two words", b"", ())
        return fc(x)

    assert str(macs(read, ("B", 8), None, True, 2.5, "bilinear", "two words", b"", ())) == "32·B"


def test_a_free_size_among_the_inputs_is_a_number_of_the_network_s():
    ledger = fs.trace(Runs(lambda fc, x, n: fc(x[:, :n])), ("B", "T", 8), fs.symbol("n"))
    assert ledger.at(B=2, T=9, n=5).macs().value == 2 * 5 * 8 * 4


@pytest.mark.parametrize("backward", [False, True])
def test_collections_in_training(backward):
    def read(fc, image):
        return Image(fc(image.pixels))

    ledger = fs.trace(Runs(read), Image(("B", 8)), backward=backward)
    assert str(ledger.macs().value) == ("64·B" if backward else "32·B")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("B C", 8), "'B C' is not the name of a size; write one like B, H or tokens"),
        ((-1, 8), "the input (-1, 8) has a size below 0; give sizes from 0, or names"),
        (
            torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)], layout=torch.jagged),
            "an input is a nested tensor, which has no one shape; give a padded one",
        ),
    ],
)
def test_inputs_that_have_no_shape(given, message):
    with pytest.raises(BadInput) as error:
        fs.trace(Runs(lambda fc, x: fc(x)), given)
    assert str(error.value) == message


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors is in prototype stage")
def test_a_nested_tensor_of_the_older_layout_has_no_shape_either():
    given = torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)])
    with pytest.raises(BadInput) as error:
        fs.trace(Runs(lambda fc, x: fc(x)), given)
    assert str(error.value) == (
        "an input is a nested tensor, which has no one shape; give a padded one"
    )
