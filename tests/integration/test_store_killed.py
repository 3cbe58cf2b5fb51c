"""kill -9 under load: what was acknowledged is in the store, on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from sqlalchemy import select, text

from cds_service.store.database import is_sqlite, make_engine, transaction
from cds_service.store.migrate import SchemaState, state
from cds_service.store.schema import feedback

ROOT = Path(__file__).parents[2]
KILLS = 20
SEED = 7


def test_nothing_acknowledged_is_lost(store_url: str) -> None:
    moments = random.Random(SEED)  # noqa: S311 - moments, no secret
    acknowledged: list[str] = []
    rounds_with_load = 0
    following = _start(store_url)
    for left in reversed(range(KILLS)):
        process, following = following, _start(store_url) if left else None
        said = _killed(process, moments.uniform(0, 0.3))
        rounds_with_load += bool(said)
        acknowledged += said
    assert rounds_with_load > KILLS / 2
    assert set(acknowledged) <= _stored(store_url)
    assert state(store_url) is SchemaState.CURRENT
    assert not is_sqlite(store_url) or _intact(store_url)


def _start(url: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.support.store_process", "forever", url, "0"]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _killed(process: subprocess.Popen[str] | None, after: float) -> list[str]:
    """What the process had acknowledged when it was killed, this long after its first word."""
    assert process is not None
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("\n")
        process.stdin.flush()
        time.sleep(0.02 + after)
        process.kill()
        said = process.stdout.read()
    # What was cut off in the middle of a line was not said.
    return said[: said.rfind("\n") + 1].splitlines()


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
