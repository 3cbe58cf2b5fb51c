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


_ORIGIN = re.compile(r"(https?)://([^/?#]+)", re.IGNORECASE)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def normal(address: str) -> str:
    """The address without its version, its origin as two spellings of it have in common (host in capitals, `:443`)."""
    address = _VERSION.sub("", address)
    found = _ORIGIN.match(address)
    if found is None:
        return address
    scheme = found[1].lower()
    return f"{scheme}://{found[2].lower().removesuffix(_DEFAULT_PORTS[scheme])}{address[found.end() :]}"


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

        A fullUrl on some server counts only where the request names no server of its own, and only if it is the address
        of this very id.
        """
        ours = re.compile(rf"https?://\S+/Patient/{re.escape(patient_id)}")
        plain = [normal(url) for url in full_urls]
        addresses = {u for u in plain if u.startswith("urn:") or (not fhir_server and ours.fullmatch(u))}
        if fhir_server:
            addresses.add(normal(f"{fhir_server.rstrip('/')}/Patient/{patient_id}"))
        return cls(patient_id, frozenset(addresses))


def whose(resource: Resource, patient: PatientIdentity) -> Whose:
    """Decide by `subject` (or `patient`); a contained or merely logical reference identifies nobody."""
    if resource.resourceType == "Patient":
        return Whose.THIS_PATIENT if resource.id == patient.id else Whose.OTHER_PATIENT
    stated = [reference for reference in (resource.subject, resource.patient) if reference is not None]
    found = {points_at(reference, patient) for reference in stated} or {Whose.NOT_STATED}
    # Two references that disagree name nobody we could be sure of.
    return found.pop() if len(found) == 1 else Whose.OTHER_PATIENT


def points_at(reference: Reference | None, patient: PatientIdentity) -> Whose:
    """Whom a reference means, in whatever form it comes."""
    if reference is None or not reference.reference or reference.reference.startswith("#"):
        return Whose.NOT_STATED
    target = normal(reference.reference)
    if target == f"Patient/{patient.id}" or target in patient.addresses:
        return Whose.THIS_PATIENT
    # An absolute address on a server we were not told of is somebody else's Patient/1, even with our id.
    return Whose.OTHER_PATIENT
