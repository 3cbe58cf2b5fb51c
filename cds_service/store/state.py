"""How a database stands to this version; a service that finds it current needs Alembic not at all."""

from __future__ import annotations

from enum import Enum, auto

from sqlalchemy import inspect, text

from cds_service.store.database import StoreUnavailableError, file_of, is_sqlite, make_engine, transaction

REVISION = "0001"  # the last of migrations/versions; a test compares them


class SchemaState(Enum):
    """How a database stands to this version."""

    CURRENT = auto()
    EMPTY = auto()
    BEHIND = auto()
    AHEAD = auto()
    UNREACHABLE = auto()


def state(url: str) -> SchemaState:
    """How the database stands to this version; creates nothing."""
    try:
        if is_sqlite(url) and not file_of(url).exists():
            return SchemaState.EMPTY
        revision = _revision(url)
    except (OSError, StoreUnavailableError):
        return SchemaState.UNREACHABLE
    if revision is None:
        return SchemaState.EMPTY
    if revision == REVISION:
        return SchemaState.CURRENT
    from cds_service.store.migrate import known_revisions

    return SchemaState.BEHIND if revision in known_revisions() else SchemaState.AHEAD


def _revision(url: str) -> str | None:
    """What Alembic wrote down; raises StoreUnavailableError."""
    engine = make_engine(url)
    try:
        with transaction(engine) as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            found = connection.execute(text("SELECT version_num FROM alembic_version")).first()
            return str(found[0]) if found is not None else None
    finally:
        engine.dispose()
