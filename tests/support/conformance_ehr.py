"""EHRs whose FHIR servers hold the chart of one story each, all behind one loopback port, each under its own base.

A service lists all their bases when it starts; a test takes one that nobody has asked anything yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.fault_server import Act, Connection, Request, fault_server
from tests.support.stories import Story, resources, story

TOKEN = "the-token-of-this-call"  # noqa: S105 - of a server that is played
TYPES = (
    "Patient", "Condition", "Observation", "ImagingStudy", "Procedure", "MedicationRequest", "MedicationStatement",
    "DiagnosticReport", "QuestionnaireResponse",
)  # fmt: skip
_HOW_MANY = 60


@dataclass
class Ehr:
    """An EHR: what its FHIR server was asked, and its faults by resource type."""

    base: str
    story: Story
    faults: dict[str, Act] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def told(self, *without: str) -> dict[str, Any]:
        """The story's request with this server and a token for it, and without these keys of its prefetch."""
        request = self.story.request
        request["fhirServer"] = self.base
        request["fhirAuthorization"] = {
            "access_token": TOKEN,
            "token_type": "Bearer",
            "expires_in": 60,
            "scope": "patient/*.read",
            "subject": "nelm-cds",
        }
        request["prefetch"] = {key: value for key, value in request["prefetch"].items() if key not in without}
        return request

    async def answer(self, request: Request, connection: Connection) -> None:
        """The answer to one request, right or as told."""
        self.requests.append(request)
        await self.faults.get(request.resource_type, self.soundly)(request, connection)

    async def soundly(self, request: Request, connection: Connection) -> None:
        """The story's resources of the type that was asked for: it is the only patient here."""
        found = [r for r in resources(self.story.request["prefetch"]) if r["resourceType"] == request.resource_type]
        if request.resource_type == "Patient":
            await connection.answer(found[0])
        else:
            entries = [{"resource": resource} for resource in found]
            await connection.answer({"resourceType": "Bundle", "type": "searchset", "entry": entries})


class Ehrs:
    """All of them."""

    def __init__(self, root: str, told: Story) -> None:
        names = [f"ehr{number}" for number in range(_HOW_MANY)]
        self._by_name = {name: Ehr(f"{root}/{name}", told) for name in names}
        self._unused = iter(self._by_name.values())

    @property
    def bases(self) -> list[str]:
        """The bases of their FHIR servers."""
        return [ehr.base for ehr in self._by_name.values()]

    def next(self) -> Ehr:
        """One that no test has had."""
        return next(self._unused)

    async def answer(self, request: Request, connection: Connection) -> None:
        """The answer of the one that is asked."""
        await self._by_name[request.target.split("/")[1]].answer(request, connection)


@contextmanager
def ehrs() -> Iterator[Ehrs]:
    """The EHRs, listening."""
    with fault_server() as server:
        found = Ehrs(server.base.removesuffix("/fhir"), story("resectable"))
        server.faults.update(dict.fromkeys(TYPES, found.answer))
        yield found
