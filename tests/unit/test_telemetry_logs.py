"""The log: one JSON object a line, and nothing in it that a chart or a library's message could bring along."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from cds_service.settings import Settings
from cds_service.telemetry.logs import configure
from tests.support.collector import collector
from tests.support.service import make_client, post
from tests.support.stories import STORIES, Story

NAME = "Jansen, Maria"


class Written(io.StringIO):
    """What was written to the log."""

    def lines(self) -> list[dict[str, Any]]:
        """Every line, parsed."""
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def line(self) -> dict[str, Any]:
        """The one line there is."""
        (line,) = self.lines()
        return line


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    """The log as it is configured for the service; what was before is back afterwards."""
    loggers = [logging.getLogger(name) for name in ("", "nelm_cds", "httpx", "sqlalchemy", "uvicorn", "uvicorn.error")]
    before = [(logger, logger.level, logger.handlers[:], logger.propagate) for logger in loggers]
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    stream = Written()
    configure(stream)
    yield stream
    for logger, level, handlers, propagate in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers
        logger.propagate = propagate


def failure() -> ValueError:
    """An exception that was raised, with a name in its message and in that of its cause."""
    try:
        try:
            raise KeyError(NAME)
        except KeyError as cause:
            raise ValueError(f"not understood: {NAME}") from cause
    except ValueError as error:
        return error


def test_a_line_has_time_level_logger_message_and_the_fields_given(written: Written) -> None:
    logging.getLogger("nelm_cds.calls").info("call", extra={"status": 200, "recommendations": ["W-CT"]})
    line = written.line()
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "INFO",
        "logger": "nelm_cds.calls",
        "message": "call",
        "status": 200,
        "recommendations": ["W-CT"],
    }


@pytest.mark.parametrize("logger", ["nelm_cds", "uvicorn.error", "sqlalchemy.pool", "asyncio", "a.library"])
def test_of_an_exception_only_kind_and_place_are_written(written: Written, logger: str) -> None:
    logging.getLogger(logger).error("failed: %d", 1, exc_info=failure())
    assert written.line()["exception"].startswith(f"ValueError at {__file__}:")
    assert NAME not in written.getvalue()


def test_what_another_formatter_made_of_the_exception_is_not_written(written: Written) -> None:
    error = failure()
    record = logging.LogRecord(
        "nelm_cds", logging.ERROR, __file__, 1, "failed", None, (ValueError, error, error.__traceback__)
    )
    logging.Formatter().format(record)
    logging.getLogger("nelm_cds").handle(record)
    assert written.line()["exception"].startswith("ValueError at ")
    assert NAME not in written.getvalue()


@pytest.mark.parametrize(
    ("message", "arguments", "fields", "told"),
    [
        ("pool of %s is full", (NAME,), {}, "pool of %s is full (at "),
        (f"could not read {NAME}", (), {}, "(at "),
        ("reset", (), {"patient": NAME}, "(at "),
        ({"patient": NAME}, (), {}, "(at "),
    ],
)
def test_values_in_a_librarys_words_are_not_written(
    written: Written, message: Any, arguments: tuple[object, ...], fields: dict[str, object], told: str
) -> None:
    logging.getLogger("a.library").error(message, *arguments, extra=fields)
    line = written.line()
    assert line["message"].startswith(told)
    assert set(line) == {"time", "level", "logger", "message"}
    assert NAME not in written.getvalue()


def test_a_callback_that_fails_does_not_show_its_arguments(written: Written) -> None:
    def callback(patient: str) -> None:
        raise ValueError(patient)

    async def call() -> None:
        asyncio.get_running_loop().call_soon(callback, NAME)
        await asyncio.sleep(0)

    asyncio.run(call())
    assert (written.line()["logger"], NAME in written.getvalue()) == ("asyncio", False)


def test_what_the_server_says_is_written(written: Written) -> None:
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.", extra={"color_message": "\x1b[36m"})
    line = written.line()
    assert line["message"] == "Invalid HTTP request received."
    assert "color_message" not in line


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        (
            'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    f()\n  File "b.py", line 2, in g\n'
            f"    g()\nValueError: {NAME}\n{NAME}\n",
            'an exception at File "b.py", line 2, in g',
        ),
        (f"Traceback, of {NAME}", "an exception"),
    ],
)
def test_a_printed_traceback_is_not_repeated(written: Written, printed: str, told: str) -> None:
    logging.getLogger("uvicorn.error").error(printed)
    assert written.line()["message"] == told


def test_a_thread_that_fails_is_told_without_its_message(written: Written) -> None:
    def work() -> None:
        raise failure()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert written.line()["message"].startswith(f"a thread ended: ValueError at {__file__}:")
    assert NAME not in written.getvalue()


def test_what_cannot_be_raised_is_told_without_its_message(written: Written) -> None:
    class Failing:
        def __del__(self) -> None:
            raise failure()

    Failing()
    assert written.line()["message"].startswith(f"nobody to raise it to: ValueError at {__file__}:")
    assert NAME not in written.getvalue()


def test_a_warning_of_python_is_told_without_its_message(written: Written) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning(UserWarning(NAME), UserWarning, "a.py", 7)
    assert written.line()["message"] == "Python warns: UserWarning at a.py:7"


@pytest.mark.parametrize("name", ["alembic.runtime", "httpcore.http11", "httpx", "sqlalchemy.engine", "urllib3.util"])
def test_talkative_libraries_are_kept_to_warnings(written: Written, name: str) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    logging.getLogger(name).info("GET /Patient/1")
    assert written.getvalue() == ""


def test_a_stream_that_is_gone_loses_the_line_and_no_more(written: Written, capsys: pytest.CaptureFixture[str]) -> None:
    written.close()
    logging.getLogger("a.library").error("of %s", NAME)
    assert capsys.readouterr() == ("", "")


def test_text_that_no_encoding_has_is_written(written: Written) -> None:
    logging.getLogger("nelm_cds").warning("\ud800\n\x00")
    assert written.line()["message"] == "\ud800\n\x00"


def test_configured_twice_every_line_is_written_once(written: Written) -> None:
    configure(written)
    logging.getLogger("nelm_cds").info("started")
    assert written.line()["message"] == "started"


def test_nothing_of_a_story_is_in_a_log_a_label_or_a_trace(written: Written) -> None:
    with collector() as (address, sent):
        with make_client(Settings(otlp_endpoint=address)) as client:
            states = [post(client, told.body).status_code for told in STORIES]
            labels = re.findall(r'"([^"]*)"', client.get("/metrics").text)
        traced = b"".join(sent).decode("latin-1")
    lines = [{field: value for field, value in line.items() if field != "time"} for line in written.lines()]
    assert [line["status"] for line in lines] == states
    assert 200 in states
    assert "hook" in labels
    assert "decide" in traced
    everything = json.dumps([lines, labels]) + traced
    assert [(told.name, text) for told in STORIES for text in particulars(told) if text in everything] == []


def particulars(told: Story) -> set[str]:
    """What tells whose chart a story is, and when what happened: names, numbers, ids, addresses, dates, texts."""
    found: set[str] = {told.patient_id}
    for resource in told.chart:
        found |= {text for field, text in _texts(resource) if field in _PARTICULAR and len(text) > 3}
    return found


_PARTICULAR = frozenset({
    "id", "reference", "family", "given", "value", "birthDate", "line", "city", "text", "valueString", "note", "div",
    "effectiveDateTime", "onsetDateTime", "recordedDate", "authoredOn", "performedDateTime", "issued", "lastUpdated",
})  # fmt: skip


def _texts(value: Any, field: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _texts(member, name)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member, field)
    elif isinstance(value, str):
        yield field, value
