"""Runs sekmet-fhir, with the python of its own environment: `run_fhir_server.py FOLDER TOKEN`; ends with its input.

Prints the base address once it listens. A loopback port of the system's choice, no simulator, no traffic log.
"""

from __future__ import annotations

import os
import socket
import sys
import threading

import uvicorn
from sekmet.config import ServerAuth, Settings, SimulatorSettings, ValidationSettings
from sekmet.main import create_app


def main(folder: str, token: str) -> None:
    """Serve until standard input is closed, so that no server outlives the tests."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(64)
    base = f"http://127.0.0.1:{listening.getsockname()[1]}/fhir"
    settings = Settings(
        base_url=base,
        host="127.0.0.1",
        data_dir=folder,
        server_auth=ServerAuth(types=["bearer"], tokens=[token]),
        simulator=SimulatorSettings(enabled=False),
        validation=ValidationSettings(inbound="off"),
        log_inbound=False,
    )
    app = create_app(settings)
    # Its searches by date go through every row of a type without this.
    app.state.ctx.store.conn.execute("CREATE INDEX IF NOT EXISTS idx_sorted ON idx(type, id, param, lo)")
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    print(base, flush=True)
    server.run(sockets=[listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
