"""The CDS Hooks request envelope; what is inside the prefetch stays bytes until it is read.

CDS Hooks 2.0.1: https://cds-hooks.hl7.org/2.0/#calling-a-cds-service; unknown members are ignored, 1.0 to 3.0 alike.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw, Struct

from cds_service.errors import HookMismatch, MalformedRequest, WrongPatient
from cds_service.gather import OBSERVATIONS
from cds_service.http.cutting import CUT_OUT, without_results
from cds_service.http.members import MemberTwiceError, length_written_compactly, members
from cds_service.http.services import HOOK
from fhir_mappings.dates import parse_date
from fhir_mappings.sifting import Glance
from fhir_mappings.wire import NOTHING, NULL, UNREADABLE

AS_OF_EXTENSION = "io.github.nelm-cds.as-of"

# A bare FHIR id; wider than FHIR's own 64 characters of [A-Za-z0-9.-], because servers are.
_ID = re.compile(r"[^\s/?#\x00-\x1f\x7f]{1,200}")
_EARLIEST_YEAR, _LATEST_YEAR = 1900, 2999  # of a date to evaluate at; beyond these date arithmetic ends
_PATH = re.compile(r"`\$(?P<path>[^`]*)`")


class Context(Struct, frozen=True):
    """The context of patient-view."""

    patientId: str
    userId: str
    encounterId: str | None = None


class FhirAuthorization(Struct, frozen=True):
    """The token for the caller's FHIR server; never stored, logged or passed on."""

    access_token: str
    patient: str | None = None

    def __repr__(self) -> str:
        return "FhirAuthorization(access_token=<hidden>)"


class HookRequest(Struct, frozen=True):
    """A service call."""

    hook: str
    hookInstance: str
    context: Context
    fhirServer: str | None = None
    fhirAuthorization: FhirAuthorization | None = None
    prefetch: Mapping[str, Raw] | None = None
    extension: Any = None

    def as_of(self) -> datetime | None:
        """The moment a story asks to be evaluated at; None if it asks for none.

        Raises MalformedRequest if it is no date.
        """
        text = self.extension.get(AS_OF_EXTENSION) if isinstance(self.extension, dict) else None
        if text is None:
            return None
        date = parse_date(text) if isinstance(text, str) else None
        if date is None or not _EARLIEST_YEAR <= date.first.year <= _LATEST_YEAR:
            raise MalformedRequest(f"/extension/{AS_OF_EXTENSION}: must be a FHIR date such as 2026-03-02")
        return date.last


class _Envelope(Struct, frozen=True, forbid_unknown_fields=True):
    """A request as most callers write it, to be split in one scan; every member of HookRequest."""

    prefetch: dict[str, Raw]
    hook: Raw = NOTHING
    hookInstance: Raw = NOTHING
    context: Raw = NOTHING
    fhirServer: Raw = NOTHING
    fhirAuthorization: Raw = NOTHING
    extension: Raw = NOTHING


_REQUEST = msgspec.json.Decoder(HookRequest)
_ENVELOPE = msgspec.json.Decoder(_Envelope)


def parse_request(body: bytes, hooks: Collection[str] = (HOOK,)) -> HookRequest:
    """Parse and check a request for a service on one of these hooks; raises what `parse_with_glance` raises."""
    return parse_with_glance(body, hooks)[0]


def parse_with_glance(body: bytes, hooks: Collection[str] = (HOOK,)) -> tuple[HookRequest, Glance | None]:
    """Parse and check a request for a service on one of these hooks, and what was seen of its results at a glance.

    Raises MalformedRequest naming the place as a JSON pointer, never its value; HookMismatch for another hook;
    WrongPatient for a token of another patient.
    """
    request, glance = _decoded(body)
    if request.hook not in hooks:
        raise HookMismatch(f"/hook: this service answers {' and '.join(hooks)} only")
    if not request.hookInstance:
        raise MalformedRequest("/hookInstance: must not be empty")
    if not _ID.fullmatch(request.context.patientId):
        raise MalformedRequest("/context/patientId: must be a bare FHIR id, without 'Patient/'")
    if request.fhirAuthorization is not None and not request.fhirServer:
        raise MalformedRequest("/fhirServer: required where fhirAuthorization is sent")
    _require_one_patient(request)
    return request, glance


def _require_one_patient(request: HookRequest) -> None:
    """Raise WrongPatient where the token is for another patient than the one whose chart is open."""
    token = request.fhirAuthorization
    if token is not None and token.patient and token.patient.removeprefix("Patient/") != request.context.patientId:
        raise WrongPatient("/fhirAuthorization/patient: is not the patient of /context/patientId; no advice is given.")


def _decoded(body: bytes) -> tuple[HookRequest, Glance | None]:
    """The request without a scan of its results where they can be cut out, else scanned whole; see `cutting`."""
    parted = without_results(body)
    if parted is not None:
        with suppress(MalformedRequest):  # what is wrong is told of the request as it was sent
            request = _scanned(parted.around)
            # The proof that the cut was right.
            if request.prefetch is not None and request.prefetch.get(OBSERVATIONS) == CUT_OUT:
                prefetch = {**request.prefetch, OBSERVATIONS: parted.results}
                return msgspec.structs.replace(request, prefetch=prefetch), parted.glance
    return _scanned(body), None


def _scanned(body: bytes) -> HookRequest:
    """The request, every member of it once: which of two counts, others may read otherwise."""
    try:
        told, prefetch = _at_one_glance(body) or (_members(body, ""), None)
        # The prefetch may have megabytes, and is not looked at again.
        small = b",".join(b"%b:%b" % (msgspec.json.encode(name), told[name]) for name in told if name != "prefetch")
        request = _REQUEST.decode(b"{%b}" % small)
        for name in ("context", "fhirAuthorization"):
            if getattr(request, name) is not None:
                _members(bytes(told[name]), f"/{name}")
        if prefetch is None and told.get("prefetch", NULL) != NULL:
            prefetch = _prefetch(bytes(told["prefetch"]))
        patient = bytes((prefetch or {}).get("patient", NULL))
        if patient.startswith(b"{"):
            _members(patient, "/prefetch/patient")
    except msgspec.ValidationError as error:
        raise MalformedRequest(pointer_of(error)) from error
    except RecursionError as error:
        raise MalformedRequest("/: nested too deeply") from error
    except UNREADABLE as error:
        raise MalformedRequest("The body is not JSON. Send one JSON object, UTF-8.") from error
    return msgspec.structs.replace(request, prefetch=prefetch)


def _at_one_glance(body: bytes) -> tuple[Mapping[str, Raw], Mapping[str, Raw]] | None:
    """The members of a request and those of its prefetch, from one scan; None for a body that takes more.

    A scan of megabytes for where their members end costs as much as finding what is in them. It tells that each member
    stands there once only where the body is written without blanks, as most callers write it.
    """
    try:
        envelope = _ENVELOPE.decode(body)
    except UNREADABLE:
        return None
    told = {name: value for name, value in msgspec.structs.asdict(envelope).items() if value and name != "prefetch"}
    around = length_written_compactly(told | {"prefetch": NOTHING})
    if around + length_written_compactly(envelope.prefetch) != len(body):
        return None
    return told, envelope.prefetch


def _prefetch(content: bytes) -> Mapping[str, Raw]:
    try:
        return _members(content, "/prefetch")
    except msgspec.ValidationError as error:
        raise MalformedRequest(f"/prefetch: {str(error).partition(' - at ')[0]}") from error


def _members(content: bytes, where: str) -> Mapping[str, Raw]:
    try:
        return members(content)
    except MemberTwiceError as error:
        raise MalformedRequest(f"{where or '/'}: a member stands there twice; send each once") from error


def pointer_of(error: msgspec.ValidationError) -> str:
    """msgspec's complaint with its path as a JSON pointer; it names types and members, never values."""
    complaint = str(error)
    match = _PATH.search(complaint)
    path = match.group("path") if match else ""
    pointer = re.sub(r"\[(\d+)\]", r"/\1", path.replace(".", "/")).replace("[...]", "/*")
    return f"{pointer or '/'}: {complaint.partition(' - at ')[0]}"
