"""The drills of `make drills`, each a second or two: what breaks costs no advice and no acknowledged feedback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.drills import chaos
from tests.drills.site import Site, running_site
from tests.drills.traffic import ANSWERED
from tests.support.nginx import INSTALL, program
from tests.support.postgresql import PostgreSQL, running_postgresql

SECONDS = 1.0


@dataclass(frozen=True)
class OnPostgreSQL:
    """A site and its database."""

    site: Site
    cluster: PostgreSQL


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnPostgreSQL]:
    if program() is None:
        pytest.skip(INSTALL)
    with ExitStack() as stack:
        try:
            cluster = stack.enter_context(running_postgresql())
        except LookupError as error:
            pytest.skip(str(error))
        folder = tmp_path_factory.mktemp("hospital")
        yield OnPostgreSQL(stack.enter_context(running_site(folder, cluster.url("chaos"))), cluster)


def test_without_the_database_advice_goes_on_and_no_feedback_is_lost(hospital: OnPostgreSQL) -> None:
    report = chaos.database_stopped(hospital.site, hospital.cluster, SECONDS)
    assert chaos.faults(report) == []
    meanwhile = report["phases"][1]
    assert set(meanwhile["hook"]) == {ANSWERED}
    assert "503" in meanwhile["feedback"]
    assert report["shown"]["cards"] == report["shown"]["recorded"] > 0
    assert report["shown"]["counted"]["tokens_unshared_total"] > 0
    assert report["shown"]["counted"]["shown_dropped_total"] == 0


def test_a_silent_database_holds_up_no_advice(hospital: OnPostgreSQL) -> None:
    report = chaos.database_silent(hospital.site, hospital.cluster, SECONDS)
    assert chaos.faults(report) == []
    assert set(report["phases"][1]["hook"]) == {ANSWERED}
    assert report["shown"]["cards"] == report["shown"]["recorded"] > 0


def test_of_a_killed_instance_only_the_calls_in_its_hands_fail(hospital: OnPostgreSQL) -> None:
    report = chaos.instance_killed(hospital.site, SECONDS)
    assert chaos.faults(report) == []
    for phase in report["phases"]:
        assert set(phase["hook"] | phase["feedback"]) <= {ANSWERED, "acknowledged", "502"}
        assert phase["hook"].get("502", 0) <= 3  # as many as there are callers


def test_a_new_configuration_of_the_proxy_costs_no_advice_and_no_feedback(hospital: OnPostgreSQL) -> None:
    report = chaos.proxy_reloaded(hospital.site, SECONDS)
    assert chaos.faults(report) == []
    assert all(phase["hook"].get(ANSWERED) for phase in report["phases"])
    assert report["shown"]["cards"] == report["shown"]["recorded"] > 0


def test_a_caller_with_a_wrong_clock_is_refused_and_no_other(hospital: OnPostgreSQL) -> None:
    ahead, behind = chaos.callers_clock(hospital.site, SECONDS, {"ahead": 120, "far behind": -7200})
    assert chaos.faults(ahead) + chaos.faults(behind) == []
    for report, reason in ((ahead, "not_yet"), (behind, "expired")):
        assert (set(report["its calls"]), set(report["others"])) == ({"401"}, {ANSWERED})
        assert set(report["refused as"]) == {reason}


def test_an_instance_with_a_wrong_clock_refuses_and_gives_no_wrong_advice(hospital: OnPostgreSQL) -> None:
    (report,) = chaos.services_clock(hospital.site, SECONDS, {"far ahead": 7200})
    assert chaos.faults(report) == []
    assert set(report["its calls"]) == {ANSWERED, "401"}
    assert set(report["refused as"]) == {"expired"}


def test_on_a_full_disk_advice_goes_on_and_no_feedback_is_lost(tmp_path: Path) -> None:
    if program() is None:
        pytest.skip(INSTALL)
    own = tmp_path / "site"
    own.mkdir()
    with chaos.small_disk(tmp_path / "disk") as disk, running_site(own, f"sqlite:///{disk}/store.db") as site:
        report = chaos.disk_full(site, disk, SECONDS)
    assert chaos.faults(report) == []
    assert set(report["phases"][1]["hook"]) == {ANSWERED}
    assert "503" in report["phases"][1]["feedback"]
    assert report["shown"]["cards"] == report["shown"]["recorded"] > 0
