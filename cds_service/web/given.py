"""A chart as somebody has it (hook request, FHIR Bundle, lone resource) as the hook request that an EHR makes of it.

`nelm-cds replay` and the pages come through here alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cds_service.gather import PREFETCH_KEYS, REQUIRED_KEYS
from cds_service.http.wire import AS_OF_EXTENSION

_KEY_OF_TYPE = {
    "Condition": "conditions",
    "Observation": "observations",
    "ImagingStudy": "imaging",
    "Procedure": "procedures",
    "Medication": "medicationRequests",  # what requests and statements point at
    "MedicationRequest": "medicationRequests",
    "MedicationStatement": "medicationStatements",
    "MedicationAdministration": "medicationStatements",
    "DiagnosticReport": "diagnosticReports",
    "QuestionnaireResponse": "questionnaireResponses",
}

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


class NoInputError(ValueError):
    """What was given is not JSON, or neither FHIR nor a hook request; the message says where, never what it holds."""


@dataclass(frozen=True, slots=True)
class Given:
    """The hook request that an input makes, and what of the input is to be told beside its answer."""

    request: dict[str, Any]
    patient: str | None
    sent: tuple[str, ...]  # a reference for every resource in it, Bundles aside
    stand_in: dict[str, Any] | None = None  # the same request with a Patient in it, where the input holds none


def read_json(text: str) -> Any:
    """The JSON value of a text; raises NoInputError naming line and column."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise NoInputError(f"line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise NoInputError("nested too deeply") from error
    except ValueError as error:
        raise NoInputError(str(error)) from error


def given(content: Any) -> Given:
    """The hook request of a JSON value; raises NoInputError if it makes none."""
    if isinstance(content, dict) and "body" in content and "resourceType" not in content:
        content = content["body"]  # a capture of a server's answer
    if not isinstance(content, dict):
        raise NoInputError("holds no JSON object to evaluate")
    if "hook" in content and "context" in content:
        context = content["context"]
        patient = context.get("patientId") if isinstance(context, dict) else None
        sent = _references_in(content.get("prefetch"))
        return Given(content, patient if isinstance(patient, str) else None, sent)
    if "resourceType" not in content:
        raise NoInputError("neither a FHIR resource nor a hook request")
    request, patient = _of_fhir(content)
    stand_in = None if "patient" in request["prefetch"] else _with_stand_in(request, content)
    return Given(request, patient, _references_in({"": content}), stand_in)


def encoded(request: dict[str, Any], as_of: str | None = None) -> bytes:
    """The request as it is posted, with the date to evaluate at; whatever JSON holds passes through, as on the wire."""
    if as_of is not None:
        extension = request["extension"] if isinstance(request.get("extension"), dict) else {}
        request = request | {"extension": extension | {AS_OF_EXTENSION: as_of}}
    try:
        return json.dumps(request).encode()
    except RecursionError as error:
        raise NoInputError("nested too deeply") from error


def _of_fhir(resource: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """A Bundle (or a lone resource, a bundle of one) as the hook request of an EHR, and its Patient's id."""
    bundle = resource if resource.get("resourceType") == "Bundle" else {"entry": [{"resource": resource}]}
    entries = list(_entries(bundle))
    prefetch: dict[str, Any] = {
        key: {"resourceType": "Bundle", "type": "searchset", "entry": []} for key in PREFETCH_KEYS
    }
    del prefetch["patient"]
    patients = [entry for entry in entries if _type(entry) == "Patient"]
    patient = patients[0] if patients else None
    for entry in entries:
        key = _KEY_OF_TYPE.get(_type(entry))
        if key is not None:
            prefetch[key]["entry"].append(entry)
    for part in _bundles(bundle):
        _carry_over(part, prefetch)
    identity = patient["resource"].get("id") if patient else None
    if patient:
        prefetch["patient"] = patient["resource"]
        # With its address: references inside the bundle may name the patient by urn:uuid.
        prefetch["conditions"]["entry"].append(patient | {"search": {"mode": "include"}})
    request: dict[str, Any] = {
        "hook": "patient-view",
        "hookInstance": "replay",
        "context": {"userId": "Practitioner/replay", "patientId": identity if isinstance(identity, str) else "unknown"},
        "prefetch": {key: prefetch[key] for key in PREFETCH_KEYS if key in prefetch},
    }
    server = _server(patient)
    if server:
        request["fhirServer"] = server
    return request, identity if isinstance(identity, str) else None


def _with_stand_in(request: dict[str, Any], resource: dict[str, Any]) -> dict[str, Any]:
    """The request with a Patient of whom only the id is known: the one that the resources refer to first."""
    bundle = resource if resource.get("resourceType") == "Bundle" else {"entry": [{"resource": resource}]}
    references = (entry["resource"].get(name) for entry in _entries(bundle) for name in ("subject", "patient"))
    texts = (reference.get("reference") for reference in references if isinstance(reference, dict))
    address = next((text for text in texts if isinstance(text, str) and text), "Patient/unknown")
    address = address.partition("/_history/")[0]
    identity = address.rpartition("/")[2]
    # A urn names nobody by id, and no other text is one.
    identity = identity if _ID.fullmatch(identity) else "unknown"
    patient = {"resourceType": "Patient", "id": identity}
    addressed = {"fullUrl": address, "resource": patient, "search": {"mode": "include"}}
    prefetch = request["prefetch"] | {"patient": patient}
    conditions = prefetch["conditions"]
    prefetch["conditions"] = conditions | {"entry": [*conditions["entry"], addressed]}
    return request | {"prefetch": prefetch, "context": request["context"] | {"patientId": identity}}


def _references_in(prefetch: Any) -> tuple[str, ...]:
    """`Type/id` of every resource in the answers, as the readers name them."""
    answers = prefetch.values() if isinstance(prefetch, dict) else ()
    entries = (
        [{"resource": a}] if a.get("resourceType") != "Bundle" else _entries(a) for a in answers if _is_object(a)
    )
    found = (entry["resource"] for part in entries for entry in part)
    return tuple(f"{_text(one, 'resourceType', 'resource')}/{_text(one, 'id', 'without-id')}" for one in found)


def _text(resource: dict[str, Any], name: str, otherwise: str) -> str:
    value = resource.get(name)
    return value if isinstance(value, str) and value else otherwise


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _entries(bundle: dict[str, Any]) -> Iterator[dict[str, Any]]:
    entries = bundle.get("entry")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("resource"), dict):
            if entry["resource"].get("resourceType") == "Bundle":
                yield from _entries(entry["resource"])
            else:
                yield entry


def _bundles(bundle: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The Bundle and those inside it: a folder of a server's answers is often collected into one."""
    yield bundle
    entries = bundle.get("entry")
    for entry in entries if isinstance(entries, list) else []:
        inner = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(inner, dict) and inner.get("resourceType") == "Bundle":
            yield from _bundles(inner)


def _carry_over(bundle: dict[str, Any], prefetch: dict[str, Any]) -> None:
    """What an answer says of itself, for the queries whose resources it holds: errors, what it left out, more pages.

    One that holds none of ours speaks for every query that may go without an answer.
    """
    entries = bundle.get("entry")
    listed = entries if isinstance(entries, list) else []
    own = [e for e in listed if isinstance(e, dict) and isinstance(e.get("resource"), dict)]
    keys = {_KEY_OF_TYPE[_type(entry)] for entry in own if _type(entry) in _KEY_OF_TYPE}
    outcomes = [entry for entry in own if _type(entry) == "OperationOutcome"]
    links = bundle.get("link")
    for key in keys or set(PREFETCH_KEYS) - set(REQUIRED_KEYS):
        prefetch[key]["entry"] += outcomes
        if isinstance(links, list):
            prefetch[key].setdefault("link", []).extend(links)


def _type(entry: dict[str, Any]) -> str:
    return str(entry["resource"].get("resourceType"))


def _server(patient: dict[str, Any] | None) -> str | None:
    """The FHIR base that the Patient's address names, for absolute references on it."""
    url = patient.get("fullUrl") if patient else None
    if not patient or not isinstance(url, str):
        return None
    base, found, _ = url.rpartition(f"/Patient/{patient['resource'].get('id')}")
    return base if found and base.startswith("http") else None


def _refuse(constant: str) -> None:
    """Python reads NaN and Infinity; JSON has neither."""
    raise ValueError(f"{constant} is not JSON")
