"""`nelm-cds migrate`: brings the store's database to the schema of this version."""

from __future__ import annotations

import sys

from cds_service.settings import PREFIX, Settings
from cds_service.store import StoreUnavailableError
from cds_service.store.database import is_sqlite
from cds_service.store.state import SchemaState, state

NOT_READY = {
    SchemaState.EMPTY: f"there is no store at {PREFIX}DATABASE_URL yet: `nelm-cds migrate` makes it",
    SchemaState.BEHIND: f"the store at {PREFIX}DATABASE_URL is of an older version: run `nelm-cds migrate`",
    SchemaState.AHEAD: f"the store at {PREFIX}DATABASE_URL is of a newer version of nelm-cds",
    SchemaState.UNREACHABLE: f"the database of {PREFIX}DATABASE_URL does not answer, or refuses",
}


def run(settings: Settings) -> int:
    """Migrate and say from what to what; 1 if the database does not answer or is of a newer version."""
    from cds_service.store.migrate import upgrade

    url = settings.database_url or ""
    try:
        if state(url) is SchemaState.AHEAD:
            return _fail(f"{NOT_READY[SchemaState.AHEAD]}; nothing was changed")
        migration = upgrade(url)
    except StoreUnavailableError:
        return _fail(NOT_READY[SchemaState.UNREACHABLE])
    before, after = migration.before or "an empty database", migration.after
    changed = f"from {before} to {after}" if migration.before != after else f"already at {after}"
    sys.stdout.write(f"schema {changed}\n")
    return 0


def prepare(settings: Settings) -> str | None:
    """Make the store ready to serve; gives what stands in the way.

    SQLite is created and migrated here. PostgreSQL is migrated once per release, by `nelm-cds migrate`; one that does
    not answer now stops nothing, since advice does not need it.
    """
    url = settings.database_url
    if url is None:
        return None
    found = state(url)
    if found is SchemaState.CURRENT:
        return None  # nothing to lock, which a backup in progress might hold up
    if is_sqlite(url) and found is not SchemaState.AHEAD:
        from cds_service.store.migrate import upgrade

        try:
            upgrade(url)
        except StoreUnavailableError:
            return f"the SQLite file of {PREFIX}DATABASE_URL cannot be made or migrated"
        return None
    if found is SchemaState.UNREACHABLE:
        sys.stderr.write(f"nelm-cds: {NOT_READY[found]}; serving without it for now\n")
    return in_the_way(url, found)


def in_the_way(url: str, found: SchemaState) -> str | None:
    """What keeps the service from starting on a database in this state."""
    made_at_start = (SchemaState.EMPTY, SchemaState.BEHIND) if is_sqlite(url) else (SchemaState.UNREACHABLE,)
    return None if found is SchemaState.CURRENT or found in made_at_start else NOT_READY[found]


def _fail(why: str) -> int:
    sys.stderr.write(f"nelm-cds: {why}\n")
    return 1
