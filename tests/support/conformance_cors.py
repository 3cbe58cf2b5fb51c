"""Calls as a browser makes them, which asks first: the preflights of every address, whoever may call."""

from __future__ import annotations

from tests.support.conformance_call import JSON, SERVICE, Caller
from tests.support.service import ORIGIN

FROM_A_BROWSER = JSON | {"Origin": ORIGIN}
ADDRESSES = [("/cds-services", "GET"), (SERVICE, "POST"), (f"{SERVICE}/feedback", "POST"), ("/cds-services//x", "POST")]


def check_preflight(service: Caller, path: str, method: str) -> None:
    """A browser would go on with its call, with both headers that it wants to send."""
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = service.request("OPTIONS", path, headers=asked)
    assert answer.status_code in (200, 204)
    assert answer.headers["access-control-allow-origin"] in ("*", ORIGIN)
    assert method in answer.headers["access-control-allow-methods"]
    allowed = {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
    assert {"authorization", "content-type"} <= allowed
    assert "access-control-max-age" in answer.headers
