"""Reading a request body within a limit, and only if it says that it is JSON."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from cds_service.errors import BodyTooLarge, BodyTooSlow, CallerGone, NotJson

# What 32 MiB take on a slow hospital line, with room to spare; who dribbles longer holds a connection for nothing.
_SECONDS = 30


async def read_json_body(request: Request, limit: int) -> bytes:
    """The body as bytes; stops reading at the limit, whatever Content-Length says.

    Raises NotJson for a content type that is not JSON (none at all is taken as JSON) or a compressed body, BodyTooLarge
    beyond the limit, BodyTooSlow if it has not arrived within half a minute, CallerGone if it never will.
    """
    headers: dict[bytes, bytes] = dict(reversed(request.scope["headers"]))  # of two, the first counts
    content_type = headers.get(b"content-type", b"application/json").partition(b";")[0].strip().lower()
    if content_type != b"application/json" and not content_type.endswith(b"+json"):
        raise NotJson("Send the request as application/json.")
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise NotJson("Send the request without a content encoding.")
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(_SECONDS):
            return await _read(request, limit)
    except TimeoutError as error:
        raise BodyTooSlow(f"The body did not arrive within {_SECONDS} seconds.") from error


async def _read(request: Request, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise CallerGone("The caller hung up.")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The body is larger than {limit // (1024 * 1024)} MiB. Send less, or raise NELM_CDS_MAX_BODY_MB."
    )
