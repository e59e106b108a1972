"""A test that is skipped fails, unless it says why it may be or the environment says so."""

from types import SimpleNamespace

import pytest
from conftest import MAY_SKIP, pytest_runtest_makereport


def reported(marker=None, **more):
    """The report of a test that asked for a library which is not installed."""
    reason = "Skipped: timm is not installed"
    report = SimpleNamespace(skipped=True, outcome="skipped", longrepr=("file.py", 7, reason))
    vars(report).update(more)
    hook = pytest_runtest_makereport(SimpleNamespace(get_closest_marker=lambda name: marker))
    next(hook)
    with pytest.raises(StopIteration) as done:
        hook.send(report)
    return done.value.value


@pytest.fixture(autouse=True)
def not_allowed(monkeypatch):
    monkeypatch.delenv(MAY_SKIP, raising=False)


def test_a_skip_is_a_failure_that_says_what_is_missing():
    report = reported()
    assert report.outcome == "failed"
    assert report.longrepr == (
        "Skipped: timm is not installed; set FLOPSCOPE_MAY_SKIP=1 to run the tests without it"
    )


def test_what_may_be_skipped_is(monkeypatch):
    assert reported(pytest.mark.may_skip("it takes long").mark).outcome == "skipped"
    assert reported(wasxfail="known").outcome == "skipped"
    assert reported(skipped=False, outcome="passed").outcome == "passed"
    monkeypatch.setenv(MAY_SKIP, "1")
    assert reported().outcome == "skipped"
