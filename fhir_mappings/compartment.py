"""Is this resource about the patient whose chart is open? One place, for every carrier and every reference form.

FHIR: https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from fhir_mappings.wire import Reference, Resource

_VERSION = re.compile(r"/_history/[^/]+$")


class Whose(Enum):
    """Whose resource it is; only THIS_PATIENT is ever used."""

    THIS_PATIENT = auto()
    OTHER_PATIENT = auto()
    NOT_STATED = auto()


@dataclass(frozen=True, slots=True)
class PatientIdentity:
    """The context patient: the bare FHIR id and every absolute address that is known to mean the same Patient."""

    id: str
    addresses: frozenset[str]

    @classmethod
    def of(cls, patient_id: str, fhir_server: str | None, full_urls: Iterable[str]) -> PatientIdentity:
        """Collect the addresses: on the request's FHIR server, and the Patient entry's own fullUrl.

        A fullUrl on some server counts only where the request names no server of its own.
        """
        addresses = {_VERSION.sub("", url) for url in full_urls if url.startswith("urn:") or not fhir_server}
        if fhir_server:
            addresses.add(f"{fhir_server.rstrip('/')}/Patient/{patient_id}")
        return cls(patient_id, frozenset(addresses))


def whose(resource: Resource, patient: PatientIdentity) -> Whose:
    """Decide by `subject` (or `patient`); a contained or merely logical reference identifies nobody."""
    if resource.resourceType == "Patient":
        return Whose.THIS_PATIENT if resource.id == patient.id else Whose.OTHER_PATIENT
    return _points_at(resource.subject or resource.patient, patient)


def _points_at(reference: Reference | None, patient: PatientIdentity) -> Whose:
    if reference is None or not reference.reference or reference.reference.startswith("#"):
        return Whose.NOT_STATED
    target = _VERSION.sub("", reference.reference)
    if target == f"Patient/{patient.id}" or target in patient.addresses:
        return Whose.THIS_PATIENT
    # An absolute address on a server we were not told of is somebody else's Patient/1, even with our id.
    return Whose.OTHER_PATIENT
