"""Reading a request body within a limit, and only if it says that it is JSON."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

from cds_service.errors import BodyTooLarge, BodyTooSlow, CallerGone, NotJson

# What 32 MiB take on a slow hospital line, with room to spare; who dribbles longer holds a connection for nothing.
_SECONDS = 30


async def read_json_body(request: Request, limit: int) -> bytes:
    """The body as bytes; stops reading at the limit, whatever Content-Length says.

    Raises NotJson for a content type that is not JSON (none at all is taken as JSON) or a compressed body, BodyTooLarge
    beyond the limit, BodyTooSlow if it has not arrived within half a minute, CallerGone if it never will.
    """
    content_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if content_type != "application/json" and not content_type.endswith("+json"):
        raise NotJson("Send the request as application/json.")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise NotJson("Send the request without a content encoding.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(_SECONDS):
            return await _read(request, limit)
    except TimeoutError as error:
        raise BodyTooSlow(f"The body did not arrive within {_SECONDS} seconds.") from error


async def _read(request: Request, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise _too_large(limit)
            chunks.append(chunk)
    except ClientDisconnect as error:
        raise CallerGone("The caller hung up.") from error
    return b"".join(chunks)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The body is larger than {limit // (1024 * 1024)} MiB. Send less, or raise NELM_CDS_MAX_BODY_MB."
    )
