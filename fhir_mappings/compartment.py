"""Is this resource about the patient whose chart is open? One place, for every carrier and every reference form.

FHIR: https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

from fhir_mappings.wire import Reference, Resource

_VERSION = re.compile(r"/_history/[^/]+$")
_SERVER = re.compile(r"https?://\S+")
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


@dataclass(frozen=True, eq=False)  # the addresses may not be known yet, so that no two can be compared
class PatientIdentity:
    """The context patient: the bare FHIR id and every absolute address that is known to mean the same Patient.

    `full_urls` are iterated once, and not before an absolute address is asked about: most servers write `Patient/id`.
    """

    id: str
    fhir_server: str | None
    full_urls: Iterable[str]

    @cached_property
    def relative(self) -> str:
        """The relative reference, `Patient/id`."""
        return f"Patient/{self.id}"

    @cached_property
    def addresses(self) -> frozenset[str]:
        """Every absolute address of this patient: the one on the request's FHIR server, and the entry's own fullUrl.

        A fullUrl on some server counts only where the request names no server of its own, and only if it is the address
        of this very id.
        """
        ours, server = f"/{self.relative}", self.fhir_server
        plain = [normal(url) for url in self.full_urls]
        on_a_server = {u for u in plain if u.endswith(ours) and _SERVER.fullmatch(u.removesuffix(ours))}
        addresses = {u for u in plain if u.startswith("urn:") or (not server and u in on_a_server)}
        if server:
            addresses.add(normal(f"{server.rstrip('/')}{ours}"))
        return frozenset(addresses)


def whose(resource: Resource, patient: PatientIdentity) -> Whose:
    """Decide by `subject` (or `patient`); a contained or merely logical reference identifies nobody."""
    if resource.resourceType == "Patient":
        return Whose.THIS_PATIENT if resource.id == patient.id else Whose.OTHER_PATIENT
    subject = resource.subject
    if subject is not None and resource.patient is None and subject.reference == patient.relative:
        return Whose.THIS_PATIENT  # as nearly all say it
    if subject is None or resource.patient is None:
        return points_at(subject or resource.patient, patient)
    by_subject, by_patient = points_at(subject, patient), points_at(resource.patient, patient)
    # Two references that disagree name nobody we could be sure of.
    return by_subject if by_subject is by_patient else Whose.OTHER_PATIENT


def points_at(reference: Reference | None, patient: PatientIdentity) -> Whose:
    """Whom a reference means, in whatever form it comes."""
    if reference is None or not reference.reference or reference.reference.startswith("#"):
        return Whose.NOT_STATED
    if reference.reference == patient.relative:
        return Whose.THIS_PATIENT
    target = normal(reference.reference)
    if target == patient.relative or target in patient.addresses:
        return Whose.THIS_PATIENT
    # An absolute address on a server we were not told of is somebody else's Patient/1, even with our id.
    return Whose.OTHER_PATIENT
