"""The units for systemd: systemd takes them, they are hardened, and their commands are ours."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.main import get_group

from cds_service.cli import app
from cds_service.settings import Settings

UNITS = ("nelm-cds@.service", "nelm-cds-migrate.service")
PROGRAM = "/opt/nelm-cds/bin/nelm-cds"
WORST_EXPOSURE = 2.0  # of 10; stricter than systemd's own "OK"


def value(text: str, name: str) -> str:
    """The one value of a directive."""
    (found,) = re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)
    return str(found)


@pytest.fixture
def units(deploy: Path, tmp_path: Path) -> list[Path]:
    """The units with a program that is there, an instance in the place of the template."""
    placed = []
    for name in UNITS:
        text = (deploy / "systemd" / name).read_text("utf-8")
        assert text.count(f"ExecStart={PROGRAM} ") == 1
        file = tmp_path / name.replace("@.", "@8001.")
        file.write_text(text.replace(f"ExecStart={PROGRAM} ", f"ExecStart={sys.executable} "), "utf-8")
        placed.append(file)
    return placed


def test_systemd_finds_nothing_wrong(units: list[Path], program: Callable[[str, str], str]) -> None:
    command = [program("systemd-analyze", "apt-get install systemd"), "verify", "--man=no", *map(str, units)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_they_are_exposed_as_little_as_may_be(units: list[Path], program: Callable[[str, str], str]) -> None:
    analyze = program("systemd-analyze", "apt-get install systemd")
    for unit in units:
        command = [analyze, "security", "--offline=yes", "--no-pager", str(unit)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        (exposure,) = re.findall(r"exposure level for \S+: ([0-9.]+)", done.stdout)
        assert float(exposure) <= WORST_EXPOSURE, done.stdout


@pytest.mark.parametrize("name", UNITS)
def test_what_they_start_is_a_command_of_ours_with_its_options(deploy: Path, name: str) -> None:
    command = value((deploy / "systemd" / name).read_text("utf-8"), "ExecStart").replace("%i", "8001")
    started, *arguments = shlex.split(command)
    assert started == PROGRAM
    chosen = get_group(app).commands[arguments[0]].make_context(arguments[0], arguments[1:])
    assert chosen.params.get("host") in (None, "127.0.0.1")
    assert chosen.params.get("port") in (None, 8001)


def test_an_instance_is_given_the_time_that_its_calls_may_take(deploy: Path) -> None:
    text = (deploy / "systemd" / UNITS[0]).read_text("utf-8")
    assert int(value(text, "TimeoutStopSec")) > Settings().fhir_budget_seconds + 5 + 5


def test_a_database_that_is_down_holds_up_no_instance(deploy: Path) -> None:
    """The migration comes first, and is not required."""
    text = (deploy / "systemd" / UNITS[0]).read_text("utf-8")
    assert "nelm-cds-migrate.service" in value(text, "After")
    assert "nelm-cds-migrate.service" in value(text, "Wants")
    assert not re.search(r"^(Requires|BindsTo|Requisite)=", text, re.MULTILINE)


def test_both_have_the_same_settings_user_and_fences(deploy: Path) -> None:
    service, migration = ((deploy / "systemd" / name).read_text("utf-8").splitlines() for name in UNITS)
    fences = re.compile(
        r"(Protect|Private|Restrict|SystemCall|Capability|NoNew|Memory(Deny)|Lock|User|Group|EnvironmentFile)"
    )
    ours, theirs = ([line for line in lines if fences.match(line)] for lines in (service, migration))
    assert len(ours) > 20
    assert ours == theirs


def test_the_user_they_run_as_is_made(deploy: Path) -> None:
    made = (deploy / "systemd" / "nelm-cds.sysusers.conf").read_text("utf-8")
    assert re.findall(r"^u (\S+)", made, re.MULTILINE) == [
        value((deploy / "systemd" / UNITS[0]).read_text("utf-8"), "User")
    ]
