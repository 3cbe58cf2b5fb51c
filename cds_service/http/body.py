"""Reading a request body within a limit, and only if it says that it is JSON."""

from __future__ import annotations

from starlette.requests import Request

from cds_service.errors import BodyTooLarge, NotJson


async def read_json_body(request: Request, limit: int) -> bytes:
    """The body as bytes; stops reading at the limit, whatever Content-Length says.

    Raises NotJson for a content type that is not JSON (none at all is taken as JSON), BodyTooLarge beyond the limit.
    """
    content_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if content_type != "application/json" and not content_type.endswith("+json"):
        raise NotJson("Send the request as application/json.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The body is larger than {limit // (1024 * 1024)} MiB. Send less, or raise NELM_CDS_MAX_BODY_MB."
    )
