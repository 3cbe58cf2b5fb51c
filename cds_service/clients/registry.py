"""The registered clients: a TOML file of `[[client]]`, checked as a whole before the service starts."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cds_service.clients.profiles import Profile, profiles
from cds_service.fhir_base import BadBaseError, FhirBase

if TYPE_CHECKING:
    from cds_service.clients.keys import Keys

OPEN = "open"
_LONGEST = 128  # so that the store keeps a name whole
_MEMBERS = frozenset({"name", "iss", "jku", "jwks_file", "tenants", "fhir_servers", "profile"})


class ClientsError(Exception):
    """A file of clients that cannot be used; names every problem at once, and no key."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Client:
    """An EHR that may call, known by its issuer.

    `jku` are the addresses its keys may be fetched from, `keys` those that were exchanged as a file. `tenants` empty:
    any, or none. `fhir_servers` are the bases that its calls may name.
    """

    name: str
    iss: str
    profile: Profile
    fhir_servers: tuple[str, ...] = ()
    jku: tuple[str, ...] = ()
    tenants: frozenset[str] = frozenset()
    keys: Keys | None = field(default=None, repr=False)


def open_client(fhir_servers: Iterable[str]) -> Client:
    """Whoever calls a service that has no registered clients."""
    return Client(name=OPEN, iss="", profile=profiles()["generic"], fhir_servers=tuple(fhir_servers))


def read_clients(text: str, folder: Path, *, production: bool) -> tuple[Client, ...]:
    """The clients of a file; key files are found from `folder`, the file's own.

    Raises ClientsError naming every problem. Production takes https alone, for keys and FHIR servers.
    """
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ClientsError([f"is not TOML: {error}"]) from error
    entries = told.get("client")
    problems = [
        f"{name}: no member of this name; each client is one [[client]]" for name in sorted(set(told) - {"client"})
    ]
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise ClientsError([*problems, "registers no client: at least one [[client]] is needed"])
    readers = [
        _Reader(entry, f"client {number}", folder, production, problems) for number, entry in enumerate(entries, 1)
    ]
    clients = tuple(reader.client() for reader in readers)
    for member in ("name", "iss"):
        counted = Counter(getattr(client, member) for client in clients)
        problems += [f"{member} '{value}' is that of {n} clients" for value, n in counted.items() if value and n > 1]
    if problems:
        raise ClientsError(problems)
    return clients


@dataclass(frozen=True, slots=True)
class _Reader:
    """One `[[client]]`, and the list that what is wrong with it is added to."""

    entry: Mapping[str, Any]
    where: str
    folder: Path
    production: bool
    problems: list[str]

    def client(self) -> Client:
        for name in sorted(set(self.entry) - _MEMBERS):
            self._wrong(name, "no member of this name")
        jku, keys = self._jku(), self._keys()
        if not self.entry.get("jku") and "jwks_file" not in self.entry:
            self.problems.append(f"{self.where}: needs jku or jwks_file, to check its signatures with")
        if self.entry.get("name") == OPEN:
            self._wrong("name", f"'{OPEN}' is whoever calls a service without clients")
        return Client(
            name=self._text("name"),
            iss=self._text("iss"),
            profile=self._profile(),
            fhir_servers=self._fhir_servers(),
            jku=jku,
            tenants=frozenset(self._texts("tenants")),
            keys=keys,
        )

    def _wrong(self, member: str, why: str) -> None:
        self.problems.append(f"{self.where}, {member}: {why}")

    def _text(self, member: str) -> str:
        value = self.entry.get(member)
        if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST:
            self._wrong(member, f"must be a text of at most {_LONGEST} characters")
            return ""
        return value

    def _texts(self, member: str, *, or_one: bool = False) -> list[str]:
        value = self.entry.get(member, [])
        if or_one and isinstance(value, str):
            value = [value]
        if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
            self._wrong(member, "must be a list of texts")
            return []
        return value

    def _profile(self) -> Profile:
        name = self.entry.get("profile", "generic")
        if not isinstance(name, str) or name not in profiles():
            self._wrong("profile", f"must be one of {', '.join(profiles())}")
            return profiles()["generic"]
        return profiles()[name]

    def _jku(self) -> tuple[str, ...]:
        addresses = self._texts("jku", or_one=True)
        for number, address in enumerate(addresses, 1):
            if (why := _problem_of_address(address, self.production)) is not None:
                self._wrong("jku", f"address {number} {why}")
        return tuple(addresses)

    def _fhir_servers(self) -> tuple[str, ...]:
        bases: list[str] = []
        for number, text in enumerate(self._texts("fhir_servers"), 1):
            try:
                base = FhirBase.parse(text)
            except BadBaseError as error:
                self._wrong("fhir_servers", f"address {number} {error}")
                continue
            if self.production and base.scheme != "https":
                self._wrong("fhir_servers", f"address {number} must be https in production")
            bases.append(base.url)
        return tuple(bases)

    def _keys(self) -> Keys | None:
        if "jwks_file" not in self.entry or not (name := self._text("jwks_file")):
            return None
        from cds_service.clients.keys import UnusableKeySetError, read_key_set

        try:
            return read_key_set((self.folder / name).read_bytes(), strict=True)
        except (OSError, ValueError) as error:  # ValueError: a name that no file can have
            self._wrong("jwks_file", f"cannot be read ({type(error).__name__})")
        except UnusableKeySetError as error:
            self._wrong("jwks_file", str(error))
        return None


def _problem_of_address(address: str, production: bool) -> str | None:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        parts.port  # noqa: B018 - raises where it is none
    except ValueError:
        return "is no address"
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or parts.fragment:
        return "must be an https address without user and fragment"
    if parts.scheme == "http" and (production or not _is_loopback(host)):
        return "must be https (http only for loopback, outside production)"
    return None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
