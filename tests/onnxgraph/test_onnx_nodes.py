"""onnx's own test cases of every operator: shapes are those of its expected outputs, and products
are those of what its functions are written out to.

The shapes that the cases state for their outputs are taken away first.
"""

import warnings

import numpy as np
import pytest
from hypothesis import settings
from onnx.backend.test.case import node as node_cases

from flopscope.errors import FlopscopeError
from flopscope.onnxgraph import read, reader

LONG = "onnx takes longer to make its cases than all other tests of graphs; see make slow"
pytestmark = [
    pytest.mark.skipif(settings.get_current_profile_name() != "explore", reason=LONG),
    pytest.mark.may_skip(LONG),
]


@pytest.fixture(scope="module")
def cases():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numbers that a narrower type does not hold
        found = {case.name: case for case in node_cases.collect_testcases(None)}
    assert len(found) > 1_500
    return found


@pytest.fixture
def seen(monkeypatch):
    """The tensors that the last graph that was read has."""
    tensors = {}
    ledger = reader.Reader.ledger

    def noting(self):
        tensors.clear()
        tensors.update(self.rows.tensors)
        return ledger(self)

    monkeypatch.setattr(reader.Reader, "ledger", noting)
    return tensors


def written(path, model):
    for output in model.graph.output:
        for place, dimension in enumerate(output.type.tensor_type.shape.dim):
            dimension.dim_param = f"q{place}"
    path.write_bytes(model.SerializeToString())
    return path


def test_shapes_of_onnx_s_cases(tmp_path, cases, seen):
    right, refused = 0, []
    for case in cases.values():
        path = written(tmp_path / "net.onnx", case.model)
        try:
            read(path)
        except FlopscopeError as error:
            refused.append(str(error))
            continue
        (_, outputs), *_ = case.data_sets
        for stated, expected in zip(case.model.graph.output, outputs, strict=True):
            tensor = seen.get(stated.name)
            if tensor is None or tensor.shape is None or not hasattr(expected, "shape"):
                continue
            sizes = [n for n in tensor.shape if isinstance(n, int | np.integer)]
            if len(sizes) == len(tensor.shape):
                assert (case.name, tensor.shape) == (case.name, np.asarray(expected).shape)
                right += 1
    assert right > 1_600
    ends = " is not a tensor; give a model that takes tensors"
    assert [text for text in refused if not text.endswith(ends)] == []


def test_products_are_those_of_onnx_s_functions(tmp_path, cases):
    """A case of an operator that is a function has its like, written out by onnx."""
    written_out = (name for name in cases if f"{name}_expanded" in cases)
    pairs = [name for name in written_out if "sequence_map" not in name]  # of inputs of tensors
    equal = 0
    for name in pairs:
        readings = []
        for case in (cases[name], cases[f"{name}_expanded"]):
            ledger = read(written(tmp_path / "net.onnx", case.model)).ledger
            readings.append(ledger.macs())
        if all(reading.complete for reading in readings):
            assert (name, readings[0].value) == (name, readings[1].value)
            equal += 1
    assert equal > 0.9 * len(pairs)
