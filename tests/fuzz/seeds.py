"""The fixtures as small hook requests: where the fuzzing starts from, and what the generative tests change.

Only the elements that somebody reads are kept: smaller inputs, more of them a second.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from cds_service.gather import PREFETCH_KEYS
from cds_service.http.wire import AS_OF_EXTENSION
from fhir_mappings.wire import Resource
from tests.support.charts import KEYS

FIXTURES = Path(__file__).parents[2] / "test_fixtures"
_READ = frozenset(Resource.__struct_fields__)


@cache
def requests() -> Mapping[str, bytes]:
    """Every patient story and every FHIR fixture as a request, by its path."""
    paths = sorted([*FIXTURES.glob("patients/*/request.json"), *FIXTURES.glob("fhir/**/*.json")])
    return {
        str(path.relative_to(FIXTURES)): _written(_as_request(json.loads(path.read_text("utf-8")), path))
        for path in paths
    }


def seeds_of_fixtures() -> Iterator[bytes]:
    """Every request, its diagnoses with each other record alone, and a few answers that are no request."""
    yield from requests().values()
    for request in (json.loads(text) for name, text in requests().items() if name.startswith("patients/")):
        values = request["prefetch"]
        required = {key: values[key] for key in ("patient", "conditions") if key in values}
        for key, value in values.items():
            for entry in (isinstance(value, dict) and value.get("entry")) or ():
                alone = value | {"entry": [entry], "total": 1}
                yield _written(request | {"prefetch": required | {key: alone}})
    yield from (b"null", b"[]", b'{"resourceType":"Bundle"}', b'{"resourceType":"Observation","id":"1"}')


def _written(request: Mapping[str, Any]) -> bytes:
    return json.dumps(request, separators=(",", ":")).encode()


def _as_request(content: Any, path: Path) -> dict[str, Any]:
    """A fixture as a small request: it is one already, or holds a resource, a Bundle or the values of a prefetch."""
    content = content if isinstance(content, dict) else {}
    found = content.get("prefetch", content if "patient" in content else None)
    if not isinstance(found, dict):
        found = _by_key(content)
    patient_id = str((content.get("context") or {}).get("patientId") or _patient_of(found))
    found = {"patient": {"resourceType": "Patient", "id": patient_id, "birthDate": "1960-05-05"}} | found
    found = {key: _slim(value) for key, value in found.items() if key in PREFETCH_KEYS}
    extension = {AS_OF_EXTENSION: _as_of(path)}
    return {
        "hook": "patient-view", "hookInstance": "1", "fhirServer": content.get("fhirServer"), "extension": extension,
        "context": {"userId": "Practitioner/1", "patientId": patient_id}, "prefetch": found,
    }  # fmt: skip


def _by_key(content: dict[str, Any]) -> dict[str, Any]:
    """A resource under the key that asks for it; of a Bundle every key gets its own, and all of one without entries."""
    entries = content.get("entry")
    if content.get("resourceType") != "Bundle" or not isinstance(entries, list):
        return {KEYS.get(str(content.get("resourceType")), "conditions"): content}
    dealt: dict[str, Any] = {key: content | {"entry": []} for key in PREFETCH_KEYS if key != "patient"}
    for entry in entries:
        resource = entry.get("resource")
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if kind == "Patient":
            dealt["patient"] = resource
        else:
            dealt[KEYS.get(str(kind), "observations")]["entry"].append(entry)
    return dealt


def _patient_of(values: Mapping[str, Any]) -> str:
    match = re.search(r'"Patient/([A-Za-z0-9.-]{1,64})"', json.dumps(values))
    return match[1] if match else "p1"


def _as_of(path: Path) -> str:
    expected = path.with_name("expected.json")
    return str(json.loads(expected.read_text("utf-8"))["as_of"]) if expected.is_file() else "2026-03-02"


def _slim(value: Any) -> Any:
    """A resource or Bundle without the elements that nobody reads: smaller inputs, more of them a second."""
    if not isinstance(value, dict):
        return value
    kept = {name: member for name, member in value.items() if name in _READ}
    if isinstance(kept.get("entry"), list):
        kept["entry"] = [
            e | {"resource": _slim(e.get("resource"))} if isinstance(e, dict) else e for e in kept["entry"]
        ]
    return kept
