"""`nelm-cds serve`: one process in the foreground, on uvicorn with uvloop and httptools."""

from __future__ import annotations

import sys

import uvicorn

from cds_service.app import create_app
from cds_service.settings import Settings


def run(settings: Settings, host: str, port: int) -> None:
    """Serve until interrupted; says on standard error where to look, and loudly that nobody is authenticated."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - only compared, and shown as loopback
    lines = [
        f"nelm-cds on http://{shown}:{port}",
        f"  demo patients       http://{shown}:{port}/",
        f"  CDS Hooks discovery http://{shown}:{port}/cds-services",
        "  OPEN: callers are not authenticated. Development only; never with real patients.",
    ]
    lines += [f"  {name} has no effect in this version" for name in settings.ignored]
    sys.stderr.write("\n".join(lines) + "\n")
    uvicorn.run(create_app(settings), host=host, port=port, log_level="warning", access_log=False)
