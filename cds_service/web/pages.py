"""The built pages and their assets, read once, and the headers that let a browser do with them only what they need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.exceptions import HTTPException
from starlette.responses import Response

_STATIC = "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
_HASHED = re.compile(r"[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+")
_COMMON = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src {connect}; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {framed_by}"
)
_OFF = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
_NOT_BUILT = (
    "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>nelm-cds</title></head><body><main>"
    "<h1>nelm-cds</h1><p>The pages are not built: run <code>make ui</code>. The service itself is at "
    "<code>/cds-services</code>.</p></main></body></html>"
)


class Pages:
    """The files of `static`; whatever is not among them does not exist, so no path leads out of the folder."""

    def __init__(self, folder: Traversable | None = None) -> None:
        folder = files("cds_service.web") / _STATIC if folder is None else folder
        self._pages = _read(folder)
        self._assets = _read(folder / "assets")

    def page(self, name: str, connect: Iterable[str] = (), framed_by: Iterable[str] = ()) -> Response:
        """One page: the origins that it may call beside its own, and those that may show it in a frame.

        503 where it was not built.
        """
        built = self._pages.get(f"{name}.html")
        policy = _POLICY.format(connect=" ".join(("'self'", *connect)), framed_by=" ".join(framed_by) or "'none'")
        headers = {
            **_COMMON,
            "Cache-Control": "no-cache",
            "Content-Security-Policy": policy,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _OFF),
            "Content-Type": _TYPES[".html"],
        }
        return Response(_NOT_BUILT, 503, headers) if built is None else Response(built, headers=headers)

    def asset(self, name: str) -> Response:
        """One asset; kept by the browser for good where its name holds its hash. HTTPException 404 for any other."""
        content = self._assets.get(name)
        if content is None:
            raise HTTPException(404)
        kept = "public, max-age=31536000, immutable" if _HASHED.search(name) else "no-cache"
        kind = _TYPES.get(name[name.rfind(".") :], "application/octet-stream")
        return Response(content, headers={**_COMMON, "Cache-Control": kept, "Content-Type": kind})


def _read(folder: Traversable) -> Mapping[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()} if folder.is_dir() else {}
