"""What each runtime does with the rows of a ledger before they run, as a literal table.

The same network is other work under another runtime: one launches a kernel for every row, another
folds batch norm into the weights and applies an activation where its producer holds the element.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flopscope.errors import check_name
from flopscope.facts import Function, Kind, Movement

BATCH_NORMS = frozenset({Kind.BATCH_NORM})
ELEMENT_BY_ELEMENT = frozenset(
    {Kind.ACTIVATION, Kind.ELEMENTWISE, Kind.ADD, Kind.MULTIPLY, Kind.DIVIDE, Kind.COMPARE}
)
NORMS = frozenset({Kind.LAYER_NORM, Kind.GROUP_NORM, Kind.RMS_NORM})
SOFTMAXES = frozenset({Kind.SOFTMAX, Kind.LOG_SOFTMAX})
REDUCTIONS = frozenset({Kind.REDUCTION, Kind.GLOBAL_POOL})
MOVES = frozenset({Kind.MOVE})
CONVOLUTIONS = frozenset({Kind.CONVOLUTION})
POOLS = frozenset({Kind.MAX_POOL, Kind.AVERAGE_POOL, Kind.AVERAGE_POOL_INSIDE})
MATMULS = frozenset({Kind.MATMUL})


@dataclass(frozen=True)
class Runtime:
    """What a runtime fuses, folds and drops.

    `folded` are the norms that become part of the weights of the product before them. `joined` are
    the kinds that a product applies to its own output, if it is read by nothing else; of functions
    only those in `functions`, and of sums of two maps only those that a product in `adding` makes,
    where these say so. `chained` are
    the kinds that run in one pass with the row before them where that is one of these too. With
    `attention`, products around a softmax run as one kernel that does not write the map of
    attention. `drops_dead`: rows whose output nothing reads are left out. `casts`: under mixed
    precision a product that reads float32 needs a pass of its own that rounds its input.

    Of data movement `dropped` are the movements that never run. `pads` are the kinds that pad their
    input themselves and `permutes` those that read it in another order of axes, so that a padding
    or a permutation which they alone read is part of them. A row that moves data is otherwise a
    unit of its own, unless its kind is `chained`. Movements that are `indexed` compute the place of
    each element; they are not chained, and a byte of theirs has a time of its own. Where `block` is
    not 0, convolutions run on channels in blocks of so many, and tensors are put into this layout
    and back (`flopscope.timing.blocked`).
    """

    name: str
    title: str
    folded: frozenset[Kind] = frozenset()
    joined: frozenset[Kind] = frozenset()
    functions: frozenset[Function] | None = None
    adding: frozenset[Kind] | None = None
    chained: frozenset[Kind] = frozenset()
    attention: bool = False
    drops_dead: bool = False
    casts: bool = False
    dropped: frozenset[Movement] = frozenset()
    pads: frozenset[Kind] = frozenset()
    permutes: frozenset[Kind] = frozenset()
    indexed: frozenset[Movement] = frozenset()
    block: int = 0
    edition: int = 1


FUSED_BY_ORT = frozenset(
    {
        *(Function.RELU, Function.RELU6, Function.CLAMP, Function.BOUND, Function.LEAKY_RELU),
        *(Function.SIGMOID, Function.TANH, Function.HARD_SIGMOID, Function.HARD_SWISH),
    }
)
"""The functions that ONNX Runtime 1.32 makes part of the product before them. In the graphs that it
writes, SiLU and GELU remain operators of their own."""


def _exported(name: str, title: str) -> Runtime:
    """A runtime of exported graphs, which all have this in common."""
    return Runtime(
        name,
        title,
        BATCH_NORMS,
        BATCH_NORMS | ELEMENT_BY_ELEMENT,
        drops_dead=True,
        dropped=frozenset({Movement.COPY}),
        pads=CONVOLUTIONS | POOLS,
        permutes=MATMULS,
    )


RUNTIMES: Mapping[str, Runtime] = {
    runtime.name: runtime
    for runtime in (
        Runtime("eager", "PyTorch, operator by operator", attention=True, casts=True),
        Runtime("eager1", "PyTorch 1, whose attention is no operator of its own", casts=True),
        Runtime(
            "inductor",
            "torch.compile",
            chained=BATCH_NORMS | ELEMENT_BY_ELEMENT | NORMS | SOFTMAXES | REDUCTIONS | MOVES,
            attention=True,
            drops_dead=True,
            # a roll becomes an index_select (torch/_refs, `roll`)
            indexed=frozenset({Movement.ROLL}),
        ),
        # 16 channels with AVX-512 (onnxruntime/core/optimizer/nchwc_transformer.cc)
        replace(
            _exported("ort", "ONNX Runtime"),
            functions=FUSED_BY_ORT,
            adding=CONVOLUTIONS,
            block=16,
            edition=2,
        ),
        _exported("openvino", "OpenVINO"),
        _exported("tflite", "TensorFlow Lite"),
        _exported("ncnn", "ncnn"),
    )
}


SAME_AS: Mapping[str, str] = {
    "compile": "inductor",
    "dynamo": "inductor",
    "onnxruntime": "ort",
    "litert": "tflite",
}
"""Other names of these runtimes in tables of measurements."""


def runtime_of(name: str, version: str) -> Runtime:
    """The runtime of this name and version: PyTorch 1 runs attention product by product. Raises
    UnknownName for a name that is none.

    >>> runtime_of("eager", "torch 1.12").name, runtime_of("eager", "torch 2.4.0").name
    ('eager1', 'eager')
    """
    found = runtime_named(name)
    old = found.name == "eager" and version.startswith("torch 1.")
    return RUNTIMES["eager1"] if old else found


def runtime_named(name: str) -> Runtime:
    """The runtime of this name. Raises UnknownName for any other.

    >>> runtime_named("compile").title
    'torch.compile'
    """
    known = SAME_AS.get(name, name)
    check_name("runtime", known, RUNTIMES)
    return RUNTIMES[known]
