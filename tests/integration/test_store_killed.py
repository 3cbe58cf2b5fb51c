"""kill -9 under load: what was acknowledged is in the store, on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
import time

from sqlalchemy import select, text

from cds_service.store.database import is_sqlite, make_engine, transaction
from cds_service.store.schema import feedback
from cds_service.store.state import SchemaState, state
from tests.support.store_process import Replica

KILLS = 20


def test_nothing_acknowledged_is_lost(store_url: str) -> None:
    moments = random.Random(7)  # noqa: S311 - moments, no secret
    acknowledged: list[str] = []
    under_load = 0
    for _ in range(KILLS):
        replica = Replica("forever", store_url)
        replica.go()
        time.sleep(0.05 + moments.uniform(0, 0.3))
        replica.process.kill()
        said = replica.said()
        under_load += bool(said)
        acknowledged += said
    assert under_load > KILLS / 2
    assert set(acknowledged) <= _stored(store_url)
    assert state(store_url) is SchemaState.CURRENT
    assert not is_sqlite(store_url) or _intact(store_url)


def _stored(url: str) -> set[str]:
    engine = make_engine(url)
    with transaction(engine) as connection:
        digests = set(connection.execute(select(feedback.c.digest)).scalars())
    engine.dispose()
    return digests


def _intact(url: str) -> bool:
    engine = make_engine(url)
    with transaction(engine) as connection:
        checked: str = connection.execute(text("PRAGMA integrity_check")).scalar_one()
    engine.dispose()
    return checked == "ok"
