"""Who may call: the registered EHRs, what differs between them, and the tokens they sign.

What checks signatures (`tokens`, `keys`) is imported by who needs it: a service in the open loads no cryptography.
"""

from cds_service.clients.profiles import Profile
from cds_service.clients.refusal import NotAuthenticated, Reason
from cds_service.clients.registry import Client, ClientsError, open_client, read_clients
from cds_service.clients.used_tokens import InMemoryUsedTokens, UsedTokens

__all__ = [
    "Client",
    "ClientsError",
    "InMemoryUsedTokens",
    "NotAuthenticated",
    "Profile",
    "Reason",
    "UsedTokens",
    "open_client",
    "read_clients",
]
