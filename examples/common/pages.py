"""The page at `/`: its files, and what the browser may do with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_FILES = {
    "/": ("index.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
}

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def routes(folder: Path) -> list[Route]:
    """The routes of the page whose files are in `folder`."""
    return [Route(path, _file(folder / name, media_type)) for path, (name, media_type) in _FILES.items()]


def _file(path: Path, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    body = path.read_bytes()

    async def answer(_: Request) -> Response:
        return Response(body, media_type=media_type, headers=_HEADERS)

    return answer
