"""Bringing a database to the schema of this version, with Alembic; safe when several replicas do it at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from cds_service.store.database import StoreUnavailableError, file_of, is_sqlite, make_engine, transaction

_LOCK = 0x6E656C6D  # one number for everybody who migrates this schema
_TRIES_TO_OPEN = 5
_BETWEEN_TRIES_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Migration:
    """From which revision to which; None: no schema."""

    before: str | None
    after: str | None


def upgrade(url: str) -> Migration:
    """Bring the database to this version's schema; an SQLite file and its folder are made.

    Raises StoreUnavailableError.
    """
    if is_sqlite(url):
        try:
            file_of(url).absolute().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file_of(url).touch(mode=0o600)  # what SQLite puts beside it has the same mode
        except OSError as error:
            raise StoreUnavailableError("the folder of the database cannot be made") from error
        for _ in range(_TRIES_TO_OPEN):
            try:
                return _under_lock(url, _to_head)
            except StoreUnavailableError:  # while another process turns the fresh file to WAL, nobody may wait for it
                time.sleep(_BETWEEN_TRIES_SECONDS)
    return _under_lock(url, _to_head)


def downgrade(url: str, revision: str = "base") -> Migration:
    """Take the database back to a revision; what a later one added is lost."""
    return _under_lock(url, lambda config: command.downgrade(config, revision))


def known_revisions() -> frozenset[str]:
    """Every revision that this version has."""
    scripts = ScriptDirectory.from_config(_config())
    return frozenset(script.revision for script in scripts.walk_revisions())


def _to_head(config: Config) -> None:
    command.upgrade(config, "head")


def _under_lock(url: str, migrate: Callable[[Config], None]) -> Migration:
    engine = make_engine(url, exclusive=True)
    try:
        with transaction(engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            before = _revision(connection)
            migrate(_config(connection))
            return Migration(before, _revision(connection))
    except CommandError as error:
        raise StoreUnavailableError("the database is at a revision that this version does not know") from error
    finally:
        engine.dispose()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("cds_service.store").joinpath("migrations")))
    config.attributes["connection"] = connection
    return config
