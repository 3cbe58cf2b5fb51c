"""The few selected resources as `fhir.resources` models, projected to the elements that are read.

A library that knows FHIR checks their shape; an odd element that nobody reads cannot hurt, because it is not there.
Dates stay outside: `dates` reads partial and offset-less ones, which the models would refuse with the whole resource.
"""

from __future__ import annotations

import re
import secrets
from functools import cache
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import msgspec
from pydantic import BaseModel, ValidationError

from fhir_mappings.wire import Resource

_ELEMENTS: dict[str, tuple[str, ...]] = {
    "Condition": ("code", "bodySite", "clinicalStatus", "verificationStatus", "subject"),
    "Observation": (
        "status", "code", "subject", "bodySite", "valueQuantity", "valueCodeableConcept", "valueString",
        "valueBoolean", "valueInteger", "valueRange", "valueRatio", "dataAbsentReason", "interpretation",
        "referenceRange", "component", "specimen",
    ),
    "DiagnosticReport": ("status", "code", "subject", "conclusionCode"),
    "ImagingStudy": ("status", "subject", "modality", "procedureCode", "reasonCode"),
    "Procedure": ("status", "code", "subject", "bodySite"),
    "MedicationRequest": ("status", "intent", "subject", "medicationCodeableConcept", "medicationReference"),
    "MedicationStatement": ("status", "subject", "medicationCodeableConcept", "medicationReference"),
    "MedicationAdministration": ("status", "subject", "medicationCodeableConcept", "medicationReference"),
}  # fmt: skip
# One call for all of them: a look-up for each took a third of a check.
_VALUES_OF = {kind: attrgetter(*names) for kind, names in _ELEMENTS.items()}
# The model insists on a date, and dates stay outside.
_DATED_OUTSIDE: dict[str, dict[str, Any]] = {"MedicationAdministration": {"effectivePeriod": {}}}


@cache
def _model(resource_type: str) -> type[BaseModel]:
    """The R4B model, imported on first use: charts out of scope never pay for it."""
    from fhir.resources.R4B import get_fhir_model_class

    model: type[BaseModel] = get_fhir_model_class(resource_type)
    return model


def problem(resource: Resource) -> str | None:
    """The element at which the projected resource stops being valid R4, or None; never a value from the chart."""
    kind = str(resource.resourceType)
    found = zip(_ELEMENTS[kind], _VALUES_OF[kind](resource), strict=True)
    elements = {name: value for name, value in found if value is not None}
    if "subject" in elements:
        # Whose resource it is was decided before; of the reference only that it is there still matters.
        elements["subject"] = _THIS_PATIENT
    if kind == "ImagingStudy":
        elements |= _as_in_r4(resource)
    projected = msgspec.json.encode(elements)
    if len(projected) > _LONGEST_REMEMBERED:
        return _check(kind, projected)
    return _remembered(kind, _NUMBER.sub(b'"value":"1"', projected) if b'"value"' in projected else projected)


_THIS_PATIENT = {"display": "this patient"}


def _as_in_r4(study: Resource) -> dict[str, Any]:
    """The elements of an ImagingStudy that R5 has in another shape, or under another name."""
    named = [coded.concept for coded in study.procedure or () if coded.concept is not None]
    reasons = [coded.concept for coded in study.reasons() if coded.concept is not None]
    elements: dict[str, list[Any]] = {
        "modality": [coding for coded in study.modalities() for coding in coded.codings()],
        "procedureCode": [*(study.procedureCode or ()), *named],
        "reasonCode": [*(study.reasonCode or ()), *reasons],
    }
    return {name: value for name, value in elements.items() if value}


# Resources of one kind from one sender differ in little but their numbers, and any plain number is as valid as another:
# what was found of one holds for the thousands like it.
_NUMBER = re.compile(rb'"value":"-?[0-9]{1,12}(?:\.[0-9]{1,12})?"')
_LONGEST_REMEMBERED = 4_000
# Beyond these the elements of a list are of the same kind, and checking them would only cost time.
_MOST_CHECKED = 100


_MOST_REMEMBERED = 512
# By a keyed digest, so that nothing of a chart outlives its call, not even in memory.
_KEY = secrets.token_bytes(32)
_NOT_YET = "not yet checked"
_verdicts: dict[bytes, str | None] = {}


def _remembered(kind: str, projected: bytes) -> str | None:
    digest = blake2b(kind.encode() + b"\0" + projected, digest_size=16, key=_KEY).digest()
    found = _verdicts.get(digest, _NOT_YET)
    if found is not _NOT_YET:
        return found
    if len(_verdicts) >= _MOST_REMEMBERED:
        _verdicts.clear()
    return _verdicts.setdefault(digest, _check(kind, projected))


def _check(kind: str, projected: bytes) -> str | None:
    elements = {name: _without_blanks(element) for name, element in msgspec.json.decode(projected).items()}
    try:
        _model(kind).model_validate({"resourceType": kind, **elements, **_DATED_OUTSIDE.get(kind, {})})
    except ValidationError as error:
        location = error.errors(include_input=False, include_url=False)[0]["loc"]
        return ".".join(str(part) for part in location) or "resource"
    return None


def _without_blanks(value: Any) -> Any:
    """The element without its empty texts: servers send `"display": ""`, which says nothing and must cost nothing."""
    if isinstance(value, dict):
        return {key: _without_blanks(item) for key, item in value.items() if item != ""}
    if not isinstance(value, list):
        return value
    return [_without_blanks(item) for item in value[:_MOST_CHECKED] if item != ""]
