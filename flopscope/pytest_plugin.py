"""pytest's plugin: budgets of networks in the tests of their own project.

pytest finds it by the entry point `pytest11`. It offers a fixture and a marker, both called
`flopscope_budget`, which take what `fs.hold` takes. Nothing else of flopscope is loaded, and torch
is not, before a test asks for a budget.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import pytest

if TYPE_CHECKING:
    from flopscope.api.hold import BudgetReport, MemoryReport

    Verdict: TypeAlias = BudgetReport | MemoryReport

NAME = "flopscope_budget"
"""The name of the fixture and of the marker."""

MARKER = (
    f"{NAME}(target, *inputs, **limits): fail unless the network keeps its budgets, "
    'as in flopscope_budget("net.py:Net", res=224, max_macs="300M")'
)
TOLD = "flopscope: "
"""How the names of the properties begin that a report of a test has about networks."""


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, so that `--strict-markers` accepts it."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def flopscope_budget(request: pytest.FixtureRequest) -> Callable[..., Verdict]:
    """A function that takes what `fs.hold` takes, and fails the test where a budget is broken.

    It returns the report, whose numbers a test can look at. What was counted is in the JUnit file,
    and `pytest -v` lists it at the end.
    """

    def held(target: Any, *inputs: Any, **limits: Any) -> Verdict:
        return _hold(request.node, target, inputs, limits)

    return held


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Hold the networks of the test's markers to their budgets before it runs."""
    for marker in item.iter_markers(NAME):
        if not marker.args:
            _fail(f"the marker {NAME} names no network; write {MARKER.partition('as in ')[2]}")
        target, *inputs = marker.args
        _hold(item, target, tuple(inputs), marker.kwargs)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """With -v, list every network that a test held to a budget."""
    if terminalreporter.verbosity < 1:
        return
    lines = dict.fromkeys(_told(terminalreporter))
    if lines:
        terminalreporter.section("budgets of networks")
        for line in lines:
            terminalreporter.line(line)


def _told(terminalreporter: pytest.TerminalReporter) -> Iterator[str]:
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties if report.when == "call" else ():
                if name.startswith(TOLD):
                    yield f"{name.removeprefix(TOLD)}: {value}"


def _hold(item: pytest.Item, target: Any, inputs: tuple[Any, ...], limits: Any) -> Verdict:
    """The report on the network, where it keeps its budgets; else the test fails.

    Files are named as from pytest's root folder, from wherever pytest was started.
    """
    from flopscope.api.hold import hold
    from flopscope.errors import FlopscopeError

    __tracebackhide__ = True
    refused = ""
    try:
        with contextlib.chdir(item.config.rootpath):
            report = hold(target, *inputs, **limits)
    except FlopscopeError as error:
        refused = str(error)
    if refused:
        _fail(refused)
    item.user_properties.extend(_counts(report))
    if not report:
        _fail(str(report))
    return report


def _counts(report: Verdict) -> Iterator[tuple[str, str]]:
    """What was counted and what it may be at most, by network and quantity."""
    from flopscope.api.hold import MemoryReport

    about = f"{TOLD}{report.target}"
    if isinstance(report, MemoryReport):
        yield f"{about} training", f"{report.held.total:,} of at most {report.limit:,} bytes"
        return
    for verdict in report.verdicts:
        counted, *_ = verdict.budget.of.amount(verdict.value).split()
        yield f"{about} {verdict.budget.quantity}", f"{counted} of at most {verdict.budget}"


def _fail(sentence: str) -> NoReturn:
    __tracebackhide__ = True
    pytest.fail(f"flopscope: {sentence}", pytrace=False)
