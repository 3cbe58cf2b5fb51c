"""Which servers may be contacted: the list, the scheme, the token, and the addresses that a name resolves to.

`fhirServer` comes with the request, so it is no more than a suggestion; the list decides.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpcore
import httpx

from cds_service.fhir_base import BadBaseError, FhirBase
from cds_service.fhir_client.connections import Connections

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]

_TOKEN = re.compile(r"[\x21-\x7e]+")
_NAT64 = IPv6Network("64:ff9b::/96")
_LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})


@dataclass(frozen=True, slots=True)
class Access:
    """A server that may be contacted, with the token for it and for nothing else."""

    base: FhirBase
    token: str | None = field(repr=False)


class AddressRefusedError(httpcore.ConnectError):
    """A listed name that resolves to an address which is not allowed."""


class Guard:
    """The list of servers and the rules for their addresses."""

    def __init__(self, servers: Iterable[str], *, production: bool) -> None:
        self._as_listed = {server: FhirBase.parse(server) for server in servers}
        self.bases = frozenset(self._as_listed.values())
        self._production = production
        self._literal = frozenset(_literal(base.host) for base in self.bases) - {None}

    def access(self, server: str | None, token: str | None, among: Collection[str] | None = None) -> Access | str:
        """Access to the request's `fhirServer`, or why there is none and what to change; repeats neither of the two.

        `among` are the bases that are registered for the caller; None where nobody is.
        """
        home = "NELM_CDS_FHIR_SERVERS" if among is None else "this client's fhir_servers"
        if not server:
            return f"The request names no fhirServer; one that is listed in {home} would be asked for it."
        try:
            # Most name the server as it is listed, and to take an address apart takes longer than to find it.
            base = self._as_listed.get(server) or FhirBase.parse(server)
        except BadBaseError as error:
            return f"The request's fhirServer was not contacted: it {error}."
        if base not in self.bases or (among is not None and base.url not in among):
            return f"The request's fhirServer was not contacted: add it to {home} if it may be."
        if base.scheme != "https" and self._production:
            return "The request's fhirServer was not contacted: production needs https."
        if token is None and self._production:
            return "The request's fhirServer was not contacted: send fhirAuthorization with it."
        if token is not None and not _TOKEN.fullmatch(token):
            return "The request's fhirServer was not contacted: fhirAuthorization.access_token is no bearer token."
        return Access(base, token)

    def permits(self, host: str, address: Address) -> bool:
        """Whether a connection for this host may go to this address.

        Private addresses only if the list holds them literally; loopback never in production, and else only for hosts
        that say so.
        """
        real = _embedded(address)
        if real.is_multicast or real.is_unspecified:
            return False
        if real.is_loopback:
            return not self._production and (host in _LOOPBACK_NAMES or _literal(host) is not None)
        return real.is_global or real in self._literal


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to permitted addresses only: to those that were checked, so that a name cannot change in between."""

    def __init__(self, guard: Guard, resolve: Resolve) -> None:
        self._guard = guard
        self._resolve = resolve
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check every address, connect to the first that answers."""
        addresses = [ip_address(text) for text in await self._resolve(host, port)]
        if not all(self._guard.permits(host, address) for address in addresses):
            raise AddressRefusedError("the address is not allowed")
        for address in addresses:
            try:
                return await self._network.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        raise httpcore.ConnectError("no address of this server could be connected to")


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's transport over the guarded network."""

    def __init__(self, network: GuardedNetwork, *, tls: bool) -> None:
        trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusted.minimum_version = ssl.TLSVersion.TLSv1_2
        if tls:
            # The system's certificates (and SSL_CERT_FILE), as a hospital's own authority is known there. Reading them
            # takes a while, and without them nobody is trusted.
            trusted.load_default_certs()
        super().__init__(verify=trusted, trust_env=False)
        self._pool = Connections(trusted, network)  # type: ignore[assignment]  # httpx calls nothing else of a pool


async def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, by the system's resolver."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # UnicodeError: a label that is too long for any name
        raise httpcore.ConnectError("the name does not resolve") from error
    return list(dict.fromkeys(str(sockaddr[0]).partition("%")[0] for *_, sockaddr in found))


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where it does: a private one may hide in it."""
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address in _NAT64:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address
