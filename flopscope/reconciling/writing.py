"""How a network of the reader's own is written, and what a tool therefore answers for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flopscope.answers.target import Target
from flopscope.facts import InputSpec
from flopscope.reconciling.amounts import CountedTerm
from flopscope.reconciling.tools import Unmodelled, answer
from flopscope.spelling import Spelling

A_GRAPH = "an ONNX file is a graph, and the tool runs modules of torch"


@dataclass(frozen=True)
class Writing:
    """A target, and inputs with numbers as sizes. It runs when a tool is asked for."""

    target: Target
    inputs: Sequence[InputSpec]
    arguments: Mapping[str, Any] | None

    def answer(self, tool: str) -> tuple[CountedTerm, ...] | Unmodelled:
        """The terms of what the tool answers."""
        first, *others = self.inputs
        images = first.shape[0] if tool == "ptflops" and not others else 1
        assert isinstance(images, int)
        one = replace(first, shape=(1, *first.shape[1:])) if images != 1 else first
        try:
            spelling = self._run((one, *others))
        except Exception as error:  # whatever the network raises on these inputs
            said = str(error).partition("\n")[0] or type(error).__name__
            alone = " one image, as the tool gives it" if images != 1 else " shapes alone"
            return Unmodelled(tool, "", "", f"the network does not run on{alone}: {said}")
        return answer(tool, spelling, images)

    def _run(self, inputs: Sequence[InputSpec]) -> Spelling:
        from flopscope.tracing.inputs import tensors_for
        from flopscope.tracing.spelling.spelled import spell

        module = self.target.build(self.arguments)
        positional, named = tensors_for(inputs)
        return spell(module, *positional, **named)
