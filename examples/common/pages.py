"""The page at `/`: its files, and what the browser may do with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_MEDIA_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_FIRST = "index.html"

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def routes(folder: Path) -> list[Route]:
    """The routes of the page whose files are in `folder`: `index.html` is at `/`, others by their names."""
    files = sorted(path for path in folder.iterdir() if path.suffix in _MEDIA_TYPES)
    return [Route("/" if path.name == _FIRST else f"/{path.name}", _file(path)) for path in files]


def _file(path: Path) -> Callable[[Request], Awaitable[Response]]:
    body, media_type = path.read_bytes(), _MEDIA_TYPES[path.suffix]

    async def answer(_: Request) -> Response:
        return Response(body, media_type=media_type, headers=_HEADERS)

    return answer
