"""Provenance says what a result depends on, and nothing that changes between equal runs."""

import hashlib
import json
import platform

import matplotlib
import pytest

import flopscope
from flopscope.conventions import CONVENTIONS
from flopscope.present.provenance import provenance


def test_everything_a_result_depends_on(tmp_path):
    results = tmp_path / "r.csv"
    results.write_bytes(b"model,top1\n")
    made = provenance(
        ["flopscope", "pareto", "--family", "a b"],
        CONVENTIONS["torch"],
        formulas={"mobilenetv2": "B · H"},
        files=[str(results)],
        packages=["matplotlib", "no-such-distribution"],
    )
    assert json.loads(json.dumps(made)) == {
        "schema": "flopscope.provenance/1",
        "command": "flopscope pareto --family 'a b'",
        "flopscope": flopscope.__version__,
        "python": platform.python_version(),
        "packages": {"matplotlib": matplotlib.__version__, "no-such-distribution": None},
        "convention": {
            "name": "torch",
            "unit": "FLOPs",
            "counts": "two per multiply-accumulate of convolution, linear and matmul; nothing else",
            "source": "torch 2.13: utils/flop_counter.py",
        },
        "formulas": {"mobilenetv2": "B · H"},
        "files": {str(results): hashlib.sha256(b"model,top1\n").hexdigest()},
    }


def test_the_same_inputs_give_the_same_object_and_other_inputs_another(tmp_path):
    results = tmp_path / "r.csv"
    results.write_bytes(b"model,top1\n")
    before = provenance(["flopscope"], files=[str(results)])
    assert provenance(["flopscope"], files=[str(results)]) == before
    results.write_bytes(b"model,top1\nmobilenetv2,72\n")
    assert provenance(["flopscope"], files=[str(results)]) != before


def test_a_file_that_is_not_there():
    with pytest.raises(FileNotFoundError):
        provenance(["flopscope"], files=["no-such-file.csv"])
