"""Every error that a caller or an operator is answered with, as a tree; `http.problems` maps them to HTTP in one place.

    NelmCdsError
    |-- ConfigurationError      settings that the service cannot start with
    |-- RequestError            a call that cannot be answered with cards
        |-- MalformedRequest    400  not JSON, not an object, a member missing or of the wrong type
        |-- HookMismatch        400  the hook is not one of this service's
        |-- Unauthenticated     401  nobody that is registered signed the call
        |-- UnknownService      404
        |-- BodyTooSlow         408
        |-- MissingData         412  required data neither prefetched nor obtainable
        |-- BodyTooLarge        413
        |-- NotJson             415
        |-- WrongPatient        422  the Patient that was sent is not the one whose chart is open
        |-- CallerGone          499  the caller hung up while its FHIR server was asked; nobody reads the answer
        |-- NotStored           503  feedback that the store could not take; the caller sends it again

Messages say what is wrong, where, and what to do. None carries a value from a chart.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar


class NelmCdsError(Exception):
    """Any error of ours."""


class ConfigurationError(NelmCdsError):
    """The settings do not allow a start; names every problem at once."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class RequestError(NelmCdsError):
    """A call that cannot be answered with cards: an HTTP status, its headers and a FHIR issue code."""

    status = 400
    issue = "invalid"
    headers: ClassVar[Mapping[str, str]] = MappingProxyType({})


class MalformedRequest(RequestError):
    """Not a hook request."""


class HookMismatch(RequestError):
    """A hook this service does not answer."""

    issue = "not-supported"


class Unauthenticated(RequestError):
    """A call that no registered client signed; one and the same answer, whatever is wrong (CDS Hooks, JWT)."""

    status, issue = 401, "login"
    headers = MappingProxyType({"WWW-Authenticate": "Bearer"})

    def __init__(self) -> None:
        super().__init__("This service answers registered clients that sign their calls.")


class UnknownService(RequestError):
    """No service of this id."""

    status, issue = 404, "not-found"


class BodyTooSlow(RequestError):
    """A body that does not arrive in time."""

    status, issue = 408, "timeout"


class MissingData(RequestError):
    """Required data neither prefetched nor obtainable (CDS Hooks 2.0.1, Prefetch Template)."""

    status, issue = 412, "required"


class BodyTooLarge(RequestError):
    """A body beyond the limit."""

    status, issue = 413, "too-long"


class NotJson(RequestError):
    """A content type that is not JSON."""

    status, issue = 415, "not-supported"


class WrongPatient(RequestError):
    """Another patient's data: stops everything."""

    status, issue = 422, "conflict"


class CallerGone(RequestError):
    """The caller hung up; what was being fetched for it was given up."""

    status, issue = 499, "transient"


class NotStored(RequestError):
    """Feedback that is not in the store, so that it is not acknowledged."""

    status, issue = 503, "transient"
    headers = MappingProxyType({"Retry-After": "10"})

    def __init__(self) -> None:
        super().__init__("The feedback is not known to be stored; send all of it again later, nothing counts twice.")
