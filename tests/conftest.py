"""What every kind of test shares: a client of the service, and the rule that CI skips nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

from tests.support.service import TestClient, make_client

# A busy machine is no bug: examples are not timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def client() -> Iterator[TestClient]:
    """A client of the service with its default settings, warmed up."""
    with make_client() as opened:
        yield opened


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under CI=true a skipped test makes the session fail: nothing may go unproved unnoticed."""
    if _skipped_in_ci(session.config) and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say why the session failed."""
    skipped = _skipped_in_ci(config)
    if skipped:
        terminalreporter.section("skipped tests fail the session under CI=true", red=True)
        for report in skipped:
            terminalreporter.line(report.nodeid)


def _skipped_in_ci(config: pytest.Config) -> list[Any]:
    """The reports of what was skipped, modules included; expected failures are none of them."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") != "true" or reporter is None:
        return []
    return list(reporter.stats.get("skipped", []))
