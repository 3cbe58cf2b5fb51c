"""The patient stories of `test_fixtures/patients`, as the tests want to hold them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "test_fixtures" / "patients"


@dataclass(frozen=True)
class Story:
    """One folder: a chart told as a hook request, mostly as a Bundle too, and what is expected of it.

    What only a request can tell (a search that failed) has no Bundle.
    """

    folder: Path

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.folder.name

    @cached_property
    def body(self) -> bytes:
        """The request as it is posted."""
        return (self.folder / "request.json").read_bytes()

    @property
    def request(self) -> dict[str, Any]:
        """The request, a fresh copy each time."""
        content: dict[str, Any] = json.loads(self.body)
        return content

    @property
    def has_bundle(self) -> bool:
        """Whether the chart is told as a Bundle too."""
        return (self.folder / "bundle.json").is_file()

    @property
    def bundle(self) -> dict[str, Any]:
        """The Bundle, a fresh copy each time."""
        content: dict[str, Any] = json.loads((self.folder / "bundle.json").read_text("utf-8"))
        return content

    @property
    def expected(self) -> dict[str, Any]:
        """What is expected, a fresh copy each time."""
        content: dict[str, Any] = json.loads((self.folder / "expected.json").read_text("utf-8"))
        return content

    @property
    def chart(self) -> list[dict[str, Any]]:
        """Every resource of the story, as it is told in its Bundle, else in its request."""
        return list(resources(self.bundle if self.has_bundle else self.request["prefetch"]))

    @property
    def patient_id(self) -> str:
        """The patient whose chart is open."""
        return str(self.request["context"]["patientId"])

    @property
    def in_scope(self) -> bool:
        """Whether the service has something to say."""
        return bool(self.expected["state"] != "out_of_scope")


STORIES = tuple(Story(path.parent) for path in sorted(FOLDER.glob("*/request.json")))
NAMES = [story.name for story in STORIES]


def story(name: str) -> Story:
    """One story by its folder's name."""
    return Story(FOLDER / name)


def resources(value: Any) -> Iterator[dict[str, Any]]:
    """Every FHIR resource inside a JSON value, Bundles not included."""
    if isinstance(value, dict):
        if "resourceType" in value and value["resourceType"] != "Bundle":
            yield value
        for member in value.values():
            yield from resources(member)
    elif isinstance(value, list):
        for member in value:
            yield from resources(member)


def without_uuids(value: Any) -> Any:
    """The same answer without its `uuid` members, which are fresh every time."""
    if isinstance(value, dict):
        return {name: without_uuids(member) for name, member in value.items() if name != "uuid"}
    if isinstance(value, list):
        return [without_uuids(member) for member in value]
    return value
