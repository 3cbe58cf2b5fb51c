"""The database: which addresses are good, how SQLite is opened, what an error says, and the schema's states."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from cds_service.store import StoreUnavailableError, problem_of_url
from cds_service.store.database import RecordRefusedError, insert_once, make_engine, transaction
from cds_service.store.migrate import downgrade, known_revisions, upgrade
from cds_service.store.schema import shown_recommendation
from cds_service.store.state import REVISION, SchemaState, state
from cds_service.store.store import _insert_feedback
from tests.support.shown import AT, accepted, shown


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'a' / 'b' / 'store.db'}"


def query(url: str, statement: str) -> Any:
    engine = make_engine(url)
    with transaction(engine) as connection:
        found = connection.exec_driver_sql(statement).scalar_one()
    engine.dispose()
    return found


@pytest.mark.parametrize(
    "url",
    ["sqlite:///var/x.db", "postgresql+psycopg://nelm@db/nelm", "postgresql://nelm@db/nelm", "postgres://db/nelm"],
)
def test_an_address_that_is_good(url: str) -> None:
    assert problem_of_url(url) is None


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "must be sqlite:///FILE"),
        ("s3cret", "must be sqlite:///FILE"),
        ("nosql://u:s3cret@db/x", "must be SQLite or PostgreSQL"),
        ("sqlite+nosql:///s3cret", "must be sqlite:///FILE"),
        ("postgresql://u:s3cret@db:port/x", "must be sqlite:///FILE"),
        ("sqlite://", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("mysql://u:s3cret@db/x", "must be SQLite or PostgreSQL"),
        ("postgresql+asyncpg://u:s3cret@db/x", "names a driver that is not installed"),
    ],
)
def test_an_address_that_is_not_is_told_without_repeating_it(url: str, problem: str) -> None:
    told = problem_of_url(url) or ""
    assert told.startswith(problem)
    assert "s3cret" not in told


@pytest.mark.parametrize(("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)])
def test_sqlite_is_opened_so_that_what_is_committed_stays(url: str, pragma: str, value: object) -> None:
    upgrade(url)
    assert query(url, f"PRAGMA {pragma}") == value


def test_a_record_that_is_refused_is_told_from_a_database_that_is_down(url: str) -> None:
    upgrade(url)
    engine = make_engine(url)
    orphan = {"card": "s3cret", "code": "W-CGA"}
    for row, kind in ((orphan, "IntegrityError"), (orphan | {"code": 7}, "TypeError")):
        refused = pytest.raises(RecordRefusedError, match=rf"^the database refuses a record \({kind}\)$")
        with refused, transaction(engine) as connection:
            insert_once(connection, shown_recommendation, [row])
    engine.dispose()
    with pytest.raises(StoreUnavailableError) as down, transaction(make_engine(f"{url}/none")):
        pass
    assert type(down.value) is StoreUnavailableError


def test_what_was_begun_and_refused_is_not_kept(url: str) -> None:
    upgrade(url)
    engine = make_engine(url)
    with pytest.raises(RecordRefusedError), transaction(engine) as connection:
        connection.exec_driver_sql("INSERT INTO used_token VALUES ('d', '2026-05-04 09:30:00.000000')")
        insert_once(connection, shown_recommendation, [{"card": "none", "code": "W-CGA"}])
    engine.dispose()
    assert query(url, "SELECT count(*) FROM used_token") == 0


def test_feedback_is_stored_in_one_order_whatever_order_it_is_sent_in(url: str) -> None:
    """Two replicas that are sent the same entries in two orders would otherwise wait for each other."""
    upgrade(url)
    said = [accepted(shown("W-CGA"), minutes) for minutes in range(10)]
    stored: list[Any] = []
    engine = make_engine(url)
    event.listen(
        engine, "before_cursor_execute", lambda *given: stored.extend([given[3]] if "INSERT" in given[2] else [])
    )
    for entries in (said, said[::-1]):
        with transaction(engine) as connection:
            _insert_feedback(connection, "ehr", entries, AT)
    engine.dispose()
    assert len(stored) == 4
    assert stored[:2] == stored[2:]


class TestState:
    def test_where_nothing_is_there_is_no_store_and_none_is_made(self, url: str, tmp_path: Path) -> None:
        assert state(url) is SchemaState.EMPTY
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_is_made_for_it(self, url: str) -> None:
        migration = upgrade(url)
        assert (migration.before, state(url)) == (None, SchemaState.CURRENT)
        assert upgrade(url).before == migration.after

    def test_without_its_tables_it_is_empty(self, url: str) -> None:
        upgrade(url)
        downgrade(url)
        assert state(url) is SchemaState.EMPTY

    def test_a_file_that_is_no_database_is_told_as_unreachable(self, tmp_path: Path) -> None:
        file = tmp_path / "letter.txt"
        file.write_text("no database, " * 100, "utf-8")
        assert state(f"sqlite:///{file}") is SchemaState.UNREACHABLE
        with pytest.raises(StoreUnavailableError):
            upgrade(f"sqlite:///{file}")
        assert file.read_text("utf-8").startswith("no database")

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(StoreUnavailableError):
            upgrade(f"sqlite:///{tmp_path / 'file' / 'store.db'}")

    def test_what_a_newer_version_made_is_left_alone(self, url: str, tmp_path: Path) -> None:
        upgrade(url)
        with sqlite3.connect(tmp_path / "a" / "b" / "store.db") as connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.close()
        assert state(url) is SchemaState.AHEAD
        with pytest.raises(StoreUnavailableError, match="does not know"):
            upgrade(url)
        assert state(url) is SchemaState.AHEAD


def test_the_migrations_are_part_of_the_package() -> None:
    folder = files("cds_service.store").joinpath("migrations")
    assert folder.joinpath("env.py").is_file()
    assert folder.joinpath("versions", "r0001_shown_and_feedback.py").is_file()


def test_the_revision_that_counts_as_current_is_the_last_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    assert upgrade(url).after == REVISION
    assert REVISION in known_revisions()
    assert state(url) is SchemaState.CURRENT


def test_serving_a_current_database_takes_no_alembic() -> None:
    """Importing it takes a tenth of the start."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys, cds_service.cli.serve; sys.exit('alembic' in sys.modules)"], check=False
    )
    assert done.returncode == 0
