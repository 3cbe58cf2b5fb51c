"""`nelm-cds serve`: one process in the foreground; more of them, one a core, stand behind a proxy."""

from __future__ import annotations

import gc
import socket
import sys
from contextlib import nullcontext
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from cds_service.app import create_app
from cds_service.cli.memory import keep_what_is_given_back
from cds_service.cli.migrate import prepare
from cds_service.cli.record import Recorder
from cds_service.clock import now
from cds_service.http.connection import LimitedProtocol
from cds_service.http.copied import CopiedCalls
from cds_service.http.warm_up import warm_up
from cds_service.settings import PREFIX, Settings
from cds_service.telemetry.logs import configure as configure_logs

_COLLECT_AFTER = 50_000  # new objects


def run(settings: Settings, host: str, port: int, record: Path | None = None) -> int:
    """Serve until interrupted or terminated, calls in flight finished first; 1 if the address cannot be listened on.

    Says on standard error where to look, and loudly if nobody is authenticated.
    """
    keep_what_is_given_back()
    if (problem := prepare(settings)) is not None:
        sys.stderr.write(f"nelm-cds: {problem}\n")
        return 1
    try:
        listening = _listen(host, port)
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no such name"
        sys.stderr.write(f"nelm-cds: cannot listen on {host} port {port}: {why}; choose another --host or --port\n")
        return 1
    recorder = Recorder(record, settings, now) if record is not None else None
    with listening, recorder or nullcontext():
        banner = _banner(settings, host, listening.getsockname()[1]) + ([recorder.warning] if recorder else [])
        configure_logs(sys.stderr)
        gc.disable()
        app: ASGIApp = create_app(settings)
        if recorder is not None:
            app = CopiedCalls(app, recorder.keep, settings.max_body_bytes)
        warm_up()
        # What is loaded by now stays for good: the garbage collector need not look at it, not even once.
        gc.freeze()
        # What a call makes is gone with it, nearly all without the collector, which need not look after each call.
        gc.set_threshold(_COLLECT_AFTER)
        gc.enable()
        config = uvicorn.Config(
            app,
            loop="uvloop" if sys.platform != "win32" else "auto",
            http=LimitedProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            # A call may be waiting for its FHIR server; none takes longer than that budget and a moment to answer.
            timeout_graceful_shutdown=int(settings.fhir_budget_seconds) + 5,
        )
        _Server(config, banner).run(sockets=[listening])
    return 0


class _Server(uvicorn.Server):
    """uvicorn's server, which says where it is once it answers there."""

    def __init__(self, config: uvicorn.Config, banner: list[str]) -> None:
        super().__init__(config)
        self._banner = banner

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to answer, and say so."""
        await super().startup(sockets)
        if self.started:
            sys.stderr.write("\n".join(self._banner) + "\n")
            sys.stderr.flush()


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError:
        listening.close()
        raise
    return listening


def _banner(settings: Settings, host: str, port: int) -> list[str]:
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - only compared, and shown as loopback
    address = f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
    lines = [f"nelm-cds on {address}"]
    if not settings.production:
        lines.append(f"  playground          {address}/")
    lines.append(f"  CDS Hooks discovery {address}/cds-services")
    if settings.clients:
        names = ", ".join(client.name for client in settings.clients)
        lines.append(f"  signed calls only, for {settings.public_url}: {names}")
    else:
        lines.append("  OPEN: callers are not authenticated. Development only; never with real patients.")
    lines += [f"  {name} has no effect: {PREFIX}CLIENTS names each client's servers" for name in settings.ignored]
    return lines
