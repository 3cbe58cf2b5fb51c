"""The database of the store: SQLite in a file (WAL), or PostgreSQL; every failure of it is one error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, TextClause, bindparam, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    SQLAlchemyError,
    StatementError,
)

_CONNECT_SECONDS = 2
_STATEMENT_MILLISECONDS = 2500
_SQLITE_WAITS_MILLISECONDS = 2000
_MIGRATION_WAITS_MILLISECONDS = 30_000


class StoreUnavailableError(Exception):
    """The database did not do what it was asked; the message holds neither address nor data."""


class RecordRefusedError(StoreUnavailableError):
    """The database answers, and will never take this record."""


def problem_of_url(text: str) -> str | None:
    """What is wrong with a database's URL, without connecting; repeats nothing of it."""
    try:
        url = _url(text)
        if url.get_backend_name() not in ("sqlite", "postgresql"):
            return "must be SQLite or PostgreSQL"
        url.get_dialect().import_dbapi()
    except (ArgumentError, NoSuchModuleError, ValueError):
        return "must be sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE"
    except ImportError:
        return "names a driver that is not installed; use postgresql+psycopg://"
    if is_sqlite(text) and url.database in (None, "", ":memory:"):
        return "needs a file, such as sqlite:///var/nelm-cds.db: what is kept in memory does not last"
    return None


def is_sqlite(text: str) -> bool:
    """Whether this is SQLite's file, which this service creates and migrates by itself."""
    return _url(text).get_backend_name() == "sqlite"


def file_of(text: str) -> Path:
    """The file of an SQLite URL."""
    return Path(_url(text).database or "")


def identity_of_file(text: str) -> tuple[int, int] | None:
    """Which file an SQLite URL names at this moment; None if there is none, or for another database."""
    if not is_sqlite(text):
        return None
    try:
        found = file_of(text).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def make_engine(text: str, *, exclusive: bool = False) -> Engine:
    """An engine for the URL; nothing is connected yet. `exclusive` transactions of SQLite take its lock at once."""
    url = _url(text)
    # Without them an error of the driver shows values.
    common = {"hide_parameters": True, "pool_pre_ping": True}
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, **common)
        waits = _MIGRATION_WAITS_MILLISECONDS if exclusive else _SQLITE_WAITS_MILLISECONDS
        event.listen(engine, "connect", partial(_prepare_sqlite, waits))
        begin = "BEGIN IMMEDIATE" if exclusive else "BEGIN"
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
        return engine
    limits = f"-c statement_timeout={_STATEMENT_MILLISECONDS} -c lock_timeout={_STATEMENT_MILLISECONDS}"
    arguments: dict[str, Any] = {"connect_timeout": _CONNECT_SECONDS}
    if not exclusive:  # a migration may take as long as it takes
        # A server that has vanished is known by its silence, in a statement and between statements.
        silence = {"tcp_user_timeout": _STATEMENT_MILLISECONDS, "keepalives_idle": 2, "keepalives_interval": 1}
        arguments |= silence | {"options": limits}
    return create_engine(url, connect_args=arguments, pool_size=5, max_overflow=5, pool_timeout=1, **common)


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that is committed at the end; raises StoreUnavailableError if it was not."""
    try:
        with engine.begin() as connection:
            yield connection
    except (SQLAlchemyError, OSError) as error:
        kind = type(getattr(error, "orig", None) or error).__name__
        if _is_of_a_record(error):
            # Not chained: in the driver's own words stands the row that was refused.
            raise RecordRefusedError(f"the database refuses a record ({kind})") from None
        raise StoreUnavailableError(f"the database did not answer, or refused ({kind})") from error


def _is_of_a_record(error: Exception) -> bool:
    """Whether a value was refused, by the database or, before it was asked, by its driver."""
    before = isinstance(error, StatementError) and not isinstance(error, DBAPIError)
    return before or isinstance(error, DataError | IntegrityError)


def insert_once(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows whose key is new; each has a value for every column."""
    if rows:
        connection.execute(_insert(table), rows)


def insert_if_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row, which has a value for every column; false if its key is not new."""
    return connection.execute(_insert(table, returning=True), row).first() is not None


@cache
def _insert(table: Table, *, returning: bool = False) -> TextClause:
    # As text, which both databases read alike: SQLAlchemy's own statement for a conflict is compiled at each use. The
    # tables are our own: no name of theirs needs quotes.
    names = table.columns.keys()
    values = ", ".join(f":{name}" for name in names)
    ending = f" RETURNING {', '.join(table.primary_key.columns.keys())}" if returning else ""
    insert = f"INSERT INTO {table.name} ({', '.join(names)})"
    statement = text(f"{insert} VALUES ({values}) ON CONFLICT DO NOTHING{ending}")
    return statement.bindparams(*(bindparam(column.name, type_=column.type) for column in table.columns))


def _url(address: str) -> URL:
    url = make_url(address)
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgres", "postgresql") else url


def _prepare_sqlite(waits: int, connection: Any, _: object) -> None:
    # The driver's own way of beginning transactions commits before DDL.
    connection.isolation_level = None
    cursor = connection.cursor()
    # In this order: what waits for a lock is set before the first statement that may need one.
    cursor.execute(f"PRAGMA busy_timeout={waits}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # what is acknowledged survives a power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()
