"""What holds for every test: what is drawn, that nothing is skipped, and what memory costs.

The same examples are drawn in every run, so that a green commit stays green. `make slow` draws
anew each time, and more of them, to look for what the fixed ones miss.
"""

import gc
import os
import sys
from collections.abc import Generator

import pytest
from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None, max_examples=300)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))

# A test must not depend on what another one left behind, nor fill the folder for caches.
os.environ["FLOPSCOPE_CACHE"] = "off"

MAY_SKIP = "FLOPSCOPE_MAY_SKIP"
"""With this variable set, a test whose library is not installed is skipped; else it fails."""


def pytest_runtest_setup() -> None:
    """Weights are drawn alike in every run, whichever tests ran before in the same process."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test holds nothing, so it fails unless somebody has said that it may be skipped."""
    report = yield
    allowed = item.get_closest_marker("may_skip") or os.environ.get(MAY_SKIP)
    if report.skipped and not hasattr(report, "wasxfail") and not allowed:
        reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason}; set {MAY_SKIP}=1 to run the tests without it"
    return report


def pytest_collection_finish() -> None:
    """What was imported stays, and the collector need not look through it again and again.

    Traces leave few cycles behind, so it also looks through the rest more rarely than it would.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
