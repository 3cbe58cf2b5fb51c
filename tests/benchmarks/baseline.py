"""The least that a service does with a hook's request: parse all of it, count the entries, answer one fixed card.

Served by the same server with the same options as ours, in a process of its own: `baseline.py PORT`.
"""

from __future__ import annotations

import gc
import sys

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.support.service import SERVICE

_CARD = {"summary": "A card", "indicator": "info", "source": {"label": "Baseline"}, "detail": "One fixed card."}


async def _answer(request: Request) -> Response:
    prefetch = orjson.loads(await request.body())["prefetch"]
    counted = sum(len(value.get("entry", ())) for value in prefetch.values() if value)
    return _json({"cards": [_CARD] if counted else []})


async def _health(request: Request) -> Response:
    return _json({"status": "ok"})


def _json(body: object) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")


def main(port: str) -> None:
    """Serve until terminated."""
    app = Starlette(
        routes=[
            Route(SERVICE, _answer, methods=["POST"]),
            Route("/healthz", _health),
            Route("/readyz", _health),
        ]
    )
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)  # as the service does
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=int(port),
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
