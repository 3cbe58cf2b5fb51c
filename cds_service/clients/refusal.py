"""Why a call is not taken as a registered client's."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a call was not taken as its client's: for metrics and logs, never for the caller."""

    NO_TOKEN = "no_token"  # noqa: S105 - the name of a reason
    NOT_A_TOKEN = "not_a_token"  # noqa: S105 - the name of a reason
    ALGORITHM = "algorithm"
    ISSUER = "issuer"
    JKU = "jku"
    KEY = "key"
    SIGNATURE = "signature"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    CLAIMS = "claims"
    TENANT = "tenant"
    REPLAYED = "replayed"


class NotAuthenticated(Exception):
    """A call that no registered client signed."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason
