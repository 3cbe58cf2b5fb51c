"""The few selected resources as `fhir.resources` models, projected to the elements that are read.

A library that knows FHIR checks their shape; an odd element that nobody reads cannot hurt, because it is not there.
Dates stay outside: `dates` reads partial and offset-less ones, which the models would refuse with the whole resource.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
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
}  # fmt: skip


@cache
def _model(resource_type: str) -> type[BaseModel]:
    """The R4B model, imported on first use: charts out of scope never pay for it."""
    from fhir.resources.R4B import get_fhir_model_class

    model: type[BaseModel] = get_fhir_model_class(resource_type)
    return model


def problem(resource: Resource) -> str | None:
    """The element at which the projected resource stops being valid R4, or None; never a value from the chart."""
    kind = str(resource.resourceType)
    whole: dict[str, Any] = msgspec.to_builtins(resource, builtin_types=(Decimal,))
    projected = {name: _without_blanks(whole[name]) for name in _ELEMENTS[kind] if name in whole}
    try:
        _model(kind).model_validate({"resourceType": kind, **projected})
    except ValidationError as error:
        location = error.errors(include_input=False, include_url=False)[0]["loc"]
        return ".".join(str(part) for part in location) or "resource"
    return None


def _without_blanks(value: Any) -> Any:
    """The element without its empty texts: servers send `"display": ""`, which says nothing and must cost nothing."""
    if isinstance(value, dict):
        return {key: _without_blanks(item) for key, item in value.items() if item != ""}
    return [_without_blanks(item) for item in value if item != ""] if isinstance(value, list) else value
