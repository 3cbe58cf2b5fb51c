"""`nelm-cds serve --record`: the requests that a service receives, as files that `nelm-cds replay` reads.

For development: the files hold what the requests hold, patients' data. The token for the caller's FHIR server is left
out, and what is no JSON object is not written at all, since nothing could be left out of it.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Self

import msgspec
from msgspec import Raw

from cds_service.errors import ConfigurationError
from cds_service.settings import Settings
from fhir_mappings.wire import UNREADABLE

_log = logging.getLogger("nelm_cds")
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_TOKEN = "fhirAuthorization"  # noqa: S105 - the name of the member that is left out
_UUID = re.compile(r'"([0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12})"')
_MEBI = 1024 * 1024
_MOST_WAITING = 64 * _MEBI  # bytes in memory; a disk that is slower loses requests, not the service
_MOST_FILES = 1000
_MOST_WRITTEN = 1024 * _MEBI


class Recorder:
    """Writes requests into a folder, in a thread of its own, until a run has written enough of them.

    Use it as a context manager: what waits is written before it ends. Raises ConfigurationError in production, and for
    a folder that cannot be had.
    """

    def __init__(self, folder: Path, settings: Settings, clock: Callable[[], datetime]) -> None:
        if settings.production:
            raise ConfigurationError(["--record: refused in production: the files would hold patients' data"])
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError([f"--record: {folder}: {error.strerror}"]) from error
        self.warning = (
            f"  RECORDING every request into {folder}: the files hold PATIENT DATA. Never with real patients."
        )
        self._folder = folder
        self._clock = clock
        self._queue: SimpleQueue[tuple[datetime, list[bytes]] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._waiting = 0
        self._files = self._written = 0
        self._left_out = 0
        self._thread = threading.Thread(target=self._write_all, name="recorder", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._queue.put(None)
        self._thread.join()
        if self._left_out:
            _log.warning("recording: %d requests were not recorded", self._left_out)

    def keep(self, chunks: list[bytes]) -> None:
        """Queue one request's body; left out and counted where too much is waiting."""
        size = sum(map(len, chunks))
        with self._lock:
            if self._waiting + size > _MOST_WAITING:
                self._left_out += 1
                return
            self._waiting += size
        self._queue.put((self._clock(), chunks))

    def _write_all(self) -> None:
        while (waiting := self._queue.get()) is not None:
            moment, chunks = waiting
            body = b"".join(chunks)
            written = self._write(moment, body)
            with self._lock:
                self._waiting -= len(body)
                self._left_out += not written

    def _write(self, moment: datetime, body: bytes) -> bool:
        try:
            members = _MEMBERS.decode(body)
        except UNREADABLE:
            return False
        members.pop(_TOKEN, None)
        content = msgspec.json.encode(members)
        if self._files >= _MOST_FILES or self._written + len(content) > _MOST_WRITTEN:
            return False
        self._files += 1
        self._written += len(content)
        file = self._folder / f"{moment.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}-{self._files:04}{_instance(members)}.json"
        part = file.with_suffix(".part")  # a file that is not whole is no input
        try:
            part.touch(mode=0o600, exist_ok=False)
            part.write_bytes(content)
            part.rename(file)
        except OSError as error:
            _log.warning("recording: a request could not be written: %s", type(error).__name__)
            return False
        return True


def _instance(members: dict[str, Raw]) -> str:
    """The hookInstance as part of a name, only as the UUID that it should be."""
    found = _UUID.fullmatch(bytes(members.get("hookInstance", b"")).decode("ascii", "replace"))
    return f"-{found[1].lower()}" if found else ""
