"""The caller's FHIR server, read: what is asked, what came of it, and the client that asks."""

from cds_service.fhir_client.client import FhirClient
from cds_service.fhir_client.limits import Limits
from cds_service.fhir_client.outcome import NOT_TRIED, Ask, Chain, Failure, Fetched, Retrieval

__all__ = ["NOT_TRIED", "Ask", "Chain", "Failure", "Fetched", "FhirClient", "Limits", "Retrieval"]
