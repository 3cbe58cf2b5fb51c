"""The base address of a FHIR server, normalised so that two spellings of one address compare as equal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_PLAIN = re.compile(
    r"[\x21-\x5b\x5d-\x7e]+"
)  # printable ASCII without blanks and backslash: parsers differ on the rest
_DOTS = re.compile(r"(^|/)(\.|%2e){1,2}(/|$)", re.IGNORECASE)


class BadBaseError(ValueError):
    """An address that cannot be a FHIR base; the message says why and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class FhirBase:
    """Scheme, host, port and path of a FHIR base; the port is always there, the path has no slash at its end."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, text: str) -> FhirBase:
        """Read a base; raises BadBaseError for what is not one absolute http(s) address of a folder."""
        parts = _split(text)
        if parts is None or parts.scheme not in _DEFAULT_PORTS:
            raise BadBaseError("must be an absolute http or https address")
        if "@" in parts.netloc:
            raise BadBaseError("must not hold a user name or password")
        if parts.query or parts.fragment or "?" in text or "#" in text:
            raise BadBaseError("must not hold a query or a fragment")
        if _DOTS.search(parts.path):
            raise BadBaseError("must not hold '.' or '..' in its path")
        origin = _origin(parts)
        if origin is None:
            raise BadBaseError("must be an absolute http or https address")
        return cls(*origin, parts.path.rstrip("/"))

    @property
    def url(self) -> str:
        """The address; a default port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    def on_this_server(self, link: str, seen_at: str) -> str | None:
        """The absolute address of a link found at `seen_at`, if it is of this origin; else None.

        A link is opaque: nothing but its origin is looked at. It may be relative.
        """
        parts = _split(link, seen_at)
        if parts is None or "@" in parts.netloc or _origin(parts) != (self.scheme, self.host, self.port):
            return None
        return parts.geturl()


def _split(text: str, seen_at: str = "") -> SplitResult | None:
    try:
        return urlsplit(urljoin(seen_at, text)) if _PLAIN.fullmatch(text) else None
    except ValueError:
        return None


def _origin(parts: SplitResult) -> tuple[str, str, int] | None:
    try:
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    host = (parts.hostname or "").rstrip(".")
    return (parts.scheme, host, port) if host and port is not None else None
