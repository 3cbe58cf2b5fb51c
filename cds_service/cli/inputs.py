"""What `replay` is given: stories, folders and files, each one an input that can be evaluated or posted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cds_service.web.given import NoInputError, encoded, given, read_json


class UnreadableInputError(Exception):
    """An input that is not JSON, or JSON that is neither FHIR nor a hook request; the message says where."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input: where it was found, and the hook request it makes."""

    path: Path
    request: bytes
    patient: str | None
    sent: tuple[str, ...] = ()  # a reference for every resource in it, Bundles aside
    stand_in: bytes | None = None  # the same request with a Patient in it, where the file holds none


def find(paths: Iterable[Path]) -> list[Path]:
    """Every input below the paths: a story folder is one, any other folder is walked, every *.json is one."""
    return [found for path in paths for found in _walk(path)]


def _walk(path: Path) -> Iterator[Path]:
    if not path.is_dir() or is_story(path):
        yield path
    else:
        for child in sorted(path.iterdir()):
            if child.is_dir() or child.suffix == ".json":
                yield from _walk(child)


def is_story(path: Path) -> bool:
    """True for a folder that holds a bundle or a request."""
    return any((path / name).is_file() for name in ("bundle.json", "request.json"))


def load(path: Path, *, prefer_request: bool = False, as_of: str | None = None) -> Input:
    """Read one input; a story is read from its bundle, or from its request where that is asked for or all there is.

    It asks to be evaluated at `as_of`, else at its story's date, else at none. Raises UnreadableInputError naming
    file, line and column.
    """
    if not path.is_dir():
        return _input(path, path, as_of)
    names = ["request.json", "bundle.json"] if prefer_request else ["bundle.json", "request.json"]
    file = next(path / name for name in names if (path / name).is_file())
    expected = path / "expected.json"
    told = _parse(expected) if expected.is_file() else {}
    own_date = told.get("as_of") if isinstance(told, dict) else None
    return _input(path, file, as_of or (own_date if isinstance(own_date, str) else None))


def _input(shown: Path, file: Path, as_of: str | None) -> Input:
    content = _parse(file)
    try:
        made = given(content)
        request = encoded(made.request, as_of)
        stand_in = encoded(made.stand_in, as_of) if made.stand_in is not None else None
    except NoInputError as error:
        raise UnreadableInputError(f"{file}: {error}") from error
    return Input(shown, request, made.patient, made.sent, stand_in)


def _parse(file: Path) -> Any:
    try:
        return read_json(file.read_text("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UnreadableInputError(f"{file}: not UTF-8 text, at byte {error.start}") from error
    except NoInputError as error:
        raise UnreadableInputError(f"{file}: {error}") from error
    except OSError as error:
        raise UnreadableInputError(f"{file}: {error.strerror}") from error
