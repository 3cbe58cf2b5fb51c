"""Who may call: the registered EHRs, what differs between them, and the tokens they sign."""

from cds_service.clients.profiles import Profile
from cds_service.clients.registry import Client, ClientsError, open_client, read_clients
from cds_service.clients.tokens import Authenticator, NotAuthenticated
from cds_service.clients.used_tokens import InMemoryUsedTokens, UsedTokens

__all__ = [
    "Authenticator",
    "Client",
    "ClientsError",
    "InMemoryUsedTokens",
    "NotAuthenticated",
    "Profile",
    "UsedTokens",
    "open_client",
    "read_clients",
]
