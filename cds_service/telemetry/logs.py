"""Logs as JSON lines. Of an exception only its kind and place are written: its message may quote a chart."""

from __future__ import annotations

import logging
from typing import IO, Any

from pythonjsonlogger.json import JsonFormatter

# Libraries whose messages may hold an address with a patient's id, or a statement with its parameters.
_TALKATIVE = ("alembic", "httpcore", "httpx", "sqlalchemy", "urllib3")


class _Formatter(JsonFormatter):
    """A line with time, level, logger, message, and the fields that were given with it."""

    def __init__(self) -> None:
        super().__init__(
            "%(levelname)s %(name)s %(message)s",
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="time",
        )

    def formatException(self, ei: Any) -> str:
        """The kind of the exception and where it was raised."""
        kind, _, trace = ei
        return f"{kind.__name__} at {place(trace)}" if kind else ""


def configure(stream: IO[str], level: int = logging.INFO) -> None:
    """Write every log of the process to the stream, one JSON object a line."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Formatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("nelm_cds").setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def place(trace: Any) -> str:
    """File and line where an exception was raised."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "unknown place"
