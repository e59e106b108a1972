"""Conditions on data. A network that does the same work whatever they say can still be counted.

Examples are a check for padding that only warns, an assertion, or a test for overflow. Each line
that asks is answered with no and with yes, in combination with every answer for the other lines,
and the runs are compared row by row. Ways on which the network itself raises are left out, because
no input takes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flopscope.errors import BadInput
from flopscope.facts import Kind

if TYPE_CHECKING:
    from flopscope.tracing.recorder import Recorder

MOST_WAYS = 16
MOST_QUESTIONS = 10**3
"""The most ways that are tried, and the most answers on one way, because a loop may never end on
shapes alone."""


@dataclass
class Truths:
    """The answers by the line of code that asks. A line without an answer gets no."""

    answers: dict[str, bool] = field(default_factory=dict)
    asked: int = 0
    refusal: BadInput | None = None

    def answer(self, line: str, refusal: BadInput) -> bool:
        """The answer for the line that asks. Raises the refusal if questions do not end."""
        self.asked += 1
        self.refusal = refusal
        if self.asked > MOST_QUESTIONS:
            raise refusal
        return self.answers.setdefault(line, False)


def either_way(run: Callable[[Truths], Recorder]) -> Recorder:
    """What `run` records, if it is the same for all answers.

    Raises BadInput, which names the line that reads data, if it is not the same or there are too
    many lines; and what the network raises, if it raises on every way.
    """
    found: list[Recorder] = []
    failed: Exception | None = None
    truths = Truths()
    todo: list[dict[str, bool]] = [{}]
    for _ in range(MOST_WAYS):
        if not todo:
            break
        given = todo.pop()
        truths = Truths(dict(given), refusal=truths.refusal)
        try:
            found.append(run(truths))
        except BadInput:
            raise
        except Exception as error:
            if truths.refusal is None:  # it asked nothing
                raise
            failed = failed or error
        todo += _other_answers(given, truths.answers)
    if not found and failed is not None:
        raise failed
    if todo or any(_work(recorder) != _work(found[0]) for recorder in found[1:]):
        assert truths.refusal is not None
        raise truths.refusal
    return found[0]


def _other_answers(given: dict[str, bool], answers: dict[str, bool]) -> Iterator[dict[str, bool]]:
    """The ways that branch off from this one at each line that asked for the first time."""
    before = dict(given)
    for line, answer in answers.items():
        if line not in given:
            yield {**before, line: not answer}
            before[line] = answer


def _work(recorder: Recorder) -> list[object]:
    """The rows without their ids, for comparison. To move elements is no work."""
    computing = (row for row in recorder.rows if row.kind is not Kind.MOVE)
    return [row._replace(id=0, reads=()) for row in computing]
