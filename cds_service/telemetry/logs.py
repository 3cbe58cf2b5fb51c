"""Logs as JSON lines. Of an exception only its kind and place are written: its message may quote a chart.

What libraries say in words of their own may quote one as well (asyncio prints the arguments of what failed), so of
them the unfilled message and the place is all that is written.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import warnings
from types import TracebackType
from typing import IO, Any, TextIO

from pythonjsonlogger.orjson import OrjsonFormatter

_log = logging.getLogger("nelm_cds")
_OURS = "nelm_cds"
_SERVER = "uvicorn"
# Libraries whose messages may hold an address with a patient's id, or a statement with its parameters.
_TALKATIVE = ("alembic", "httpcore", "httpx", "sqlalchemy", "urllib3")


class _Formatter(OrjsonFormatter):
    """A line with time, level, logger, message, and the fields that were given with it."""

    def __init__(self) -> None:
        super().__init__(
            "%(levelname)s %(name)s %(message)s",
            rename_fields={"levelname": "level", "name": "logger", "exc_info": "exception"},
            timestamp="time",
        )

    def format(self, record: logging.LogRecord) -> str:
        """The line; what is not of ours is told without the values and fields in it."""
        family = record.name.partition(".")[0]
        if family == _OURS:
            return super().format(record)
        text = _of_the_server(record) if family == _SERVER else _of_a_library(record)
        bare = logging.LogRecord(record.name, record.levelno, "", 0, text, None, record.exc_info)
        bare.created = record.created
        return super().format(bare)

    def jsonify_log_record(self, log_data: Any) -> str:
        """The line as JSON; text that no encoding has (a lone surrogate) is escaped, which orjson will not do."""
        try:
            return super().jsonify_log_record(log_data)
        except TypeError:
            return json.dumps(log_data, default=str)

    def formatException(self, ei: Any) -> str:
        """The kind of the exception and where it was raised."""
        kind, _, trace = ei
        return f"{kind.__name__} at {place(trace)}" if kind else ""


class _Handler(logging.StreamHandler[IO[str]]):
    """Writes to a stream that may be gone."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Lose the line: what would be printed instead quotes the record."""


def configure(stream: IO[str], level: int = logging.INFO) -> None:
    """Write every log of the process to the stream, one JSON object a line, with what Python prints of its own."""
    handler = _Handler(stream)
    handler.setFormatter(_Formatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_OURS).setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in (_SERVER, f"{_SERVER}.error"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    threading.excepthook = _thread_ended
    sys.unraisablehook = _nobody_to_raise_to
    warnings.showwarning = _warned


def place(trace: TracebackType | None) -> str:
    """File and line where an exception was raised."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "unknown place"


def _of_a_library(record: logging.LogRecord) -> str:
    # Without arguments the values, if there are any, are in the text already.
    text = f"{record.msg} " if record.args and isinstance(record.msg, str) else ""
    return f"{text}(at {record.pathname}:{record.lineno})"


def _of_the_server(record: logging.LogRecord) -> str:
    text = record.getMessage()
    if not text.startswith("Traceback"):
        return text
    # What fails at its start and end comes as a printed traceback, the exception's message included.
    steps = [line.strip() for line in text.splitlines() if line.startswith('  File "')]
    return f"an exception at {steps[-1]}" if steps else "an exception"


def _thread_ended(args: threading.ExceptHookArgs) -> None:
    _log.error("a thread ended: %s at %s", args.exc_type.__name__, place(args.exc_traceback))


def _nobody_to_raise_to(args: sys.UnraisableHookArgs) -> None:
    _log.error("nobody to raise it to: %s at %s", args.exc_type.__name__, place(args.exc_traceback))


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    _log.warning("Python warns: %s at %s:%d", category.__name__, filename, lineno)
