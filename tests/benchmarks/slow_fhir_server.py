"""A FHIR server that takes its time: one story, every answer after 100 ms, and silence where it is told to be silent.

A process of its own, so that its work is not counted as ours: `slow_fhir_server.py PORT STORY`; ends with its input.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import requests
import uvicorn

from tests.support.stories import Story, story

ANSWERS_AFTER = 0.1
_NOTHING = {"resourceType": "Bundle", "type": "searchset", "total": 0, "entry": []}


class SlowServer:
    """The application; `POST /silence` names a text, and what is asked with it in its address or form hangs."""

    def __init__(self, told: Story) -> None:
        self._silent_on = b""
        prefetch = told.request["prefetch"]
        entries = [entry for value in prefetch.values() if value for entry in value.get("entry", ())]
        self._answers = {f"Patient/{told.patient_id}": orjson.dumps(prefetch["patient"])}
        for resource_type in {entry["resource"]["resourceType"] for entry in entries}:
            found = [entry for entry in entries if entry["resource"]["resourceType"] == resource_type]
            self._answers[resource_type] = orjson.dumps(_NOTHING | {"total": len(found), "entry": found})

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request, or never."""
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if scope["path"] == "/silence":
            self._silent_on = body
            await _answer(send, b"{}")
            return
        if self._silent_on and self._silent_on in scope["raw_path"] + b"?" + scope["query_string"] + body:
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        await asyncio.sleep(ANSWERS_AFTER)
        asked = scope["path"].removeprefix("/fhir/").removesuffix("/_search")
        await _answer(send, self._answers.get(asked) or orjson.dumps(_NOTHING))


async def _answer(send: Any, body: bytes) -> None:
    headers = [(b"content-type", b"application/fhir+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def slow_fhir_server(port: int, story_name: str) -> Iterator[str]:
    """The server as a process of its own; gives its address once it listens, and closes its port at the end."""
    command = [sys.executable, str(Path(__file__)), str(port), story_name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise RuntimeError("the FHIR server did not start")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def be_silent_on(server: str, text: str) -> None:
    """Leave unanswered from now on whatever holds the text; nothing if it is empty."""
    requests.post(f"{server}/silence", data=text.encode(), timeout=10).raise_for_status()


def main(port: str, story_name: str) -> None:
    """Serve until standard input is closed, so that the server does not outlive the benchmark."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", int(port)))
        listening.listen(2048)
        config = uvicorn.Config(SlowServer(story(story_name)), lifespan="off", log_level="error", access_log=False)
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
        print("listening", flush=True)
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(*sys.argv[1:])
